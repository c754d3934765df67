"""What an author declares of a retriever, and what the kit sees for itself."""

from __future__ import annotations

from enum import StrEnum


class Capability(StrEnum):
    """What an author declares of a retriever; the checks of what is not declared are skipped.

    DETERMINISTIC: the same question has the same answer.
    RANKS_BY_QUERY: the query's words decide the order: a document's own text finds it first, a blank query nothing.
    EXHAUSTIVE: where ``top_k`` allows it, every node that shares a word with the query is found.
    LEXICAL: no other node is found.
    """

    DETERMINISTIC = "deterministic"
    RANKS_BY_QUERY = "ranks-by-query"
    EXHAUSTIVE = "exhaustive"
    LEXICAL = "lexical"


DEFAULT = frozenset({Capability.DETERMINISTIC, Capability.RANKS_BY_QUERY})
"""What is taken as declared when an author says nothing."""


class Trait(StrEnum):
    """What the kit sees for itself; the value tells why the checks of a missing one are skipped."""

    MODE = "it is not given as a mode, so there is no index"
    INSTALLED = "the mode is not that of an installed distribution"
    SCORED = "it declares no scores"
    OWN_NODES = "its hits stand for nodes, with texts put together"
    PUSHES = "it applies no filters itself"
    KNOWS_FIELDS = "it does not know the metadata fields of its nodes"
    TOP_K_OPTION = "the mode has no option top_k"
