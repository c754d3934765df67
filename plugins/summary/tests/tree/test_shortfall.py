"""Trees in which a model does not make all summaries: the rest does, and the answer says so."""

import pytest
from marked_documents import document, marks, sum_up

from retrieverkit_core.budget import Budget
from retrieverkit_core.errors import BudgetExceededError, EndpointError, NotRecordedError
from retrieverkit_core.result import Outcome
from retrieverkit_testkit.choosers import by_words

MODES = [
    "tree_root(num_children=3)",
    "tree_select_leaf(num_children=3)",
    pytest.param(
        "tree_select_leaf_embedding(num_children=3, child_branch_factor=60)",
        marks=pytest.mark.needs("retrieverkit_vector"),
    ),
]


class Refusing:
    """Sums up and chooses; refuses to sum up texts with one of some marks."""

    def __init__(self, *refused):
        self.refused = set(refused)

    def __call__(self, prompt):
        if prompt.schema:
            return by_words(prompt)
        if any(text.split()[0] in self.refused for text in prompt.data):
            return EndpointError("refused", status=400)
        return sum_up(prompt)


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("retrieverkit_summary.summarizing.failures.monotonic", lambda: now[0])
    return now


def summed(model):
    return [prompt for prompt in model.asked if not prompt.schema]


@pytest.mark.parametrize("mode", MODES)
def test_one_text_that_is_always_refused_leaves_a_partial_answer_and_is_paid_for_once(new_index, clock, mode):
    script = Refusing("m7")
    index, model = new_index([document(n) for n in range(40)], script)
    for query in ("m7", "m31", "m7"):
        before = len(summed(model))
        result = index.as_retriever(mode).retrieve(query)
        assert result.outcome is Outcome.PARTIAL
        (failed,) = [leg for leg in result.legs if leg.failed]
        assert "refused" in str(failed.error) and failed.note == "in place of 1 summaries stand sentences of the texts"
        assert query in {mark for hit in result for mark in marks(hit.node.text)}
    assert len(summed(model)) == before, "nothing is asked for again"
    clock[0] += 2.1
    script.refused.clear()
    assert index.as_retriever(mode).retrieve("m7").outcome is Outcome.OK
    assert len(summed(model)) > before
    before = len(summed(model))
    assert index.as_retriever(mode).retrieve("m7").outcome is Outcome.OK
    assert len(summed(model)) == before


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("error", [EndpointError("down", status=503), NotRecordedError("tape", "scripted")])
def test_a_model_that_makes_no_summary_is_an_error(new_index, mode, error):
    index, model = new_index([document(n) for n in range(40)], lambda prompt: error)
    for _ in range(2):
        with pytest.raises(type(error), match="down|hold"):
            index.as_retriever(mode).retrieve("m7")


@pytest.mark.parametrize("mode", MODES)
def test_a_budget_that_runs_out_is_an_error_or_a_partial_answer(new_index, mode):
    index, model = new_index([document(n) for n in range(40)], Refusing())
    retriever = index.as_retriever(mode)
    with pytest.raises(BudgetExceededError):
        retriever.retrieve("m7", budget=Budget(llm_calls=2))
    result = retriever.retrieve("m7", budget=Budget(llm_calls=8, partial=True))
    assert result.outcome is Outcome.PARTIAL and len(model.asked) <= 10
    assert "m7" in {mark for hit in result for mark in marks(hit.node.text)}
    assert any(isinstance(leg.error, BudgetExceededError) for leg in result.legs)
    assert retriever.retrieve("m7").outcome is Outcome.OK
