"""The corpus in one SQLite file: documents, their nodes, and the log of every change."""

from retrieverkit.corpus.sqlite import SQLiteCorpus
from retrieverkit_core.corpus import ChangeReport, Problem, SourceContent

__all__ = ["ChangeReport", "Problem", "SQLiteCorpus", "SourceContent"]
