"""The bm25 mode: lexical retrieval on tantivy."""

from retrieverkit_bm25.index import Bm25Index
from retrieverkit_bm25.plugin import Bm25Options
from retrieverkit_bm25.retriever import Bm25Retriever

__all__ = ["Bm25Index", "Bm25Options", "Bm25Retriever"]
