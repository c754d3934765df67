"""Reading the nodes that a retriever found by their ordinals: the one place where that is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from retrieverkit_core.found import Found
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.nodes import Node
from retrieverkit_core.one_look import look_again
from retrieverkit_core.retriever._asking import passes, raise_failure
from retrieverkit_core.retriever._checking import evidence_of

if TYPE_CHECKING:
    from retrieverkit_core.retriever._base import BaseRetriever


class Fetched(NamedTuple):
    """What came of reading.

    Attributes:
        found: What was to be read.
        nodes: The node of each pair, None where the corpus does not hold it any more.
        missing: Whether some node is None.
        wrong: Whether that is so although the corpus has not changed since the search: the index is wrong.
    """

    found: Found
    nodes: list[Node | None]
    missing: bool = False
    wrong: bool = False


def fetch(found: Found) -> Fetched:
    """Read the nodes. Where the corpus never held one of them, whoever found it is told to build its index again."""
    corpus = found.corpus
    assert corpus is not None
    if not found.pairs:
        return Fetched(found, [])
    nodes = corpus.fetch([ordinal for ordinal, _ in found.pairs])
    if None not in nodes:
        return Fetched(found, nodes)
    look_again()  # within one look the corpus may have changed since the search
    wrong = found.cursor is not None and corpus.head() == found.cursor
    if wrong and found.disown is not None:
        found.disown("it named nodes that the corpus does not hold")
    return Fetched(found, nodes, missing=True, wrong=wrong)


def read(retriever: BaseRetriever, found: Found) -> Fetched:
    """Read the nodes for a retriever's answer.

    Raises:
        RetrievalError: The corpus raised; its error is chained. Errors of RetrieverKit pass as they are.
    """
    try:
        return fetch(found)
    except passes():
        raise
    except BaseException as error:
        raise_failure(retriever, error)


def hits_of(fetched: Fetched, leg: str) -> list[NodeWithScore]:
    """Return a hit for each node that is there, with its evidence."""
    found = fetched.found
    assert found.corpus is not None
    hits = []
    for at, (node, (ordinal, score)) in enumerate(zip(fetched.nodes, found.pairs, strict=True)):
        if node is not None:
            hit = NodeWithScore(node, score, evidence_of(found, at, leg))
            hit._origin = (found.corpus, ordinal)
            hits.append(hit)
    return hits
