"""Embeddings by name: lsa, hash, minilm and sentence_transformers, each loaded on use."""
