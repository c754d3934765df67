"""Remote models for RetrieverKit."""
