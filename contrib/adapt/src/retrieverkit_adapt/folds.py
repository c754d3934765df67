"""Parting queries so that none is judged by what was learned from it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence


def folds_of(queries: Mapping[str, str], count: int, seed: int) -> list[list[str]]:
    """Return the ids of the queries in ``count`` parts of about one size; queries of the same words stay together.

    Args:
        queries: The text of each query by its id.
        count: How many parts; fewer where there are fewer different queries.
        seed: The same seed and queries give the same parts, in whatever order the queries come.
    """
    same_words: dict[str, list[str]] = {}
    for query_id in sorted(queries):
        same_words.setdefault(" ".join(queries[query_id].casefold().split()), []).append(query_id)
    groups = [same_words[words] for words in sorted(same_words)]
    random.Random(seed).shuffle(groups)  # noqa: S311 - a fair cut, not a secret
    parts: list[list[str]] = [[] for _ in range(min(count, len(groups)))]
    for group in sorted(groups, key=len, reverse=True):  # the shuffled order among those of one size
        min(parts, key=len).extend(group)
    return parts


def others(parts: Sequence[Sequence[str]], place: int) -> list[str]:
    """Return the ids of all parts but one, in order."""
    return [query_id for at, part in enumerate(parts) if at != place for query_id in part]
