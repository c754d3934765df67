"""Indexes derived from a corpus: caught up before they answer, published whole, rebuilt when in doubt.

An author subclasses `DerivedIndex`, says how to `build`, `update` and `open` the files in a folder, and asks
`DerivedIndex.reader` for each query; `DatabaseIndex` is the same for one SQLite file, and `catch_up` for what is kept
elsewhere. `IndexRetriever` is a retriever that searches one such index; `answer` does the
same for a retriever of another make. `inspect`, `collect` and `remove_all` look after what is stored.
"""

from retrieverkit_indexing.derived._answering import answer, found_in
from retrieverkit_indexing.derived._applied import Applied, Kind, Misfit, RebuildRequired
from retrieverkit_indexing.derived._catching_up import Store, build_again, catch_up
from retrieverkit_indexing.derived._database import Database, DatabaseIndex
from retrieverkit_indexing.derived._index import DerivedIndex
from retrieverkit_indexing.derived._inspection import collect, inspect, remove_all
from retrieverkit_indexing.derived._retriever import IndexRetriever, index_name, takes_in
from retrieverkit_indexing.derived._serving import CorpusIndex, Pending
from retrieverkit_indexing.derived._status import IndexStatus

__all__ = [
    "Applied",
    "CorpusIndex",
    "Database",
    "DatabaseIndex",
    "DerivedIndex",
    "IndexRetriever",
    "IndexStatus",
    "Kind",
    "Misfit",
    "Pending",
    "RebuildRequired",
    "Store",
    "answer",
    "build_again",
    "catch_up",
    "collect",
    "found_in",
    "index_name",
    "inspect",
    "remove_all",
    "takes_in",
]
