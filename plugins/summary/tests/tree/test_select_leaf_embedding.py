"""Down the tree by vectors: what is found, what it costs, and that nothing is told of what a query may not see."""

import asyncio
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marked_documents import document, marks, sum_up

from retrieverkit import Index, QueryBundle
from retrieverkit_core.budget import Budget
from retrieverkit_core.errors import BudgetExceededError, MissingServiceError, OptionError, QueryError, ServiceError
from retrieverkit_core.result import Outcome
from retrieverkit_summary import TreeSelectLeafEmbeddingRetriever
from retrieverkit_summary.summarizing import by_model
from retrieverkit_summary.tree.summaries import TreeShortfall
from retrieverkit_testkit import children
from retrieverkit_testkit.choosers import by_words
from retrieverkit_testkit.models import ScriptedModel

MODE = "tree_select_leaf_embedding(num_children=3, child_branch_factor=2)"
WIDE = "tree_select_leaf_embedding(num_children=3, child_branch_factor=10000)"

hashing = pytest.importorskip(
    "retrieverkit_vector.embeddings.hashing", reason="the embedding is another package's: vector is not installed"
)
HASH = hashing.provider.make(hashing.provider.options())


def found(index, query, mode=MODE, **limits):
    return [(hit.node.ref_doc_id, hit.score) for hit in index.as_retriever(mode).retrieve(query, **limits)]


def tree_of(index, mode=MODE):
    """All that a tree is: the ids of its summaries, which hash what is beneath."""
    tree, _ = index.as_retriever(mode)._source.now(None)
    waiting, names = tree.roots, []
    while waiting:
        place = waiting.pop()
        names.append(tree.name(place))
        waiting += tree.children(place)
    return names


def test_the_summaries_lead_to_the_leaf(new_index):
    index, model = new_index([document(n) for n in range(60)])
    for n in (0, 7, 31, 59):
        assert found(index, f"m{n}", top_k=1)[0][0] == f"d{n}"
    assert all(marks(prompt.data[0]) for prompt in model.asked)


def test_wide_enough_it_is_the_order_of_all_cosines(new_index):
    index, _ = new_index([document(n, f"{'turbine ' * (n % 5)}{'inlet ' * (n % 3)}") for n in range(40)])
    exact = index.as_retriever("vector(embedding='hash', top_k=100)").retrieve("turbine m7 inlet")
    wide = found(index, "turbine m7 inlet", WIDE, top_k=100)
    assert len(wide) == len(exact) == 40
    assert [score for _, score in wide] == pytest.approx([hit.score for hit in exact], abs=1e-5)
    assert dict(wide) == pytest.approx({hit.node.ref_doc_id: hit.score for hit in exact}, abs=1e-5)


@settings(max_examples=settings.default.max_examples // 2)
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["add", "change", "delete"])), max_size=25), st.data())
def test_after_any_changes_tree_and_answers_are_those_of_a_new_index(tmp_path_factory, steps, data):
    folder = tmp_path_factory.mktemp("trees")
    there = {}
    with Index.create(folder / "old", llm=ScriptedModel(sum_up), embedding="hash") as old:
        for number, what in steps:
            if what == "delete":
                there.pop(number, None)
                old.delete([f"d{number}"])
            else:
                there[number] = document(number, "other words" if what == "change" else "words")
                old.add(there[number])
            if data.draw(st.booleans()):
                found(old, f"m{number}")
        with Index.create(folder / "new", llm=ScriptedModel(sum_up), embedding="hash") as new:
            for number in data.draw(st.permutations(sorted(there))):
                new.add(there[number])
            assert tree_of(old) == tree_of(new)
            for query in ("m3", "other words m17", "words"):
                assert found(old, query) == found(new, query)


