"""``retriever similar``."""

import json
import re

import pytest

from retrieverkit import Document, Index, Node

pytestmark = pytest.mark.searches

TOPICS = {"pump": "coolant pump valve inlet", "bread": "dough oven yeast flour", "moon": "lander crater orbit dust"}


@pytest.fixture
def index(tmp_path):
    """Three documents on each of three topics, of three years."""
    documents = [
        Document(f"{topic} {number}: {words}. {words.split()[number]}.", f"{topic}{number}", {"year": 2020 + number})
        for topic, words in TOPICS.items()
        for number in range(3)
    ]
    Index.from_documents(documents, tmp_path / "ix").close()
    return tmp_path / "ix"


def ids(done):
    return [hit["ref_doc_id"] or hit["node_id"] for hit in json.loads(done.stdout)["hits"]]


@pytest.mark.parametrize("mode", ["bm25", None])
def test_neighbours_come_first_and_never_the_document_itself(retriever, index, mode):
    how = ["-m", mode] if mode else []
    for topic in TOPICS:
        for number in range(3):
            near = ids(retriever("similar", f"{topic}{number}", "-i", index, "-k", 8, "--json", *how))
            assert {doc_id[:-1] for doc_id in near[:2]} == {topic}
            assert f"{topic}{number}" not in near and len(near) == len(set(near)) >= 2


def test_filters_and_scope_hold_also_for_what_is_named(retriever, index):
    found = retriever("similar", "pump0", "-i", index, "-f", "year >= 2022", "--json")
    assert ids(found)[0] == "pump2" and set(ids(found)) <= {"pump2", "bread2", "moon2"}
    assert json.loads(found.stdout)["similar_to"] == "pump0"
    found = retriever("similar", "pump0", "-i", index, "--scope", "year <= 2021", "--json")
    assert ids(found)[0] == "pump1" and not {"pump0", "pump2"} & set(ids(found))
    outside = retriever("similar", "pump2", "-i", index, "--scope", "year <= 2021", code=2).stderr
    nowhere = retriever("similar", "pump9", "-i", index, "--scope", "year <= 2021", code=2).stderr
    assert outside.replace("pump2", "") == nowhere.replace("pump9", ""), "there, and outside of the scope, is not there"


def test_no_option_is_dropped_beside_a_config(retriever, index, tmp_path):
    (tmp_path / "a.toml").write_text('mode = "bm25"\n')
    for given in (("--embedding", "hash"), ("-o", "embedding=hash")):
        told = retriever("similar", "pump0", "-i", index, "-c", "a.toml", *given, code=1).stderr
        assert "mode 'bm25' has no option 'embedding'" in told
    (tmp_path / "b.toml").write_text('mode = "vector"\n')
    found = retriever("similar", "pump0", "-i", index, "-c", "b.toml", "--embedding", "hash", "--json")
    assert any("hash" in note for note in json.loads(found.stdout)["notes"])


def test_a_file_of_several_documents_names_and_counts_those_in_scope_alone(retriever, tmp_path):
    rows = [{"id": f"r{n}", "text": f"pump valve {n}", "tenant": "a" if n < 3 else "b"} for n in range(5)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    retriever("index", "rows.jsonl", "-i", "ix")
    whole = retriever("similar", "rows.jsonl", "-i", "ix", code=2).stderr
    assert "5 documents" in whole
    inside = retriever("similar", "rows.jsonl", "-i", "ix", "--scope", "tenant == 'b'", code=2).stderr
    assert "2 documents" in inside and not {"r0", "r1", "r2"} & set(re.findall(r"\w+", inside))
    outside = retriever("similar", "rows.jsonl", "-i", "ix", "--scope", "tenant == 'c'", code=2).stderr
    assert "neither a document nor a node nor a file" in outside


def test_a_file_is_named_by_its_path_and_a_part_of_it_by_a_line(retriever, tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    parts = [" ".join([word] * 400) for word in ("valve", "yeast", "crater")]
    (folder / "long.txt").write_text("\n\n".join(parts))
    for name, words in TOPICS.items():
        (folder / f"{name}.txt").write_text(words)
    retriever("index", folder, "-i", "ix")
    with Index.open(tmp_path / "ix") as opened:
        assert len(opened) > 4, "the long one is cut"
    for line, near in ((1, "pump"), (3, "bread"), (5, "moon")):
        found = json.loads(retriever("similar", f"notes/long.txt:{line}", "-i", "ix", "-m", "bm25", "--json").stdout)
        best = [hit["label"] for hit in found["hits"] if hit["label"] != "notes/long.txt"]
        assert best == [f"notes/{near}.txt"]
    whole = json.loads(retriever("similar", folder / "long.txt", "-i", "ix", "-m", "bm25", "--json").stdout)
    assert sorted(hit["label"] for hit in whole["hits"]) == ["notes/bread.txt", "notes/moon.txt", "notes/pump.txt"]
    assert "has 5 lines" in retriever("similar", "notes/long.txt:6", "-i", "ix", code=2).stderr


def test_what_cannot_be_named_is_an_error(retriever, notes):
    retriever("index", notes, "-i", "ix")
    assert "holds 2 documents" in retriever("similar", "notes/moon.jsonl", "-i", "ix", code=2).stderr
    told = retriever("similar", "no\x1b[2Jthing", "-i", "ix", code=2).stderr
    assert "neither a document nor a node nor a file" in told and "\x1b" not in told


def test_nodes_without_a_text_of_their_own_find_nothing(retriever, tmp_path):
    Index.from_nodes([Node(text=" ", id="blank"), Node(text="moon", id="moon")], tmp_path / "ix").close()
    assert ids(retriever("similar", "blank", "-i", "ix", "-m", "bm25", "--json")) == []


def test_documents_do_not_speak_to_the_terminal(retriever, tmp_path):
    texts = {"a\x1b[1m": "moon \x1b]0;title\x07 crater", "b": "moon crater"}
    Index.from_documents([Document(text, doc_id) for doc_id, text in texts.items()], tmp_path / "ix").close()
    shown = retriever("similar", "b", "-i", "ix", "-m", "bm25").stdout
    assert "\\x1b]0;title\\x07" in shown and not {"\x1b", "\x07"} & set(shown)
