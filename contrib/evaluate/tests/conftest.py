"""A mode that answers with rankings that a test has written down, and the command in this process or another."""

import io
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from retrieverkit import Document, Index, register_mode
from retrieverkit.cli import main
from retrieverkit_core import BaseRetriever, ModeOptions, ModeSpec, Node, NodeWithScore, hookimpl
from retrieverkit_core.result import LegStatus, RetrievalResult

RANKINGS = {}
"""Hits by (key of the mode, query): document ids or nodes in order, an error to raise, or a leg that failed."""


class Written(BaseRetriever):
    """Returns what is written."""

    def __init__(self, key, top_k):
        super().__init__()
        self.key, self.default_top_k = key, top_k

    def _retrieve(self, query_bundle):
        written = RANKINGS[self.key, query_bundle.query_str]
        if isinstance(written, Exception):
            raise written
        if isinstance(written, LegStatus):
            return RetrievalResult([], legs=[written])
        nodes = [Node(id=each, text=each) if isinstance(each, str) else each for each in written]
        return [NodeWithScore(node, 1.0) for node in nodes][: query_bundle.top_k]


class Options(ModeOptions):
    key: str = "a"


class Plugin:
    spec = ModeSpec(name="written", summary="Returns what is written.", options=Options)

    @hookimpl
    def make_retriever(self, options, context):
        return Written(options.key, options.top_k)


register_mode("written", Plugin(), override=True)


@pytest.fixture
def rankings():
    """The rankings to write, by (key, query)."""
    RANKINGS.clear()
    return RANKINGS


@pytest.fixture(scope="session")
def letters():
    """An index of the documents a, b, c, … j."""
    with Index.from_documents([Document(id=name, text=f"letter {name}") for name in "abcdefghij"]) as index:
        yield index


@pytest.fixture
def eval_process(tmp_path):
    """Runs ``retriever eval`` in ``tmp_path`` as a process; no run may end in a traceback or call itself a bug."""

    def run(*arguments, code=0, command="eval", **variables):
        environment = {**os.environ, "COLUMNS": "80", "LC_ALL": "C.UTF-8", **variables}
        done = subprocess.run(
            [sys.executable, "-m", "retrieverkit.cli", command, *map(str, arguments)],
            capture_output=True,
            cwd=tmp_path,
            env=environment,
            encoding="utf-8",
        )
        return checked(done, code)

    return run


@pytest.fixture
def eval_command(tmp_path, monkeypatch):
    """Runs ``retriever eval`` like `eval_process`, in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments, code=0, command="eval"):
        with monkeypatch.context() as patched:
            for name in ("stdout", "stderr"):
                patched.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True))
            ended = main([command, *map(str, arguments)])
            written = {name: getattr(sys, name).buffer.getvalue().decode() for name in ("stdout", "stderr")}
        return checked(SimpleNamespace(returncode=ended, **written), code)

    return run


def checked(done, code):
    assert "Traceback" not in done.stderr and "this is a bug" not in done.stderr, done.stderr
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


@pytest.fixture
def kitchen(tmp_path):
    """A folder with an index of our own documents, queries and judgements."""
    texts = {
        "bread": "Knead the dough, let it rise twice, bake the bread until the crust is brown.",
        "soup": "Simmer leeks and potatoes, blend the soup, add cream.",
        "rice": "Rinse the rice until the water stays clear, then steam it.",
        "tea": "Steep green tea in water below the boil.",
        "pizza": "Stretch the dough thin, bake the pizza on a hot stone.",
    }
    with Index.open(tmp_path / "kitchen.rk", create=True) as index:
        index.add([Document(id=name, text=text) for name, text in texts.items()])
    queries = {"q1": "bake dough", "q2": "steamed rice", "q3": "hot water", "q4": "nothing judged"}
    lines = [json.dumps({"_id": query_id, "text": text}) + "\n" for query_id, text in queries.items()]
    (tmp_path / "queries.jsonl").write_text("".join(lines))
    (tmp_path / "qrels.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\tbread\t2\nq1\tpizza\t1\nq2\trice\t1\nq3\ttea\t1\nq3\tsoup\t0\nq9\ttea\t1\n"
    )
    return tmp_path
