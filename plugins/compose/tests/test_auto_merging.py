"""`auto_merging`: one answer in whatever order children are found, nothing lost, nothing outside of the filters."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_compose import AutoMergingRetriever
from retrieverkit_core import Node, NodeRelationship, NodeWithScore, ScoreSpec
from retrieverkit_core.errors import DeadlineExceededError, OptionError
from retrieverkit_testkit.memory_corpus import MemoryCorpus

PREVIOUS, NEXT = NodeRelationship.PREVIOUS, NodeRelationship.NEXT
PARENT, CHILD = NodeRelationship.PARENT, NodeRelationship.CHILD


def related(node, **to):
    node.relationships.update({NodeRelationship[name.upper()]: value for name, value in to.items() if value})
    return node


def tree(shape, passing=lambda name: True):
    """Return the nodes of a forest: each number is a leaf, each list a parent."""
    nodes, counter = [], iter(range(10_000))

    def make(part):
        node = Node(id=f"n{next(counter)}")
        node.text, node.metadata = f"text of {node.id}", {"ok": passing(node.id)}
        nodes.append(node)
        if isinstance(part, list):
            children = [make(child) for child in part]
            related(node, child=[child.id for child in children])
            for child in children:
                related(child, parent=node.id)
        return node

    for part in shape:
        make(part)
    leaves = [node for node in nodes if not node.child_nodes]
    for one, other in zip(leaves, leaves[1:]):
        related(one, next=other.id)
        related(other, previous=one.id)
    return nodes


def corpus_of(nodes):
    corpus = MemoryCorpus()
    corpus.add(*nodes)
    return corpus


def unordered(listed, hits):
    inner = listed(hits)
    inner.scores = ScoreSpec()
    return inner


def ancestors(node, by_id):
    while node.parent_node in by_id:
        node = by_id[node.parent_node]
        yield node.id


SHAPES = st.lists(
    st.recursive(st.just(0), lambda inner: st.lists(inner, min_size=1, max_size=5), max_leaves=12),
    min_size=1,
    max_size=3,
)


@given(shape=SHAPES, threshold=st.sampled_from([0.0, 0.3, 0.5, 0.7]), data=st.data(), mapped=st.booleans())
def test_any_order_gives_the_same_and_nothing_is_lost_or_outside_of_the_filters(listed, shape, threshold, data, mapped):
    names = [node.id for node in tree(shape)]
    hidden = set(data.draw(st.lists(st.sampled_from(names), max_size=3)))
    nodes = tree(shape, lambda name: name not in hidden)
    by_id = {node.id: node for node in nodes}
    found = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    scores = {name: data.draw(st.integers(0, 9)) / 8 for name in found}
    hits = [NodeWithScore(by_id[name], scores[name]) for name in found]
    answers = []
    for order in (hits, hits[::-1], random.Random(0).sample(hits, len(hits))):
        more = {"object_map": {"x": nodes[0]}} if mapped else {}
        retriever = AutoMergingRetriever(
            unordered(listed, order), corpus_of(nodes), threshold=threshold, top_k=100, candidates=100, **more
        )
        result = retriever.retrieve("query", filters="ok == true")
        answers.append({hit.node_id: hit.score for hit in result})
        again = asyncio.run(retriever.aretrieve("query", filters="ok == true"))
        assert [(hit.node_id, hit.score) for hit in again] == [(hit.node_id, hit.score) for hit in result]
    assert answers[0] == answers[1] == answers[2]
    there = set(answers[0])
    assert not there & hidden
    for name in set(found) - hidden:
        assert name in there or there & set(ancestors(by_id[name], by_id))
    for hit in result:
        assert not there & {*filter(lambda name: name not in hidden, [hit.node.parent_node])}
        stands_for = [each["id"] for each in hit.evidence[0].details.get("stands_for", [])]
        assert set(stands_for) <= set(found) - hidden


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([0, 1], {"n1": 1.0, "n2": 0.875}),  # two of four are not more than half
        ([0, 1, 3], {"n0": 0.8125}),  # the gap between 1 and 3 counts too
        ([0, 2], {"n0": 0.875}),  # one gap, three of four
        ([3, 0], {"n1": 1.0, "n4": 0.625}),
        ([0, 1, 2, 3], {"n0": 0.8125}),
    ],
)
def test_more_than_half_of_the_children_and_gaps_between_neighbours(listed, found, expected):
    nodes = tree([[0, 0, 0, 0]])
    scores = {0: 1.0, 1: 0.875, 2: 0.75, 3: 0.625}
    hits = [NodeWithScore(nodes[1 + at], scores[at]) for at in sorted(found)]
    result = AutoMergingRetriever(listed(hits), corpus_of(nodes)).retrieve("query")
    assert {hit.node_id: hit.score for hit in result} == pytest.approx(expected)


def test_what_was_put_first_without_a_score_stays_first(listed):
    nodes = tree([0, 0, 0])
    for node in nodes:
        node.relationships = {}
    hits = [NodeWithScore(nodes[2], None), NodeWithScore(nodes[0], 1.0), NodeWithScore(nodes[1], 0.5)]
    result = AutoMergingRetriever(listed(hits), corpus_of(nodes)).retrieve("query", top_k=2)
    assert [hit.node_id for hit in result] == ["n2", "n0"]


def test_a_parent_waits_for_the_deeper_of_its_children(listed):
    nodes = tree([[0, 0, [0, 0]]])
    hits = [NodeWithScore(nodes[at], score) for at, score in ((1, 1.0), (2, 0.75), (4, 0.125), (5, 0.125))]
    result = AutoMergingRetriever(listed(hits), corpus_of(nodes)).retrieve("query")
    assert [(hit.node_id, hit.score) for hit in result] == [("n0", pytest.approx((1.0 + 0.75 + 0.125) / 3))]
    assert len(result[0].evidence[0].details["stands_for"]) == 4


def test_a_parent_has_the_evidence_of_what_it_stands_for(listed):
    nodes = tree([[[0, 0], [0, 0]], 0])
    inner = listed([NodeWithScore(nodes[at], 1 - at / 10) for at in (2, 3, 5, 7)])
    result = AutoMergingRetriever(inner, corpus_of(nodes)).retrieve("query")
    assert [hit.node_id for hit in result] == ["n0", "n7"]
    (told,) = result[0].evidence
    assert (told.leg, told.rank, told.score) == ("listed", 1, 0.8)
    assert told.details["stands_for"][2] == {"id": "n5", "rank": 3, "score": 0.5}
    assert result[1].evidence == (("listed", 4, pytest.approx(0.3)),)


def test_relationships_that_lead_nowhere_or_in_a_circle(listed):
    lost = related(Node(id="lost"), parent="gone")
    one = related(Node(id="one"), parent="two", child=["two"], next="two", previous="two")
    two = related(Node(id="two"), parent="one", child=["one"], next="one", previous="one")
    result = AutoMergingRetriever(listed([lost, one]), corpus_of([one, two, lost])).retrieve("query")
    assert {hit.node_id for hit in result} == {"lost", "two"}
    assert "1 of 2 hits name a parent that the index does not hold" in result.warnings[0]
    alone = AutoMergingRetriever(listed([Node(id="x")]), MemoryCorpus()).retrieve("query")
    assert "splitter='hierarchical'" in alone.notes[0]
    foreign = NodeWithScore(related(Node(id="f"), parent="one"), 1.0)
    foreign._origin = (MemoryCorpus(), 1)
    assert [h.node_id for h in AutoMergingRetriever(listed([foreign]), corpus_of([one, two])).retrieve("q")] == ["f"]


def test_limits_deadlines_and_wrong_settings(listed, hangs):
    nodes = tree([[0, 0]] * 6)
    inner = listed([node for node in nodes if not node.child_nodes])
    retriever = AutoMergingRetriever(inner, corpus_of(nodes), candidates=6)
    result = retriever.retrieve("query", top_k=5)
    assert len(result) == 3 and "6 nodes were merged into 3; more candidates would find more" in result.notes
    assert len(retriever.retrieve("query", top_k=2)) == 2
    assert retriever.plan("query").complete is False and retriever.plan("query").parts[0].name == "listed"
    with pytest.raises(DeadlineExceededError):
        AutoMergingRetriever(hangs, MemoryCorpus()).retrieve("query", timeout=0.05)
    for wrong in ({"threshold": 1.0}, {"threshold": -0.1}, {"candidates": 0}):
        with pytest.raises(OptionError):
            AutoMergingRetriever(inner, MemoryCorpus(), **wrong)


@pytest.mark.needs("retrieverkit_bm25")
def test_a_document_cut_hierarchically_is_merged_where_much_of_it_is_found(tmp_path):
    from retrieverkit import Document, Index

    about = ["ice at the inlet of the turbine. " * 4, "noise of the gear box. " * 6, "salt on the blades. " * 7]
    text = "\n\n".join(paragraph for paragraph in about for _ in range(3))
    with Index.from_documents(
        [Document(text, id="long", metadata={"year": 2020}), Document("ice", id="short", metadata={"year": 2020})],
        tmp_path / "a.rk",
        splitter="hierarchical(sizes=[1000, 450, 140])",
    ) as index:
        result = index.retrieve("ice inlet", "auto_merging(bm25)", filters="year == 2020")
        assert "short" in {hit.node_id for hit in result}
        best = max(result, key=lambda hit: len(hit.text))
        assert best.metadata["node_level"] > 0 and best.text in text and "inlet" in best.text
        asked = result.legs[0].filters.pushed
        assert "node_level == 0" in asked and "year == 2020" in asked
        nested = index.retrieve("ice inlet", "rerank(auto_merging(bm25(top_k=12)), by='embedding', embedding='lsa')")
        assert {hit.node_id for hit in nested} == {hit.node_id for hit in result}
        assert index.retrieve("ice", "auto_merging(bm25)", filters="year == 1999") == []
