"""Indexes derived from a corpus: caught up before they answer, published whole, rebuilt when in doubt.

An author subclasses `DerivedIndex`, says how to `build`, `update` and `open` the files in a folder, and asks
`DerivedIndex.reader` for each query. `IndexRetriever` is a retriever that searches one such index; `answer`
does the same for a retriever of another make.
"""

from retrieverkit_indexing.derived._answering import answer, found_in
from retrieverkit_indexing.derived._index import DerivedIndex, RebuildRequired
from retrieverkit_indexing.derived._inspection import inspect
from retrieverkit_indexing.derived._retriever import IndexRetriever

__all__ = ["DerivedIndex", "IndexRetriever", "RebuildRequired", "answer", "found_in", "inspect"]
