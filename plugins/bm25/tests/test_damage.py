"""The engine's files change under an index that is open."""

import random

import pytest

from retrieverkit_bm25 import Bm25Retriever
from retrieverkit_core.nodes import Node
from retrieverkit_testkit.memory_corpus import MemoryCorpus

WORDS = [f"word{i}" for i in range(300)]


@pytest.mark.parametrize("suffix", [".idx", ".pos"])
def test_an_engine_that_panics_has_its_index_built_again(tmp_path, suffix):
    draw = random.Random(suffix)
    corpus = MemoryCorpus()
    corpus.add(*(Node(text=" ".join(draw.choices(WORDS, k=8)), id=f"n{i}") for i in range(1500)))
    retriever = Bm25Retriever(corpus, tmp_path)
    queries = [" ".join(draw.sample(WORDS, 3)) for _ in range(30)]
    whole = [retriever.retrieve(query) for query in queries]
    (path,) = tmp_path.rglob(f"*{suffix}")
    path.chmod(0o644)  # what is published may only be read, but by root
    with path.open("r+b") as file:  # in place: the engine has the file mapped
        file.write(b"\xff" * (path.stat().st_size - 8))
    assert [retriever.retrieve(query) for query in queries] == whole
    assert retriever.index.status().rebuilds == 1
    assert retriever.index.check() == []
