"""RetrieverKit's retrieval contract."""
