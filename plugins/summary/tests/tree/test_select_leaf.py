"""Down the tree as a language model chooses."""

import asyncio

import pytest
from marked_documents import document, marks, sum_up

from retrieverkit_core.budget import Budget
from retrieverkit_core.errors import OptionError, ServiceError
from retrieverkit_core.result import LegState, Outcome
from retrieverkit_summary import TreeSelectLeafRetriever
from retrieverkit_testkit.choosers import by_words, choice, documents_of, query_of

MODE = "tree_select_leaf(num_children=3)"


def answer(prompt):
    """Choose by words, and sum up."""
    return by_words(prompt) if prompt.schema else sum_up(prompt)


def ids(result):
    return [hit.node.ref_doc_id for hit in result]


def questions(model):
    return [prompt for prompt in model.asked if prompt.schema]


@pytest.fixture
def index_of(new_index):
    def make(number, script=answer, **options):
        return new_index([document(n, "words", tenant="ab"[n % 2]) for n in range(number)], script, **options)

    return make


def test_the_model_leads_to_the_leaf_and_grades_it(index_of):
    index, model = index_of(60)
    result = index.as_retriever(MODE).retrieve("m17")
    assert [(hit.node.ref_doc_id, hit.score) for hit in result] == [("d17", 3.0)]  # one of four words
    assert result.outcome is Outcome.OK and "model: scripted" in result.notes
    assert ids(index.as_retriever(MODE).retrieve("m40")) == ["d40"]
    asked = questions(model)
    assert all(query_of(prompt) in ("m17", "m40") for prompt in asked)
    first, *_, last = asked
    assert "summary of several" in first.system and "summary of several" not in last.system


def test_more_branches_find_more_and_few_summaries_go_on_unasked(index_of):
    index, model = index_of(60)
    assert ids(index.as_retriever(MODE, child_branch_factor=3).retrieve("m5 m35 m55")) == ["d5", "d35", "d55"]
    small, few = index_of(5, name="small")
    assert ids(small.as_retriever(MODE, child_branch_factor=4).retrieve("m1 m3")) == ["d1", "d3"]
    assert [len(documents_of(prompt)) for prompt in few.asked] == [5 + 1]  # no summary, all leaves are judged
    assert ids(index.as_retriever(MODE, child_branch_factor=3).retrieve("m5 m35", top_k=1)) == ["d5"]


def test_nothing_relevant_is_empty_and_an_answer_that_cannot_be_read_is_an_error(index_of):
    index, _ = index_of(60)
    assert index.as_retriever(MODE).retrieve("nothing of it").outcome is Outcome.EMPTY
    index, _ = index_of(60, lambda prompt: "m7 is best" if prompt.schema else sum_up(prompt), name="garbage")
    with pytest.raises(ServiceError):
        index.as_retriever(MODE).retrieve("m7")
    numbers = lambda prompt: choice({"0": 9, "-1": 9, "doc": 5}) if prompt.schema else sum_up(prompt)  # noqa: E731
    index, _ = index_of(60, numbers, name="numbers")
    with pytest.raises(ServiceError):
        index.as_retriever(MODE).retrieve("m7")


def test_sync_and_async_descend_alike(index_of):
    index, model = index_of(60)
    retriever = index.as_retriever(MODE, child_branch_factor=2)
    sync = retriever.retrieve("m11 m48")
    asked = len(questions(model))
    assert ids(asyncio.run(retriever.aretrieve("m11 m48"))) == ids(sync) == ["d11", "d48"]
    assert len(questions(model)) == 2 * asked


def test_a_batch_that_fails_beside_others_makes_the_result_partial_and_names_the_leg(index_of):
    def failing(prompt):
        if prompt.schema and any("m0 " in text for text in prompt.data):
            raise_for.append(prompt)
            return ServiceError("too busy")
        return answer(prompt)

    raise_for = []
    index, _ = index_of(12, failing)
    result = index.as_retriever("tree_select_leaf(num_children=20, choice_batch_size=6)").retrieve("m9")
    assert ids(result) == ["d9"] and len(raise_for) == 1
    assert result.outcome is Outcome.PARTIAL
    assert [leg.state for leg in result.legs if leg.failed] == [LegState.FAILED]


def test_a_budget_that_runs_out_on_the_way_down_is_partial_where_that_will_do(index_of):
    index, model = index_of(60)
    retriever = index.as_retriever(MODE)
    retriever.retrieve("m17")
    needed = len(questions(model))
    retriever.retrieve("m17", budget=Budget(llm_calls=needed))
    result = retriever.retrieve("m17", budget=Budget(llm_calls=needed - 1, partial=True))
    assert result.outcome is Outcome.PARTIAL and result == []


def test_the_model_sees_nothing_outside_of_the_scope(index_of):
    index, model = index_of(90)
    result = index.as_retriever(MODE, child_branch_factor=3).retrieve("m7 m8 m20", scope="tenant == 'a'")
    assert sorted(ids(result)) == ["d20", "d8"]
    shown = [text for prompt in model.asked for text in prompt.data[bool(prompt.schema) :]]
    assert {int(mark[1:]) for text in shown for mark in marks(text)} == set(range(0, 90, 2))
    assert not any("tenant: b" in text for text in shown)


def test_a_plan_counts_the_way_down_and_the_summaries(index_of):
    index, model = index_of(60)
    retriever = index.as_retriever(MODE, choice_batch_size=100)
    plan = retriever.plan("m17")
    assert model.asked == [] and plan.complete
    retriever.retrieve("m17")
    assert len(questions(model)) == plan.llm_calls
    assert len(model.asked) == plan.total("llm_calls")
    assert retriever.plan("m17").total("llm_calls") == plan.llm_calls
    assert retriever.plan("").total("llm_calls") == 0


@pytest.mark.needs("retrieverkit_vector")
def test_prompts_can_be_read_and_changed_and_without_summaries_by_the_model_there_is_none_for_them(index_of):
    index, model = index_of(30)
    retriever = index.as_retriever(MODE)
    assert sorted(retriever.get_prompts()) == ["choose", "choose_branches", "summarize"]
    retriever.update_prompts(choose_branches="Where to?", choose="Which?")
    retriever.retrieve("m3")
    assert {prompt.system.partition("\n")[0] for prompt in questions(model)} == {"Where to?", "Which?"}
    extracting = index.as_retriever(MODE, summaries="extraction")
    assert sorted(extracting.get_prompts()) == ["choose", "choose_branches"]
    assert ids(extracting.retrieve("m3")) == ["d3"]


def test_the_class_is_what_is_behind_the_mode(index_of):
    index, model = index_of(30)
    direct = TreeSelectLeafRetriever(index.corpus, index.storage, model, num_children=3)
    assert ids(direct.retrieve("m3")) == ids(index.as_retriever(MODE).retrieve("m3")) == ["d3"]
    with pytest.raises(OptionError, match="child_branch_factor"):
        TreeSelectLeafRetriever(index.corpus, index.storage, model, child_branch_factor=0)
