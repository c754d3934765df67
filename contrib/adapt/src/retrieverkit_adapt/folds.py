"""Parting queries so that none is judged by what was learned from it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from retrieverkit_vector import asked_words


def folds_of(queries: Mapping[str, str], count: int, seed: int) -> list[list[str]]:
    """Return the ids of the queries in ``count`` parts of about one size; queries of the same words stay together.

    Args:
        queries: The text of each query by its id.
        count: How many parts; fewer where there are fewer different queries.
        seed: The same seed and queries give the same parts, in whatever order the queries come.
    """
    groups = same_words(queries)
    random.Random(seed).shuffle(groups)  # noqa: S311 - a fair cut, not a secret
    parts: list[list[str]] = [[] for _ in range(min(count, len(groups)))]
    for group in sorted(groups, key=len, reverse=True):  # the shuffled order among those of one size
        min(parts, key=len).extend(group)
    return parts


def same_words(queries: Mapping[str, str]) -> list[list[str]]:
    """Return the ids of the queries, those of the same words (`asked_words`) together, in an order of their own."""
    known: dict[str, list[str]] = {}
    for query_id in sorted(queries):
        known.setdefault(asked_words(queries[query_id]), []).append(query_id)
    return [known[words] for words in sorted(known)]


def others(parts: Sequence[Sequence[str]], place: int) -> list[str]:
    """Return the ids of all parts but one, in order."""
    return [query_id for at, part in enumerate(parts) if at != place for query_id in part]
