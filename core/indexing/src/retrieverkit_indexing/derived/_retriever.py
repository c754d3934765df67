"""`IndexRetriever`: a retriever that searches one derived index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.errors import RetrieverKitError
from retrieverkit_core.explain._recording import recording, unrecorded
from retrieverkit_core.found import Found, Pair
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import UNLIMITED, QueryBundle
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.services import Embedder, LanguageModel, texts_per_call
from retrieverkit_indexing.derived._answering import answer
from retrieverkit_indexing.derived._serving import CorpusIndex, Pending

NEAR_MISSES = 3
"""How many nodes beneath the cut an explanation shows."""

R = TypeVar("R")


class IndexRetriever(BaseRetriever, Generic[R]):
    """Finds nodes in an index derived from a corpus.

    Subclasses set `index` and implement `_search`. Core reads the nodes that are found, after the cut; a composite
    that keeps few of many candidates has only those read.

    Attributes:
        index: The index.
    """

    index: CorpusIndex[R]

    def _search(self, reader: R, query_bundle: QueryBundle) -> Sequence[Pair]:
        """Return ``(ordinal, score)`` pairs, best first; as `Found` where this answer has something to tell.

        Args:
            reader: A state of the index that is up to date.
            query_bundle: What `_retrieve` is given.
        """
        raise NotImplementedError

    def _retrieve(self, query_bundle: QueryBundle) -> Found:
        found = answer(self.index, lambda reader: self._search(reader, query_bundle))
        told = recording()
        if told is not None and not told.steps:  # a search of several stages has said what each did
            told.searched().went(found, self._below(found, query_bundle))
        return found

    def _below(self, found: Found, query: QueryBundle) -> Found:
        """Return what a search for a few more finds beneath the cut; nothing where searching again may cost something.

        The search that answers is not the one that looks further: the answer must be that of a call that nobody asks
        to explain itself.
        """
        top_k = query.top_k
        if top_k is None or len(found) < top_k or self._spends:
            return found.with_pairs([])
        further = query.replace(top_k=min(top_k + NEAR_MISSES, UNLIMITED))
        try:
            with unrecorded():
                more = answer(self.index, lambda reader: self._search(reader, further))
        except RetrieverKitError:  # there is an answer already
            return found.with_pairs([])
        there = {ordinal for ordinal, _ in found.pairs}
        return found.with_pairs([pair for pair in more.pairs if pair[0] not in there][:NEAR_MISSES])

    @property
    def _spends(self) -> bool:
        return bool(self.prompts) or any(_costs(used) for used in self.index.uses)

    @property
    def searched_corpus(self) -> Corpus:
        """The corpus of the index."""
        return self.index.corpus

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        """Return what a query does where no model is asked; where one may be, a subclass says what it is asked."""
        if self._spends:
            return Plan.unknown(self.name)
        pending = self.index.pending()
        parts = () if pending is None else (Plan(index_name(self.index), takes_in(pending, query_bundle), once=True),)
        return Plan(self.name, "searches its index", parts=parts)


def index_name(index: CorpusIndex[Any]) -> str:
    """Return what an index is called in a plan."""
    return f"index {index.name}"


def takes_in(pending: Pending, query: QueryBundle) -> str:
    """Return what an index does first, for a plan. Under a scope it does not say how much there is outside of it."""
    if query.scope is not None:
        return "is built first" if pending.since is None else "takes in first what has changed"
    if pending.since is None:
        return f"is built first, of {_counted(pending.nodes)}"
    return f"takes in first what has changed, up to {_counted(pending.nodes)}"


def _counted(nodes: int) -> str:
    return f"{nodes:,} node{'' if nodes == 1 else 's'}"


def _costs(used: object) -> bool:
    """Return whether asking it may cost something."""
    return isinstance(used, LanguageModel) or (isinstance(used, Embedder) and texts_per_call(used) != 0)
