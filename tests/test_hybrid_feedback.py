"""The second look of `hybrid`: the vector query moves toward what both legs put first."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit import Document, Index, QueryBundle
from retrieverkit_core import BaseRetriever, Node, NodeWithScore, ScoreKind, ScoreSpec
from retrieverkit_core.errors import OptionError
from retrieverkit_fusion import FusionRetriever, HybridRetriever

WORDS = ["wind", "turbine", "ice", "inlet", "blade", "storm", "frost", "pump"]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)


class Remembered(BaseRetriever):
    """Answers with hits that were found before."""

    def __init__(self, name, result, scores):
        super().__init__()
        self.name, self.scores, self.result = name, scores, list(result)

    def _retrieve(self, query_bundle):
        return self.result


def by_hand(index, query, weight=0.3):
    """What the definition says, from the legs' own answers."""
    bm25, vector = index.as_retriever("bm25"), index.as_retriever("vector(embedding='lsa', similarity_cutoff=1e-6)")

    def fused(second):
        legs = [
            Remembered(leg.name, result, leg.score_spec)
            for leg, result in ((bm25, bm25.retrieve(asked)), (vector, second))
        ]
        return FusionRetriever(legs, method="relative_score", weights=[1 - weight, weight], top_k=100).retrieve(query)

    asked = query.replace(top_k=100)
    first = fused(vector.retrieve(asked))
    corpus = vector.index.corpus
    ordinals = {node.id: ordinal for ordinal in range(1, 60) if (node := corpus.fetch([ordinal])[0])}
    moved = vector.moved(asked, [ordinals[hit.node_id] for hit in first[:3]], 0.5)
    return first if moved is None else fused(vector.retrieve(moved))


def rounded(result):
    return [(hit.node_id, round(hit.score, 6)) for hit in result]


@given(
    stored=st.lists(texts, min_size=1, max_size=20),
    query=texts,
    filters=st.sampled_from([None, "n >= 3", "text_match(tag, 'a')", "n < 9 and text_match(tag, 'a')"]),
)
def test_the_answer_is_what_the_definition_says(tmp_path_factory, stored, query, filters):
    with Index.create(tmp_path_factory.mktemp("index") / "notes.rk", language="en") as index:
        index.add(
            [
                Document(id=str(n), text=text, metadata={"n": n, "tag": "ab"[n % 2]})
                for n, text in enumerate([*stored, *WORDS])
            ]
        )
        asked = QueryBundle.of(query, top_k=50, filters=filters)
        expected = rounded(by_hand(index, asked))
        hybrid = index.as_retriever("hybrid(embedding='lsa')")
        assert rounded(hybrid.retrieve(asked)) == expected
        assert rounded(asyncio.run(hybrid.aretrieve(asked))) == expected
        assert rounded(hybrid.retrieve_many([asked])[0]) == expected


@pytest.fixture
def index(tmp_path):
    with Index.create(tmp_path / "notes.rk") as made:
        made.add([Document(id=str(n), text=f"{WORDS[n % 8]} {WORDS[(n + 3) % 8]}") for n in range(24)])
        yield made


def legs(index):
    return index.as_retriever("bm25"), index.as_retriever("vector(embedding='lsa')")


def test_feedback_is_an_option_and_off_by_zero(index):
    bm25, vector = legs(index)
    related = index.as_retriever("vector(embedding='lsa', similarity_cutoff=1e-6)")
    plain = FusionRetriever([bm25, related], method="relative_score", weights=[0.7, 0.3]).retrieve("wind ice")
    assert rounded(HybridRetriever(bm25, vector, feedback=0).retrieve("wind ice")) == rounded(plain)
    assert rounded(HybridRetriever(bm25, vector).retrieve("wind ice")) != rounded(plain)
    with pytest.raises(OptionError, match="feedback"):
        HybridRetriever(bm25, vector, feedback=-1)
    with pytest.raises(OptionError, match="feedback"):
        index.as_retriever("hybrid(feedback=-0.5)")
    other = Remembered("other", [], ScoreSpec(ScoreKind.SIMILARITY))
    with pytest.raises(OptionError, match="other cannot move a query"):
        HybridRetriever(bm25, other, feedback=0.5)
    HybridRetriever(bm25, other).retrieve("wind")


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_second_look_that_fails_leaves_the_first_and_says_so(index, how):
    bm25, vector = legs(index)
    expected = rounded(HybridRetriever(bm25, vector, feedback=0).retrieve("wind ice"))
    vector.moved = lambda *_: 1 / 0
    hybrid = HybridRetriever(bm25, vector)
    result = hybrid.retrieve("wind ice") if how == "sync" else asyncio.run(hybrid.aretrieve("wind ice"))
    assert rounded(result) == expected
    assert ["second look failed" in warning for warning in result.warnings] == [True]


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_second_look_at_another_state_of_the_corpus_is_taken_again(index, how):
    bm25, vector = legs(index)
    moved, pending = vector.moved, [Document(id="new", text="wind ice wind ice")]

    def interrupted(*asked):
        if pending:
            index.add([pending.pop()])
        return moved(*asked)

    vector.moved = interrupted
    hybrid = HybridRetriever(bm25, vector, top_k=30)
    result = hybrid.retrieve("wind ice") if how == "sync" else asyncio.run(hybrid.aretrieve("wind ice"))
    assert rounded(result) == rounded(HybridRetriever(*legs(index), top_k=30).retrieve("wind ice"))
    assert "new" in [hit.node_id.partition("#")[0] for hit in result] + [hit.ref_doc_id for hit in result]


def test_a_query_is_not_moved_toward_nodes_of_another_corpus(index, tmp_path):
    with Index.create(tmp_path / "other.rk") as other:
        other.add([Document(id=f"other {n}", text=f"{WORDS[n % 8]} storm frost") for n in range(24)])
        bm25, vector = other.as_retriever("bm25"), legs(index)[1]
        toward = []
        vector.moved = lambda query, ordinals, weight: toward.append(list(ordinals))
        HybridRetriever(bm25, vector, weight=0.01).retrieve("wind ice")
        assert toward == [[]]


def test_the_language_of_hybrid_reaches_both_legs(index):
    made = index.as_retriever("hybrid(language='de', embedding='lsa')")
    assert [leg.retriever.name for leg in made.legs] == ["bm25", "vector"]
    assert made.legs[1].retriever.embedding_spec.replace('"', "'") == "lsa(language='de')"
    assert made.legs[0].retriever.index.config != index.as_retriever("bm25(language='en')").index.config


def test_hits_know_where_they_were_found(index):
    hits = index.as_retriever("bm25").retrieve("wind")
    assert all(hit.ordinal for hit in hits)
    assert NodeWithScore(Node(id="a")).ordinal is None


def test_the_class_by_hand_is_the_mode(index):
    mode = index.as_retriever("hybrid", embedding="lsa")
    bm25, vector = legs(index)
    for query in ("wind ice", "pump", "frost blade inlet"):
        assert rounded(HybridRetriever(bm25, vector, top_k=30).retrieve(query)) == rounded(
            mode.retrieve(query, top_k=30)
        )
