"""The auto retriever mode for RetrieverKit: filters from the words of a question."""
