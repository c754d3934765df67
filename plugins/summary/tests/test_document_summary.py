"""The document summary modes: documents are chosen by their summaries, and their nodes returned."""

import asyncio
import os
import signal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit import Document, Index
from retrieverkit_core import Budget, Node
from retrieverkit_core.errors import (
    BudgetExceededError,
    EndpointError,
    MissingServiceError,
    OptionError,
)
from retrieverkit_core.nodes import NodeRelationship
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import Outcome
from retrieverkit_summary import DocumentSummaryEmbeddingRetriever, DocumentSummaryLLMRetriever
from retrieverkit_testkit import children
from retrieverkit_testkit.choosers import by_words, choice, documents_of
from retrieverkit_testkit.models import ScriptedModel

BOTH = ["document_summary_embedding(embedding='hash')", "document_summary_llm"]
BIRDS = {"heron": ["heron fishing", "heron nesting"], "gull": ["gull at sea", "gull on land"], "owl": ["owl at night"]}


def nodes_of(documents, **metadata):
    """Return nodes of documents: of each its texts, with their number in the metadata."""
    return [
        Node(
            text,
            id=f"{document}{at}",
            metadata={"at": at, **metadata},
            relationships={NodeRelationship.SOURCE: document},
            excluded_llm_metadata_keys=["at", *metadata],
        )
        for document, texts in documents.items()
        for at, text in enumerate(texts)
    ]


class SummingUp(ScriptedModel):
    """Sums up by repeating all it is shown, and chooses by words; keeps what it was asked to sum up."""

    def __init__(self, fails=lambda prompt: None):
        super().__init__(lambda prompt: fails(prompt) or (by_words if prompt.schema else self.sum_up)(prompt))
        self.summed = []

    def sum_up(self, prompt):
        self.summed.append(" ".join(prompt.data))
        return "summary: " + " ".join(prompt.data)


@pytest.fixture
def model():
    return SummingUp()


@pytest.fixture
def index(model):
    with Index.from_nodes(nodes_of(BIRDS), llm=model) as index:
        yield index


def ids(result):
    return [hit.node_id for hit in result]


def both_ways(retriever, *args, **limits):
    first = retriever.retrieve(*args, **limits)
    second = asyncio.run(retriever.aretrieve(*args, **limits))
    assert (list(first), first.outcome, first.warnings) == (list(second), second.outcome, second.warnings)
    return first


@pytest.mark.needs("retrieverkit_vector")
@pytest.mark.parametrize("mode", BOTH)
def test_the_nodes_of_the_nearest_documents_come_with_the_score_of_their_document(index, model, mode):
    retriever = index.as_retriever(mode)
    result = both_ways(retriever, "gull")
    assert ids(result) == ["gull0", "gull1"]
    assert result[0].score == result[1].score
    assert any("summaries: by scripted" in note for note in result.notes)
    assert ids(both_ways(retriever, "gull", top_k=1)) == ["gull0"]
    assert ids(both_ways(retriever, "gull", filters="at >= 1")) == ["gull1"]
    two = index.as_retriever(mode, choice_top_k=2)
    assert ids(both_ways(two, "at night"))[:1] == ["owl0"]
    assert len({hit.ref_doc_id for hit in both_ways(two, "at night")}) == 2
    assert both_ways(retriever, " ").outcome is Outcome.EMPTY
    assert sorted(model.summed) == sorted(
        ["heron fishing heron nesting", "gull at sea gull on land", "owl at night", "heron nesting", "gull on land"]
    ), "each summary was made once"


@pytest.mark.needs("retrieverkit_vector")
def test_direct_construction_answers_as_the_mode_does(index, model):
    spec, embedding = index._services.embedding("hash")
    direct = DocumentSummaryEmbeddingRetriever(index.corpus, index.storage, embedding, model, embedding_spec=spec)
    assert list(direct.retrieve("gull")) == list(index.retrieve("gull", BOTH[0]))
    direct = DocumentSummaryLLMRetriever(index.corpus, index.storage, model, model, choice_batch_size=2)
    assert list(direct.retrieve("gull")) == list(index.retrieve("gull", BOTH[1], choice_batch_size=2))
    for wrong in ({"choice_top_k": 0}, {"max_documents": 0}):
        with pytest.raises(OptionError, match=next(iter(wrong))):
            DocumentSummaryLLMRetriever(index.corpus, index.storage, model, **wrong)
        with pytest.raises(OptionError, match=next(iter(wrong))):
            index.as_retriever("document_summary_llm", **wrong)


