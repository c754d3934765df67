"""A corpus file is recognised, created whole or not at all, and read where it cannot be written."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sqlite3

import pytest
from filelock import FileLock

from retrieverkit.corpus import SQLiteCorpus, schema
from retrieverkit_core.errors import (
    CorpusBusyError,
    CorpusError,
    CorpusTooNewError,
    CorruptCorpusError,
    NotACorpusError,
    ReadOnlyCorpusError,
)


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"SQLite format 3\0", b"{}", bytes(range(256)) * 64])
def test_a_file_that_is_no_corpus(path, content):
    path.write_bytes(content)
    with pytest.raises(NotACorpusError) as caught:
        SQLiteCorpus.open(path)
    assert caught.value.fix
    assert path.read_bytes() == content
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_what_is_no_regular_file(path, make):
    make(path)
    with pytest.raises(NotACorpusError, match="not a regular file") as caught:
        SQLiteCorpus.open(path)
    assert caught.value.fix


def test_a_database_of_another_program(path):
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE meta (key, value)")
    other.close()
    content = path.read_bytes()
    with pytest.raises(NotACorpusError, match="another program"):
        SQLiteCorpus.open(path)
    assert path.read_bytes() == content


def test_a_corpus_of_a_later_version(path):
    SQLiteCorpus.open(path).close()
    later = sqlite3.connect(path)
    later.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    later.close()
    content, files = path.read_bytes(), sorted(os.listdir(path.parent))
    with pytest.raises(CorpusTooNewError, match="format 3") as caught:
        SQLiteCorpus.open(path)
    assert "upgrade" in caught.value.fix
    assert path.read_bytes() == content
    assert sorted(os.listdir(path.parent)) == files


def test_where_there_is_nothing(path, tmp_path):
    for wrong in ({"create": False}, {"read_only": True}):
        with pytest.raises(NotACorpusError):
            SQLiteCorpus.open(path, **wrong)
    with pytest.raises(NotACorpusError, match="no folder"):
        SQLiteCorpus.open(tmp_path / "no" / "folder" / "corpus.sqlite")
    with pytest.raises(NotACorpusError):
        SQLiteCorpus.open(tmp_path)
    assert os.listdir(tmp_path) == []


def test_names_that_mean_something_in_a_uri(tmp_path, made):
    path = tmp_path / "a?mode=memory#b%41 &c" / "corpus ü.sqlite"
    path.parent.mkdir()
    with SQLiteCorpus.open(path) as corpus:
        corpus.replace([made("a")])
    with SQLiteCorpus.open(os.path.relpath(path)) as corpus:
        assert corpus.document_ids() == ["a"]
    assert sorted(os.listdir(path.parent)) == ["corpus ü.lock", "corpus ü.sqlite"]


def test_closing_leaves_one_file_that_holds_everything(path, tmp_path, made):
    with SQLiteCorpus.open(path) as corpus:
        corpus.replace([made("a")])
    assert sorted(os.listdir(tmp_path)) == ["corpus.lock", "corpus.sqlite"]
    shutil.copy(path, tmp_path / "copy.sqlite")
    with SQLiteCorpus.open(tmp_path / "copy.sqlite") as copy:
        assert copy.document("a") == made("a")[0]


def test_what_a_creation_left_when_it_was_killed(path, made):
    for leftover in (".new", ".new-wal", ".new-journal", "-shm"):
        path.with_name(path.name + leftover).write_bytes(b"half made")
    path.with_name(path.name + "-wal").touch()
    with SQLiteCorpus.open(path) as corpus:
        corpus.replace([made("a")])
        assert corpus.check() == []
    assert sorted(os.listdir(path.parent)) == ["corpus.lock", "corpus.sqlite"]


def test_a_log_whose_corpus_is_gone_is_not_mixed_into_a_new_one(path):
    log = path.with_name(path.name + "-wal")
    log.write_bytes(b"changes")
    with pytest.raises(CorruptCorpusError, match="write-ahead log"):
        SQLiteCorpus.open(path)
    assert log.read_bytes() == b"changes"
    assert not path.exists()


def test_creation_killed_at_any_moment(program, tmp_path):
    """Whatever is there afterwards is a whole corpus, or nothing."""
    seen = set()
    for number in itertools.count():
        if number >= 12 and (False in seen or number == 100):
            break
        path = tmp_path / f"{number}.sqlite"
        process = program("creator", path)
        process.stdout.readline()
        spins = 0
        while spins < number % 12 * 150 and process.poll() is None:
            spins += 1
        process.send_signal(signal.SIGKILL)
        process.communicate()
        seen.add(path.exists())
        if path.exists():
            SQLiteCorpus.open(path, create=False).close()
        with SQLiteCorpus.open(path) as corpus:
            assert corpus.check() == []
    assert False in seen


def test_processes_that_create_at_once_share_one_corpus(program, tmp_path):
    path = tmp_path / "corpus.sqlite"
    processes = [program("creator", path) for _ in range(6)]
    ids = {process.communicate(timeout=120)[0].split()[-1] for process in processes}
    with SQLiteCorpus.open(path) as corpus:
        assert ids == {corpus.corpus_id}


def test_a_corpus_that_another_writer_keeps(path, made):
    with SQLiteCorpus.open(path, busy_timeout=0.05) as corpus:
        with FileLock(path.with_suffix(".lock")), pytest.raises(CorpusBusyError) as caught:
            corpus.replace([made("a")])
        assert caught.value.retryable
        assert corpus.count() == 0
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CorpusBusyError):
            corpus.replace([made("a")])
        other.close()
        assert corpus.replace([made("a")]).added == ("a",)


def test_opened_for_reading_only(path, made):
    with SQLiteCorpus.open(path) as writer, SQLiteCorpus.open(path, read_only=True) as reader:
        writer.replace([made("a")])
        assert reader.document_ids() == ["a"]
        assert not reader.writable
        with pytest.raises(ReadOnlyCorpusError):
            reader.replace([made("b")])
        with pytest.raises(ReadOnlyCorpusError):
            reader.delete(["a"])
        assert reader.holds(writer.head())


def test_a_folder_that_cannot_be_written(public_folder, run, made, obey_permissions):
    path = public_folder / "corpus.sqlite"
    with SQLiteCorpus.open(path) as corpus:
        corpus.replace([made("a"), made("b")])
    path.chmod(0o444)
    public_folder.chmod(0o555)
    run("read_only", public_folder, "closed", first=obey_permissions)


def test_a_folder_that_cannot_be_written_while_another_process_writes(public_folder, run, made, obey_permissions):
    path = public_folder / "corpus.sqlite"
    with SQLiteCorpus.open(path) as corpus:
        corpus.replace([made("a"), made("b")])
        for file in public_folder.iterdir():
            file.chmod(0o444)
        public_folder.chmod(0o555)
        run("read_only", public_folder, "closed", first=obey_permissions)


def test_a_folder_that_cannot_be_written_with_changes_in_the_log(public_folder, tmp_path, run, made, obey_permissions):
    path = tmp_path / "corpus.sqlite"
    with SQLiteCorpus.open(path) as corpus:
        corpus.replace([made("a"), made("b")])
        for name in ("corpus.sqlite", "corpus.sqlite-wal"):
            shutil.copy(tmp_path / name, public_folder)
    public_folder.chmod(0o555)
    run("read_only", public_folder, "log", first=obey_permissions)


def test_a_folder_that_cannot_be_written_and_is_empty(public_folder, run, obey_permissions):
    public_folder.chmod(0o555)
    run("read_only", public_folder, "absent", first=obey_permissions)


@pytest.mark.parametrize("kept", [100, 1000, 4096, 10_000, 0.5, 0.9])
def test_a_truncated_file_is_an_error_and_never_less(path, made, kept):
    with SQLiteCorpus.open(path) as corpus:
        corpus.replace(made(f"doc {i}") for i in range(50))
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(len(content) * kept)])
    try:
        corpus = SQLiteCorpus.open(path)
    except CorpusError:
        return
    with corpus:
        assert corpus.check() != []
        try:
            documents = [corpus.document(f"doc {i}") for i in range(50)]
        except CorpusError:
            return
        assert documents == [made(f"doc {i}")[0] for i in range(50)]
