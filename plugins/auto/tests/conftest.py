"""Collections with questions, and what is asked for them."""

import sys
from pathlib import Path

import pytest

from retrieverkit_auto import AutoRetriever
from retrieverkit_core import Node
from retrieverkit_core.corpus import IndexSettings
from retrieverkit_testkit.memory_corpus import MemoryCorpus

QUESTIONS = Path(__file__).parent / "questions"
sys.path[:0] = [str(QUESTIONS), str(Path(__file__).parent)]

import auto_questions  # noqa: E402 - in the folder of the questions
from everything import Everything  # noqa: E402 - beside this file


@pytest.fixture
def corpus_of():
    """Make a corpus of nodes by their metadata."""

    def make(*metadatas, language="en", texts=()):
        corpus = MemoryCorpus(settings=IndexSettings(language=language))
        texts = list(texts) + ["some text"] * (len(metadatas) - len(texts))
        corpus.add(
            *(Node(id=f"n{n}", text=text, metadata=m) for n, (m, text) in enumerate(zip(metadatas, texts, strict=True)))
        )
        return corpus

    return make


@pytest.fixture
def auto_over():
    """Make an auto retriever that asks one that finds everything."""

    def make(corpus, **settings):
        asked = Everything(corpus)
        auto = AutoRetriever(asked, corpus, **settings)
        auto.asked = asked.asked
        return auto

    return make


@pytest.fixture(scope="session")
def collections():
    """The collections by name: a corpus, and the questions on it."""
    return auto_questions.collections()
