"""``retriever backup`` and ``restore``."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from retrieverkit import Document, Index
from retrieverkit.backup import MANIFEST, MOST_TIMES, restore
from retrieverkit.corpus import SQLiteCorpus
from retrieverkit_core.errors import ReadError

WRITER = """
import sys
from retrieverkit import Document, Index
with Index.open("ix") as index:
    number = 0
    while not sys.stdin.closed:
        index.add([Document(id=f"w{number}-{half}", text=f"pair {number}") for half in "ab"])
        number += 1
        if number == 3:
            print("writing", flush=True)
        if number > 3 and number % 2 and __import__("select").select([sys.stdin], [], [], 0)[0]:
            break
"""
STOPPED = """
import sys
from retrieverkit import backup
from retrieverkit.cli import main
def stop(*arguments):
    print("here", flush=True)
    sys.stdin.read()
setattr(backup, sys.argv[1], stop)
main(sys.argv[2:])
"""


@pytest.fixture
def index(tmp_path):
    documents = [Document(id=f"d{n}", text=f"report {n} on the inlet", metadata={"n": n}) for n in range(50)]
    with Index.from_documents(documents, tmp_path / "ix") as made:
        (tmp_path / "ix" / "embedding").write_text("lsa\n")
        (tmp_path / "ix" / "roots").mkdir()
        (tmp_path / "ix" / "roots" / "00ff.json").write_text("{}")
        yield made


def held(folder):
    with Index.open(folder, read_only=True) as index:
        assert index.check().problems == []
        return {doc_id: index.document(doc_id) for doc_id in index.document_ids()}, index.corpus.head()


def test_what_is_restored_is_what_was_backed_up(retriever, index, tmp_path):
    told = json.loads(retriever("backup", "ix", "b.zip", "--json").stdout)
    assert (told["documents"], told["embedding"], told["size"]) == (50, "lsa", (tmp_path / "b.zip").stat().st_size)
    index.add(Document(id="later", text="not in it"))
    assert retriever("restore", "b.zip", "back").stdout.startswith("50 documents, 50 nodes, embedding lsa, ")
    documents, head = held(tmp_path / "back")
    assert "later" not in documents and index.corpus.holds(head)
    assert documents == {doc_id: index.document(doc_id) for doc_id in documents} and len(documents) == 50
    assert (tmp_path / "back" / "roots" / "00ff.json").read_text() == "{}"
    assert sorted(os.listdir(tmp_path)) == ["b.zip", "back", "home", "ix"], "nothing unfinished is left"


def test_a_backup_while_somebody_writes_is_of_one_moment(retriever, index, environment, tmp_path):
    index.close()
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path, env=environment
    )
    assert writer.stdout.readline() == b"writing\n"
    for number in range(3):
        retriever("backup", "ix", f"{number}.zip")
    writer.communicate(b"stop")
    assert writer.returncode == 0
    for number in range(3):
        retriever("restore", f"{number}.zip", f"back{number}")
        written = [doc_id for doc_id in held(tmp_path / f"back{number}")[0] if doc_id.startswith("w")]
        assert len(written) % 2 == 0 and len(written) >= 6


@pytest.mark.parametrize(
    ("arguments", "at", "target"),
    [(["backup", "ix", "b.zip"], "_publish", "b.zip"), (["restore", "a.zip", "back"], "_checked", "back")],
)
def test_a_process_that_is_killed_leaves_nothing_under_the_name(
    retriever, index, environment, tmp_path, arguments, at, target
):
    retriever("backup", "ix", "a.zip")
    command = [sys.executable, "-c", STOPPED, at, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path, env=environment)
    assert process.stdout.readline() == b"here\n"
    process.kill()
    process.communicate()
    assert not (tmp_path / target).exists()
    retriever(*arguments)
    assert sorted(os.listdir(tmp_path)) == sorted({"a.zip", "home", "ix", target}), "what it left is gone too"


def test_nothing_is_overwritten(retriever, index, tmp_path):
    retriever("backup", "ix", "b.zip")
    before = (tmp_path / "b.zip").read_bytes()
    assert "there is something at" in retriever("backup", "ix", "b.zip", code=1).stderr
    assert "there is something at" in retriever("restore", "b.zip", "ix", code=1).stderr
    (tmp_path / "link").symlink_to("elsewhere")
    assert "there is something at" in retriever("restore", "b.zip", "link", code=1).stderr
    assert "there is no folder" in retriever("restore", "b.zip", "no/where", code=1).stderr
    assert "there is no corpus" in retriever("backup", "nothing", "c.zip", code=1).stderr
    assert (tmp_path / "b.zip").read_bytes() == before and not (tmp_path / "c.zip").exists()
    (tmp_path / "empty").mkdir()
    retriever("restore", "b.zip", "empty")
    assert len(held(tmp_path / "empty")[0]) == 50


def test_a_damaged_index_is_not_backed_up_as_if_it_were_sound(retriever, index, tmp_path):
    import sqlite3

    index.close()
    with sqlite3.connect(tmp_path / "ix" / "corpus.sqlite") as connection:
        connection.execute("UPDATE nodes SET text = 'other' WHERE ordinal = 7")
    assert "is damaged" in retriever("backup", "ix", "b.zip", code=1).stderr
    assert not (tmp_path / "b.zip").exists()


def test_every_byte_of_a_backup_counts(retriever, index, tmp_path):
    retriever("backup", "ix", "b.zip")
    whole = (tmp_path / "b.zip").read_bytes()
    for at in range(40, len(whole), len(whole) // 25):
        (tmp_path / "damaged.zip").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        done = retriever("restore", "damaged.zip", f"back{at}", code=None)
        if done.returncode:
            assert not (tmp_path / f"back{at}").exists()
        else:  # a byte that nothing depends on, such as the time of a file
            assert held(tmp_path / f"back{at}")[0].keys() == held(tmp_path / "ix")[0].keys()
    for cut in (0, 10, len(whole) // 2, len(whole) - 5):
        (tmp_path / "cut.zip").write_bytes(whole[:cut])
        assert "not a backup" in retriever("restore", "cut.zip", "cut", code=1).stderr
    assert not (tmp_path / "cut").exists()


def hostile(name, files, manifest):
    """Return how an archive is made that says one thing and holds another."""
    return pytest.param(files, manifest, id=name)


def marks(files):
    return {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}


def not_text():
    """Return a corpus of which a byte in the schema was flipped."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "corpus.sqlite"
        SQLiteCorpus.open(file).close()
        whole = file.read_bytes()
    at = whole.index(b"CREATE TABLE") + 5
    return whole[:at] + b"\x82" + whole[at + 1 :]