def test_one_more_document_among_two_thousand_costs_its_path_and_taking_it_out_costs_nothing(new_index):
    index, model = new_index([document(n) for n in range(0, 20_000, 10)])
    mode = "tree_select_leaf_embedding"
    before = found(index, "m7770", mode)
    tree = tree_of(index, mode)
    assert 200 < len(model.asked) < 300
    for number in (5, 7777, 19_999):
        asked = len(model.asked)
        index.add(document(number))
        assert found(index, f"m{number}", mode)[0][0] == f"d{number}"
        assert 1 <= len(model.asked) - asked <= 12  # a path has three levels
        asked = len(model.asked)
        index.delete([f"d{number}"])
        assert found(index, "m7770", mode) == before
        assert tree_of(index, mode) == tree
        assert len(model.asked) == asked


@pytest.mark.parametrize("how", ["scope", "filters"])
def test_models_are_shown_nothing_that_the_query_may_not_see(new_index, how):
    index, model = new_index([document(n, tenant="a" if n % 3 else "b", year=n) for n in range(90)])
    result = index.as_retriever(MODE).retrieve("m7 m9 words", **{how: "tenant == 'a'"})
    assert {hit.node.metadata["tenant"] for hit in result} == {"a"}
    shown = {int(mark[1:]) for prompt in model.asked for text in prompt.data for mark in marks(text)}
    assert shown == {n for n in range(90) if n % 3}
    assert not any("tenant: b" in text for prompt in model.asked for text in prompt.data)
    assert result.filters.dropped == 0 and not result.filters.leaked


def test_a_tenant_sees_the_tree_of_an_index_that_holds_nothing_else(new_index):
    mine = [document(n, tenant="a") for n in range(0, 90, 2)]
    shared, _ = new_index([*mine, *(document(n, tenant="b") for n in range(1, 90, 2))])
    alone, model = new_index(mine, name="alone")
    for query in ("m4", "m88 words", "m9"):
        assert found(shared, query, scope="tenant == 'a'") == found(alone, query)
    assert len(model.asked) > 10


def test_a_plan_is_what_is_spent_and_asks_builds_and_writes_nothing(new_index, tmp_path):
    index, model = new_index([document(n, tenant="ab"[n % 2]) for n in range(60)])
    retriever = index.as_retriever(MODE)

    def files():
        return sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if not path.name.endswith("-shm"))

    before = files()
    scoped, whole = retriever.plan("m1", scope="tenant == 'a'"), retriever.plan("m1")
    assert (files(), model.asked) == (before, [])
    assert scoped.complete and whole.complete and "60" not in str(scoped)
    assert [part.once for part in whole.parts] == [True]
    retriever.retrieve("m1", scope="tenant == 'a'")
    assert len(model.asked) == scoped.total("llm_calls") > 5
    retriever.retrieve("m1")
    assert len(model.asked) - scoped.total("llm_calls") == whole.total("llm_calls")
    assert retriever.plan("m1").total("llm_calls") == retriever.plan("m1").total("tokens") == 0
    assert retriever.plan(" ").total("llm_calls") == 0


def test_a_budget_is_held_and_the_next_query_goes_on_from_there(new_index):
    index, model = new_index([document(n) for n in range(60)])
    retriever = index.as_retriever(MODE)
    needed = retriever.plan("m1").total("llm_calls")
    for spent in (8, 16):
        with pytest.raises(BudgetExceededError):
            retriever.retrieve("m1", budget=Budget(llm_calls=8))
        assert len(model.asked) == spent
    assert retriever.retrieve("m1", budget=Budget(llm_calls=needed - 16)).outcome is Outcome.OK
    assert len(model.asked) == needed


def test_a_model_that_fails_fails_the_query_and_not_the_one_after_the_pause(new_index, monkeypatch):
    monkeypatch.setattr("retrieverkit_summary.summarizing.failures.RETRY_PAUSE", 0.0)
    down = True
    index, model = new_index(
        [document(n) for n in range(60)], lambda prompt: ServiceError("down") if down else sum_up(prompt)
    )
    with pytest.raises(ServiceError, match="down"):
        found(index, "m1")
    down = False
    assert found(index, "m1")[0][0] == "d1"


