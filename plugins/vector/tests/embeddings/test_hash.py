import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_core.services import Embedder
from retrieverkit_core.vectors import checked
from retrieverkit_vector.embeddings.hashing import HashOptions, provider

PROGRAM = """
from retrieverkit_vector.embeddings.hashing import HashEmbedder
print(HashEmbedder(9).embed_documents(["one two", ""]).tobytes().hex())
"""


@given(st.lists(st.text(st.characters(), max_size=20), max_size=5), st.integers(1, 70))
def test_any_text_has_a_usable_vector(texts, dimensions):
    embedder = provider.make(HashOptions(dimensions=dimensions))
    assert isinstance(embedder, Embedder) and embedder.dimension == dimensions
    vectors = checked(embedder.embed_documents(texts), len(texts), dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert (vectors == embedder.embed_queries(texts)).all()


def test_texts_that_share_words_are_near():
    embedder = provider.make(HashOptions())
    a, b, c = embedder.embed_documents(["red apple pie", "Apple pie", "quantum field theory"])
    assert a @ b > 0.6 > 0.3 > abs(a @ c)


def test_it_is_the_same_in_every_process(monkeypatch):
    outputs = set()
    for seed in ("0", "1"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        outputs.add(subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True).stdout)
    assert len(outputs) == 1
