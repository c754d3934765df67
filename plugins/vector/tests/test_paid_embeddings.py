"""An embedding that costs something per request: budgets hold while an index is built for a query."""

import numpy as np
import pytest

from retrieverkit import Index
from retrieverkit_core import Budget, Document, QueryBundle, budget
from retrieverkit_core.budget import Spent
from retrieverkit_core.errors import BudgetExceededError
from retrieverkit_vector.embeddings.hashing import HashEmbedder


class PaidEmbedding:
    """Embeds by request, as a remote model does."""

    fingerprint, dimension, texts_per_call = "paid", 16, 50

    def __init__(self):
        self.own = HashEmbedder(dimension=self.dimension)
        self.texts = []

    def embed_documents(self, texts):
        rows = np.empty((len(texts), self.dimension), np.float32)
        for start in range(0, len(texts), self.texts_per_call):
            budget.spend(embedding_calls=1)
            part = list(texts[start : start + self.texts_per_call])
            self.texts += part
            rows[start : start + len(part)] = self.own.embed_documents(part)
        return rows

    def embed_queries(self, texts):
        return self.embed_documents(texts)


@pytest.fixture
def paid(tmp_path):
    embedding = PaidEmbedding()
    documents = [Document(f"note {n} about matter {n % 7}", id=f"d{n}") for n in range(1000)]
    with Index.from_documents(documents, tmp_path / "notes.rk", embedding=embedding) as index:
        yield index, embedding


def test_a_build_spends_from_the_budget_of_the_query_and_keeps_what_was_paid_for(paid):
    index, embedding = paid
    retriever = index.as_retriever("vector")
    attempts = 0
    while True:
        attempts += 1
        try:
            result = retriever.retrieve("matter 3", budget=Budget(embedding_calls=4))
            break
        except BudgetExceededError as error:  # and never "postponed": the build itself is sound
            assert error.allowed == error.spent == 4
        assert attempts < 20
    assert attempts > 5
    assert len(result) == 5
    assert result.spent.embedding_calls <= 4
    documents = [text for text in embedding.texts if text.startswith("note")]
    assert sorted(documents) == sorted(node.text for node in index)  # each was paid for once


def test_a_budget_too_small_for_a_build_does_not_stand_in_the_way_of_others(paid):
    index, embedding = paid
    retriever = index.as_retriever("vector")
    with pytest.raises(BudgetExceededError):
        retriever.retrieve("matter 3", budget=Budget(embedding_calls=2))
    done = len(embedding.texts)
    assert len(retriever.retrieve("matter 3")) == 5
    assert len(set(embedding.texts[done:]) | set(embedding.texts[:done])) == 1000 + 3 + 1
    assert retriever.retrieve("matter 4", budget=Budget(embedding_calls=1)).spent == Spent(embedding_calls=1)
    with pytest.raises(BudgetExceededError):
        index.retrieve("matter 5", "vector", budget=Budget(embedding_calls=0))
    assert retriever.retrieve(QueryBundle("", embedding=[1.0] * 16, budget=Budget(embedding_calls=0))).spent == Spent()
