"""The corpus in one SQLite file: documents, their nodes, and the log of every change."""

from retrieverkit.corpus.report import ChangeReport, Problem, SourceContent
from retrieverkit.corpus.sqlite import SQLiteCorpus

__all__ = ["ChangeReport", "Problem", "SQLiteCorpus", "SourceContent"]