@pytest.mark.skipif(not children.can_fork(), reason="a child is killed")
def test_a_killed_process_has_paid_for_nothing_twice(tmp_path):
    paid = tmp_path / "paid"
    documents = [document(n) for n in range(3 * by_model._AT_ONCE + 40)]

    def counted(prompt):
        if killing and paid.exists() and len(paid.read_text().splitlines()) >= by_model._AT_ONCE:
            os.kill(os.getpid(), 9)
        with open(paid, "a") as file:
            file.write("1\n")
        return sum_up(prompt)

    def run():
        with Index.open(tmp_path / "index", llm=ScriptedModel(counted), embedding="hash") as index:
            assert found(index, "m99")[0][0] == "d99"

    with Index.create(tmp_path / "index", llm=ScriptedModel(sum_up), embedding="hash") as index:
        index.add(documents)
        needed = index.as_retriever(MODE).plan("m1").total("llm_calls")
    killing = True
    assert children.in_child(run) == 9
    assert len(paid.read_text().splitlines()) == by_model._AT_ONCE
    killing = False
    run()
    assert len(paid.read_text().splitlines()) == needed


def test_an_index_that_is_only_read_uses_the_summaries_there_are_and_is_not_written(new_index, tmp_path):
    index, _ = new_index([document(n) for n in range(60)])
    before = found(index, "m5")
    index.close()

    def files():
        return {path: path.read_bytes() for path in (tmp_path / "index" / "derived").rglob("*") if path.is_file()}

    there = files()
    index, model = new_index(read_only=True)
    assert found(index, "m5") == before
    assert model.asked == []
    assert files() == there


def test_another_prompt_makes_other_summaries(new_index):
    index, model = new_index([document(n) for n in range(30)])
    retriever = index.as_retriever(MODE)
    assert list(retriever.get_prompts()) == ["summarize"]
    retriever.retrieve("m1")
    asked = len(model.asked)
    retriever.update_prompts(summarize="List the questions that the texts answer.")
    retriever.retrieve("m1")
    assert {prompt.system for prompt in model.asked[asked:]} == {"List the questions that the texts answer."}
    with pytest.raises(OptionError, match="fields"):
        retriever.update_prompts(summarize="of {texts}")


def test_without_a_model_sentences_are_chosen_and_the_result_says_so(tmp_path):
    index = Index.from_documents([document(n) for n in range(30)], embedding="hash")
    result = index.as_retriever(MODE).retrieve("m7")
    assert result[0].node.ref_doc_id == "d7"
    assert any("as no language model is used" in note for note in result.notes)
    assert len([note for note in result.notes if "summaries" in note]) == 1
    assert index.as_retriever(MODE).get_prompts() == {}
    with pytest.raises(OptionError, match="child_branch_factor"):
        index.as_retriever("tree_select_leaf_embedding(child_branch_factor=0)")


def test_with_a_model_at_hand_sentences_can_be_wanted_all_the_same(new_index):
    index, model = new_index([document(n) for n in range(30)])
    result = index.as_retriever(MODE, summaries="extraction").retrieve("m7")
    assert (result[0].node.ref_doc_id, model.asked) == ("d7", [])


def test_the_class_is_what_is_behind_the_mode(new_index):
    index, model = new_index([document(n) for n in range(30)])
    direct = TreeSelectLeafEmbeddingRetriever(
        index.corpus, index.storage, HASH, model, num_children=3, child_branch_factor=2
    )
    assert [(hit.node.ref_doc_id, hit.score) for hit in direct.retrieve("m3")] == found(index, "m3")
    for wrong in ({"num_children": 1}, {"child_branch_factor": 0}, {"num_children": 2.5}):
        with pytest.raises(OptionError, match=next(iter(wrong))):
            TreeSelectLeafEmbeddingRetriever(index.corpus, index.storage, HASH, model, **wrong)


