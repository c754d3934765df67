"""The command with a home and a cache of its own: in this process, or as a process where that matters."""

import io
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import pytest

from retrieverkit.cli import main

COMMAND = [sys.executable, "-m", "retrieverkit.cli"]
OURS = (
    "RETRIEVERKIT",
    "XDG_",
    "PYTHONUNBUFFERED",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "TERM",
    "LC_",
    "LANG",
)


@pytest.fixture
def environment(tmp_path):
    """The environment of every process that a test starts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    home = tmp_path / "home"
    home.mkdir()
    ours = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "RETRIEVERKIT_EMBEDDING": "lsa"}
    return {**kept, **ours, "LC_ALL": "C.UTF-8"}


@pytest.fixture
def process(environment, tmp_path):
    """Runs the command in ``tmp_path`` as a process; no run may end in a traceback or call itself a bug."""

    def run(*arguments, code=0, stdin=None, **variables):
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            capture_output=True,
            cwd=tmp_path,
            env={**environment, **variables},
            input=stdin,
            check=False,
        )
        return checked(done.returncode, done.stdout, done.stderr, code)

    return run


@pytest.fixture
def retriever(environment, process, tmp_path, monkeypatch):
    """Runs the command like `process`, but in this process where its environment does not matter."""
    for name in set(os.environ) - set(environment):
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run(*arguments, code=0, stdin=None, **variables):
        if variables or "PYTHONPATH" in environment:
            return process(*arguments, code=code, stdin=stdin, **variables)
        with monkeypatch.context() as patched:
            for name, content in (("stdin", stdin), ("stdout", b""), ("stderr", b"")):
                patched.setattr(sys, name, io.TextIOWrapper(io.BytesIO(content or b""), encoding="utf-8"))
            ended = main(list(map(str, arguments)))
            streams = [sys.stdout, sys.stderr]
            for stream in streams:
                stream.flush()
            return checked(ended, *(stream.buffer.getvalue() for stream in streams), code)

    return run


def checked(ended, stdout, stderr, code):
    done = SimpleNamespace(returncode=ended, stdout=stdout.decode(), stderr=stderr.decode())
    assert "Traceback" not in done.stderr and "this is a bug" not in done.stderr, done.stderr
    assert code is None or ended == code, (done.stdout, done.stderr)
    return done


@pytest.fixture
def notes(tmp_path):
    """A folder of three files that a search can tell apart."""
    folder = tmp_path / "notes"
    (folder / "deep").mkdir(parents=True)
    (folder / "fusion.md").write_text("# Fusion\n\nReciprocal rank fusion adds up ranks, not scores.\n")
    (folder / "deep" / "bread.txt").write_text("Knead the dough, let it rise, bake it.\n")
    rows = [{"_id": "m1", "text": "a moon landing", "year": 1969}, {"_id": "m2", "text": "a moon map", "year": 1645}]
    (folder / "moon.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def pytest_collection_modifyitems(items):
    if find_spec("retrieverkit_bm25") is None:
        for item in items:
            if item.get_closest_marker("searches"):
                item.add_marker(pytest.mark.skip(reason="retrieverkit-bm25 is not installed"))


def pytest_configure(config):
    config.addinivalue_line("markers", "searches: needs a mode to search with")
