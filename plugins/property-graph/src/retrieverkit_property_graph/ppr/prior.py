"""What another retriever says of passages, as weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.result import RetrievalResult
from retrieverkit_property_graph.ppr.network import Floats, Integers


def weights_of(
    result: RetrievalResult, higher_is_better: bool, corpus: Corpus, ordinals_of: Callable[[list[str]], dict[str, int]]
) -> tuple[Integers, Floats]:
    """Return the ordinals that were found in ``corpus`` and a weight of each: the scores, scaled from 0 to 1.

    The best hit has 1, the last one 0. Where the scores are equal, all have 1. Where a hit has no score, the ranks are
    taken for scores.

    Args:
        result: What was found, best first.
        higher_is_better: The order of its scores.
        corpus: The corpus whose nodes count.
        ordinals_of: Returns the ordinals of nodes that are in it, by id; for hits that are not known by ordinals.
    """
    if result.found is not None and result.found.corpus is corpus:
        pairs = list(result.found.pairs)
    else:
        known_by_id = ordinals_of([hit.node.id for hit in result])
        pairs = [(known_by_id[hit.node.id], hit.score) for hit in result if hit.node.id in known_by_id]
    if not pairs:
        return np.empty(0, np.int64), np.empty(0)
    ordinals = np.array([ordinal for ordinal, _ in pairs], np.int64)
    known = [score for _, score in pairs if score is not None]
    scores = np.array(known) if len(known) == len(pairs) else -np.arange(len(pairs), dtype=np.float64)
    if len(known) == len(pairs) and not higher_is_better:
        scores = -scores
    lowest, highest = float(scores.min()), float(scores.max())
    if not highest > lowest:
        return ordinals, np.ones(len(ordinals))
    return ordinals, (scores - lowest) / (highest - lowest)
