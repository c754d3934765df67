"""Scores against BM25 in plain Python."""

import itertools
import math
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieverkit_bm25 import Bm25Retriever
from retrieverkit_core.corpus import IndexSettings
from retrieverkit_core.errors import OptionError
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import Node
from retrieverkit_core.query import QueryBundle
from retrieverkit_testkit.memory_corpus import MemoryCorpus

K1, B = 1.2, 0.75
WORDS = ["cat", "dog", "bird", "mat", "sleep", "fly"]


def parts_of(node, title_weight):
    """Return each text that the node is found by, as words, with how often it counts."""
    parts = [(node.metadata[field].split(), title_weight if field == "title" else 1) for field in ("title", "by")]
    return [*parts, (node.text.split(), 1)]


def counted(node, title_weight):
    words, pairs = Counter(), Counter()
    for part, times in parts_of(node, title_weight):
        words.update(part * times)
        pairs.update(list(itertools.pairwise(part)) * times)
    return words, pairs


def brute_force(query, nodes, title_weight, pair_weight):
    """BM25 as Robertson and Zaragoza have it, with idf = ln(1 + (N - n + 0.5) / (n + 0.5)), of words and of pairs."""
    documents = [counted(node, title_weight) for node in nodes]
    lengths = [words.total() for words, _ in documents]
    average = sum(lengths) / len(lengths) or 1.0
    asked = (Counter(query), 1.0), (Counter(itertools.pairwise(query)), pair_weight)
    scores = []
    for document, length in zip(documents, lengths, strict=True):
        score = 0.0
        for kind, (features, weight) in enumerate(asked):
            for feature, count in features.items():
                n = sum(feature in other[kind] for other in documents)
                idf = math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))
                tf = document[kind][feature]
                score += weight * count * idf * tf * (K1 + 1) / (tf + K1 * (1 - B + B * length / average))
        scores.append(score)
    return scores


def words(most):
    return st.lists(st.sampled_from(WORDS), max_size=most)


@st.composite
def libraries(draw):
    number = draw(st.integers(1, 12))
    return [
        Node(
            id=f"n{i}",
            text=" ".join(draw(words(20))),
            metadata={"title": " ".join(draw(words(4))), "by": " ".join(draw(words(3))), "even": i % 2 == 0},
        )
        for i in range(number)
    ]


@given(
    nodes=libraries(),
    query=words(8),
    top_k=st.none() | st.integers(0, 15),
    title_weight=st.integers(1, 3),
    pair_weight=st.sampled_from([0.0, 0.2, 1.5]),
    gone=st.sets(st.integers(0, 11)),
    filtered=st.booleans(),
    rebuilding=st.booleans(),
)
@settings(suppress_health_check=list(HealthCheck))
def test_scores_are_bm25_of_words_and_pairs(
    tmp_path_factory, nodes, query, top_k, title_weight, pair_weight, gone, filtered, rebuilding
):
    corpus = MemoryCorpus(settings=IndexSettings("en", ("title", "by")))
    corpus.add(*nodes)
    with pytest.MonkeyPatch.context() as patch:
        if not rebuilding:  # deletes stay in the engine's statistics
            patch.setattr("retrieverkit_bm25.index.EXACT_UP_TO", 0)
            patch.setattr("retrieverkit_bm25.index.MAX_DELETED_SHARE", 0.4)
            patch.setattr("retrieverkit_bm25.index.MAX_LENGTH_DRIFT", 0.001)
        retriever = Bm25Retriever(
            corpus, tmp_path_factory.mktemp("s"), title_weight=title_weight, pair_weight=pair_weight
        )
        retriever.retrieve("cat")
        left = [node for i, node in enumerate(nodes) if i not in gone]
        corpus.delete(*(node.id for i, node in enumerate(nodes) if i in gone))
        filters = MetadataFilters.parse("even == true") if filtered else None
        result = retriever.retrieve(QueryBundle(" ".join(query), top_k=top_k, filters=filters))
    scores = brute_force(query, left, title_weight, pair_weight) if left else []
    passing = [(s, n.id) for s, n in zip(scores, left, strict=True) if s > 0 and (n.metadata["even"] or not filtered)]
    best = sorted(passing, key=lambda each: -each[0])[: 5 if top_k is None else top_k]
    assert [hit.score for hit in result] == pytest.approx([score for score, _ in best], rel=2e-3)
    if len({round(score, 2) for score, _ in passing}) == len(passing):
        assert [hit.node.id for hit in result] == [node_id for _, node_id in best]


@pytest.mark.parametrize(
    ("option", "value"),
    [("k1", 1.5), ("b", 0.3), ("pair_weight", -1.0), ("pair_weight", math.nan), ("title_weight", 0)],
)
def test_what_the_engine_cannot_do_is_refused(tmp_path, option, value):
    with pytest.raises(OptionError, match=option):
        Bm25Retriever(MemoryCorpus(), tmp_path, **{option: value})
    Bm25Retriever(MemoryCorpus(), tmp_path, k1=1.2, b=0.75)


def test_pairs_stand_within_one_text(tmp_path):
    corpus = MemoryCorpus()
    corpus.add(
        Node(id="apart", text="engine room", metadata={"title": "steam"}),
        Node(id="together", text="room steam engine"),
        Node(id="reversed", text="room engine steam"),
    )
    result = Bm25Retriever(corpus, tmp_path, title_weight=1, pair_weight=1).retrieve("steam engine")
    assert [hit.node.id for hit in result] == ["together", "apart", "reversed"]
    assert result[1].score == result[2].score < result[0].score


def test_a_query_of_very_many_pairs_is_answered(tmp_path):
    corpus = MemoryCorpus()
    corpus.add(Node(id="n", text=" ".join(f"word{i}" for i in range(2000))))
    query = " ".join(f"word{i}" for i in range(1500))
    assert len(Bm25Retriever(corpus, tmp_path).retrieve(query)) == 1
