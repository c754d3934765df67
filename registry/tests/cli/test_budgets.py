"""``retriever search --budget``: what is misspelt is refused before anything is read, what was spent is said."""

import json

import pytest

from retrieverkit import register_mode
from retrieverkit_core import BaseRetriever, ModeOptions, ModeSpec, Node, NodeWithScore, budget, hookimpl


class Asks(BaseRetriever):
    def _retrieve(self, query_bundle):
        for _ in range(3):
            budget.spend(llm_calls=1)
            budget.note(tokens=400)
        return [NodeWithScore(Node(text="a note", id="n"))]


class AsksMode:
    spec = ModeSpec("asks_models", "Asks three times.", ModeOptions)

    @hookimpl
    def make_retriever(self, context, options):
        return Asks()


@pytest.fixture
def asks(retriever, notes):
    register_mode("asks_models", AsksMode(), override=True)
    return lambda *options, **kwargs: retriever("search", "note", notes, "--mode", "asks_models", *options, **kwargs)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("llm_call=3", "did you mean 'llm_calls'?"),
        ("llm_calls=-1", "'-1' is not a whole number from 0 up"),
        ("tokens=1e3", "'1e3' is not a whole number"),
        ("tokens", "it has no number"),
        ("partial", "limits nothing"),
        ("", "limits nothing"),
        ("tokens=1,tokens=2", "names tokens twice"),
        ("tokens=٣", "not a whole number"),
    ],
)
def test_a_budget_that_cannot_be_is_wrong_usage(asks, tmp_path, written, told):
    done = asks("--budget", written, code=2)
    assert told in done.stderr and "fix: " in done.stderr
    assert not (tmp_path / "home" / "cache").exists()


def test_what_was_spent_is_said_beside_the_answer_and_in_its_json(asks):
    done = asks("--budget", "llm_calls=3, tokens=5000")
    assert "spent: 3 model calls, 1,200 tokens" in done.stderr and "spent: " not in done.stdout
    told = json.loads(asks("--json").stdout)
    assert told["spent"] == {"llm_calls": 3, "embedding_calls": 0, "tokens": 1200}


def test_a_call_over_the_budget_is_not_made(asks):
    assert "the budget allows 2 llm calls, and 2 are spent" in asks("--budget", "llm_calls=2", code=1).stderr
    assert "the budget allows 800 tokens, and 800 are spent" in asks("--budget", "tokens=800", code=1).stderr


def test_a_plan_is_shown_and_nobody_is_asked(asks, retriever, notes, tmp_path):
    done = asks("--plan")
    assert done.stdout.splitlines() == [
        "asks_models: does not say what it spends",
        "expected: at least nothing; a part does not say what it spends",
    ]
    told = json.loads(asks("--plan", "--json").stdout)
    assert told["complete"] is False and told["plan"]["name"] == "asks_models"
    assert "do not go together" in asks("--plan", "--cassette", "calls.jsonl", code=2).stderr
    assert not (tmp_path / "calls.jsonl").exists()


@pytest.mark.searches
def test_a_plan_says_in_80_columns_what_is_built_first(retriever, notes, tmp_path):
    retriever("index", notes, "--index", "notes.rk")
    retriever("reindex", "--index", "notes.rk")
    done = retriever("search", "moon", "--index", "notes.rk", "--mode", "bm25", "--plan")
    assert done.stdout.splitlines() == ["bm25: searches its index", "expected: nothing"]
    (notes / "more.md").write_text("more of the moon")
    done = retriever("search", "moon", notes, "--mode", "bm25(language='de')", "--plan")
    assert done.stdout.splitlines() == [
        "bm25: searches its index",
        "└── index bm25: is built first, of 5 nodes",
        "expected: nothing",
    ]
    told = json.loads(retriever("search", "moon", notes, "--mode", "bm25", "--plan", "--json").stdout)
    assert told["plan"]["parts"][0]["once"] and told["complete"]
    assert told["expected"] == {"llm_calls": 0, "embedding_calls": 0, "tokens": 0}