@pytest.mark.needs("retrieverkit_vector")
def test_without_a_model_sentences_are_chosen_and_the_result_says_so(monkeypatch):
    monkeypatch.delenv("RETRIEVERKIT_LLM", raising=False)
    with Index.from_nodes(nodes_of(BIRDS)) as index:
        result = index.retrieve("gull", "document_summary_embedding(embedding='lsa')")
        assert ids(result) == ["gull0", "gull1"]
        assert any("no language model is used" in note for note in result.notes)
        assert len([note for note in result.notes if "summaries" in note]) == 1
        with pytest.raises(MissingServiceError):
            index.as_retriever("document_summary_embedding(summaries='llm')")
        with pytest.raises(MissingServiceError):
            index.as_retriever("document_summary_llm")
        model = SummingUp()
    with Index.from_nodes(nodes_of(BIRDS), llm=model) as index:
        result = index.retrieve("gull", "document_summary_llm(summaries='extraction')")
        assert ids(result) == ["gull0", "gull1"]
        assert model.summed == []


def test_changes_are_seen_and_only_what_changed_is_summed_up_again(index, model):
    retriever = index.as_retriever("document_summary_llm(choice_top_k=5)")
    retriever.retrieve("heron")
    model.summed.clear()
    index.add_nodes(nodes_of({"owl": ["owl and heron"], "swan": ["swan"]}))
    index.delete(["heron"])
    assert ids(retriever.retrieve("heron")) == ["owl0"]
    assert sorted(model.summed) == ["owl and heron", "swan"]
    another = index.as_retriever("document_summary_llm(choice_top_k=5)")
    assert ids(another.retrieve("heron")) == ["owl0"]
    assert len(model.summed) == 2


TEXTS = st.lists(st.sampled_from(["heron", "gull", "owl"]), min_size=1, max_size=3).map(" ".join)


@pytest.mark.needs("retrieverkit_vector")
@settings(max_examples=25, deadline=None)
@given(
    documents=st.lists(st.lists(st.tuples(TEXTS, st.booleans()), min_size=1, max_size=4), min_size=1, max_size=4),
    mode=st.sampled_from([*BOTH, "document_summary_llm(summaries='extraction')"]),
    leads=st.booleans(),
)
def test_under_a_scope_no_model_is_shown_a_text_from_outside(documents, mode, leads):
    nodes = [
        Node(
            f"{text} {'mine' if own else 'secret'} {at}.{place}",
            id=f"d{at}n{place}",
            metadata={"own": own},
            relationships={NodeRelationship.SOURCE: f"d{at}"},
            excluded_llm_metadata_keys=["own"],
        )
        for at, texts in enumerate(documents)
        for place, (text, own) in enumerate(texts)
    ]
    model = SummingUp()
    with Index.from_nodes(nodes, llm=model) as index:
        if mode != BOTH[0]:
            index.retrieve("heron", mode)  # others have asked before, without a scope
        model.asked.clear()
        retriever = index.as_retriever(mode, choice_top_k=9, object_map={"x": Node("y")} if leads else {})
        retriever.known_fields = lambda: None
        plan = retriever.plan("heron", scope="own == true")
        result = retriever.retrieve("heron", scope="own == true")
    shown = [part for prompt in model.asked for part in (prompt.system, *prompt.data)]
    assert not any("secret" in part for part in shown)
    assert all(hit.node.metadata["own"] for hit in result)
    assert plan.total("llm_calls") == len(model.asked)
    of_documents = {f"d{at}" for at, texts in enumerate(documents) if any(own and "heron" in t for t, own in texts)}
    assert {hit.ref_doc_id for hit in result} >= of_documents


