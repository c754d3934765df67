import sys

import numpy as np
import pytest
from pydantic import ValidationError

from retrieverkit_core.errors import MissingServiceError
from retrieverkit_core.services import Embedder
from retrieverkit_core.vectors import checked
from retrieverkit_vector.embeddings.minilm.weights import find_weights
from retrieverkit_vector.embeddings.sentence_transformers import SentenceTransformersOptions, provider


def test_without_the_package_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingServiceError, match=r"pip install 'retrieverkit-vector\[sentence-transformers\]'"):
        provider.make(SentenceTransformersOptions(model="any"))


def test_a_model_must_be_named():
    with pytest.raises(ValidationError, match="model"):
        SentenceTransformersOptions()


@pytest.fixture(scope="module")
def package():
    return pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")


def test_a_model_that_is_not_here_is_not_fetched(package):
    with pytest.raises(MissingServiceError, match="local_files_only=False"):
        provider.make(SentenceTransformersOptions(model="nobody/such-a-model"))


def test_a_folder(package):
    try:
        folder = find_weights(None)
    except MissingServiceError as error:
        pytest.skip(str(error))
    embedder = provider.make(SentenceTransformersOptions(model=str(folder)))
    assert isinstance(embedder, Embedder)
    texts = ["a fast car", "a speedy automobile", "a ripe banana", "", "\ud800"]
    vectors = checked(embedder.embed_documents(texts), len(texts), 384)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    assert np.allclose(embedder.embed_queries(texts[:1]), vectors[:1], atol=1e-5)
    assert embedder.embed_documents([]).shape == (0, 384)
