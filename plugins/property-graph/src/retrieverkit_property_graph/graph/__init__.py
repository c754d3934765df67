"""The graph that a corpus supports, and views of it."""
