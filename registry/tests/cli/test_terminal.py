"""What a terminal of 80 columns is sent."""

import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest
from rich.cells import cell_len

from retrieverkit.cli import main, progress
from retrieverkit.cli.screen import Screen
from retrieverkit_core.progress import counted, during

SGR = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b\x07]*\x1b\\")
"""Styles, and links to files."""


@pytest.fixture
def terminal(environment, tmp_path):
    """Runs the command with a terminal as stdout and returns what it was sent."""

    def run(*arguments, columns=80, **variables):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-m", "retrieverkit.cli", *map(str, arguments)],
            stdin=slave,
            stdout=slave,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env={**environment, "TERM": "xterm-256color", **variables},
        )
        os.close(slave)
        sent = b""
        while chunk := _read(master):
            sent += chunk
        os.close(master)
        errors = process.communicate()[1].decode()
        assert process.returncode == 0, errors
        return sent.decode().replace("\r\n", "\n")

    return run


def _read(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""


@pytest.fixture
def passages(tmp_path):
    """Long texts in wide and narrow characters, with what would be a command or markup."""
    texts = {
        "english": "Ranking fuses many lists into one. " * 30
        + "The weights decide what a weak retriever may add. " * 20,
        "chinese": "检索增强生成是一种结合信息检索与文本生成的技术，" * 40,
        "mixed": "检索 weights 权重 ranking 融合 " * 60,
        "evil": "weights \x1b[2J\x1b]0;title\x07 [bold red]kept[/] :smile: \u202e weights",
        "emoji": "weights 👩‍👩‍👧‍👧🇩🇪 " * 60,
        "endless": "weights " + "x" * 500,
    }
    file = tmp_path / "passages.jsonl"
    file.write_text("".join(json.dumps({"_id": name, "text": text}) + "\n" for name, text in texts.items()))
    return file


@pytest.mark.searches
@pytest.mark.parametrize("columns", [80, 40, 200])
def test_lines_fit_and_words_stay_whole(terminal, passages, columns):
    sent = terminal("search", "weights 检索", passages, "--top-k", 10, "--mode", "bm25", columns=columns)
    lines = SGR.sub("", sent).splitlines()
    assert lines[0].startswith("6 hits · ")
    assert max(map(cell_len, lines)) <= columns
    english = "\n".join(lines).split("id english")[1].split("\n\n")[0]
    sentence = "Ranking fuses many lists into one The weights decide what a weak retriever may add"
    assert set(re.findall("[A-Za-z]+", english.split("\n", 2)[2])) <= set(sentence.split())


@pytest.mark.searches
def test_words_of_the_query_stand_out_and_documents_cannot_speak_to_the_terminal(terminal, passages):
    sent = terminal("search", "weight 检索", passages, "--top-k", 10)
    assert "\x1b[1;33mweights\x1b[0m" in sent and "\x1b[1;33m检索\x1b[0m" in sent
    plain = SGR.sub("", sent)
    assert "[bold red]kept[/] :smile:" in plain
    assert "\\x1b[2J\\x1b]0;title\\x07" in plain and "\\u202e" in plain
    assert not any(character in plain for character in "\x1b\x07\u202e")


@pytest.mark.searches
def test_colour_can_be_switched_off(terminal, passages):
    assert "\x1b[33m" not in terminal("search", "weights", passages, NO_COLOR="1")
    assert "\x1b" not in terminal("search", "weights", passages, TERM="dumb")


def test_listings_fit(terminal):
    for arguments in (["modes"], ["plugins"], ["doctor"], ["--help"], ["search", "--help"]):
        lines = SGR.sub("", terminal(*arguments)).splitlines()
        assert lines and max(map(cell_len, lines)) <= 80


class Watched(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.searches
def test_long_work_shows_progress_where_somebody_watches(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "_LONG", 0)
    monkeypatch.setenv("TERM", "xterm")
    (tmp_path / "a.txt").write_text("words")
    for stream, shown in ((Watched(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        assert main(["index", str(tmp_path / "a.txt"), "--index", str(tmp_path / f"ix{shown}")]) == 0
        assert ("reading files" in stream.getvalue()) is shown


def test_long_work_shows_how_far_each_index_is(monkeypatch):
    monkeypatch.setattr(progress, "_LONG", 0)
    monkeypatch.setenv("TERM", "xterm")
    stream = Watched()
    with progress.LongWork(Screen(stream)) as work:
        work.stage("searching")
        assert list(counted("abc", "words\x1b[2J", 3)) == ["a", "b", "c"]
    assert list(counted("abc", "later", 3)) == ["a", "b", "c"]
    plain = SGR.sub("", stream.getvalue())
    assert "searching" in plain and "indexing for words\\x1b[2J" in plain and "3 read, finishing" in plain
    assert "later" not in plain


def test_what_is_done_behind_the_last_item_is_not_shown_as_complete(monkeypatch):
    monkeypatch.setattr(progress, "_LONG", 0)
    monkeypatch.setenv("TERM", "xterm")
    stream = Watched()
    with progress.LongWork(Screen(stream)) as work:
        work.stage("searching")
        with during("words"):
            assert list(counted("abc", "words", 3)) == ["a", "b", "c"]
            work._start.join()
            work._bar.refresh()
            behind = SGR.sub("", stream.getvalue()).split("indexing for words")[-1]
            work._bar.refresh()
        before = work.indexing
        work._bar.refresh()
        after = SGR.sub("", stream.getvalue()).split("searching")[-1]
    assert "3 read, finishing" in behind and "3/3" not in behind and "━" not in behind
    assert "indexing for words" not in after and "0/?" not in SGR.sub("", stream.getvalue())
    assert work.indexing == before > 0


def test_work_at_the_same_time_counts_once(monkeypatch):
    with progress.LongWork(Screen(io.StringIO())) as work:
        now = iter([10.0, 13.0, 20.0, 24.0])
        monkeypatch.setattr(progress, "perf_counter", lambda: next(now))
        with during("a"), during("b"):
            pass
        with during("a"):
            pass
    assert work.indexing == 7.0
