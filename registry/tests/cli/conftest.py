"""The command as people run it: a process of its own, with a home and a cache of its own."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

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
def retriever(environment, tmp_path):
    """Runs the command in ``tmp_path``; no run may end in a traceback or call itself a bug."""

    def run(*arguments, code=0, stdin=None, **variables):
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            capture_output=True,
            cwd=tmp_path,
            env={**environment, **variables},
            input=stdin,
            check=False,
        )
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in done.stderr and "this is a bug" not in done.stderr, done.stderr
        assert done.returncode == code, (done.stdout, done.stderr)
        return done

    return run


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
