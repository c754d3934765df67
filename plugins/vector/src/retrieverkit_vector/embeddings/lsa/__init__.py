"""Latent semantic analysis: an embedding fitted to the corpus's own text, without any download."""
