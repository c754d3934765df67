"""The summaries of a tree's nodes, made when somebody first needs them.

No summary is made ahead, for everybody: it is made of the nodes that pass the filters and the scope of the query that
needs it. So a model is never shown what a query may not see, nobody pays for a part that is not asked for, and where
everything beneath a node passes all queries share one summary.
"""

from __future__ import annotations

from collections.abc import Sequence

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.plan import Plan
from retrieverkit_summary.shortfall import Shortfall
from retrieverkit_summary.summarizing import Summarizer
from retrieverkit_summary.summarizing.by_model import expected
from retrieverkit_summary.tree.tree import Place, Tree

_FETCHED = 1000


class VanishedError(Exception):
    """A node was removed after the tree was read: the question must be asked of the tree as it is now."""


class TreeShortfall(Shortfall):
    """What the summaries of a tree behind one answer lack.

    Attributes:
        affected: The nodes whose summaries are not by the model, and those above them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.affected: set[Place] = set()


class TreeSummaries:
    """The summaries of a corpus's trees.

    Args:
        corpus: The corpus.
        summarizer: Makes and keeps them.
    """

    def __init__(self, corpus: Corpus, summarizer: Summarizer) -> None:
        self._corpus = corpus
        self._summarizer = summarizer

    def of(self, tree: Tree, places: Sequence[Place], shortfall: TreeShortfall) -> list[str]:
        """Return the summaries of nodes that are not leaves; those that are missing are made from the bottom up.

        In place of one that the model does not make stand sentences of the same texts.

        Args:
            tree: The tree.
            places: The nodes.
            shortfall: What the summaries behind the same answer lack; what these lack is noted there.

        Raises:
            VanishedError: A leaf has been removed since.
            BudgetExceededError: The caller's budget does not allow to make them, and part of them will not do.
            ServiceError: A model cannot answer, and no summary behind the answer is by it.
        """
        known, missing = self._looked_up(tree, places)
        shortfall.note(known.values())
        for level in missing:
            groups = self._groups(tree, level, known)
            above = [not shortfall.affected.isdisjoint(tree.children(place)) for place in level]
            names = [None if affected else tree.identity(place) for place, affected in zip(level, above, strict=True)]
            made = self._summarizer.attempt(groups, names)
            shortfall.note(said for place, said in zip(level, made, strict=True) if place not in shortfall.affected)
            shortfall.raise_if_nothing_was_heard()
            lacking = [at for at, said in enumerate(made) if not isinstance(said, str)]
            extracted = iter(self._summarizer.extract([groups[at] for at in lacking]))
            known |= {
                place: said if isinstance(said, str) else next(extracted)
                for place, said in zip(level, made, strict=True)
            }
            shortfall.affected.update(level[at] for at in lacking)
            shortfall.affected.update(place for place, affected in zip(level, above, strict=True) if affected)
        return [known[place] for place in places]

    def cost(self, tree: Tree, places: Sequence[Place]) -> tuple[int, Plan]:
        """Return how many summaries would have to be made for `of`, and what that would take.

        Raises:
            VanishedError: A leaf has been removed since.
        """
        known, missing = self._looked_up(tree, places)
        groups: list[list[str]] = []
        for level in missing:
            groups += self._groups(tree, level, known)
            known.update((place, expected(tree.identity(place))) for place in level)
        return len(groups), self._summarizer.cost(groups)

    def _looked_up(self, tree: Tree, places: Sequence[Place]) -> tuple[dict[Place, str], list[list[Place]]]:
        """Return what is known of some nodes and, where a summary is missing, of those beneath; and what is missing.

        The missing ones are given level by level, the lowest first.
        """
        known: dict[Place, str] = {}
        missing: list[list[Place]] = []
        wanted = list(places)
        while wanted:
            found = self._summarizer.recall([tree.identity(place) for place in wanted])
            known |= {place: text for place, text in zip(wanted, found, strict=True) if text is not None}
            without = [place for place in wanted if place not in known]
            if without:
                missing.insert(0, without)
            wanted = [child for place in without for child in tree.children(place) if child.level]
        return known, missing

    def _groups(self, tree: Tree, level: Sequence[Place], known: dict[Place, str]) -> list[list[str]]:
        """Return for each node of a level what its children say."""
        if level[0].level > 1:
            return [[known[child] for child in tree.children(place)] for place in level]
        groups = []
        for start in range(0, len(level), _FETCHED // 10):
            leaves = [tree.leaves(place) for place in level[start : start + _FETCHED // 10]]
            said = iter(self._said([at for own in leaves for at in own], tree))
            groups += [[next(said) for _ in own] for own in leaves]
        return groups

    def _said(self, leaves: Sequence[int], tree: Tree) -> list[str]:
        nodes = self._corpus.fetch(tree.ordinals[list(leaves)].tolist())
        said = [self._summarizer.text_of(node) for node in nodes if node is not None]
        if len(said) < len(nodes):
            raise VanishedError
        return said