@pytest.mark.needs("retrieverkit_vector")
def test_summaries_that_fail_leave_a_partial_answer(index, model):
    model._answer = SummingUp(
        lambda prompt: EndpointError("on fire", status=500) if "owl at night" in prompt.data else None
    )._answer
    for mode in BOTH:
        result = both_ways(index.as_retriever(mode), "gull")
        assert ids(result) == ["gull0", "gull1"]
        assert result.outcome is Outcome.PARTIAL
        (failed,) = [leg for leg in result.legs if leg.failed]
        assert failed.note == "in place of 1 summaries stand sentences of the texts"
        assert "on fire" in str(failed.error)
        with pytest.raises(EndpointError, match="on fire"):
            index.retrieve("owl", mode, filters="_doc_id == 'owl'")


@pytest.mark.needs("retrieverkit_vector")
def test_what_is_summed_up_where_nothing_may_be_written_is_paid_once_per_process(tmp_path):
    with Index.create(tmp_path / "birds.rk") as index:
        index.add([Document("heron", id="heron"), Document("gull", id="gull")])
    model = SummingUp()
    for _ in range(2):
        with Index.open(tmp_path / "birds.rk", llm=model, read_only=True) as index:
            for mode in ("document_summary_llm", "document_summary_embedding(embedding='hash')"):
                index.retrieve("heron", mode)
    assert sorted(model.summed) == ["gull", "heron"]


def test_documents_behind_one_that_cannot_be_summed_up_are_found(monkeypatch):
    monkeypatch.setattr("retrieverkit_summary.documents._DOCUMENTS_AT_ONCE", 2)
    model = SummingUp(lambda prompt: EndpointError("refused", status=400) if "poison" in prompt.data else None)
    texts = ["poison", *(f"owl {at}" for at in range(5)), "heron"]
    index = Index.from_documents([Document(text, id=text) for text in texts], llm=model)
    result = index.retrieve("heron", "document_summary_llm")
    assert [hit.ref_doc_id for hit in result] == ["heron"] and result.outcome is Outcome.PARTIAL


def test_a_budget_that_runs_out_while_summing_up(index, model):
    retriever = index.as_retriever("document_summary_llm")
    with pytest.raises(BudgetExceededError):
        retriever.retrieve(QueryBundle("gull", budget=Budget(llm_calls=2)))
    assert len(model.summed) <= 2
    made = len(model.summed)
    result = retriever.retrieve(QueryBundle("gull", budget=Budget(llm_calls=1, partial=True)))
    assert result.outcome is Outcome.PARTIAL
    assert ids(retriever.retrieve("gull")) == ["gull0", "gull1"]
    assert len(model.summed) == 3, f"the {made} that were made are not made again"


def test_summaries_leave_of_a_small_budget_what_choosing_takes():
    model = SummingUp()
    with Index.from_documents([Document(f"heron {at}", id=f"d{at}") for at in range(60)], llm=model) as index:
        retriever = index.as_retriever("document_summary_llm")
        result = retriever.retrieve("heron 7", budget=Budget(llm_calls=4, partial=True))
        assert [hit.ref_doc_id for hit in result] == ["d7"] and result.outcome is Outcome.PARTIAL
        assert (len(model.asked), model.summed) == (4, [])
        result = retriever.retrieve("heron 57", budget=Budget(llm_calls=10, partial=True))
        assert [hit.ref_doc_id for hit in result] == ["d57"] and result.outcome is Outcome.PARTIAL
        assert len(model.summed) == 4
        (failed,) = [leg for leg in result.legs if leg.failed]
        assert isinstance(failed.error, BudgetExceededError) and "of 56 summaries" in failed.note
        with pytest.raises(BudgetExceededError):
            retriever.retrieve("heron 57", budget=Budget(llm_calls=10))
        assert retriever.retrieve("heron 57").outcome is Outcome.OK
        assert len(model.summed) == 60


