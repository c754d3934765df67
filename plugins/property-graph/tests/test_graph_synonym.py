"""The mode graph_synonym: names by a model, and how they are found."""

import pytest

from retrieverkit import Document, Index, cassette
from retrieverkit_core import Budget
from retrieverkit_core.errors import BudgetExceededError, ServiceError
from retrieverkit_property_graph.synonym.naming import near_forms
from retrieverkit_testkit.models import ScriptedModel

TRIPLES = {
    "d0": [["ACME Corp.", "hired", "Ada Lovelace"]],
    "d1": [["Ada Lovelace", "wrote", "The Notes"]],
    "d2": [["Charles Babbage", "designed", "analytical engines"]],
}
GIVEN = "graph_synonym(extract='given')"


def naming(*names):
    return ScriptedModel(lambda prompt: {"names": list(names)})


def index_of(model, path=None):
    documents = [Document(f"text of {name}", id=name, metadata={"triples": own}) for name, own in TRIPLES.items()]
    return Index.from_documents(documents, path, llm=model)


def found(model, mode=GIVEN, query="who?"):
    with index_of(model) as index:
        result = index.retrieve(query, mode)
        return [hit.node_id for hit in result], [note for note in result.notes if "names: by" not in note]


@pytest.mark.parametrize(
    "name", ["acme corp", "ACME Corp.", "the ACME corp", "ＡＣＭＥ corp", "ACME Corp's", "acme corps"]
)
def test_names_are_found_in_any_spelling_and_in_near_forms(name):
    assert found(naming(name)) == (["d0"], [])


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("Notes", ["notes", "the notes", "note"]),
        ("the Notes", ["the notes", "notes", "note"]),
        ("Ada's", ["ada s", "the ada s", "ada"]),
        ("bus", ["bus", "the bus", "buss"]),
        ("a", ["a", "the a", "as"]),
        ("", []),
    ],
)
def test_near_forms_are_these_alone(name, forms):
    assert near_forms(name) == forms


def test_a_near_form_counts_only_where_nothing_has_the_name_itself():
    def of(*triples):
        documents = [Document(name, id=name, metadata={"triples": own}) for name, own in triples]
        return Index.from_documents(documents, llm=naming("engine"))

    one, many = ("one", [["engine", "is", "here"]]), ("many", [["engines", "are", "there"]])
    with of(one, many) as both, of(many) as single:
        assert [hit.node_id for hit in both.retrieve("q", GIVEN)] == ["one"]
        assert [hit.node_id for hit in single.retrieve("q", GIVEN)] == ["many"]


def test_what_is_not_in_the_graph_is_told_and_none_found_is_nothing_found():
    assert found(naming("Zuse", "Turing")) == ([], ["graph_synonym: not in the graph: 'Zuse', 'Turing'"])
    assert found(naming()) == ([], ["graph_synonym: the model named nothing, so nothing was searched for"])
    assert found(naming("", " ", "?!")) == ([], ["graph_synonym: not in the graph: '?!'"])
    ids, (note,) = found(naming(*(f"name {n}" for n in range(40))), "graph_synonym(extract='given', max_keywords=12)")
    assert ids == []
    assert note.endswith("and 2 more")


def test_at_most_so_many_names_are_taken():
    names = ["Zuse", "zuse", "Turing", "Ada Lovelace"]
    assert found(naming(*names), "graph_synonym(extract='given', max_keywords=2)")[0] == []
    assert found(naming(*names), "graph_synonym(extract='given', max_keywords=3)")[0] == ["d0", "d1"]
    again = ["Ada Lovelace", "Zuse", "ada lovelace"]  # said twice, it is not less important
    assert found(naming(*again), "graph_synonym(extract='given', max_keywords=1)")[0] == ["d0", "d1"]


def test_a_relation_between_two_named_entities_comes_first():
    assert found(naming("The Notes", "Ada Lovelace")) == (["d1", "d0"], [])


def test_a_query_is_asked_about_once_and_a_budget_and_a_plan_count_it():
    model = naming("Ada Lovelace")
    with index_of(model) as index:
        retriever = index.as_retriever(GIVEN)
        plan = retriever.plan("who?")
        assert (plan.llm_calls, plan.complete, len(plan.parts)) == (1, True, 1)
        assert model.asked == []
        with pytest.raises(BudgetExceededError):
            retriever.retrieve("who?", budget=Budget(llm_calls=0))
        assert [hit.node_id for hit in retriever.retrieve("who?", budget=Budget(llm_calls=1))] == ["d0", "d1"]
        assert retriever.plan("who?").total("llm_calls") == 0
        assert len(retriever.retrieve("who?", budget=Budget(llm_calls=0), top_k=1)) == 1
        (prompt,) = model.asked
        assert prompt.data == ("who?",)
        assert "10 names" in prompt.system
        assert retriever.plan("  ").total("llm_calls") == 0


def test_another_prompt_is_asked_with():
    model = naming("Ada Lovelace")
    with index_of(model) as index:
        retriever = index.as_retriever(GIVEN)
        retriever.retrieve("who?")
        retriever.update_prompts(expand="Names, {max_keywords}.")
        retriever.retrieve("who?")
        assert [prompt.system for prompt in model.asked][1:] == ["Names, 10."]


def test_a_query_is_replayed_from_a_cassette(tmp_path):
    def run(model):
        with index_of(model) as index:
            return [(hit.node_id, hit.score) for hit in index.retrieve("who?", GIVEN)]

    with cassette(tmp_path / "calls.jsonl"):
        recorded = run(naming("Ada Lovelace"))
    with cassette(tmp_path / "calls.jsonl"):
        assert run(ScriptedModel(lambda prompt: AssertionError("a replay asks nobody"))) == recorded
    assert recorded


def test_a_model_that_fails_is_an_error_and_is_asked_again():
    failing = [True]
    model = ScriptedModel(lambda prompt: ServiceError("no answer") if failing.pop() else {"names": ["Ada Lovelace"]})
    with index_of(model) as index:
        retriever = index.as_retriever(GIVEN)
        with pytest.raises(ServiceError, match="no answer"):
            retriever.retrieve("who?")
        failing.append(False)
        assert len(retriever.retrieve("who?")) == 2
