"""The summaries at the top of the tree: of what they tell, and to whom."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marked_documents import document, marks, sum_up

from retrieverkit import Index
from retrieverkit_core.nodes import NodeRelationship
from retrieverkit_summary import TreeRootRetriever
from retrieverkit_testkit.models import ScriptedModel

MODE = "tree_root(num_children=3)"


def told(result):
    """Return all marks that the hits tell of."""
    return [int(mark[1:]) for hit in result for mark in marks(hit.node.text)]


def test_few_summaries_tell_of_all_nodes_in_order(new_index):
    index, model = new_index([document(n, tenant="a", year=n) for n in range(40)])
    for query in ("", "anything"):
        result = index.as_retriever(MODE).retrieve(query)
        assert 1 <= len(result) <= 3
        assert sorted(told(result)) == list(range(40))
        assert [hit.score for hit in result] == [None] * len(result)
    for hit in result:
        assert hit.node.id.startswith("summary-") and hit.node.metadata == {"tenant": "a"}
        assert len(hit.node.child_nodes) >= 2
    evidence = [hit.evidence[0] for hit in result]
    assert sum(each.details["nodes"] for each in evidence) == 40
    assert {each.details["level"] for each in evidence} == {3}
    assert len(index.as_retriever(MODE).retrieve("", top_k=1)) == 1


def test_ids_last_as_long_as_what_they_tell_of(new_index):
    index, _ = new_index([document(n) for n in range(0, 80, 2)])
    before = [(hit.node.id, hit.node.text) for hit in index.as_retriever(MODE).retrieve("")]
    index.add(document(33))
    between = [(hit.node.id, hit.node.text) for hit in index.as_retriever(MODE).retrieve("")]
    assert between != before and 33 in [int(m[1:]) for _, text in between for m in marks(text)]
    index.delete(["d33"])
    assert [(hit.node.id, hit.node.text) for hit in index.as_retriever(MODE).retrieve("")] == before


def test_the_roots_of_a_small_corpus_are_its_nodes(new_index):
    index, model = new_index([document(n, n=n) for n in range(3)])
    result = index.as_retriever(MODE).retrieve("")
    assert [hit.node.ref_doc_id for hit in result] == ["d0", "d1", "d2"]
    assert (result[1].node.metadata, model.asked) == ({"n": 1}, [])


def test_children_of_low_summaries_are_nodes_and_shared_documents_and_exclusions_are_told(new_index):
    from retrieverkit_core.nodes import Node

    index, _ = new_index()
    index.add_nodes(
        [
            Node(
                f"m{n}",
                f"n{n}",
                {"secret": 1, "n": n},
                {NodeRelationship.SOURCE: "book"},
                excluded_llm_metadata_keys=["secret"] if n == 4 else [],
            )
            for n in range(7)
        ]
    )
    result = index.as_retriever(MODE).retrieve("")
    assert [child for hit in result for child in hit.node.child_nodes] == [f"n{n}" for n in range(7)]
    assert {hit.node.ref_doc_id for hit in result} == {"book"}
    assert [hit.node.excluded_llm_metadata_keys for hit in result if "n4" in hit.node.child_nodes] == [["secret"]]


def test_a_scope_sees_the_roots_of_its_own_nodes(new_index):
    index, model = new_index([document(n, tenant="ab"[n % 2], year=n) for n in range(80)])
    result = index.as_retriever(MODE).retrieve("", scope="tenant == 'a'")
    assert len(result) <= 3 and sorted(told(result)) == list(range(0, 80, 2))
    assert {hit.node.metadata["tenant"] for hit in result} == {"a"}
    shown = {int(mark[1:]) for prompt in model.asked for text in prompt.data for mark in marks(text)}
    assert shown == set(range(0, 80, 2))
    assert not result.filters.leaked and result.warnings == ()


@settings(max_examples=settings.default.max_examples // 2)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3)), min_size=1, max_size=40),
    st.sampled_from(["tenant == 'a'", "year >= 2", "tenant != 'b' and year < 3", "not (year == 1)", "tenant in ['a']"]),
)
def test_whatever_is_filtered_each_node_that_passes_is_told_of_once_and_no_other(tmp_path_factory, shelves, filters):
    with Index.create(tmp_path_factory.mktemp("root") / "index", llm=ScriptedModel(sum_up)) as index:
        index.add([document(n, tenant=tenant, year=year) for n, (tenant, year) in enumerate(shelves)])
        passing = {hit.node.ref_doc_id for hit in index.as_retriever("summary").retrieve("", filters=filters)}
        result = index.as_retriever(MODE).retrieve("", filters=filters)
        assert sorted(told(result)) == sorted(int(id[1:]) for id in passing)
        assert not result.filters.leaked and result.filters.dropped == 0 and result.warnings == ()


def test_where_the_filtered_field_differs_nodes_are_given_and_the_result_says_so(new_index):
    index, _ = new_index([document(n, year=n) for n in range(20)])
    result = index.as_retriever(MODE).retrieve("", filters="year >= 12")
    assert [hit.node.ref_doc_id for hit in result] == [f"d{n}" for n in range(12, 20)]
    assert any("replaced by what is beneath" in note for note in result.notes)
    assert not any("beneath" in note for note in index.as_retriever(MODE).retrieve("").notes)


def test_a_plan_is_what_is_spent(new_index):
    index, model = new_index([document(n, tenant="ab"[n % 2]) for n in range(60)])
    retriever = index.as_retriever(MODE)
    scoped = retriever.plan("", scope="tenant == 'b'")
    assert model.asked == []
    retriever.retrieve("", scope="tenant == 'b'")
    assert len(model.asked) == scoped.total("llm_calls") > 5


@pytest.mark.needs("retrieverkit_vector")
def test_without_a_model_sentences_are_chosen_and_the_result_says_so(new_index):
    index, model = new_index([document(n) for n in range(12)])
    result = index.as_retriever(MODE, summaries="extraction").retrieve("")
    assert sorted(told(result)) == list(range(12)) and model.asked == []
    assert any("as no language model is used" in note for note in result.notes)


@pytest.mark.parametrize("top_k", [None, 1])
def test_the_class_is_what_is_behind_the_mode(new_index, top_k):
    index, model = new_index([document(n) for n in range(30)])
    direct = TreeRootRetriever(index.corpus, index.storage, model, num_children=3, top_k=top_k).retrieve("")
    mode = index.as_retriever(MODE, top_k=top_k).retrieve("")
    assert [hit.node for hit in direct] == [hit.node for hit in mode]
    assert len(direct) == 1 if top_k else len(direct) > 1


@pytest.mark.parametrize("limits", [{"scope": "tenant != 'b'"}, {"filters": "tenant != 'b'"}])
def test_filters_hold_also_where_index_nodes_could_lead_on(new_index, limits):
    index, model = new_index([document(n, tenant="ab"[n % 2]) for n in range(40)])
    leading = TreeRootRetriever(index.corpus, index.storage, model, num_children=3, object_map={"x": document(99)})
    result = leading.retrieve("", **limits)
    assert sorted(told(result)) == list(range(0, 40, 2))
    shown = {int(mark[1:]) for prompt in model.asked for text in prompt.data for mark in marks(text)}
    assert shown == set(range(0, 40, 2))
