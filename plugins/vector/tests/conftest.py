import random

import numpy as np
import pytest

from retrieverkit_core.nodes import Node
from retrieverkit_testkit import children
from retrieverkit_testkit.memory_corpus import MemoryCorpus


class WordModel:
    """Adds up a vector for each word; counts what it is asked."""

    def __init__(self, dimension=16, seed=""):
        self.dimension = dimension
        self.seed = seed
        self.fingerprint = "words-1"
        self.asked = []

    def embed_documents(self, texts):
        self.asked += texts
        return self.embed_queries(texts)

    def embed_queries(self, texts):
        return np.array([sum(map(self._word, text.split()), np.zeros(self.dimension)) for text in texts], np.float32)

    def _word(self, word):
        return np.random.default_rng(list(f"{self.seed}{word}".encode())).standard_normal(self.dimension)


class FittedWordModel(WordModel):
    """Knows the words of the corpus it was fitted to."""

    def __init__(self, known, dimension=16):
        super().__init__(dimension)
        self.known = known

    def _word(self, word):
        return super()._word(word) if word in self.known else np.zeros(self.dimension)


class CorpusModel:
    """A corpus embedder; it is outgrown when half as many texts have come or gone as it was fitted on."""

    fingerprint = "corpus-words-1"

    def __init__(self):
        self.fits = 0

    def in_language(self, language):
        return self

    def fit(self, texts, folder):
        self.fits += 1
        (folder / "words").write_text("\n".join(sorted({word for text in texts for word in text.split()})), "utf-8")

    def load(self, folder):
        return FittedWordModel(set((folder / "words").read_text("utf-8").split("\n")))

    def outgrown(self, fitted_on, added, removed):
        return (added + removed) * 2 > fitted_on


@pytest.fixture
def new_corpus():
    def make(texts=(), corpus_id="c"):
        corpus = MemoryCorpus(corpus_id)
        corpus.add(*(Node(text=text, id=f"n{i}") for i, text in enumerate(texts)))
        return corpus

    return make


@pytest.fixture
def word_model():
    return WordModel


@pytest.fixture
def corpus_model():
    return CorpusModel


@pytest.fixture(scope="session")
def random_vectors():
    """Vectors without clusters whose directions are of unequal weight, as those of texts are."""

    def make(count, dimension=32, seed=0):
        rng = np.random.default_rng(seed)
        spectrum = np.arange(1, dimension + 1) ** -0.5
        return (rng.standard_normal((count, dimension)) * spectrum).astype(np.float32)

    return make


@pytest.fixture
def corpus_of(new_corpus):
    """Make a corpus of nodes that bring these vectors, with a number in their metadata."""

    def make(vectors):
        corpus = new_corpus()
        corpus.add(
            *(Node(id=f"n{i}", metadata={"i": i}, embedding=vector.tolist()) for i, vector in enumerate(vectors))
        )
        return corpus

    return make


@pytest.fixture
def in_child():
    """Run a function in a forked child; whatever it raises fails the test."""

    def run(work):
        assert children.in_child(work) == 0

    return run


@pytest.fixture
def rng():
    return random.Random(7)
