from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from retrieverkit.corpus import SQLiteCorpus
from retrieverkit_core.nodes import Document, Node, NodeRelationship

PROGRAMS = Path(__file__).parent / "programs"


def _made(doc_id: str, version: int = 0, pieces: int = 2) -> tuple[Document, list[Node]]:
    text = f"{doc_id} as of {version}. " * 10
    metadata = {"version": version, "name": doc_id}
    nodes = [
        Node(f"{text}{i}", f"{doc_id}#{i}", dict(metadata), {NodeRelationship.SOURCE: doc_id}) for i in range(pieces)
    ]
    return Document(text * pieces, doc_id, metadata), nodes


@pytest.fixture(scope="session")
def made():
    """Makes a document whose text and metadata tell its version, with its nodes."""
    return _made


@pytest.fixture
def path(tmp_path):
    return tmp_path / "corpus.sqlite"


@pytest.fixture
def corpus(path):
    """An empty corpus that is checked in full after the test."""
    with SQLiteCorpus.open(path) as opened:
        yield opened
    with SQLiteCorpus.open(path) as opened:
        assert opened.check() == []


@pytest.fixture
def public_folder():
    """A folder that every user of the machine can reach."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        yield Path(folder)
        os.chmod(folder, 0o777)


@pytest.fixture(scope="session")
def program():
    """Starts one of the programs beside these tests in a process of its own."""

    def start(name: str, *arguments: object, prefix: tuple[str, ...] = (), first=None) -> subprocess.Popen[str]:
        command = [*prefix, sys.executable, str(PROGRAMS / f"{name}.py"), *map(str, arguments)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=first)

    return start


@pytest.fixture(scope="session")
def run(program):
    """Runs a program to its end, which must be a good one, and returns what it printed."""

    def finish(name: str, *arguments: object, prefix: tuple[str, ...] = (), first=None) -> str:
        process = program(name, *arguments, prefix=prefix, first=first)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        return out

    return finish


@pytest.fixture(scope="session")
def naughty():
    file = Path(__file__).parents[4] / "shared" / "data" / "naughty_strings.jsonl"
    if not file.exists():
        pytest.skip("the naughty strings are not beside this checkout")
    with file.open(encoding="utf-8", newline="\n") as lines:
        return [json.loads(line)["text"] for line in lines]
