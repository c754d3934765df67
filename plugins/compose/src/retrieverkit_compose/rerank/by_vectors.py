"""Judging by an embedding: nearness to the query, or that and difference from what was chosen before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from retrieverkit_compose.rerank.judging import Judged
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import BaseRetriever, Compared, NodeVectors
from retrieverkit_core.scores import ScoreKind, ScoreSpec
from retrieverkit_core.threads import offload


@dataclass
class ByVectors:
    """Orders hits by cosines of an embedding.

    Args:
        vectors: Who compares them.
        mmr_lambda: Choose by `mmr` with this weight of relevance; None for nearness alone.
    """

    vectors: NodeVectors
    mmr_lambda: float | None = None
    shows: bool = False

    def __post_init__(self) -> None:
        kind = ScoreKind.SIMILARITY if self.mmr_lambda is None else ScoreKind.RELEVANCE
        self.scores = ScoreSpec(kind, lower_bound=-1.0, upper_bound=1.0)
        embedding = getattr(self.vectors, "embedding_spec", "")
        self.note = f"embedding: {embedding}" if embedding else ""

    def judge(self, query: QueryBundle, hits: Sequence[NodeWithScore]) -> Judged:
        """Return the order of hits; those without a vector come last, without a score."""
        compared = self.vectors.compared(query, hits)
        known = [place for place, cosine in enumerate(compared.nearness) if cosine is not None]
        order = _nearest(compared, known) if self.mmr_lambda is None else mmr(compared, known, self.mmr_lambda)
        unknown = [place for place, cosine in enumerate(compared.nearness) if cosine is None]
        if not unknown:
            return Judged(order)
        many = "1 hit has" if len(unknown) == 1 else f"{len(unknown)} hits have"
        warning = f"{many} no vector to compare with that of the query; they come last, in the order they had"
        return Judged([*order, *((place, None) for place in unknown)], warnings=[warning])

    async def ajudge(self, query: QueryBundle, hits: Sequence[NodeWithScore]) -> Judged:
        """As `judge`, in a worker thread."""
        return await offload(self.judge, query, hits)

    def plan(self, name: str, query: QueryBundle, inner: BaseRetriever, candidates: int) -> Plan:
        """Return what judging would spend: nothing of its own where `inner` embeds the query by the same index.

        Texts that are put together for the query have to be embedded too. How many they are is not known before.
        """
        compares = Plan(name, f"compares up to {candidates} hits with the query")
        if not isinstance(self.vectors, BaseRetriever):
            return compares
        asked, own = _all_of(inner), self.vectors.plan(query)
        if own.spends and any(each.replaces_nodes for each in asked):
            compares = replace(compares, embedding_calls=None)
        if self.vectors in asked:
            return compares
        return replace(compares, parts=(replace(own, name=f"{name}, {self.vectors.name}"),))


def vectors_within(retriever: BaseRetriever, embedding: str | None) -> NodeVectors | None:
    """Return the first retriever, of this one and all that it asks, that compares vectors of an embedding.

    Args:
        retriever: Where to look.
        embedding: The spec of the embedding; None for any.
    """
    for each in _all_of(retriever):
        if isinstance(each, NodeVectors) and embedding in (None, getattr(each, "embedding_spec", None)):
            return each
    return None


def _all_of(retriever: BaseRetriever) -> list[BaseRetriever]:
    return [retriever, *(each for leg in retriever.sub_retrievers for each in _all_of(leg))]


def _nearest(compared: Compared, known: Sequence[int]) -> list[tuple[int, float | None]]:
    return sorted(((place, compared.nearness[place]) for place in known), key=lambda pair: (-(pair[1] or 0.0), pair[0]))


def mmr(compared: Compared, places: Sequence[int], weight: float) -> list[tuple[int, float | None]]:
    """Order hits by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998).

    One by one the hit is chosen with the most of ``weight · nearness - (1 - weight) · likeness``. Likeness is the
    largest cosine to any hit chosen before, and -1 for the first; so the value never rises, and serves as a score. Of
    equal values the hit comes first that stood first.

    Args:
        compared: The cosines.
        places: The hits that have vectors.
        weight: From 0 to 1.
    """
    likeness = dict.fromkeys(places, -1.0)
    order: list[tuple[int, float | None]] = []
    last = 1.0
    while likeness:
        values = {
            place: weight * (compared.nearness[place] or 0.0) - (1 - weight) * like for place, like in likeness.items()
        }
        best = max(values, key=lambda place: (values[place], -place))
        last = max(-1.0, min(last, values[best]))  # rounding must not let it rise
        order.append((best, last))
        del likeness[best]
        likes = compared.likeness(best)
        for place in likeness:
            likeness[place] = max(likeness[place], likes[place])
    return order
