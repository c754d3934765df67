"""The file of a cassette: several processes, kills, damage, and what is no cassette."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from retrieverkit import cassette
from retrieverkit_core import Prompt, Reply
from retrieverkit_core.errors import CassetteError, ConfigError, NotRecordedError
from retrieverkit_testkit.children import in_child

ADDER = Path(__file__).parent / "programs" / "adder.py"


def adder(path, name, count):
    command = [sys.executable, str(ADDER), str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def three_calls(services, tape):
    """A cassette with three calls."""
    with cassette(tape):
        return [services.llm().ask(Prompt(f"call {n}")).text for n in range(3)]


def test_several_processes_add_to_one_cassette(services, model, tape):
    tape.parent.mkdir()
    adders = [adder(tape, name, 150) for name in ("one", "two", "three")]
    for each in adders:
        _, said = each.communicate(timeout=120)
        assert each.returncode == 0, said
    with cassette(tape, "replay") as played:
        for name in ("one", "two", "three"):
            for n in range(150):
                assert services.llm().ask(Prompt(f"{name} {n}")).text == f"{name} {n}".upper() * 50
        assert played.replayed == 450
    assert model.asked == []


@pytest.mark.skipif(os.name != "posix", reason="it kills a process")
def test_a_kill_loses_no_call_but_the_last(services, model, tape):
    tape.parent.mkdir()
    for name in ("one", "two"):
        killed = adder(tape, name, -1)
        assert killed.stdout.readline() == "going\n"
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
    with cassette(tape, "replay"):
        for name in ("one", "two"):
            for n in range(20):
                assert services.llm().ask(Prompt(f"{name} {n}")).text == f"{name} {n}".upper() * 50


def test_wherever_the_last_line_was_cut_only_that_call_is_made_again(services, model, tape, three_calls):
    whole = tape.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for cut in range(start, len(whole)):
        tape.write_bytes(whole[:cut])
        lost = cut < len(whole) - 1  # what only lacks its line end is whole
        asked = len(model.asked)
        for mode, more in (("auto", lost), ("auto", False), ("replay", False)):
            with cassette(tape, mode) as played:
                told = [services.llm().ask(Prompt(f"call {n}")).text for n in range(3)]
                assert played.recorded == more
            assert told[:2] == three_calls[:2]
        assert len(model.asked) - asked == lost


@pytest.mark.parametrize("cut", [0, 1, 10])
def test_a_cassette_that_was_cut_in_its_first_line_is_begun_again(services, tape, three_calls, cut):
    tape.write_bytes(tape.read_bytes()[:cut])
    for mode in ("record", "replay"):
        with cassette(tape) as played:
            assert played.mode == mode
            services.llm().ask(Prompt("say"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line[:40],
        lambda line: b"[1, 2]",
        lambda line: b'{"ask": 7}',
        lambda line: line.replace(b'"system"', b'"sistem"'),
        lambda line: line.replace(b'"reply"', b'"answer"'),
        lambda line: line.replace(b'"text"', b'"texts"'),
        lambda line: line.replace(b"counting", b"\xff\xfe", 1),
        lambda line: line.replace(b'"llm_calls":1', b'"llm_calls":-1'),
        lambda line: b'{"embed":{"embedding":"e","kind":"query","text":["a"]},"given":["AAAA!"]}',
        lambda line: b'{"embed":{"embedding":"e","kind":"query","text":["a"]},"given":["AAAAAA==","AAAAAA=="]}',
        lambda line: b'{"embed":{"embedding":"e","kind":"query","text":["a"]},"given":["AAAA"]}',
        lambda line: b'{"model":"llm"}',
        lambda line: b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("mode", ["once", "auto"])
def test_a_damaged_line_is_named(tape, three_calls, damage, mode):
    lines = tape.read_bytes().splitlines()
    at = next(at for at, line in enumerate(lines) if b"call 1" in line)
    lines[at] = damage(lines[at])
    tape.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(CassetteError, match=f"line {at + 1} is damaged") as caught, cassette(tape, mode):
        pass
    assert caught.value.line == at + 1 and "fix: " in str(caught.value)
    assert tape.read_bytes().splitlines() == lines


def test_a_place_that_the_call_does_not_have_is_a_damaged_reply(services, tape):
    with cassette(tape):
        services.llm().ask(Prompt("say", ("sun: a text",), labels=("sun",)))
    tape.write_text(tape.read_text(encoding="utf-8").replace('"text":"⟦0⟧', '"text":"⟦7⟧'), encoding="utf-8")
    with cassette(tape), pytest.raises(CassetteError, match="label 7"):
        services.llm().ask(Prompt("say", ("sun: a text",), labels=("sun",)))


@pytest.mark.parametrize("content", [b"notes of mine\n", b'{"a": 1}\n', b"\x00\x01", b"[]\n"])
@pytest.mark.parametrize("mode", ["once", "replay", "record", "auto"])
def test_what_is_no_cassette_is_not_touched(tmp_path, content, mode):
    other = tmp_path / "mine.txt"
    other.write_bytes(content)
    if content == b"\x00\x01":  # one line without an end may be the beginning of a cassette; this is none
        other.write_bytes(content + b"\n")
    before = other.read_bytes()
    with pytest.raises(CassetteError, match="not a cassette"), cassette(other, mode):
        pass
    assert other.read_bytes() == before


def test_a_later_version_is_refused_and_lines_may_end_as_windows_ends_them(services, tape, three_calls):
    lines = tape.read_bytes().splitlines()
    tape.write_bytes(b"\r\n".join(lines))
    with cassette(tape, "auto"):
        assert services.llm().ask(Prompt("call 2")).text == three_calls[2]
        services.llm().ask(Prompt("call 3"))
    with cassette(tape, "replay"):
        services.llm().ask(Prompt("call 3"))
    tape.write_bytes(b"\n".join([b'{"retrieverkit_cassette": 2}', *lines[1:]]))
    with pytest.raises(CassetteError, match="version 2"), cassette(tape):
        pass


def test_where_the_file_cannot_be_used_the_error_says_why(tmp_path, tape, services):
    for path, mode, told in (
        (tape, "replay", "there is no such file"),
        (tmp_path, "once", "cannot be read"),
        (tmp_path / "a.txt" / "b.jsonl", "record", "cannot be"),
    ):
        (tmp_path / "a.txt").write_text("a file")
        with pytest.raises(CassetteError, match=told), cassette(path, mode):
            pass
    with pytest.raises(ConfigError, match="did you mean 'record'"), cassette(tape, "recrod"):
        pass
    assert not tape.exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device")
def test_a_full_disk_is_said_and_the_call_is_not_on_the_cassette(services, tape, three_calls, monkeypatch):
    write, full = os.write, os.open("/dev/full", os.O_WRONLY)
    llm = services.llm()
    with cassette(tape, "auto"):
        monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:9]) and write(full, data))
        with pytest.raises(CassetteError, match="No space left"):
            llm.ask(Prompt("lost"))
        monkeypatch.undo()
        llm.ask(Prompt("kept"))
    os.close(full)
    with cassette(tape, "replay"):
        assert llm.ask(Prompt("call 2")).text == three_calls[2]
        llm.ask(Prompt("kept"))
        with pytest.raises(NotRecordedError):
            llm.ask(Prompt("lost"))


def test_recording_again_begins_the_file_again_and_hides_nothing(services, model, tape, three_calls):
    with cassette(tape, "record") as begun:
        services.llm().ask(Prompt("call 1"))
        services.llm().ask(Prompt("call 1"))
        assert (begun.recorded, begun.replayed) == (2, 0)
    with cassette(tape), pytest.raises(NotRecordedError):
        services.llm().ask(Prompt("call 2"))
    assert len(model.asked) == 5


def test_texts_are_stored_as_they_are_and_no_key_gets_in(services, model, tape, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-verysecret")
    model.ask = lambda prompt: Reply("\ud800" if prompt.system == "Grüße" else "day")
    with cassette(tape):
        services.llm().ask(Prompt("Grüße"))
        services.llm().ask(Prompt("月"))
    data = tape.read_bytes()
    assert "月".encode() in data and b"\\ud800" in data and b"secret" not in data
    assert [set(json.loads(line)) for line in data.splitlines()][-1] == {"ask", "reply"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_goes_on_with_the_cassette(services, model, tape):
    llm = services.llm()
    with cassette(tape, "auto") as outer:
        llm.ask(Prompt("parent"))
        with outer._lock:  # as another thread may hold it
            status = in_child(lambda: [llm.ask(Prompt(text)).text for text in ("parent", "child")])
        assert status == 0
        llm.ask(Prompt("parent again"))
    with cassette(tape, "replay"):
        for text in ("parent", "child", "parent again"):
            llm.ask(Prompt(text))
    assert [prompt.system for prompt in model.asked] == ["parent", "parent again"]
