"""The summary and tree retriever modes for RetrieverKit: by choice of a language model, or without one."""
