"""The mode graph_vector: entities near the query."""

import numpy as np
import pytest

from retrieverkit import Document, Index
from retrieverkit_core import QueryBundle, budget
from retrieverkit_core.errors import QueryError

AXES = {"king": 0, "queen": 1, "sea": 2, "ship": 3}
GIVEN = "graph_vector(extract='given')"


class ByAxes:
    """Embeds a text as the sum of the axes of its words; other words are nothing to it. It counts what it embeds."""

    fingerprint, dimension, texts_per_call = "axes", 4, 2

    def __init__(self):
        self.texts, self.calls = [], 0

    def in_language(self, language):
        return self

    def vectors(self, texts):
        rows = np.zeros((len(texts), 4), np.float32)
        for at, text in enumerate(texts):
            for word in text.casefold().replace("(", " ").replace(")", " ").split():
                rows[at, AXES.get(word, 0)] += word in AXES
        return rows

    def embed_documents(self, texts):
        for start in range(0, len(texts), self.texts_per_call):
            budget.spend(embedding_calls=1)
            self.calls += 1
            self.texts += texts[start : start + self.texts_per_call]
        return self.vectors(texts) + np.float32(1e-6)

    embed_queries = embed_documents


class Fitted(ByAxes):
    """The same as a model that is fitted: what it knows nothing of has a zero vector."""

    def fit(self, texts, folder):
        (folder / "fitted").touch()

    def load(self, folder):
        return self

    def outgrown(self, fitted_on, added, removed):
        return False

    def embed_documents(self, texts):
        return self.vectors(texts)

    embed_queries = embed_documents


def document(name, *triples):
    return Document(f"text of {name}", id=name, metadata={"triples": list(triples)})


ROYALS = [
    document("d0", ["king", "married", "queen"]),
    document("d1", ["queen", "crossed", "sea"]),
    document("d2", ["ship", "sank in", "sea"]),
    document("d3", ["stone", "lies on", "moss"]),
]


def told(result):
    return [(hit.node_id, round(hit.score, 3)) for hit in result]


def test_a_relation_has_the_higher_cosine_of_its_ends():
    with Index.from_documents(ROYALS, embedding=Fitted()) as index:
        assert told(index.retrieve("king", "graph_vector(extract='given', max_entities=1)")) == [("d0", 1.0)]
        assert told(index.retrieve("king", "graph_vector(extract='given', max_entities=1, depth=3)")) == [
            ("d0", 1.0),
            ("d1", 0.0),
            ("d2", 0.0),
        ]
        assert told(index.retrieve("king queen", "graph_vector(extract='given', max_entities=2)")) == [
            ("d0", 0.707),
            ("d1", 0.707),
        ]


def test_labels_are_embedded_with_the_name():
    labelled = document("d4", [{"name": "Boadicea", "labels": ["Queen"]}, "ruled", "tribes"])
    with Index.from_documents([*ROYALS, labelled], embedding=Fitted()) as index:
        assert ("d4", 1.0) in told(index.retrieve("queen", GIVEN))


@pytest.mark.parametrize(("least", "expected"), [(None, ["d0", "d1", "d2"]), (0.0, ["d0", "d1", "d2"]), (0.01, ["d0"])])
def test_a_least_similarity_of_zero_is_one(least, expected):
    with Index.from_documents(ROYALS, embedding=Fitted()) as index:
        mode = index.as_retriever("graph_vector", extract="given", depth=3, min_similarity=least)
        assert [hit.node_id for hit in mode.retrieve("king")] == expected


def test_what_the_embedding_knows_nothing_of_is_not_found():
    with Index.from_documents(ROYALS, embedding=Fitted()) as index:
        retriever = index.as_retriever("graph_vector(extract='given', depth=8, max_entities=50, limit=1000)")
        assert "d3" not in [hit.node_id for hit in retriever.retrieve("king", top_k=50)]
        nothing = retriever.retrieve("moss")
        assert list(nothing) == []
        assert any("knows none of the query's words" in note for note in nothing.notes)
        scoped = retriever.retrieve("moss", scope="not is_empty(triples)")
        assert not any("knows none" in note for note in scoped.notes)


def test_an_entity_without_relations_is_found_by_the_nodes_that_name_it():
    with Index.from_documents([Document("a log", id="d", metadata={"by": "king"})], embedding=Fitted()) as index:
        (hit,) = index.retrieve("king", "graph_vector(extract='given', entity_fields=['by'])")
        assert hit.evidence[0].details == {"paths": [], "entities": ["king"]}


def test_a_vector_of_the_callers_is_compared_and_must_fit():
    with Index.from_documents(ROYALS, embedding=Fitted()) as index:
        retriever = index.as_retriever("graph_vector(extract='given', max_entities=1)")
        assert [hit.node_id for hit in retriever.retrieve(QueryBundle("", embedding=[0, 0, 0, 1]))] == ["d2"]
        with pytest.raises(QueryError, match="3 numbers"):
            retriever.retrieve(QueryBundle("king", embedding=[1, 0, 0]))


def test_names_are_embedded_once_and_a_plan_counts_them(tmp_path):
    embedding = ByAxes()
    with Index.from_documents(ROYALS, tmp_path / "i.rk", embedding=embedding) as index:
        retriever = index.as_retriever(GIVEN)
        assert not retriever.plan("king").complete  # which names there are is not known before the graph is built
        retriever.retrieve("king")
        calls = embedding.calls
        retriever.retrieve("queen")
        assert embedding.calls == calls + 1
        index.add(document("d4", ["queen", "owns", "castle"], ["castle", "near", "lake"], ["lake", "near", "castle"]))
        retriever.index.reader()
        plan = retriever.plan("queen")
        calls = embedding.calls
        assert (plan.total("embedding_calls"), plan.complete) == (2, True)
        result = retriever.retrieve("queen")
        assert result.spent.embedding_calls == embedding.calls - calls == 2
    embedding = ByAxes()
    with Index.open(tmp_path / "i.rk", embedding=embedding) as index:
        index.retrieve("king", GIVEN)
    assert "castle" not in embedding.texts


def test_under_a_scope_no_name_outside_of_it_is_embedded():
    embedding = ByAxes()
    documents = [Document("text", id=t, metadata={"t": t, "triples": [[f"king {t}", "of", "sea"]]}) for t in "ab"]
    with Index.from_documents(documents, embedding=embedding) as index:
        assert [hit.node_id for hit in index.retrieve("king", GIVEN, scope="t == 'a'")] == ["a"]
    assert "king a" in embedding.texts
    assert "king b" not in embedding.texts
