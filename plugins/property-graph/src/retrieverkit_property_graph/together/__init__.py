"""Several ways to search the graph, beside a retriever that does not look at it."""
