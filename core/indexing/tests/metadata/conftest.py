import pytest

from retrieverkit_testkit.memory_corpus import MemoryCorpus


@pytest.fixture
def new_corpus():
    return MemoryCorpus