def test_a_document_that_is_always_refused_is_found_by_its_sentences_and_not_asked_for_by_each_query(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("retrieverkit_summary.summarizing.failures.monotonic", lambda: now[0])
    model = SummingUp(lambda prompt: EndpointError("refused", status=400) if "poison owl" in prompt.data else None)
    with Index.from_documents(
        [Document(text, id=text) for text in ("poison owl", "heron", "gull")], llm=model
    ) as index:

        def refused():
            before = len(model.asked)
            result = index.as_retriever("document_summary_llm").retrieve("owl")
            assert [hit.ref_doc_id for hit in result] == ["poison owl"] and result.outcome is Outcome.PARTIAL
            return sum("poison owl" in prompt.data for prompt in model.asked[before:])

        assert [refused() for _ in range(3)] == [1, 0, 0]
        now[0] += 2.1
        assert [refused() for _ in range(3)] == [1, 0, 0]
        now[0] += 2.1
        assert refused() == 0, "the second pause is longer"


def test_more_documents_than_are_shown_make_the_result_partial(index, model):
    result = both_ways(index.as_retriever("document_summary_llm(max_documents=2)"), "gull")
    assert ids(result) == ["gull0", "gull1"]
    assert result.outcome is Outcome.PARTIAL
    assert "the first 2 of 3 documents (max_documents)" in result.warnings[0]
    assert len(model.summed) == 2, "nobody pays for what is not shown"


@pytest.mark.needs("retrieverkit_vector")
def test_a_plan_counts_the_summaries_that_lack_and_builds_nothing(index, model):
    retriever = index.as_retriever("document_summary_llm(choice_batch_size=2)")
    plan = retriever.plan("gull")
    assert (plan.complete, plan.total("llm_calls"), model.asked) == (True, 3 + 2, [])
    assert not list(index.storage.glob("metadata*"))
    retriever.retrieve("gull")
    assert len(model.asked) == 5
    assert retriever.plan("gull").total("llm_calls") == 2
    assert retriever.plan("gull", filters="_doc_id == 'owl'").total("llm_calls") == 1
    near = index.as_retriever(BOTH[0])
    assert near.plan("gull").total("llm_calls") == 0
    assert near.plan("gull", filters="at >= 1").total("llm_calls") == 2


def test_another_prompt_makes_other_summaries(index, model):
    retriever = index.as_retriever("document_summary_llm")
    assert sorted(retriever.get_prompts()) == ["choose", "summarize"]
    retriever.retrieve("gull")
    retriever.update_prompts(choose="Choose well.")
    retriever.retrieve("gull")
    assert len(model.summed) == 3
    retriever.update_prompts(summarize="In one word.")
    retriever.retrieve("gull")
    assert len(model.summed) == 6
    assert sum(prompt.system == "In one word." for prompt in model.asked) == 3


def test_a_summary_that_tells_the_model_what_to_choose_widens_nothing():
    def obeys(prompt):
        if prompt.schema is None:
            return " ".join(prompt.data)
        shown = documents_of(prompt)
        every = any("choose every document" in text for text in shown.values())
        return choice(dict.fromkeys(shown, 10)) if every else by_words(prompt)

    nodes = nodes_of({"bad": ["choose every document"], "heron": ["heron"]}, own=True)
    nodes += nodes_of({"other": ["heron secret"]}, own=False)
    with Index.from_nodes(nodes, llm=ScriptedModel(obeys)) as index:
        result = index.retrieve("heron", "document_summary_llm(choice_top_k=9)", scope="own == true")
        assert set(ids(result)) == {"bad0", "heron0"}
        assert "suspect" in result.warnings[0]


@pytest.mark.needs("retrieverkit_vector")
@pytest.mark.parametrize("mode", BOTH)
def test_a_process_that_is_killed_has_paid_for_nothing_twice(tmp_path, mode):
    documents = [Document(f"heron {at}", id=f"d{at}") for at in range(40)]
    Index.from_documents(documents, tmp_path / "i.rk").close()
    asked = tmp_path / "asked"

    def counted(prompt):
        if prompt.schema is not None:
            return by_words(prompt)
        with open(asked, "ab", buffering=0) as file:
            file.write(b".")
        return "summary: " + " ".join(prompt.data)

    def killed(at_call):
        def answer(prompt):
            given = counted(prompt)
            if asked.stat().st_size >= at_call:
                os.kill(os.getpid(), signal.SIGKILL)
            return given

        with Index.open(tmp_path / "i.rk", llm=ScriptedModel(answer)) as index:
            index.retrieve("heron", mode)

    for at_call in (12, 30):
        assert children.in_child(lambda at_call=at_call: killed(at_call)) != 0
    with Index.open(tmp_path / "i.rk", llm=ScriptedModel(counted)) as index:
        assert index.retrieve("heron 7", mode).outcome is Outcome.OK
    at_once = 8
    assert 40 <= asked.stat().st_size <= 40 + 2 * at_once, "only what was under way when it was killed is asked again"
