"""``retriever index``, ``reindex`` and ``doctor --index``."""

import json
import os

import pytest

from retrieverkit import Index

pytestmark = pytest.mark.searches


def test_changes_are_told_and_only_they_are_read(retriever, notes):
    first = retriever("index", notes, "--index", "ix").stdout
    assert "4 documents added (3 files read, 0 unchanged)" in first and "ready to search in ix" in first
    assert "  + m1" in first.splitlines()
    (notes / "fusion.md").write_text("other")
    (notes / "moon.jsonl").unlink()
    (notes / "new.txt").write_text("new")
    told = retriever("index", notes, "--index", "ix").stdout.splitlines()
    assert "1 document added, 1 document changed, 2 documents removed (2 files read, 1 unchanged)" in told
    assert {"  - m1", "  + notes/new.txt", "  ~ notes/fusion.md"} <= set(told)


def test_long_lists_are_cut(retriever, tmp_path):
    rows = "".join(json.dumps({"_id": str(n), "text": "x"}) + "\n" for n in range(1_234))
    (tmp_path / "rows.jsonl").write_text(rows)
    told = retriever("index", "rows.jsonl", "--index", "ix").stdout.splitlines()
    assert "  + … and 1,224 more" in told and len(told) == 13


def test_files_that_cannot_be_read_are_named_and_the_rest_go_in(retriever, notes, tmp_path):
    (notes / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing else")
    (notes / "torn.jsonl").write_text('{"text": "whole"}\n{"text": ')
    done = retriever("index", notes, tmp_path / "nowhere", "--index", "ix", code=3)
    assert done.stderr.count("not read: ") == 3
    assert "broken.pdf" in done.stderr and "torn.jsonl" in done.stderr and "nowhere" in done.stderr
    told = json.loads(retriever("index", notes, "--index", "ix", "--json", code=3).stdout)
    assert (told["errors"], told["failed_before"], told["unchanged_files"]) == (
        [],
        ["notes/broken.pdf", "notes/torn.jsonl"],
        3,
    )
    again = retriever("index", notes, "--index", "ix", code=3)
    assert "2 files that could not be read before and have not changed since" in again.stderr
    assert "--retry" in again.stderr and again.stderr.count("broken.pdf") == 1
    retried = retriever("index", notes, "--index", "ix", "--retry", code=3)
    assert retried.stderr.count("not read: ") == 2 and "broken.pdf" in retried.stderr
    assert retriever("search", "whole", "--index", "ix").stdout.startswith("1 hit")


def test_no_index_is_made_of_nothing_or_over_other_files(retriever, notes, tmp_path):
    assert "no index was made" in retriever("index", "nowhere", "--index", "ix", code=1).stderr
    assert not (tmp_path / "ix").exists()
    assert "holds other files" in retriever("index", notes, "--index", notes / "deep", code=1).stderr
    assert "is a file" in retriever("index", notes, "--index", notes / "fusion.md", code=1).stderr
    assert "usage: retriever index" in retriever("index", "--index", "ix", code=2).stderr


def test_an_index_inside_of_the_indexed_folder_does_not_index_itself(retriever, notes):
    retriever("index", notes, "--index", notes / "ix")
    assert "nothing changed (0 files read, 3 unchanged)" in retriever("index", notes, "--index", notes / "ix").stdout


def test_reindex_rebuilds_what_is_derived_and_keeps_the_documents(retriever, notes, tmp_path):
    retriever("index", notes, "--index", "ix")
    before = json.loads(retriever("search", "moon", "--index", "ix", "--json").stdout)["hits"]
    assert retriever("reindex", "--index", "ix").stdout.startswith("rebuilt ix")
    assert json.loads(retriever("search", "moon", "--index", "ix", "--json").stdout)["hits"] == before
    assert "there is no index" in retriever("reindex", "--index", "nowhere", code=1).stderr
    assert not (tmp_path / "nowhere").exists()


def test_the_embedding_that_is_named_is_kept(retriever, notes, tmp_path):
    chosen = {"RETRIEVERKIT_EMBEDDING": ""}
    made = retriever("index", notes, "-i", "ix", "--embedding", "hash(dimensions=32)", **chosen).stdout
    ready = " ".join(made[made.index("ready to search") :].split())
    assert "embedding: hash(dimensions=32)" in ready
    assert "embedding: hash(dimensions=32)" in " ".join(retriever("reindex", "-i", "ix", **chosen).stdout.split())
    assert (tmp_path / "ix" / "embedding").read_text() == "hash(dimensions=32)\n"
    again = retriever("search", "moon", "-i", "ix", "-m", "vector", "--explain", **chosen)
    assert "hash(dimensions=32)" in again.stdout


def test_an_index_that_has_another_embedding_refuses_a_new_one_and_says_what_to_do(retriever, notes, tmp_path):
    chosen = {"RETRIEVERKIT_EMBEDDING": ""}
    retriever("index", notes, "-i", "ix", "--embedding", "lsa", **chosen)
    retriever("index", notes, "-i", "ix", "--embedding", "lsa()", **chosen)
    (notes / "later.txt").write_text("moon landing")
    told = retriever("index", notes, "-i", "ix", "--embedding", "hash(dimensions=32)", code=1, **chosen)
    assert "has the embedding" in told.stderr and "fix: make another index" in told.stderr
    assert "later.txt" not in told.stdout and "later.txt" not in retriever("ls", "-i", "ix").stdout
    (tmp_path / "ix" / "embedding").unlink()
    done = retriever("index", notes, "-i", "ix", "--embedding", "hash(dimensions=32)", **chosen)
    assert "embedding: hash(dimensions=32)" in " ".join(done.stdout.split())
    assert "warning" not in done.stderr


@pytest.mark.parametrize(
    ("named", "variable", "told"),
    [
        ("hahs", "", "hahs"),
        ("hash(dimension=3)", "", "dimension"),
        ("hash(", "", "never closed"),
        ("hash", "lsa", "unset RETRIEVERKIT_EMBEDDING"),
    ],
)
def test_an_embedding_that_cannot_be_kept_makes_no_index(retriever, notes, tmp_path, named, variable, told):
    done = retriever("index", notes, "-i", "ix", "--embedding", named, code=1, RETRIEVERKIT_EMBEDDING=variable)
    assert told in done.stderr
    assert not (tmp_path / "ix").exists()


def test_doctor_finds_a_flipped_bit_and_a_search_mends_it(retriever, notes, tmp_path):
    retriever("index", notes, "--index", "ix")
    assert "4 documents, 4 nodes" in retriever("doctor", "-i", "ix").stdout
    largest = max((p for p in (tmp_path / "ix" / "derived").rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[len(data) // 2] ^= 1
    os.chmod(largest, 0o600)
    largest.write_bytes(data)
    told = retriever("doctor", "--index", "ix", code=1).stdout
    assert "problem: " in told and "nothing is lost" in told
    assert retriever("search", "moon", "--index", "ix").stdout.startswith("2 hits")
    retriever("doctor", "--index", "ix")


def test_doctor_tells_of_a_damaged_corpus_and_of_none(retriever, notes, tmp_path):
    retriever("index", notes, "--index", "ix")
    corpus = tmp_path / "ix" / "corpus.sqlite"
    corpus.write_bytes(b"x" * 100 + corpus.read_bytes()[100:])
    told = json.loads(retriever("doctor", "--index", "ix", "--json", code=1).stdout)
    assert told["index"] is None and len(told["problems"]) == 1
    assert "there is no index" in retriever("doctor", "--index", "nowhere", code=1).stdout


def test_a_name_that_is_no_utf8_is_reported_and_the_rest_go_in(retriever, notes, environment, tmp_path):
    try:
        with open(os.fsencode(notes) + b"/\xff.txt", "wb") as file:
            file.write(b"text")
    except OSError:
        pytest.skip("this file system has no such names")
    done = retriever("index", notes, "--index", "ix", code=3)
    assert "\\xff.txt: the file's name is not valid UTF-8" in done.stderr
    assert "4 documents added" in done.stdout
    json.loads(retriever("index", notes, "--index", "ix", "--json", code=3).stdout)


def test_what_is_gone_whole_is_kept_until_told_otherwise(retriever, notes):
    retriever("index", notes, "--index", "ix")
    notes.rename(notes.with_name("moved"))
    done = retriever("index", notes, "--index", "ix", code=3)
    assert "what was read from 3 files is kept" in done.stderr and "--prune" in done.stderr
    assert retriever("search", "moon", "--index", "ix").stdout.startswith("2 hits")
    assert "4 documents removed" in retriever("index", notes, "--index", "ix", "--prune").stdout


def test_files_that_moved_with_their_index_are_the_same_documents(retriever, tmp_path, notes):
    (tmp_path / "old").mkdir()
    notes.rename(tmp_path / "old" / "notes")
    retriever("index", "old/notes", "--index", "old/ix")
    (tmp_path / "old").rename(tmp_path / "new")
    told = retriever("index", "new/notes", "--index", "new/ix").stdout
    assert "nothing changed (3 files read, 0 unchanged)" in told
    assert "nothing changed (0 files read, 3 unchanged)" in retriever("index", "new/notes", "--index", "new/ix").stdout
    found = json.loads(retriever("search", "fusion", "--index", "new/ix", "--json", "--mode", "bm25").stdout)["hits"]
    assert [(hit["ref_doc_id"], hit["path"]) for hit in found] == [
        ("notes/fusion.md", str(tmp_path.resolve() / "new/notes/fusion.md"))
    ]


def test_a_copy_beside_the_files_is_no_move(retriever, tmp_path, notes):
    retriever("index", notes, "--index", "ix")
    (tmp_path / "copy").mkdir()
    (notes / "moon.jsonl").rename(tmp_path / "copy" / "moon.jsonl")
    told = retriever("index", tmp_path / "copy", "--index", "ix")
    assert "2 records of 1 file have ids that another file has given before" in told.stderr
    assert "copy/moon.jsonl#id=m1" in told.stdout


def test_the_language_is_detected_and_said_or_given(retriever, tmp_path):
    text = "Die Pumpen wurden im letzten Jahr von den Technikern geprüft, und es gab keine Fehler in der Anlage. "
    (tmp_path / "a.txt").write_text(text * 3)
    assert "language" in retriever("index", "a.txt", "--index", "ix").stderr
    given = retriever("index", "a.txt", "--index", "given", "--language", "de")
    assert Index.open(tmp_path / "given").settings.language == Index.open(tmp_path / "ix").settings.language == "de"
    assert json.loads(retriever("index", "a.txt", "--index", "ix", "--json").stdout)["notes"] == []
    assert "error: " in retriever("index", "a.txt", "--index", "ix", "--language", "xx", code=1).stderr
    assert "added" in given.stdout and "language" in retriever("search", "Pumpe", "a.txt").stderr


def test_files_go_in_where_no_default_mode_is_installed(retriever, notes, monkeypatch):
    monkeypatch.setenv("RETRIEVERKIT_BLOCK", "mode:bm25,mode:hybrid")
    assert "the default modes are not installed" in retriever("index", notes, "--index", "ix").stdout
    assert "the default modes are not installed" in retriever("reindex", "--index", "ix").stdout
    told = retriever("search", "moon", "--index", "ix", code=1).stderr
    assert "pip install 'retrieverkit[hybrid]'" in told
    monkeypatch.delenv("RETRIEVERKIT_BLOCK")
    assert retriever("search", "moon", "--index", "ix", "-m", "bm25").stdout
