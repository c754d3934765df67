"""``retriever watch``, in a process, by the lines that it writes."""

import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec

import pytest

from retrieverkit.cli.changes import Watch

pytestmark = pytest.mark.searches

WAYS = [
    pytest.param(["--poll", "--interval", "0.05"], id="polling"),
    pytest.param(
        [], id="events", marks=pytest.mark.skipif(find_spec("watchfiles") is None, reason="no watchfiles here")
    ),
]


@pytest.fixture
def watch(environment, tmp_path):
    """Starts the command and returns what reads its next line; whatever still runs is killed at the end."""
    running = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "retrieverkit.cli", "watch", "--json", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=environment,
        )
        running.append(process)

        def line(event):
            written = process.stdout.readline()
            if not written:
                raise AssertionError(process.stderr.read().decode())
            told = json.loads(written)
            assert told["event"] == event, told
            return told

        return process, line

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def put(tmp_path):
    """Puts a file in place whole."""

    def into(path, content):
        (tmp_path / "unfinished").write_bytes(content if isinstance(content, bytes) else content.encode())
        os.replace(tmp_path / "unfinished", path)

    return into


def ended(process, line, number, documents):
    process.send_signal(number)
    assert line("stopped")["documents"] == documents
    assert process.wait(60) == 0 and b"Traceback" not in process.stderr.read()


@pytest.mark.slow
@pytest.mark.parametrize("how", WAYS)
def test_an_index_follows_a_folder(retriever, watch, put, notes, tmp_path, how):
    process, line = watch(notes, "-i", "ix", *how)
    assert len(line("updated")["added"]) == 4
    assert line("watching")["by"] == ("polling" if how else "events")
    put(notes / "new.txt", "a comet")
    assert line("updated")["added"] == ["notes/new.txt"]
    assert "1 hit" in retriever("search", "comet", "-i", "ix", "-m", "bm25").stdout
    put(notes / "new.txt", "a nebula")
    assert line("updated")["changed"] == ["notes/new.txt"]
    put(notes / "broken.pdf", b"%PDF-1.7 and nothing else")
    (error,) = line("updated")["errors"]
    assert error["path"].endswith("broken.pdf")
    (notes / "fusion.md").unlink()
    assert line("updated")["removed"] == ["notes/fusion.md"], "a file that cannot be read ends nothing"
    (notes / "broken.pdf").unlink()
    assert line("updated")["errors"] == []
    ended(process, line, signal.SIGTERM, 4)


@pytest.mark.slow
@pytest.mark.parametrize("how", WAYS)
def test_a_folder_that_is_gone_takes_nothing_along_and_is_followed_when_it_is_back(watch, put, notes, tmp_path, how):
    process, line = watch(notes, "-i", "ix", *how)
    line("updated")
    line("watching")
    os.rename(notes, tmp_path / "away")
    told = line("updated")
    assert told["removed"] == [] and "is kept" in told["errors"][0]["problem"]
    put(tmp_path / "away" / "new.txt", "a comet")
    os.rename(tmp_path / "away", notes)
    told = line("updated")
    assert (told["added"], told["errors"]) == (["notes/new.txt"], [])
    put(notes / "newer.txt", "a nebula")
    assert line("updated")["added"] == ["notes/newer.txt"]
    ended(process, line, signal.SIGINT, 6)


def test_what_the_index_was_made_of_is_followed_where_nothing_is_named(retriever, watch, put, notes):
    retriever("index", notes, "-i", "ix")
    process, line = watch("-i", "ix", "--poll", "--interval", "0.05")
    assert line("updated")["unchanged_files"] == 3
    assert line("watching")["paths"] == [str(notes.resolve())]
    put(notes / "evil\x1b[2J.txt", "a comet")
    assert line("updated")["added"] == ["notes/evil\x1b[2J.txt"]
    ended(process, line, signal.SIGTERM, 5)


def test_a_writer_that_takes_long_is_waited_for(watch, put, notes, tmp_path, environment, monkeypatch):
    """The corpus is busy for longer than the watch waits; it says so once, and tries again."""
    hold = "import sys; from filelock import FileLock\nwith FileLock('ix/corpus.lock'): print(1, flush=True); input()"
    process, line = watch(notes, "-i", "ix", "--poll", "--interval", "0.05")
    line("updated")
    line("watching")
    holder = subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path, env=environment
    )
    assert holder.stdout.readline() == b"1\n"
    put(notes / "new.txt", "a comet")
    holder.communicate(b"\n")
    assert line("updated")["added"] == ["notes/new.txt"]
    ended(process, line, signal.SIGTERM, 5)


@pytest.mark.parametrize("how", WAYS)
def test_what_did_not_come_about_is_tried_again_though_nothing_changes(tmp_path, how):
    watch = Watch([tmp_path], dict, 0.05, poll="--poll" in how)
    tries = []
    for _ in watch.changes({}, lambda: True):
        tries.append(None)
        if len(tries) == 2:  # the first may come of the beginning
            break
    assert len(tries) == 2


def test_what_cannot_be_followed_is_an_error(retriever, notes, tmp_path):
    assert "no index was made" in retriever("watch", "nowhere", "-i", "ix", code=1).stderr
    assert not (tmp_path / "ix").exists()
    assert "there is no index" in retriever("watch", "-i", "ix", code=1).stderr
