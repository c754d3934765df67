"""Learns an adapter of queries, or the weights of a fusion, from judged queries.

adapted = adapt(index, "queries.jsonl", "qrels.tsv", "vector")
"""

from retrieverkit_adapt.adapted import Adapted, Fold
from retrieverkit_adapt.learning import MIN_QUERIES, adapt

__all__ = ["MIN_QUERIES", "Adapted", "Fold", "adapt"]
