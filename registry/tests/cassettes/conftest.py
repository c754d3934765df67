"""Models that count what they are asked, and the services through which modes ask them."""

import hashlib
import itertools

import numpy as np
import pytest

from retrieverkit.discovery import Discovery
from retrieverkit.services import IndexServices
from retrieverkit_core import Reply, Usage, budget


class CountingModel:
    """A language model: its answer holds the question, its labels and a number that is never given twice."""

    name = "counting"

    def __init__(self):
        self.asked = []
        self.numbers = itertools.count()
        self.failure = None

    def ask(self, prompt):
        budget.spend(llm_calls=1)
        self.asked.append(prompt)
        if self.failure is not None:
            raise self.failure
        budget.note(tokens=7)
        if prompt.schema is not None:
            parsed = prompt.schema(chosen=list(prompt.labels), why=f"number {next(self.numbers)}")
            return Reply(parsed.model_dump_json(), parsed, Usage(1, 5, 2))
        words = " ".join([*prompt.data, *prompt.labels, f"number {next(self.numbers)}"])
        return Reply(words, None, Usage(1, 5, 2))

    async def aask(self, prompt):
        return self.ask(prompt)


class CountingEmbedding:
    """An embedding by request."""

    fingerprint, dimension, texts_per_call = "counting", 4, 3

    def __init__(self):
        self.texts = []
        self.failure = None

    def embed_documents(self, texts):
        budget.spend(embedding_calls=-(-len(texts) // self.texts_per_call))
        self.texts += texts
        if self.failure is not None:
            raise self.failure
        seeds = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
        rows = [np.random.default_rng(list(seed)).standard_normal(4) for seed in seeds]
        return np.array(rows, np.float32).reshape(len(texts), 4)

    def embed_queries(self, texts):
        return -self.embed_documents(texts)


@pytest.fixture(scope="session")
def new_model():
    """Makes a counting language model."""
    return CountingModel


@pytest.fixture(scope="session")
def new_embedding():
    """Makes a counting embedding."""
    return CountingEmbedding


@pytest.fixture
def model():
    return CountingModel()


@pytest.fixture
def embedding():
    return CountingEmbedding()


@pytest.fixture
def services(tmp_path, model, embedding):
    return IndexServices(Discovery(), tmp_path, embedding, model)


@pytest.fixture
def tape(tmp_path):
    return tmp_path / "cassettes" / "calls.jsonl"
