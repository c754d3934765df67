"""Explanations of whatever can be built from the modes shipped here."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from retriever_trees import OUTSIDE, documents, filters, queries, scopes, trees

from retrieverkit import Index
from retrieverkit_core import MetadataFilters, RetrieverSpec
from retrieverkit_core.explain import Code
from retrieverkit_core.filters import filterable

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def index():
    with Index.from_documents(documents()) as index:
        yield index


@QUICK
@given(tree=trees, query=queries, filters=filters, scope=scopes)
def test_an_explanation_recombines_changes_nothing_and_names_nothing_outside_of_the_scope(
    index, tree, query, filters, scope
):
    retriever = index.as_retriever(tree)
    plain = retriever.retrieve(query, filters=filters, scope=scope)
    result = retriever.retrieve(query, filters=filters, scope=scope, explain=True)
    told = result.explain()
    assert [(hit.node_id, hit.score, hit.evidence) for hit in result] == [
        (hit.node_id, hit.score, hit.evidence) for hit in plain
    ]
    assert [(hit.node_id, hit.score.value) for hit in told.hits] == [(hit.node_id, hit.score) for hit in plain]
    assert all(score.recombined() == score.value for hit in told.hits for score in hit.score.walk())
    for stage in told.root.walk():
        assert stage.n_in is None or stage.n_in >= stage.n_out
        assert len(stage.near_misses) <= 3
        assert len(stage.lost) <= 20
    if scope is not None:
        assert OUTSIDE not in json.dumps(told.as_dict()) + str(told) + told._repr_html_()
        assert all(max(stage.n_in or 0, stage.n_out, stage.n_lost) <= 30 for stage in told.root.walk())
        assert all(place.rank <= 30 for hit in told.hits for place in hit.legs)


def changed(tree, change):
    """Return the spec with a change that `why_not` named."""
    spec = RetrieverSpec.parse(tree).to_obj()
    at = spec
    for name in change.leg.split("/") if change.leg else ():
        modes, seen = [leg["mode"] for leg in at["retrievers"]], []
        for place, mode in enumerate(modes):
            seen.append(mode if mode not in modes[:place] else f"{mode}#{modes[: place + 1].count(mode)}")
        at = at["retrievers"][seen.index(name)]
    at.update(change.options)
    return RetrieverSpec.from_obj(spec)


ids = st.sampled_from([document.id for document in documents()] + ["nowhere"])


@settings(QUICK, max_examples=100)
@given(tree=trees, query=queries, filters=filters, scope=scopes, node_id=ids, top_k=st.none() | st.integers(1, 6))
def test_what_would_have_kept_a_node_does_keep_it(index, tree, query, filters, scope, node_id, top_k):
    retriever = index.as_retriever(tree)
    limits = {"filters": filters, "scope": scope}
    told = retriever.why_not(query, node_id, top_k=top_k, **limits)
    found = [hit.node_id for hit in retriever.retrieve(query, top_k=top_k, **limits)]
    assert (told.code == Code.RETURNED) == (node_id in found)
    if node_id == "nowhere" or (scope is not None and OUTSIDE in node_id):
        unknown = retriever.why_not(query, "nothing", top_k=top_k, **limits)
        assert repr(told).replace(node_id, "nothing") == repr(unknown)
        assert told.code == Code.NOT_INDEXED
        return
    (node,) = index.corpus.get([node_id])
    passes = filters is None or MetadataFilters.parse(filters).matches(filterable(node))
    assert (told.code == Code.FILTERED) == (not passes)
    if scope is not None:
        assert OUTSIDE not in f"{told}{told.as_dict()}"
    for change in told.would:
        other = index.as_retriever(changed(tree, change))
        asked = top_k if change.top_k is None else change.top_k
        assert node_id in [hit.node_id for hit in other.retrieve(query, top_k=asked, **limits)], change


@pytest.mark.parametrize(
    ("tree", "top_k", "node_id", "code", "stage", "would"),
    [
        ("bm25(top_k=3)", None, "d10", Code.CUT_BY_TOP_K, "cut", "top_k >= 19"),
        ("bm25(top_k=3)", None, "d03", Code.NOT_INDEXED, "", ""),
        ("bm25", None, "d08", Code.BELOW_LEG_CUT, "search", ""),
    ],
)
def test_reasons(index, tree, top_k, node_id, code, stage, would):
    told = index.as_retriever(tree).why_not("ice inlet turbine", node_id, top_k=top_k)
    assert (told.code, told.stage, " or ".join(change.text for change in told.would)) == (code, stage, would)


def test_a_leg_brought_down_by_the_others_is_told_with_the_weight_that_would_lift_it(index):
    legs = "bm25, vector"
    query = "ice wing"
    for weight in (0.05, 0.2):
        tree = f"fusion({legs}, method='relative_score', weights=[{weight}, 1], top_k=2)"
        retriever = index.as_retriever(tree)
        alone = [hit.node_id for hit in index.as_retriever("bm25").retrieve(query, top_k=2)]
        returned = [hit.node_id for hit in retriever.retrieve(query)]
        for node_id in set(alone) - set(returned):
            told = retriever.why_not(query, node_id)
            assert told.code == Code.FUSED_OUT
            assert told.stage == "fuse"
            assert any("weights" in change.options for change in told.would)
            return
    pytest.fail("no node is brought down")
