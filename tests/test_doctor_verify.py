"""`retriever doctor --verify MODE` prints the conformance kit's score card, and fails where the mode does."""

import json
import os
import subprocess
import sys

import pytest

from retrieverkit.cli import main

FORGETFUL = '''
from retrieverkit_core import BaseRetriever, ModeSpec, Need, NodeWithScore, hookimpl

class Forgetful(BaseRetriever):
    """Finds words in the documents that there were when it was made."""

    def __init__(self, corpus):
        super().__init__()
        with corpus.snapshot() as view:
            self.nodes = [stored.node for stored in view.nodes()]

    def _retrieve(self, query):
        asked = set(query.query_str.split())
        found = sorted(self.nodes, key=lambda node: -len(asked & set(node.text.split())))
        return [NodeWithScore(node) for node in found if asked & set(node.text.split())][: query.top_k]

class Plugin:
    spec = ModeSpec("forgetful", "never looks again", needs=frozenset({Need.CORPUS}))

    @hookimpl
    def make_retriever(self, mode, options, context):
        return Forgetful(context.need_corpus())

plugin = Plugin()
'''


@pytest.fixture
def verify(tmp_path):
    """Runs the command where a mode is installed that does not see what is added."""
    site = tmp_path / "site"
    info = site / "forgetful-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "forgetful.py").write_text(FORGETFUL)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: forgetful\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[retrieverkit.modes]\nforgetful = forgetful:plugin\n")

    def verify(*arguments):
        command = [sys.executable, "-m", "retrieverkit.cli", "doctor", "--verify", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(site)}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return verify


@pytest.mark.slow
def test_a_mode_that_conforms(verify):
    done = verify("bm25", "--quick")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "bm25 of retrieverkit-bm25" in done.stdout
    assert "skipped: capability exhaustive is not declared" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("conforms: ")


def test_a_mode_that_does_not_is_told_how_to_mend(verify):
    done = verify("forgetful", "--quick")
    assert done.returncode == 1
    assert "failed an_insert_is_seen: the new document is not found" in done.stdout
    assert "fix: ask the index for its reader in each call" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("does not conform: ")


def test_the_card_is_json(verify):
    done = verify("forgetful", "--quick", "--json")
    assert done.returncode == 1
    card = json.loads(done.stdout)
    assert (card["mode"], card["distribution"], card["quick"], card["conforms"]) == (
        "forgetful",
        "forgetful",
        True,
        False,
    )
    assert "failed" in {check["outcome"] for check in card["checks"] if check["name"] == "an_insert_is_seen"}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--verify", "no_such_mode"], 1, "unknown retriever mode 'no_such_mode'"),
        (["--verify", "bm25(top_kk=1)"], 1, "top_k"),
        (["--verify", "bm25", "--load"], 2, "--verify goes with neither"),
        (["--verify", "bm25", "--index", "x"], 2, "--verify goes with neither"),
        (["--quick"], 2, "add --verify MODE"),
    ],
)
def test_what_cannot_be_verified_is_told(capsys, arguments, code, told):
    assert main(["doctor", *arguments]) == code
    assert told in capsys.readouterr().err


def test_a_missing_kit_is_named(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "retrieverkit_testkit", None)
    assert main(["doctor", "--verify", "bm25"]) == 1
    assert "fix: pip install retrieverkit-testkit" in capsys.readouterr().err
