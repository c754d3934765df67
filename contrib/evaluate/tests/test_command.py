"""``retriever eval`` as people run it."""

import json
import re

import pytest

FILES = ("--index", "kitchen.rk", "--queries", "queries.jsonl", "--qrels", "qrels.tsv")

FAILING = """
from retrieverkit_core import BaseRetriever, ModeOptions, ModeSpec, Node, NodeWithScore, hookimpl

class Failing(BaseRetriever):
    def _retrieve(self, query_bundle):
        if "rice" in query_bundle.query_str:
            raise RuntimeError("the rice is gone")
        return [NodeWithScore(Node(id="bread", text="bread"), 1.0)]

class Plugin:
    spec = ModeSpec(name="failing", summary="Fails on rice.", options=ModeOptions)

    @hookimpl
    def make_retriever(self, options, context):
        return Failing()

plugin = Plugin()
"""


def test_a_table_of_80_columns_and_what_was_left_out(eval_process, kitchen):
    done = eval_process(*FILES, "--mode", "bm25", "--mode", "bm25(top_k=1)")
    assert all(measure in done.stdout for measure in ("nDCG@10", "R@100", "RR@10", "P@5"))
    table = done.stdout.partition("where ")[0]
    assert max(map(len, table.splitlines())) <= 80
    row = next(line for line in done.stdout.splitlines() if line.startswith("R@100"))
    assert row.split()[1:3] == ["bm25", "1.000"]
    assert "queries without a judgement, left out: 1 (q4)" in done.stderr
    assert "judged queries that are not among the queries, left out: 1 (q9)" in done.stderr


def test_json_on_stdout_is_all_there_is_on_stdout(eval_command, kitchen):
    done = eval_command(*FILES, "--mode", "bm25", "--measure", "P@1", "--measure", "RR", "--json", "-")
    told = json.loads(done.stdout)
    assert told["complete"] is True
    assert [score["measure"] for score in told["scores"]] == ["P@1", "RR"]
    assert [query["id"] for query in told["queries"]] == ["q1", "q2", "q3"]
    assert set(told["queries"][0]["values"]["RR"]) == {"bm25"}


def test_json_and_html_go_to_files_beside_the_table(eval_command, kitchen):
    done = eval_command(*FILES, "--mode", "bm25", "--json", "report.json", "--html", "report.html")
    assert "nDCG@10" in done.stdout
    assert json.loads((kitchen / "report.json").read_text())["collection"]["documents"] == 5
    assert (kitchen / "report.html").read_text().startswith("<!doctype html>")


def test_a_failed_query_ends_in_3_and_is_told(eval_process, kitchen):
    site = kitchen / "site"
    info = site / "failing-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "failing.py").write_text(FAILING)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: failing\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[retrieverkit.modes]\nfailing = failing:plugin\n")
    done = eval_process(*FILES, "--mode", "bm25", "--mode", "failing", "--html", "r.html", code=3, PYTHONPATH=str(site))
    assert re.search(r"failing: 1 query failed .*the rice is gone", done.stderr)
    assert "2 queries" in done.stdout
    assert "the rice is gone" in (kitchen / "r.html").read_text()


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"--index": "nowhere.rk"}, 1, "there is no index"),
        ({"--queries": "missing.tsv"}, 1, "missing.tsv: no such file"),
        ({"--qrels": "queries.jsonl"}, 1, "queries.jsonl: line 1"),
        ({"--mode": "bm52"}, 1, "unknown retriever mode 'bm52'"),
        ({"--mode": None}, 2, "--mode"),
        ({"--measure": "nDCG@1000"}, 1, "--depth 1000"),
        ({"--depth": "0"}, 2, "--depth"),
        ({"--html": "no/such/folder.html"}, 2, "cannot be written"),
        ({"--json": "."}, 2, "cannot be written"),
    ],
)
def test_bad_input_gets_a_message_and_a_fix(eval_command, kitchen, changes, code, message):
    given = {**dict(zip(FILES[::2], FILES[1::2], strict=True)), "--mode": "bm25", **changes}
    arguments = [part for name, value in given.items() if value is not None for part in (name, value)]
    done = eval_command(*arguments, code=code)
    assert "error: " in done.stderr and message in done.stderr
    assert done.stdout == ""


def test_the_command_is_listed_and_explained(eval_command):
    listing = eval_command(command="--help").stdout
    assert "eval" in listing and "Compare retriever modes" in listing
    assert "--measure" in eval_command("--help").stdout
