"""The keyword and grep retriever modes for RetrieverKit."""
