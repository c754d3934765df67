"""Indexes derived from a corpus: caught up before they answer, published whole, rebuilt when in doubt.

An author subclasses `DerivedIndex`, says how to `build`, `update` and `open` the files in a folder, and asks
`DerivedIndex.reader` for each query. `IndexRetriever` is a retriever that searches one such index; `answer` turns the
ordinals that a reader found into hits.
"""

from retrieverkit_indexing.derived._answering import answer
from retrieverkit_indexing.derived._index import DerivedIndex, RebuildRequired
from retrieverkit_indexing.derived._inspection import inspect
from retrieverkit_indexing.derived._late import LateNodes
from retrieverkit_indexing.derived._retriever import IndexRetriever

__all__ = ["DerivedIndex", "IndexRetriever", "LateNodes", "RebuildRequired", "answer", "inspect"]
