"""Compares retriever modes on judged queries.

report = evaluate(index, "queries.jsonl", "qrels.tsv", ["bm25", "hybrid"])
"""

from retrieverkit_evaluate.collection import Collection, Coverage
from retrieverkit_evaluate.evaluation import evaluate
from retrieverkit_evaluate.judging_sheet import Sheet, read_sheet
from retrieverkit_evaluate.measuring import DEFAULT_MEASURES
from retrieverkit_evaluate.qrels_file import read_qrels
from retrieverkit_evaluate.queries_file import read_queries
from retrieverkit_evaluate.report import Comparison, Report, Score, System

__all__ = [
    "DEFAULT_MEASURES",
    "Collection",
    "Comparison",
    "Coverage",
    "Report",
    "Score",
    "Sheet",
    "System",
    "evaluate",
    "read_qrels",
    "read_queries",
    "read_sheet",
]
