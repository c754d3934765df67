"""`Around`: what retrievers around one other have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from retrieverkit_core.errors import OptionError, shorten
from retrieverkit_core.hits import Evidence, NodeWithScore
from retrieverkit_core.plugin import FilterCapabilities, ModeOptions
from retrieverkit_core.query import UNLIMITED, QueryBundle
from retrieverkit_core.result import NO_FILTERS, LegState, LegStatus, RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.spec import RetrieverSpec

Options = TypeVar("Options", bound=BaseModel)

_AS_MANY = frozenset({"exclude", "pinned", "recursive", "sentence_window", "shadow"})
"""Modes that give as many hits as the retriever that they ask, where they say nothing else."""


class Around(BaseRetriever):
    """A retriever that makes something of what one other finds. Filters, scope and deadline are passed on whole.

    Args:
        retriever: The other.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: ``retriever`` is not a retriever.
    """

    filter_capabilities = FilterCapabilities(delegates=True)

    def __init__(self, retriever: BaseRetriever, **base: Any) -> None:
        super().__init__(**base)
        check_retriever(self.name, "retriever", retriever)
        self.retriever = retriever
        self.answers_blank = retriever.answers_blank

    @property
    def sub_retrievers(self) -> Sequence[BaseRetriever]:
        """The other retriever."""
        return (self.retriever,)

    def _limited(self, query: QueryBundle) -> QueryBundle:
        """Return a caller's query as it is answered: with this retriever's own limit where it says none."""
        return query if query.top_k is not None else query.replace(top_k=self.default_top_k)

    def _made(
        self,
        hits: Iterable[NodeWithScore],
        found: RetrievalResult,
        *,
        legs: Iterable[LegStatus] = (),
        warnings: Iterable[str] = (),
        notes: Iterable[str] = (),
    ) -> RetrievalResult:
        """Return what was made of what the other found, with all that is known of that."""
        return RetrievalResult(
            hits,
            legs=[leg_of(self.retriever.name, found), *legs],
            filters=found.filters,
            warnings=(*found.warnings, *warnings),
            notes=tuple(notes),
            abstained=found.abstained,
            spec=found.spec,
        )


def limit_of(options: ModeOptions, within: RetrieverSpec) -> int:
    """Return how many hits a mode gives that asks another just for those: its own ``top_k``, else that of the other.

    Raises:
        OptionError: The other is written with fewer.
    """
    own = written_limit(within)
    if own is None:
        return options.top_k
    if "top_k" not in options.model_fields_set:
        return own
    if own < options.top_k:
        problem = f"{within} finds {own} hits at most, fewer than the {options.top_k} that are returned"
        raise OptionError(within.mode, [("top_k", problem)], fix="write one top_k")
    return options.top_k


def written_limit(within: RetrieverSpec) -> int | None:
    """Return how many hits a retriever is written to give, itself or by what it asks; None if it does not say.

    Whoever asks it for candidates asks for no number then: a cut that somebody wrote is not overruled.
    """
    if within.limit is not None or within.mode not in _AS_MANY:
        return within.limit
    inner = next(iter(within.retrievers), within.options.get("retriever"))
    return written_limit(inner) if isinstance(inner, RetrieverSpec) else None


def refuse_both(retriever: RetrieverSpec, candidates: int) -> None:
    """Refuse a number of candidates beside the number that the retriever itself is written with.

    Raises:
        ValueError: It is written with one.
    """
    if written_limit(retriever) is not None:
        raise ValueError(f"{retriever} has a {limit_name(retriever)} and is given {candidates} candidates; keep one")


def limit_name(retriever: RetrieverSpec) -> str:
    """Return the name of the option by which a retriever is written with a limit."""
    return "top_n" if "top_n" in retriever.options else "top_k"


def explicit(query: QueryBundle) -> QueryBundle:
    """Return the query with a limit: none is asked of an author as all."""
    return query if query.top_k is not None else query.replace(top_k=UNLIMITED)


def check_retriever(mode: str, option: str, given: object) -> None:
    """Refuse what is not a retriever.

    Raises:
        OptionError: It is not.
    """
    if not isinstance(given, BaseRetriever):
        problem = f"{shorten(repr(given))} is not a BaseRetriever"
        raise OptionError(mode, [(option, problem)], fix="pass one, such as index.as_retriever('bm25')")


def check_enough(mode: str, retriever: BaseRetriever, candidates: int | None, kept: int) -> None:
    """Refuse a retriever within that cuts before what stands around it can choose.

    Raises:
        OptionError: It is left to itself how many hits it finds, and those are fewer than are returned.
    """
    limit = retriever.default_top_k
    if candidates is None and limit is not None and limit < kept:
        problem = f"{retriever.name} finds {limit} hits at most, fewer than the {kept} that are returned"
        raise OptionError(
            mode, [("candidates", problem)], fix=f"raise the top_k of {retriever.name}, or lower that of {mode}"
        )


def checked(mode: str, model: type[Options], settings: Mapping[str, Any]) -> Options:
    """Return settings that were given in Python, checked as those in a mode string are.

    Raises:
        OptionError: One of them is wrong.
    """
    try:
        return model(**settings)
    except ValidationError as error:
        problems = [(".".join(map(str, each["loc"])) or "options", each["msg"]) for each in error.errors()]
        raise OptionError(mode, problems) from error


def leg_of(name: str, found: RetrievalResult, note: str = "") -> LegStatus:
    """Return how a retriever that was asked has ended."""
    notes = [note, *found.notes, "abstained" if found.abstained else ""]
    return LegStatus(
        name,
        LegState.OK if found else LegState.EMPTY,
        len(found),
        found.elapsed * 1000,
        legs=found.legs_of_its_own,
        note="; ".join(filter(None, notes)),
        filters=None if found.filters is NO_FILTERS else found.filters,
    )


def evidence_of(hit: NodeWithScore, leg: str, rank: int, known_as: str | None = None) -> tuple[Evidence, ...]:
    """Return the evidence of a hit whose score is about to be replaced: its place and score so far, and what was known.

    Args:
        hit: The hit.
        leg: Who found it.
        rank: Its rank there, from 1.
        known_as: The name under which that retriever gives evidence, where it is another.
    """
    own = known_as or leg
    said = next((each for each in hit.evidence if each.leg == own), Evidence(leg, rank, hit.score))
    here = Evidence(leg, rank, said.score, said.details)
    return (here, *(_below(leg, each) for each in hit.evidence if each.leg != own))


def _below(leg: str, each: Evidence) -> Evidence:
    return Evidence(f"{leg}/{each.leg}", each.rank, each.score, each.details)