BOMB = {"corpus.sqlite": b"\0" * (MOST_TIMES * 40_000)}
OUTSIDE = {"corpus.sqlite": b"x", "../outside": b"evil"}
ABSOLUTE = {"corpus.sqlite": b"x", "/tmp/outside": b"evil"}
NOT_TEXT = {"corpus.sqlite": not_text()}
PLAIN = {"corpus.sqlite": b"SQLite format 3\0 and no more"}


@pytest.mark.parametrize(
    ("files", "manifest"),
    [
        hostile("outside", OUTSIDE, {"files": marks(OUTSIDE)}),
        hostile("absolute", ABSOLUTE, {"files": marks(ABSOLUTE)}),
        hostile("said outside", PLAIN, {"files": marks(OUTSIDE)}),
        hostile("bomb", BOMB, {"files": marks(BOMB)}),
        hostile("more than said", OUTSIDE | {"embedding": b"x" * 99}, {"files": marks(PLAIN)}),
        hostile("larger than said", PLAIN, {"files": {"corpus.sqlite": {"size": 3, "sha256": "0"}}}),
        hostile("endless", PLAIN, {"files": {"corpus.sqlite": {"size": 10**15, "sha256": "0"}}}),
        hostile("no corpus", PLAIN, {"files": marks(PLAIN)}),
        hostile("no files", {}, {"files": {}}),
        hostile("a later format", PLAIN, {"format": 2}),
        hostile("other kinds", PLAIN, {"files": [], "documents": "many"}),
        hostile("negative", PLAIN, {"files": {"corpus.sqlite": {"size": -1, "sha256": "0"}}}),
        hostile("no manifest", PLAIN, None),
        hostile("a schema that is not text", NOT_TEXT, {"files": marks(NOT_TEXT)}),
    ],
)
def test_hostile_archives_are_refused_and_nothing_is_written(retriever, tmp_path, files, manifest):
    (tmp_path / "place").mkdir()
    with zipfile.ZipFile(tmp_path / "evil.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        if manifest is not None:
            said = {"format": 1, "documents": 1, "nodes": 1, "made_at": "", "files": {}, **manifest}
            archive.writestr(MANIFEST, json.dumps(said))
    told = retriever("restore", "evil.zip", "place/back", code=1).stderr
    assert told.startswith("error: ") and "\x1b" not in told
    assert os.listdir(tmp_path / "place") == [] and not (tmp_path / "outside").exists()


def test_a_damaged_manifest_is_refused_as_such(retriever, index, tmp_path):
    retriever("backup", "ix", "b.zip")
    whole = (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        manifest = archive.getinfo(MANIFEST)
    start = manifest.header_offset + 30 + len(MANIFEST)
    ends = len(whole) - 22  # where the end of the central directory says where it begins
    refused = 0
    for at in [*range(start, start + manifest.compress_size, 3), *range(ends + 12, ends + 20)]:
        (tmp_path / "damaged.zip").write_bytes(whole[:at] + bytes([whole[at] ^ 0x81]) + whole[at + 1 :])
        try:
            restore(tmp_path / "damaged.zip", tmp_path / f"back{at}")
        except ReadError:
            refused += 1
            assert not (tmp_path / f"back{at}").exists()
    assert refused > manifest.compress_size / 6


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_is_refused_instead_of_waited_for(retriever, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    assert "not a regular file" in retriever("restore", "fifo", "back", code=1).stderr
    assert "no such file" in retriever("restore", "nothing", "back", code=1).stderr.lower()


def test_an_index_that_shrinks_a_lot_comes_back_too(retriever, tmp_path):
    Index.from_documents([Document(id="a", text="a" * 5_000_000)], tmp_path / "ix").close()
    retriever("backup", "ix", "b.zip")
    retriever("restore", "b.zip", "back")
    assert held(tmp_path / "back")[0]["a"].text == "a" * 5_000_000