def test_a_query_may_bring_its_vector(new_index):
    index, _ = new_index([document(n) for n in range(30)])
    vector = HASH.embed_queries(["m3"])[0]
    brought = QueryBundle("", embedding=vector.tolist())
    assert found(index, brought) == found(index, "m3")
    assert np.isclose(found(index, QueryBundle("", custom_embedding_strs=["m3", "m3"]))[0][1], found(index, "m3")[0][1])
    with pytest.raises(QueryError, match="3 numbers"):
        found(index, QueryBundle("", embedding=[1.0, 2.0, 3.0]))


def test_blank_nodes_and_empty_corpora_find_nothing(new_index):
    index, model = new_index([document(1)])
    index.delete(["d1"])
    assert found(index, "m1") == []
    index.add([document(n) for n in range(12)])
    index.add_nodes([])
    assert found(index, " ") == []
    assert len(model.asked) == 0


def test_a_model_that_is_configured_and_cannot_be_used_is_an_error_and_not_done_without(new_index, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    index, _ = new_index([document(n) for n in range(30)])
    index.close()
    with Index.open(index.path, llm="openai(model='m')", embedding="hash") as index:
        for mode in (MODE, "tree_root", "document_summary_embedding"):
            with pytest.raises(MissingServiceError, match="cannot be used"):
                index.as_retriever(mode)
        assert found(index, "m7", MODE.replace(")", ", summaries='extraction')"))[0][0] == "d7"
    with Index.open(index.path, embedding="hash") as index, pytest.raises(MissingServiceError, match="none is conf"):
        index.as_retriever(MODE, summaries="llm")


@pytest.mark.parametrize("branches", [1, 2, 5])
def test_at_each_level_the_nearest_of_all_children_go_on(new_index, branches):
    index, _ = new_index([document(n, "turbine " * (n % 4) + "inlet " * (n % 7)) for n in range(70)])
    mode = f"tree_select_leaf_embedding(num_children=3, child_branch_factor={branches})"
    retriever = index.as_retriever(mode)
    texts = {hit.node.id: hit.node.text for hit in index.as_retriever("tree_all_leaf").retrieve("")}
    in_order = list(texts.values())
    tree, _ = retriever._source.now(None)
    for query in ("turbine inlet", "m13", "m20 inlet"):
        result = retriever.retrieve(query)
        (target,) = HASH.embed_queries([query])
        standing = tree.roots
        while True:
            inner = standing[0].level > 0
            summaries = retriever._summaries.of(tree, standing, TreeShortfall()) if inner else []
            said = summaries or [in_order[place.at] for place in standing]
            near = [round(float(vector @ target), 6) for vector in HASH.embed_documents(said)]
            order = sorted(range(len(near)), key=lambda at: -near[at])[:branches]
            if not inner:
                break
            standing = sorted(child for at in order for child in tree.children(standing[at]))
        expected = [(said[at], near[at]) for at in order]
        assert [hit.node.text for hit in result] == [text for text, _ in expected]
        assert [hit.score for hit in result] == pytest.approx([score for _, score in expected], abs=2e-6)


@pytest.mark.parametrize("mode", [MODE, "tree_select_leaf(num_children=3)", "tree_root(num_children=3)"])
@pytest.mark.parametrize("how", ["sync", "async", "plan"])
def test_a_document_that_is_deleted_while_its_summary_is_made_is_not_told_of(new_index, monkeypatch, mode, how):
    index, model = new_index([document(n) for n in range(30)], lambda p: by_words(p) if p.schema else sum_up(p))
    corpus_class, deleted = type(index.corpus), []
    fetch = corpus_class.fetch

    def fetch_late(corpus, ordinals):
        if not deleted:
            deleted.append(index.delete(["d9"]))
        return fetch(corpus, ordinals)

    monkeypatch.setattr(corpus_class, "fetch", fetch_late)
    retriever = index.as_retriever(mode)
    if how == "plan":
        assert retriever.plan("m7").complete and deleted and model.asked == []
        return
    result = retriever.retrieve("m7") if how == "sync" else asyncio.run(retriever.aretrieve("m7"))
    assert "m7" in " ".join(hit.node.text for hit in result).split()
    assert all("m9" not in text.split() for prompt in model.asked for text in prompt.data)
