"""Adapters: what was learned from judged queries, and moves the vector of a query toward what answers it."""
