"""`cross_encoder`: what the model answers is one number for each text, or an error."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from retrieverkit_core.errors import ServiceError
from retrieverkit_vector.cross_encoder import CrossEncoderReranker


@pytest.fixture
def answering(monkeypatch):
    """Make a reranker whose model, in the place of one of sentence-transformers, answers so."""

    def make(scores):
        model = SimpleNamespace(predict=lambda pairs, **how: scores)
        library = SimpleNamespace(CrossEncoder=lambda *given, **how: model)
        monkeypatch.setitem(sys.modules, "sentence_transformers", library)
        return CrossEncoderReranker("a model")

    return make


def test_one_score_for_each_text(answering):
    assert answering(np.array([0.5, 2.0], np.float32)).rerank("query", ["a", "b"]) == [0.5, 2.0]


def test_a_model_with_several_labels_is_an_error(answering):
    with pytest.raises(ServiceError, match="cross-encoder a model failed"):
        answering(np.ones((2, 3), np.float32)).rerank("query", ["a", "b"])
