import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retrieverkit.reading import split
from retrieverkit_core.errors import InvalidDocumentError, OptionError
from retrieverkit_core.nodes import Document, NodeRelationship

PIECES = [
    "word ",
    "Ünïcode. ",
    "👩‍👩‍👧‍👦",
    "é",
    "\r\n",
    "\n\n",
    "\n",
    "# Head\n",
    "```\n",
    "\0",
    "  ",
    "\u2028",
    "漢字。",
    "a" * 50,
    "\f",
]
texts = st.lists(
    st.sampled_from(PIECES) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=60
).map("".join)


@given(texts, st.integers(1, 40), st.integers(0, 20), st.booleans(), st.booleans())
@example(text="\n" * 200, size=1, overlap=0, markdown=False, paged=True)
@settings(max_examples=3 * settings.default.max_examples)
def test_nodes_are_true_slices_and_only_white_space_is_between_them(text, size, overlap, markdown, paged):
    overlap = min(overlap, size // 2)
    metadata = {"path": "notes/a.md" if markdown else "a.txt"}
    if paged:
        metadata["pages"] = text.count("\f") + 1
    document = Document(text, id="d", metadata=metadata)
    nodes = split(document, chunk_size=size, overlap=overlap)

    if not text.strip():
        assert [node.text for node in nodes] == [text]
        return
    covered = bytearray(len(text))
    for node in nodes:
        assert node.text == text[node.start_char_idx : node.end_char_idx]
        assert node.ref_doc_id == "d"
        assert len(node.text) <= 3 * size
        covered[node.start_char_idx : node.end_char_idx] = b"1" * len(node.text)
        if paged:
            page = text[: node.start_char_idx].count("\f") + 1
            assert node.metadata["page"] == page
            assert "\f" not in node.text or len(nodes) == 1
    assert not "".join(char for char, seen in zip(text, covered) if not seen).strip()
    assert [n.start_char_idx for n in nodes] == sorted(n.start_char_idx for n in nodes)
    assert len({n.id for n in nodes}) == len(nodes) >= 1
    assert [n.next_node for n in nodes] == [n.id for n in nodes[1:]] + [None]
    assert [n.prev_node for n in nodes] == [None] + [n.id for n in nodes[:-1]]
    if overlap == 0:
        assert all(a.end_char_idx <= b.start_char_idx for a, b in zip(nodes, nodes[1:]))
    if len(nodes) > 1:
        assert [n.metadata["position"] for n in nodes] == list(range(len(nodes)))
        if not paged:
            assert all(len(n.text) <= size for n in nodes)
    assert split(document, chunk_size=size, overlap=overlap) == nodes


@given(st.lists(st.sampled_from(["a", "a#0", "a#1", "a#0#0", "a#x"]), unique=True), st.data())
def test_nodes_of_different_documents_never_share_an_id(ids, data):
    nodes = []
    for document_id in ids:
        text = data.draw(st.sampled_from(["short", "longer text " * 3]))
        nodes += split(Document(text, id=document_id), chunk_size=8)
    assert len({node.id for node in nodes}) == len(nodes)


@pytest.mark.parametrize("text", ["", " \n", "short", "x " * 1500])
def test_a_short_document_is_one_node_with_its_own_id_and_text(text):
    (node,) = split(Document(text, id="a", metadata={"year": 1961}))
    assert (node.id, node.text, node.metadata) == ("a", text, {"year": 1961})
    assert node.relationships == {NodeRelationship.SOURCE: "a"}


def test_long_text_is_cut_where_it_pauses():
    paragraphs = [f"Paragraph {i}. " + "It goes on for a while. " * 20 for i in range(12)]
    nodes = split(Document("\n\n".join(paragraphs), id="a"), chunk_size=600)
    assert [node.text for node in nodes] == [paragraph.strip() for paragraph in paragraphs]


def test_markdown_is_cut_at_its_headings():
    sections = [f"# Head {i}\n\n" + "\n\n".join(["Some words here."] * 5) for i in range(10)]
    document = Document("\n\n".join(sections), id="a", metadata={"path": "a.md"})
    assert [node.text for node in split(document, chunk_size=150)] == sections


def test_own_fields_of_a_document_are_kept():
    document = Document("word " * 50, id="a", metadata={"position": "left", "page": 7, "pages": 1})
    assert {(n.metadata["position"], n.metadata["page"]) for n in split(document, chunk_size=20)} == {("left", 7)}


def test_ten_megabytes_in_one_line_are_cut_whole():
    text = "lorem ipsum " * 850_000
    nodes = split(Document(text, id="a"))
    assert "".join(node.text for node in nodes).replace(" ", "") == text.replace(" ", "")
    assert max(len(node.text) for node in nodes) <= 1_200


@pytest.mark.parametrize("unit", ["word ", "A sentence of words. ", "a", "line\n", "# Head\n\nText goes here.\n\n"])
@pytest.mark.parametrize("overlap", [0, 70, 100])
@pytest.mark.parametrize("path", ["a.md", "a.txt"])
def test_a_text_of_many_blocks_is_covered(unit, overlap, path):
    text = unit * (100_000 // len(unit))
    nodes = split(Document(text, metadata={"path": path}), chunk_size=200, overlap=overlap)
    reached = 0
    for before, node in zip([None, *nodes], nodes):
        assert not text[reached : node.start_char_idx].strip()
        assert len(node.text) <= 200 and node.end_char_idx > reached
        assert before is None or before.start_char_idx <= node.start_char_idx
        assert reached - node.start_char_idx <= overlap
        reached = node.end_char_idx
    assert not text[reached:].strip()


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (-1, 0), (10, 6), (10, -1)])
def test_bad_sizes_are_refused(size, overlap):
    with pytest.raises(OptionError):
        split(Document("text"), chunk_size=size, overlap=overlap)


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(InvalidDocumentError):
        split(Document("\ud83d"))
