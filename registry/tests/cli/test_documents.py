"""``retriever ls``, ``show`` and ``rm``."""

import json


def test_documents_are_listed_shown_and_removed(retriever, notes):
    retriever("index", notes, "--index", "ix")
    held = retriever("ls", "--index", "ix").stdout.splitlines()
    assert sorted(held) == ["m1", "m2", "notes/deep/bread.txt", "notes/fusion.md"]
    assert retriever("ls", "*.md", "-i", "ix").stdout == "notes/fusion.md\n"
    (row,) = json.loads(retriever("ls", "m1", "-i", "ix", "--json").stdout)
    assert row == {"id": "m1", "path": str(notes.resolve() / "moon.jsonl")}

    shown = retriever("show", "m1", "-i", "ix").stdout.splitlines()
    assert shown[0] == "m1" and "year: 1969" in shown and shown[-1] == "a moon landing"
    assert [line for line in shown if line.startswith(("file:", "path:"))][0] == f"file: {row['path']}"
    told = json.loads(retriever("show", "m1", "-i", "ix", "--json").stdout)
    assert (told["text"], told["metadata"]["year"], told["path"]) == ("a moon landing", 1969, row["path"])

    assert "did you mean 'm1'?" in retriever("show", "m11", "-i", "ix", code=2).stderr
    retriever("rm", "m1", "nothing", "-i", "ix", code=2)
    assert "m1" in retriever("ls", "-i", "ix").stdout, "all or nothing"
    assert retriever("rm", "m1", "notes/fusion.md", "m1", "-i", "ix").stdout == "2 documents removed\n"
    assert sorted(retriever("ls", "-i", "ix").stdout.splitlines()) == ["m2", "notes/deep/bread.txt"]
    retriever("index", notes, "-i", "ix")
    assert sorted(retriever("ls", "-i", "ix").stdout.splitlines()) == sorted(held), "the files are still there"


def test_a_node_is_shown_and_nothing_in_a_document_reaches_the_terminal(retriever, tmp_path):
    (tmp_path / "a.txt").write_text("evil \x1b[2J words\n" * 1000)
    retriever("index", "a.txt", "-i", "ix")
    shown = retriever("show", "a.txt#1", "-i", "ix").stdout
    assert "position: 1" in shown and "evil \\x1b[2J words" in shown and "\x1b" not in shown


def test_an_index_that_is_not_there_is_not_made(retriever, tmp_path):
    for arguments in (["ls"], ["show", "a"], ["rm", "a"]):
        assert "there is no index" in retriever(*arguments, "-i", "nowhere", code=1).stderr
    assert not (tmp_path / "nowhere").exists()
