"""Modes around modes, as hypothesis puts them together: no hit outside of filters and scope, sync as async, in time."""

import asyncio
import re
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit import Document, Index
from retrieverkit_compose import AutoMergingRetriever, RerankRetriever, RouterRetriever, SentenceWindowRetriever
from retrieverkit_core import BaseRetriever, MetadataFilters
from retrieverkit_core.errors import DeadlineExceededError
from retrieverkit_fusion import FusionRetriever
from retrieverkit_testkit.choosers import by_words
from retrieverkit_testkit.models import ScriptedModel

SEEN = []


def answer(prompt):
    SEEN.extend(prompt.data)
    return by_words(prompt) if prompt.labels else {"texts": ["frozen pump", "salt"]}


ROUTER = "router({0[0]}, {0[1]}, names=['a', 'b'], rules=[['ice'], ['pump']], multi=True)"
LEAVES = st.sampled_from(["bm25", "vector(embedding='lsa')", "bm25(top_k=9)", "keyword"])


def around(inner):
    return st.one_of(
        st.tuples(inner, st.sampled_from(["embedding", "mmr", "llm"])).map(
            lambda pair: f"rerank({pair[0]}, by={pair[1]!r}" + (", embedding='lsa')" if pair[1] != "llm" else ")")
        ),
        inner.map("auto_merging({})".format),
        inner.map("sentence_window({}, window=2)".format),
        st.tuples(inner, inner).map(
            "router({0[0]}, {0[1]}, names=['a', 'b'], rules=[['ice'], ['pump']], multi=True)".format
        ),
        st.tuples(inner, inner).map("fusion({0[0]}, {0[1]})".format),
        st.tuples(inner, st.sampled_from(["multi_query", "hyde"])).map("transform({0[0]}, by='{0[1]}')".format),
    )


MODES = st.recursive(LEAVES, around, max_leaves=3)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Documents of two tenants, each sentence marked by its tenant and its year."""
    documents = [
        Document(
            "\n\n".join(f"mark{tenant}{year} says that the pump of turbine {n} freezes with ice." for n in range(6)),
            id=f"{tenant}{year}",
            metadata={"tenant": tenant, "year": year},
        )
        for tenant in "ab"
        for year in (2001, 2002, 2003)
    ]
    folder = tmp_path_factory.mktemp("compositions") / "notes.rk"
    with Index.create(folder, splitter="hierarchical(sizes=[300, 70])", llm=ScriptedModel(answer)) as index:
        index.add(documents)
        yield index


@settings(deadline=None)
@given(
    mode=MODES,
    filters=st.sampled_from([None, "year >= 2002", "year == 2001 or tenant == 'b'"]),
    scope=st.sampled_from([None, "tenant == 'a'"]),
    top_k=st.sampled_from([1, 3, 30]),
    mapped=st.booleans(),
)
def test_no_composition_goes_outside_and_both_ways_answer_alike(index, mode, filters, scope, top_k, mapped):
    more = {"object_map": {"elsewhere": next(iter(index))}} if mapped else {}
    retriever = index.as_retriever(mode, **more)
    SEEN.clear()
    limits = {"filters": filters, "scope": scope, "top_k": top_k}
    result = retriever.retrieve("ice pump", **limits)
    again = asyncio.run(retriever.aretrieve("ice pump", **limits))
    assert [(hit.node_id, hit.score, hit.text) for hit in again] == [
        (hit.node_id, hit.score, hit.text) for hit in result
    ]
    assert 0 < len(result) <= top_k
    explained = retriever.retrieve("ice pump", **limits, explain=True)
    assert [hit.node_id for hit in explained] == [hit.node_id for hit in result]
    told = explained.explain()
    assert retriever.name in str(told)
    assert all(hit.score.recombines for hit in told.hits)
    trees = [MetadataFilters.parse(text) for text in (filters, scope) if text is not None]
    allowed = {
        f"mark{node.metadata['tenant']}{node.metadata['year']}"
        for node in index
        if all(tree.admits(node) for tree in trees)
    }
    for hit in result:
        assert all(tree.admits(hit.node) for tree in trees)
        assert set(re.findall(r"mark\w+", hit.text)) <= allowed
    assert set(re.findall(r"mark\w+", "\n".join(SEEN))) <= allowed
    assert result.outcome == "ok" and not result.filters.leaked
    plan = retriever.plan("ice pump", **limits)
    assert result.spent.llm_calls <= plan.total("llm_calls")


class Hangs(BaseRetriever):
    """Does not answer until it is released."""

    default_top_k = 5

    def __init__(self, released):
        super().__init__()
        self.released = released

    def _retrieve(self, query_bundle):
        self.released.wait(60)
        return []


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_leg_that_hangs_is_given_up_at_the_deadline_wherever_it_is(index, how, with_time):
    released = threading.Event()

    def asked(retriever, seconds=0.3):
        if how == "sync":
            return retriever.retrieve("ice", timeout=seconds)
        return asyncio.run(retriever.aretrieve("ice", timeout=seconds))

    hangs, bm25 = Hangs(released), index.as_retriever("bm25")
    vector = index.as_retriever("vector(embedding='lsa')")
    around = [
        lambda inner: RerankRetriever(inner, vectors=vector),
        lambda inner: AutoMergingRetriever(inner, index.corpus),
        lambda inner: SentenceWindowRetriever(inner, index.corpus),
    ]
    try:
        for wrap in around:
            with pytest.raises(DeadlineExceededError):
                asked(wrap(hangs))
            both = RouterRetriever([wrap(hangs), bm25], names=["h", "b"], by=lambda query: ["h", "b"], multi=True)
            for retriever in (FusionRetriever([wrap(hangs), bm25]), both, wrap(both)):

                def in_time(seconds, retriever=retriever):
                    result = asked(retriever, seconds)
                    assert result and result.outcome == "partial"

                with_time(0.3, in_time)
    finally:
        released.set()


@settings(deadline=None)
@given(
    mode=st.sampled_from(["fusion({0}, {0}, weights=[1, 2])", "hybrid", "auto_merging(fusion({0}, bm25))"]),
    leg=st.sampled_from(["bm25(top_k=3)", "keyword(top_k=3)", "fusion(bm25(top_k=3), bm25)"]),
    filters=st.sampled_from(["year >= 2003", "tenant == 'b' and year == 2002"]),
    scope=st.sampled_from([None, "tenant == 'b'"]),
)
def test_an_object_map_that_nothing_leads_to_changes_nothing(index, mode, leg, filters, scope):
    mode = mode.format(leg)
    limits = {"filters": filters, "scope": scope, "top_k": 30}
    plain = index.as_retriever(mode).retrieve("ice pump", **limits)
    mapped = index.as_retriever(mode, object_map={"elsewhere": next(iter(index))}).retrieve("ice pump", **limits)
    assert [(hit.node_id, hit.score) for hit in mapped] == [(hit.node_id, hit.score) for hit in plain]
    assert plain
