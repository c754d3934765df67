"""One of several retrievers, chosen for each query."""
