"""A plan says what is known, and says where nothing is known."""

import pytest

from retrieverkit_core import BaseRetriever, Plan
from retrieverkit_core.plan import tokens_of


class Priced(BaseRetriever):
    name = "priced"

    def _retrieve(self, query_bundle):
        raise AssertionError("a plan asks nobody")

    def _plan(self, query_bundle):
        return Plan(self.name, f"asks for {query_bundle.top_k}", llm_calls=2, tokens=tokens_of("12345"))


class Silent(BaseRetriever):
    name = "silent"

    def __init__(self, *legs):
        super().__init__()
        self.legs = legs

    @property
    def sub_retrievers(self):
        return self.legs

    def _retrieve(self, query_bundle):
        raise AssertionError("a plan asks nobody")


def test_what_is_not_said_is_not_taken_for_nothing():
    plan = Silent(Priced(), Priced()).plan("q", top_k=3)
    assert not plan.complete
    assert plan.llm_calls is None
    assert plan.total("llm_calls") == 4
    assert plan.total("tokens") == 4
    assert [part.name for part in plan.walk()] == ["silent", "priced", "priced"]


def test_it_is_told_as_text_and_as_json():
    plan = Priced().plan("q", top_k=3)
    assert plan.complete
    assert str(plan) == "priced: asks for 3 [2 model calls, 2 tokens]"
    assert plan.as_dict() == {
        "name": "priced",
        "does": "asks for 3",
        "llm_calls": 2,
        "embedding_calls": 0,
        "tokens": 2,
    }


@pytest.mark.parametrize("query", ["", "  "])
def test_a_blank_query_asks_nobody(query):
    assert Priced().plan(query).total("llm_calls") == 0


def test_the_way_to_a_plan_is_final():
    with pytest.raises(TypeError, match="final"):
        type("Mine", (BaseRetriever,), {"plan": lambda self, query: None})
