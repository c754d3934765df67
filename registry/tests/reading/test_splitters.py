"""Splitters by name: every cutting is all of the text once, and its relationships lead where they say."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retrieverkit import Document, Index
from retrieverkit.reading.splitters import splitter_of
from retrieverkit_core.errors import ConfigError, InvalidDocumentError

WORDS = ["word ", "Dr. Who. ", "Is it? ", "漢字。", "é", "\n\n", "\r\n", "# Head\n", "a" * 30, " ", "\0", "\f", "```\n"]
texts = st.lists(st.sampled_from(WORDS), max_size=60).map("".join)


def checked_slices(document, nodes, paged):
    """All of the text is in the nodes, in order, and nothing but white space between them."""
    at, text = 0, document.text
    for node in nodes:
        assert node.text == text[node.start_char_idx : node.end_char_idx]
        assert not text[at : node.start_char_idx].strip()
        assert at <= node.start_char_idx
        at = node.end_char_idx
        if paged and text.strip():
            assert node.metadata["page"] == text[: node.start_char_idx].count("\f") + 1
            assert "\f" not in node.text
    assert not text[at:].strip()


@given(texts, st.lists(st.integers(2, 60), min_size=2, max_size=4, unique=True), st.booleans(), st.booleans())
@example(text="", sizes=[9, 3], markdown=False, paged=False)
@example(text="\f", sizes=[9, 3], markdown=False, paged=True)
def test_every_cutting_of_a_hierarchy_is_all_of_the_text_once(text, sizes, markdown, paged):
    sizes = sorted(sizes, reverse=True)
    metadata = {"path": "a.md" if markdown else "a.txt"} | ({"pages": text.count("\f") + 1} if paged else {})
    document = Document(text, id="d", metadata=metadata)
    nodes = splitter_of(f"hierarchical(sizes={sizes})")(document)
    by_id = {node.id: node for node in nodes}
    assert len(by_id) == len(nodes)
    assert [node.id for node in nodes] == (["d"] if len(nodes) == 1 else [f"d#{n}" for n in range(len(nodes))])
    for level, size in enumerate(reversed(sizes)):
        cutting = [n for n in nodes if n.metadata["node_level"] <= level <= n.metadata["node_top"]]
        checked_slices(document, cutting, paged)
        assert all(len(node.text) <= size for node in cutting) or not text.strip()
        places = {node.id: at for at, node in enumerate(cutting)}
        for node in cutting:
            if node.metadata["node_level"] == level:
                at = places[node.id]
                assert node.prev_node == (cutting[at - 1].id if at else None)
                assert node.next_node == (cutting[at + 1].id if at + 1 < len(cutting) else None)
    for node in nodes:
        assert bool(node.child_nodes) == (node.metadata["node_level"] > 0)
        assert (node.parent_node is None) == (node.metadata["node_top"] == len(sizes) - 1)
        for child in node.child_nodes:
            assert by_id[child].parent_node == node.id
            assert by_id[child].metadata["node_top"] == node.metadata["node_level"] - 1
            assert node.start_char_idx <= by_id[child].start_char_idx <= by_id[child].end_char_idx <= node.end_char_idx


@given(texts, st.booleans())
@example(text="x" * 5000, paged=False)
@example(text="x " * 5000, paged=False)
def test_sentences_are_all_of_the_text_once(text, paged):
    document = Document(text, id="d", metadata={"pages": text.count("\f") + 1} if paged else {})
    nodes = splitter_of("sentences")(document)
    checked_slices(document, nodes, paged)
    if text.strip():
        assert all(node.text == node.text.strip() and 0 < len(node.text) <= 1200 for node in nodes)
        assert [n.next_node for n in nodes] == [n.id for n in nodes[1:]] + [None]


def test_sentences_know_abbreviations():
    nodes = splitter_of("sentences")(Document("Dr. Smith sleeps. The inlet freezes!", id="d"))
    assert [node.text for node in nodes] == ["Dr. Smith sleeps.", "The inlet freezes!"]


def test_an_index_keeps_to_its_splitter(tmp_path):
    text = "The inlet freezes. " * 100
    with Index.create(tmp_path / "a.rk", splitter="hierarchical(sizes=[600, 200])") as index:
        index.add(Document(text, id="d"))
        levels = {node.metadata["node_level"] for node in index}
        assert levels == {0, 1}
    with Index.open(tmp_path / "a.rk") as index:
        assert index.settings.splitter == "hierarchical(sizes=[600, 200])"
        index.configure(language="de")
        assert index.settings.splitter == "hierarchical(sizes=[600, 200])"
        (tmp_path / "b.txt").write_text(text)
        index.add_files(tmp_path / "b.txt")
        of_file = [node for node in index if node.ref_doc_id != "d"]
        assert {node.metadata["node_level"] for node in of_file} == {0, 1}
        assert index.add(Document(text, id="d")).unchanged == ("d",)
        assert not index.check().problems
    with Index.from_documents([Document("x", id="d")], splitter="pieces") as index:
        assert index.settings.splitter == ""


def test_what_is_not_a_splitter_is_refused(tmp_path):
    for wrong in [
        "hierarchic",
        "hierarchical(sizes=[5, 5])",
        "hierarchical(sizes=[5])",
        "pieces(chunk=3)",
        "sentences(a)",
        "pieces(chunk_size=10, overlap=9)",
        "sentences(language='klingon')",
        "sentences(language='')",
    ]:
        with pytest.raises(ConfigError):
            Index.create(tmp_path / "a.rk", splitter=wrong)
        assert not (tmp_path / "a.rk").exists()
    with (
        Index.create(tmp_path / "b.rk", splitter="hierarchical") as index,
        pytest.raises(InvalidDocumentError, match="node_level"),
    ):
        index.add(Document("x", id="d", metadata={"node_level": 3}))


def test_the_command_makes_an_index_with_a_splitter_and_refuses_another(tmp_path, monkeypatch, capsys):
    from retrieverkit.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("The inlet freezes. The pump stops.")

    def run(*words):
        return main(["index", "a.txt", "--index", "a.rk", *words])

    assert run("--splitter", "sentences") == 0
    assert run("--splitter", "sentences") == run() == 0
    assert run("--splitter", "hierarchical") != 0
    assert "cuts documents by 'sentences'" in capsys.readouterr().err.replace("\n", " ")
    with Index.open("a.rk") as index:
        assert [node.text for node in index] == ["The inlet freezes.", "The pump stops."]
