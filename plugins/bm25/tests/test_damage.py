"""The engine's files change under an index that is open."""

import random

import pytest

from retrieverkit_bm25 import Bm25Retriever
from retrieverkit_core.errors import RetrieverKitError
from retrieverkit_core.nodes import Node
from retrieverkit_testkit.memory_corpus import MemoryCorpus

WORDS = [f"word{i}" for i in range(300)]


@pytest.mark.parametrize("suffix", [".idx", ".term", ".pos", ".fieldnorm", ".fast"])
@pytest.mark.parametrize("pattern", [0x00, 0xFF])
def test_an_engine_that_panics_is_answered_for_or_is_a_typed_error(tmp_path, suffix, pattern):
    draw = random.Random(suffix)
    corpus = MemoryCorpus()
    corpus.add(*(Node(text=" ".join(draw.choices(WORDS, k=8)), id=f"n{i}") for i in range(1500)))
    retriever = Bm25Retriever(corpus, tmp_path)
    queries = [" ".join(draw.sample(WORDS, 3)) for _ in range(30)]
    whole = [retriever.retrieve(query) for query in queries]
    files = [path for path in tmp_path.rglob(f"*{suffix}") if path.stat().st_size]
    assert files
    for path in files:
        with path.open("r+b") as file:  # in place: the engine has the file mapped
            file.write(bytes([pattern]) * (path.stat().st_size // 2))
    for query in queries:
        try:
            retriever.retrieve(query)
        except RetrieverKitError:
            pass
    assert retriever.index.check() or retriever.index.status().rebuilds
    assert [retriever.retrieve(query) for query in queries] == whole
