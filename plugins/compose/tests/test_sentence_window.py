"""`sentence_window`: what was found with its neighbours, and no neighbour that the filters exclude."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_compose import SentenceWindowRetriever
from retrieverkit_core import Node, NodeRelationship, NodeWithScore
from retrieverkit_core.errors import DeadlineExceededError, OptionError
from retrieverkit_testkit.memory_corpus import MemoryCorpus


def chain(passing, circle=False):
    nodes = [
        Node(
            id=f"n{at}", text=f"Sentence {at}.", metadata={"ok": ok}, start_char_idx=20 * at, end_char_idx=20 * at + 11
        )
        for at, ok in enumerate(passing)
    ]
    for one, other in zip(nodes, [*nodes[1:], nodes[0]] if circle else nodes[1:]):
        one.relationships[NodeRelationship.NEXT] = other.id
        other.relationships[NodeRelationship.PREVIOUS] = one.id
    return nodes


@given(
    passing=st.lists(st.booleans(), min_size=1, max_size=12),
    window=st.integers(1, 4),
    mapped=st.booleans(),
    circle=st.booleans(),
    data=st.data(),
)
def test_a_window_is_what_passes_around_a_hit(listed, passing, window, mapped, circle, data):
    nodes = chain(passing, circle and len(passing) > 1)
    found = data.draw(st.lists(st.sampled_from(range(len(nodes))), unique=True, min_size=1))
    inner = listed([NodeWithScore(nodes[at], 1.0) for at in found])
    corpus = MemoryCorpus()
    corpus.add(*nodes)
    more = {"object_map": {"x": nodes[0]}} if mapped else {}
    retriever = SentenceWindowRetriever(inner, corpus, window=window, top_k=20, **more)
    result = retriever.retrieve("query", filters="ok == true")
    again = asyncio.run(retriever.aretrieve("query", filters="ok == true"))
    assert [hit.node for hit in again] == [hit.node for hit in result]
    passing_found = [at for at in found if passing[at]]
    assert [hit.node_id for hit in result] == [f"n{at}" for at in passing_found]
    for at, hit in zip(passing_found, result):
        shown = [nodes[int(name[1:])] for name in hit.evidence[0].details.get("window", [hit.node_id])]
        assert all(node.metadata["ok"] for node in shown)
        assert hit.text == " ".join(node.text for node in shown)
        assert len({node.id for node in shown}) == len(shown) <= 2 * window + 1
        if not circle:
            low, high = at, at
            while low > 0 and passing[low - 1] and at - low < window:
                low -= 1
            while high + 1 < len(nodes) and passing[high + 1] and high - at < window:
                high += 1
            assert [node.id for node in shown] == [f"n{n}" for n in range(low, high + 1)]
            assert (hit.node.start_char_idx, hit.node.end_char_idx) == (20 * low, 20 * high + 11)
        assert hit.evidence[0].details.get("found", hit.text) == f"Sentence {at}."
    assert [node.text for node in nodes] == [f"Sentence {at}." for at in range(len(nodes))]


def test_neighbours_of_another_document_or_another_corpus_are_not_shown(listed):
    one, two = chain([True, True])
    for node, document in ((one, "a"), (two, "b")):
        node.relationships[NodeRelationship.SOURCE] = document
    corpus = MemoryCorpus()
    corpus.add(one, two)
    result = SentenceWindowRetriever(listed([one]), corpus).retrieve("query")
    assert result[0].text == "Sentence 0." and "splitter='sentences'" in result.notes[0]
    elsewhere = NodeWithScore(chain([True, True])[0], 1.0)
    elsewhere._origin = (MemoryCorpus(), 1)
    assert SentenceWindowRetriever(listed([elsewhere]), corpus).retrieve("query")[0].text == "Sentence 0."


def test_a_window_is_never_put_around_a_window(listed):
    nodes, corpus = chain([True] * 6), MemoryCorpus()
    corpus.add(*nodes)
    inner = SentenceWindowRetriever(listed(nodes[2:4]), corpus, window=1)
    hit = SentenceWindowRetriever(inner, corpus, window=2).retrieve("query")[0]
    plain = SentenceWindowRetriever(listed(nodes[2:4]), corpus, window=2).retrieve("query")[0]
    assert hit.text == plain.text
    for told in ("found", "window"):
        assert hit.evidence[0].details[told] == plain.evidence[0].details[told]


def test_deadlines_and_wrong_settings(hangs):
    with pytest.raises(DeadlineExceededError):
        SentenceWindowRetriever(hangs, MemoryCorpus()).retrieve("query", timeout=0.05)
    for wrong in ({"window": 0}, {"window": 101}, {"top_k": -1}):
        with pytest.raises(OptionError):
            SentenceWindowRetriever(hangs, MemoryCorpus(), **wrong)


@pytest.mark.needs("retrieverkit_bm25")
def test_windows_of_a_real_document(tmp_path):
    from retrieverkit import Document, Index

    text = "The hall is dry. Dr. Smith came late! The inlet froze. The pump stopped.\n\nSalt eats the blades."
    with Index.from_documents([Document(text, id="d")], tmp_path / "a.rk", splitter="sentences") as index:
        result = index.retrieve("inlet", "sentence_window(bm25, window=1)")
        assert [hit.text for hit in result] == ["Dr. Smith came late! The inlet froze. The pump stopped."]
        assert result[0].evidence[0].details["found"] == "The inlet froze."
        wide = index.retrieve("inlet", "sentence_window(bm25, window=100)")
        assert wide[0].text == text.replace("\n\n", " ")
