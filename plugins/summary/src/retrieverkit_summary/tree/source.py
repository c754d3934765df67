"""What the modes of a tree have in common: the tree as it is now, as far as a query may see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from retrieverkit_core.corpus import Corpus, Cursor, StoredNode
from retrieverkit_core.errors import DerivedIndexError, OptionError
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import MetadataMode
from retrieverkit_core.one_look import look_again
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_indexing.metadata import MetadataIndex
from retrieverkit_summary.summarizing import Summarizer
from retrieverkit_summary.tree.leaves import LeafIndex
from retrieverkit_summary.tree.summaries import TreeSummaries, VanishedError
from retrieverkit_summary.tree.tree import Place, Tree

T = TypeVar("T")

NUM_CHILDREN = 10
ATTEMPTS = 5
"""How often a question is asked again because nodes were removed meanwhile."""


class Planned(NamedTuple):
    """What a plan is made from.

    Attributes:
        tree: The tree that the query would see.
        summaries: What the summaries that it lacks would take; the part of a plan.
        leaf_chars: How many characters a model would be shown of a leaf, on average.
    """

    tree: Tree
    summaries: Plan
    leaf_chars: int


class TreeSource:
    """The trees of a corpus.

    Args:
        corpus: The corpus.
        storage: The folder under which the corpus's indexes live.
        num_children: How many children a parent has on average.
        mode: Whose trees they are, for messages.

    Attributes:
        index: The order of the leaves.

    Raises:
        OptionError: ``num_children`` is not a whole number from 2 up.
    """

    def __init__(self, corpus: Corpus, storage: Path, num_children: int, mode: str) -> None:
        if type(num_children) is not int or num_children < 2:
            raise OptionError(mode, [("num_children", f"it is a whole number from 2 up, not {num_children!r}")])
        self.corpus = corpus
        self.index = LeafIndex(corpus, storage)
        self._metadata = MetadataIndex(corpus, storage)
        self._num_children = num_children

    def now(self, filters: MetadataFilters | None) -> tuple[Tree, Cursor]:
        """Return the tree of the nodes that pass, and the state of the corpus that it is of."""
        leaves, cursor = self.index.ask_at(lambda reader: reader)
        state = None if filters is None else self._metadata.reader()
        return leaves.tree(self._num_children, filters, state), cursor

    def ask(self, filters: MetadataFilters | None, work: Callable[[Tree, Cursor], T]) -> T:
        """Return what ``work`` makes of the tree; it is asked again where nodes were removed meanwhile.

        Raises:
            DerivedIndexError: Nodes are removed faster than they are read.
        """
        for _ in range(ATTEMPTS):
            tree, cursor = self.now(filters)
            try:
                return work(tree, cursor)
            except VanishedError:
                self.recover(cursor)
        raise removed_too_fast()

    def recover(self, cursor: Cursor) -> None:
        """Build the order again if it named nodes, at this state of the corpus, that are not there."""
        look_again()
        if self.corpus.head() == cursor:
            self.index.rebuild("it named nodes that the corpus does not hold")

    def planned(self, query: QueryBundle, summarizer: Summarizer, first: Callable[[Tree], Sequence[Place]]) -> Planned:
        """Return what a plan is made from, without building or writing anything.

        Args:
            query: The query.
            summarizer: Makes the summaries.
            first: Returns the nodes of a tree whose summaries are needed first; the others are beneath them.
        """
        filters = MetadataFilters.and_(query.filters, query.scope)
        chars = 0

        def passing() -> list[StoredNode]:
            nonlocal chars
            kept = []
            with self.corpus.snapshot() as view:
                for stored in view.nodes():
                    if filters is None or filters.admits(stored.node):
                        chars += len(stored.node.get_content(MetadataMode.LLM))
                        kept.append(stored)
            return kept

        for _ in range(ATTEMPTS):
            chars = 0
            tree = self.index.of(passing()).tree(self._num_children)
            try:
                wanted = [place for place in first(tree) if place.level]
                count, plan = TreeSummaries(self.corpus, summarizer).cost(tree, wanted)
            except VanishedError:
                continue
            does = f"{count} of the tree's nodes have none yet; {plan.does}" if count else "all are at hand"
            part = Plan(plan.name, does, plan.llm_calls, plan.embedding_calls, plan.tokens, once=True)
            return Planned(tree, part, chars // max(1, len(tree.ordinals)))
        raise removed_too_fast()


def removed_too_fast() -> DerivedIndexError:
    """Return the error for a tree that changes whenever it is looked at."""
    return DerivedIndexError("the nodes of the tree are removed faster than they are read", fix="ask again later")
