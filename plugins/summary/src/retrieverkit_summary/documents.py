"""The documents that a query may see, each with a summary of what it may see of it.

Nothing is summed up ahead of a query. A summary is made of the nodes of a document that pass the query's filters and
scope, and of no others; so no text from outside of a scope can be in one, whoever asked first. Summaries are kept by
the texts they are made of (`Summarizer`): where all nodes of a document pass, all queries share one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from retrieverkit_core.choosing import Cost
from retrieverkit_core.corpus import Corpus, Cursor
from retrieverkit_core.errors import BudgetExceededError, RetrieverKitError
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import Node
from retrieverkit_indexing.turn import Turn
from retrieverkit_summary.keeping_back import kept_back
from retrieverkit_summary.nodes_in_order import NodesInOrder
from retrieverkit_summary.shortfall import Shortfall
from retrieverkit_summary.summarizing import Summarizer

Ordinals = tuple[int, ...]

_NODES_AT_ONCE = 1024
_DOCUMENTS_AT_ONCE = 256
_SPARE = 1024


class Summed(NamedTuple):
    """A document as a query may see it.

    Attributes:
        ordinals: The ordinals of its nodes that pass, in order.
        summary: What they say in short; never blank.
    """

    ordinals: Ordinals
    summary: str


class View(NamedTuple):
    """The documents that a query may see.

    Attributes:
        documents: Those that have a summary, in the order of the corpus.
        total: How many have a node that passes.
        nodes: How many nodes there are in all.
        shortfall: What their summaries lack.
        cursor: The state of the corpus that this is true of.
    """

    documents: list[Summed]
    total: int
    nodes: int
    shortfall: Shortfall
    cursor: Cursor


class Documents:
    """Sums up documents as queries may see them. Safe to share between threads.

    Args:
        corpus: The corpus.
        storage: The folder under which the corpus's indexes live.
        summarizer: Makes the summaries.
    """

    def __init__(self, corpus: Corpus, storage: Path, summarizer: Summarizer) -> None:
        self._corpus = corpus
        self._nodes = NodesInOrder(corpus, storage)
        self._summarizer = summarizer
        self._turn = Turn("the summing up of documents")
        self._document_of: dict[int, str] = {}
        self._summaries: dict[Ordinals, str] = {}
        self._settings = corpus.settings

    def view(
        self,
        filters: MetadataFilters | None,
        limit: int | None = None,
        choosing: Callable[[int], Cost] = lambda count: Cost(0, 0),
    ) -> View:
        """Return the documents that have a node that passes; of more than ``limit`` the first.

        In place of a summary that the model does not make stand sentences of the same texts.

        Args:
            filters: What has to pass, or None.
            limit: The most documents.
            choosing: Returns what choosing among so many documents takes: that part of a budget is kept back for it
                where the caller settles for part.

        Raises:
            BudgetExceededError: The budget does not allow all summaries, and the caller does not settle for part.
            ServiceError: No summary by the model is at hand, and none can be made.
            DeadlineExceededError: Another query has been summing up until the caller's deadline.
        """
        passing, total, cursor = self._nodes.passing(filters)
        self._forget_former(total)
        groups = self._grouped(passing)
        shown, summaries = groups[:limit], self._summaries
        shortfall = Shortfall()
        shortfall.note(summaries[group] for group in shown if group in summaries)
        instead: dict[Ordinals, str] = {}
        if any(group not in summaries for group in shown):
            with self._turn.taken(), kept_back(choosing(len(shown))):
                instead = self._sum_up([group for group in shown if group not in summaries], summaries, shortfall)
        summed = [(group, instead[group] if group in instead else summaries[group]) for group in shown]
        documents = [Summed(group, summary) for group, summary in summed if summary.strip()]
        return View(documents, len(groups), total, shortfall, cursor)

    def texts(self, filters: MetadataFilters | None, limit: int | None = None) -> list[list[str]]:
        """Return the texts that each document would be summed up from; nothing is built or written for it."""
        by_document: dict[str, list[str]] = {}
        with closing(self._nodes.walk(filters)) as passing:
            for node in passing:
                by_document.setdefault(_document_id(node), []).append(self._summarizer.text_of(node))
        return list(by_document.values())[:limit]

    def _forget_former(self, total: int) -> None:
        """Forget what nobody will ask for again, where it is much; what was paid for is kept elsewhere."""
        settings = self._corpus.settings
        if settings != self._settings or len(self._summaries) > 2 * total + _SPARE:
            self._settings, self._summaries = settings, {}
        if len(self._document_of) > 2 * total + _SPARE:
            self._document_of = {}

    def _grouped(self, ordinals: Sequence[int]) -> list[Ordinals]:
        """Return the ordinals by document."""
        fresh = [ordinal for ordinal in ordinals if ordinal not in self._document_of]
        for start in range(0, len(fresh), _NODES_AT_ONCE):
            part = fresh[start : start + _NODES_AT_ONCE]
            for ordinal, node in zip(part, self._corpus.fetch(part), strict=True):
                if node is not None:  # else it was deleted a moment ago
                    self._document_of[ordinal] = _document_id(node)
        groups: dict[str, list[int]] = {}
        for ordinal in ordinals:
            document = self._document_of.get(ordinal)
            if document is not None:
                groups.setdefault(document, []).append(ordinal)
        return [tuple(group) for group in groups.values()]

    def _sum_up(
        self, groups: Sequence[Ordinals], summaries: dict[Ordinals, str], shortfall: Shortfall
    ) -> dict[Ordinals, str]:
        """Make summaries, and return what stands in place of those that the model does not make.

        Once all of some fail nobody is asked for more.
        """
        lacking: list[Ordinals] = []
        instead: RetrieverKitError | None = None
        for start in range(0, len(groups), _DOCUMENTS_AT_ONCE):
            part = groups[start : start + _DOCUMENTS_AT_ONCE]
            made = self._summarizer.attempt([self._texts_at(group) for group in part], instead=instead)
            shortfall.note(made)
            summaries.update({group: said for group, said in zip(part, made, strict=True) if isinstance(said, str)})
            errors = {group: said for group, said in zip(part, made, strict=True) if not isinstance(said, str)}
            lacking += errors
            spent = any(isinstance(error, BudgetExceededError) for error in errors.values())
            if instead is None and (spent or len(errors) == len(part)):
                instead = shortfall.error
        shortfall.raise_if_nothing_was_heard()
        return {group: self._summarizer.extract([self._texts_at(group)])[0] for group in lacking}

    def _texts_at(self, ordinals: Ordinals) -> list[str]:
        return [self._summarizer.text_of(node) for node in self._corpus.fetch(ordinals) if node is not None]


def _document_id(node: Node) -> str:
    return node.ref_doc_id or node.id
