"""Learning the weights of a fusion: those that do best are looked for among a few that are evenly spread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieverkit_adapt.adapters import specs_in
from retrieverkit_core.errors import ConfigError
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_vector import digest, found_adapter, read_adapter

if TYPE_CHECKING:
    from retrieverkit_core.retriever import BaseRetriever

_STEPS = {2: 10, 3: 6, 4: 4, 5: 4, 6: 3}
"""Into how many parts the whole weight is divided, by the number of legs: 11, 28, 35, 70 and 56 ways to give them."""


@dataclass(frozen=True, slots=True)
class Weighted:
    """A mode with weights.

    Attributes:
        spec: The mode.
        shares: What each leg counts; their sum is 1.
    """

    spec: RetrieverSpec
    shares: tuple[float, ...]

    @property
    def setting(self) -> str:
        """The weights in words."""
        return "weights " + ", ".join(f"{share:.3g}" for share in self.shares)

    def distance(self, other: Weighted) -> float:
        """Return how far the weights are from others."""
        return sum(abs(mine - its) for mine, its in zip(self.shares, other.shares, strict=True))


def weightings(spec: RetrieverSpec, retriever: BaseRetriever) -> list[Weighted]:
    """Return the mode as it is, and with each weighting that is tried.

    Args:
        spec: A fusion, or hybrid.
        retriever: It, built.

    Raises:
        ConfigError: The mode has no weights, or too many.
    """
    weights = [float(leg.weight) for leg in getattr(retriever, "legs", ())]
    if spec.mode not in ("fusion", "hybrid") or len(weights) < 2:
        raise ConfigError(
            f"{spec.mode} has no weights to learn", fix="name a fusion of two or more, such as fusion(bm25, vector)"
        )
    if len(weights) not in _STEPS:
        raise ConfigError(
            f"{len(weights)} legs have too many weightings to try; up to {max(_STEPS)} can be learned",
            fix="put some of them in a fusion of their own",
        )
    steps = _STEPS[len(weights)]
    now = Weighted(spec, tuple(weight / sum(weights) for weight in weights))
    tried = [_with(spec, parts, steps) for parts in _divided(steps, len(weights))]
    return [now, *(each for each in tried if each.distance(now) > 1e-9)]


def check_unknown(spec: RetrieverSpec, queries: Mapping[str, str], beside: Path) -> None:
    """Refuse queries that an adapter in the mode was learned from: they would make it seem better than it is.

    Args:
        spec: The mode.
        queries: The text of each query by its id.
        beside: The folder that the index is in.

    Raises:
        ConfigError: The adapter knows a query, or its file cannot be used.
    """
    for each in specs_in(spec):
        written = each.options.get("adapter")
        if not isinstance(written, str):
            continue
        learned_from = read_adapter(found_adapter(written, beside)).queries
        known = [query_id for query_id, text in queries.items() if digest(text) in learned_from]
        if known:
            raise ConfigError(
                f"the adapter {written} was learned from {len(known)} of the {len(queries)} queries, so it would seem "
                "better than it is, and weigh too much",
                fix="learn the weights from other queries than the adapter: judge more, or part those you have",
            )


def best(weighted: Sequence[Weighted], values: Sequence[Any], query_ids: Sequence[str]) -> int:
    """Return the place of the weighting that does best on some queries.

    Of those that do as well, the one that is nearest to the first is taken.

    Args:
        weighted: The weightings, that of the mode as it is first.
        values: For each the value of each query.
        query_ids: The queries.
    """

    def rank(place: int) -> tuple[float, float, int]:
        total = sum(values[place][query_id] for query_id in query_ids)
        return round(total / len(query_ids), 9), -weighted[place].distance(weighted[0]), -place

    return max(range(len(weighted)), key=rank)


def _with(spec: RetrieverSpec, parts: Sequence[int], steps: int) -> Weighted:
    shares = tuple(part / steps for part in parts)
    learned = {"weight": round(shares[1], 6)} if spec.mode == "hybrid" else {"weights": list(parts)}
    changed = RetrieverSpec(
        mode=spec.mode, provider=spec.provider, retrievers=spec.retrievers, **{**spec.options, **learned}
    )
    return Weighted(changed, shares)


def _divided(whole: int, parts: int) -> Iterator[tuple[int, ...]]:
    if parts == 1:
        yield (whole,)
        return
    for first in range(whole + 1):
        for rest in _divided(whole - first, parts - 1):
            yield (first, *rest)
