"""A model for tests, importable by the processes that they start."""

import hashlib

import numpy as np


class CountingEmbedder:
    """A model with a vector of its own for each text, that counts what it is asked."""

    def __init__(self, seed=0, dimension=8, fingerprint="counting"):
        self.seed, self.dimension, self.fingerprint = seed, dimension, fingerprint
        self.asked = []

    def vector(self, text):
        seed = hashlib.sha256(f"{self.seed} {text}".encode("utf-8", "surrogatepass")).digest()
        return np.random.default_rng(list(seed)).standard_normal(self.dimension).astype(np.float32)

    def embed_documents(self, texts):
        self.asked.append(list(texts))
        return np.array([self.vector(text) for text in texts], np.float32).reshape(len(texts), self.dimension)

    def embed_queries(self, texts):
        return -self.embed_documents(texts)
