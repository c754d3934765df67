"""Readers in a process of their own: what is too slow, too large or crashes is a failure of that file alone."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from retrieverkit.reading import apart
from retrieverkit.reading.apart import Apart
from retrieverkit_core.errors import ReadError
from retrieverkit_core.readers import Reader, Section, SourceFile, sections_of

PARSERS = """
import os, signal, sys, time
from retrieverkit_core.errors import ReadError
from retrieverkit_core.readers import Parsed, Section, whole_file, with_sections

def good(file, data):
    print("to nobody", flush=True)
    print("to nobody", file=sys.stderr, flush=True)
    document = with_sections(whole_file(file, data.decode(), pid=os.getpid()), [Section(0, ("a",), {"slide": 1})])
    return Parsed([document], [ReadError(file.source, "page 2: dim", fix="light")])

def refuses(file, data):
    raise ReadError(file.source, "not for me", fix="ask another")

def broken(file, data):
    raise KeyError("\\x1b[31mred")

def endless(file, data):
    with open(data.decode(), "w") as told:
        told.write(str(os.getpid()))
    while True:
        pass

def huge(file, data):
    return b"x" * (8 << 30)

def crashes(file, data):
    os.kill(os.getpid(), signal.SIGKILL)

def not_json(file, data):
    return Parsed([whole_file(file, "x", bad=float("nan"))], [])
"""
FILE = SourceFile("/plant/a.docx", "a.docx")


@pytest.fixture
def parsers(tmp_path, monkeypatch):
    (tmp_path / "parsers_apart.py").write_text(PARSERS)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("parsers_apart", None)
    import parsers_apart

    yield parsers_apart
    sys.modules.pop("parsers_apart", None)


@contextmanager
def refused(told):
    with pytest.raises(ReadError) as caught:
        yield caught
    assert told in caught.value.message
    assert caught.value.message.startswith("/plant/a.docx: ")


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_one_child_reads_file_after_file_and_ends_with_the_run(parsers):
    with Apart() as run:
        pids = set()
        for text in ("one", "två\n" * 100_000, ""):
            parsed = run.read(Reader(parsers.good, apart=True), FILE, text.encode())
            [document] = parsed.documents
            assert (document.text, document.id) == (text, "a.docx")
            assert sections_of(document) == [Section(0, ("a",), {"slide": 1})]
            assert [(each.message, each.fix) for each in parsed.errors] == [("/plant/a.docx: page 2: dim", "light")]
            pids.add(document.metadata["pid"])
        with refused("not for me") as caught:
            run.read(Reader(parsers.refuses, apart=True), FILE, b"")
        assert caught.value.fix == "ask another"
        with refused("its reader failed: KeyError"):
            run.read(Reader(parsers.broken, apart=True), FILE, b"")
        with refused("its reader failed: ValueError"):
            run.read(Reader(parsers.not_json, apart=True), FILE, b"")
        assert run.read(Reader(parsers.good, apart=True), FILE, b"x").documents[0].metadata["pid"] in pids
    [pid] = pids
    assert pid != os.getpid()
    assert not os.path.exists("/proc") or not is_alive(pid)


def test_what_crashes_takes_too_much_time_or_memory_stops_no_other_file(parsers, monkeypatch, tmp_path):
    monkeypatch.setattr(apart, "MOST_MEMORY", 2 << 30)
    with Apart() as run:
        with refused("crashed"):
            run.read(Reader(parsers.crashes, apart=True), FILE, b"x" * 1_000_000)
        if sys.platform.startswith("linux"):
            with refused("memory"):
                run.read(Reader(parsers.huge, apart=True), FILE, b"")
        with monkeypatch.context() as patched:
            patched.setattr(apart, "MOST_SECONDS", 1.0)
            with refused("took more than 1 s"):
                run.read(Reader(parsers.endless, apart=True), FILE, str(tmp_path / "pid").encode())
        assert run.read(Reader(parsers.good, apart=True), FILE, b"x").documents[0].text == "x"


def test_nothing_of_the_current_folder_is_run(parsers, tmp_path, monkeypatch):
    for name in ("json", "sys", "faulthandler", "contextlib", "retrieverkit"):
        (tmp_path / "downloads" / f"{name}.py").parent.mkdir(exist_ok=True)
        (tmp_path / "downloads" / f"{name}.py").write_text(f"open('ran', 'a').write('{name}')")
    monkeypatch.chdir(tmp_path / "downloads")
    with Apart() as run:
        assert run.read(Reader(parsers.good, apart=True), FILE, b"x").documents[0].text == "x"
    assert not os.path.exists("ran")


def test_a_path_object_in_sys_path_is_left_out_as_python_does(parsers, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, tmp_path])
    with Apart() as run:
        assert run.read(Reader(parsers.good, apart=True), FILE, b"x").documents[0].text == "x"


def test_a_file_is_not_blamed_for_a_child_that_ended_before_it(parsers):
    with Apart() as run:
        first = run.read(Reader(parsers.good, apart=True), FILE, b"x").documents[0]
        os.kill(first.metadata["pid"], signal.SIGKILL)
        second = run.read(Reader(parsers.good, apart=True), FILE, b"y" * 1_000_000).documents[0]
    assert second.text[:2] == "yy"
    assert second.metadata["pid"] != first.metadata["pid"]


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc"), reason="looks at processes")
def test_the_child_ends_itself_where_the_run_was_killed(parsers, tmp_path):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import parsers_apart\n"
        "from retrieverkit.reading import apart\n"
        "from retrieverkit_core.readers import Reader, SourceFile\n"
        "apart.MOST_SECONDS = 3.0\n"
        "apart.Apart().read(Reader(parsers_apart.endless), SourceFile('a', 'a'), sys.argv[2].encode())\n"
    )
    told = tmp_path / "pid"
    run = subprocess.Popen([sys.executable, "-c", program, str(tmp_path), str(told)])
    until = time.monotonic() + 60
    while not (told.exists() and told.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    run.kill()
    run.wait()
    pid = int(told.read_text())
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_alive(pid)
