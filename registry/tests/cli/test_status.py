"""``retriever status``."""

import json
import os
import shutil

import pytest

from retrieverkit import Document, Index


def told(retriever, *arguments):
    return json.loads(retriever("status", "--json", *arguments).stdout)


@pytest.mark.searches
def test_what_an_index_holds_and_how_far_what_is_derived_has_come(retriever, notes, tmp_path):
    (notes / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing else")
    retriever("index", notes, "-i", "ix", "--language", "en", code=3)
    facts = told(retriever, "-i", "ix")
    assert (facts["documents"], facts["nodes"]) == (4, 4)
    assert facts["settings"]["language"] == "en" and facts["settings"]["splitter"] == "pieces"
    (root,) = facts["roots"]
    assert root["path"] == str(notes.resolve()) and root["failed"] == 1 and root["indexed_at"].endswith("Z")
    assert root["failures"][0]["path"] == str(notes.resolve() / "broken.pdf")
    retriever("index", notes, "-i", "ix", code=3)
    assert told(retriever, "-i", "ix")["roots"][0]["failures"] == root["failures"], "it was not read again"
    assert facts["derived"] and all(derived["current"] for derived in facts["derived"])

    with Index.open(tmp_path / "ix") as index:
        index.add([Document(id=f"new{n}", text="one more moon") for n in range(3)])
    behind = told(retriever, "-i", "ix")
    assert {derived["behind"] for derived in behind["derived"]} == {3}
    assert not any(derived["current"] for derived in behind["derived"])
    shown = retriever("status", "-i", "ix").stdout
    assert "7 documents, 7 nodes" in shown and "3 changes behind" in shown and "not read: " in shown
    assert f"indexed: {notes.resolve()} at " in shown and "1 problem" in shown


def test_the_sizes_are_those_of_the_files(retriever, notes, tmp_path):
    retriever("index", notes, "-i", "ix")
    sizes = told(retriever, "-i", "ix")["bytes"]
    files = [os.path.join(folder, name) for folder, _, names in os.walk(tmp_path / "ix") for name in names]
    once = {os.stat(file).st_ino: os.stat(file).st_size for file in files}
    assert sizes.pop("total") == sum(sizes.values()) == sum(once.values())
    assert sizes["corpus"] >= (tmp_path / "ix" / "corpus.sqlite").stat().st_size


def test_a_root_that_is_gone_keeps_its_record_until_its_documents_go(retriever, notes, tmp_path):
    retriever("index", notes, "-i", "ix")
    shutil.move(notes, tmp_path / "away")
    retriever("index", notes, "-i", "ix", code=3)
    assert len(told(retriever, "-i", "ix")["roots"]) == 1
    retriever("index", notes, "-i", "ix", "--prune")
    facts = told(retriever, "-i", "ix")
    assert (facts["documents"], facts["roots"]) == (0, [])


def test_nothing_is_changed_or_made_by_looking(retriever, notes, tmp_path):
    assert "there is no index" in retriever("status", "-i", "nowhere", code=1).stderr
    assert not (tmp_path / "nowhere").exists()
    with Index.create(tmp_path / "ix") as index:
        index.add(Document(id="a", text="moon"))
    before = {path.name: path.read_bytes() for path in (tmp_path / "ix").iterdir()}
    assert "nothing is derived yet" in retriever("status", "-i", "ix").stdout
    of_readers = ("-wal", "-shm")  # which SQLite needs to read, and leaves empty
    after = {path.name: path.read_bytes() for path in (tmp_path / "ix").iterdir() if path.name[-4:] not in of_readers}
    assert after == before


def test_a_damaged_record_is_left_out_and_no_name_speaks_to_the_terminal(retriever, tmp_path):
    evil = tmp_path / "evil\x1b]0;title\x07.d"
    evil.mkdir()
    (evil / "a.txt").write_text("moon")
    retriever("index", evil, "-i", "ix")
    (record,) = (tmp_path / "ix" / "roots").iterdir()
    for arguments in ((), ("--json",)):
        shown = retriever("status", "-i", "ix", *arguments).stdout
        assert "\x1b" not in shown and "\x07" not in shown and "evil" in shown
    for damaged in (b"", b"{}", b"[]", b'{"path": 1, "at": "x", "failed": 0, "failures": []}', b"\xff" * 9):
        record.write_bytes(damaged)
        assert told(retriever, "-i", "ix")["roots"] == []
