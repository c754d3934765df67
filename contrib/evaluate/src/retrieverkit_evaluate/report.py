"""What an evaluation found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from retrieverkit_evaluate.collection import Collection
from retrieverkit_evaluate.statistics import CONFIDENCE, queries_needed

if TYPE_CHECKING:
    from retrieverkit_evaluate.running import Run

SIGNIFICANT = 0.05
"""Corrected p-values below it are marked."""

_SAME = 1e-9
"""Values that differ by less are a tie; sums in another order differ by as much."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A system against the first one, by one measure.

    Attributes:
        difference: The mean of the differences of all queries; above 0 the system is better than the first.
        interval: The 95 % bootstrap interval of ``difference``; None for a single query.
        p: The two-sided p-value of the paired randomisation test.
        p_corrected: ``p`` by Holm's method over all systems and measures of the report.
        wins: How many queries the system does better on.
        ties: How many it does equally well on.
        losses: How many it does worse on.
    """

    difference: float
    interval: tuple[float, float] | None
    p: float
    p_corrected: float
    wins: int
    ties: int
    losses: int

    @property
    def significant(self) -> bool:
        """Whether ``p_corrected`` is below 0.05."""
        return self.p_corrected < SIGNIFICANT


@dataclass(frozen=True, slots=True)
class Score:
    """How well a system does by one measure.

    Attributes:
        measure: The measure.
        system: The system.
        mean: The mean of the values of all queries.
        interval: The 95 % bootstrap interval of ``mean``; None for a single query.
        values: The value of each query by its id.
        against_first: The comparison with the first system; None for the first one itself.
    """

    measure: str
    system: str
    mean: float
    interval: tuple[float, float] | None
    values: Mapping[str, float]
    against_first: Comparison | None = None


@dataclass(frozen=True, slots=True)
class System:
    """How a system behaved, apart from the quality of its rankings.

    Attributes:
        name: The mode string.
        milliseconds: The mean response time of the queries that it answered.
        ratio: ``milliseconds`` by those of the first system; None where those are 0.
        failed: The error by the id of each query that failed.
        partial: What was missing by the id of each query with a partial answer.
        empty: How many queries found nothing.
        abstained: How many queries it declined to answer.
        notes: What the retriever says of itself, such as the model that it uses.
        warnings: What a reader must know to trust its answers.
    """

    name: str
    milliseconds: float
    ratio: float | None
    failed: Mapping[str, str]
    partial: Mapping[str, str]
    empty: int
    abstained: int
    notes: Sequence[str]
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class Report:
    """Systems, measured on the same queries and compared with the first.

    It shows itself in notebooks; `to_html` is a page of its own, `as_dict` is for programs.

    Attributes:
        collection: The queries and judgements, and what of them was left out.
        query_ids: The queries that every number is about: those that every system answered.
        systems: The systems in the order that they were given; the first is what the others are compared with.
        measures: The measures in the order that they were given; the first decides which queries are the worst.
        scores: A score for each measure and system.
        documents: How many documents the index holds.
        depth: How many documents a ranking has at most.
        seed: The seed of the resampling.
        runs: What each system answered.
        titles: The title of each relevant document that has one, by its id.
    """

    collection: Collection
    query_ids: Sequence[str]
    systems: Sequence[System]
    measures: Sequence[str]
    scores: Mapping[tuple[str, str], Score]
    documents: int
    depth: int
    seed: int
    runs: Mapping[str, Run]
    titles: Mapping[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every system answered every query, and whole."""
        return not any(system.failed or system.partial for system in self.systems)

    def score(self, measure: str, system: str) -> Score:
        """Return the score of a system by a measure."""
        return self.scores[measure, system]

    def worst_queries(self, system: str) -> list[str]:
        """Return the ids of the queries, the worst first, by the first measure.

        For a system that is compared with the first the worst are those that it loses most on; for the first itself,
        those that it does worst on.
        """
        values = self.score(self.measures[0], system).values
        first = self.score(self.measures[0], self.systems[0].name).values
        compared = system != self.systems[0].name
        return sorted(self.query_ids, key=lambda query_id: values[query_id] - (first[query_id] if compared else 0.0))

    def verdicts(self) -> list[str]:
        """Return a line per system: whether it differs from the first by the first measure, or what would show it."""
        measure, first = self.measures[0], self.systems[0].name
        return [self._verdict(measure, first, system.name) for system in self.systems[1:]]

    def _verdict(self, measure: str, first: str, name: str) -> str:
        values, before = self.scores[measure, name].values, self.scores[measure, first].values
        changes = [values[query_id] - before[query_id] for query_id in self.query_ids]
        found = self.scores[measure, name].against_first
        if found is not None and found.significant:
            what = "better" if found.difference > 0 else "worse"
            p = "< 0.001" if found.p_corrected < 0.001 else f"= {found.p_corrected:.3f}"
            return f"{name} is {what} than {first} by {measure}: {found.difference:+.3f} (p {p})"
        tests = sum(score.against_first is not None for score in self.scores.values())
        needed, given = queries_needed(changes, tests), _queries(len(self.query_ids))
        more = "they are equal on average" if needed is None else f"about {_rounded(needed):,} are needed"
        return f"{name}: no difference from {first} by {measure} can be shown with {given}; {more}"

    def remarks(self) -> list[str]:
        """Return what a reader must know to judge the numbers, one line each."""
        told = self.collection.coverage.remarks()
        for system in self.systems:
            if system.failed:
                query_id, error = next(iter(system.failed.items()))
                first_line = error.partition("\n")[0]
                told.append(f"{system.name}: {_queries(len(system.failed))} failed (query {query_id}: {first_line})")
            if system.partial:
                query_id, problem = next(iter(system.partial.items()))
                told.append(f"{system.name}: {_queries(len(system.partial))} answered in part ({query_id}: {problem})")
            told += [f"{system.name}: {warning}" for warning in system.warnings]
        left_out = len(self.collection.queries) - len(self.query_ids)
        if left_out:
            told.append(f"{_queries(left_out)} that failed somewhere left out of every number, for every system")
        return told

    def as_dict(self) -> dict[str, Any]:
        """Return the report as inert JSON."""
        coverage = self.collection.coverage
        return {
            "collection": {
                "documents": self.documents,
                **{name: _listed(value) for name, value in asdict(coverage).items()},
                "scored_queries": len(self.query_ids),
            },
            "settings": {"depth": self.depth, "seed": self.seed, "confidence": CONFIDENCE},
            "complete": self.complete,
            "verdicts": self.verdicts(),
            "remarks": self.remarks(),
            "systems": [_listed_values(asdict(system)) for system in self.systems],
            "scores": [_score_as_dict(self.scores[m, s.name]) for m in self.measures for s in self.systems],
            "queries": [
                {
                    "id": query_id,
                    "text": self.collection.queries[query_id],
                    "values": {
                        m: {s.name: self.scores[m, s.name].values[query_id] for s in self.systems}
                        for m in self.measures
                    },
                }
                for query_id in self.query_ids
            ],
        }

    def to_html(self) -> str:
        """Return the report as one HTML page that needs nothing else."""
        from retrieverkit_evaluate.html_page import page

        return page(self)

    def _repr_html_(self) -> str:
        from retrieverkit_evaluate.html_page import summary

        return summary(self)

    def __str__(self) -> str:
        from io import StringIO

        from retrieverkit.commands import Screen
        from retrieverkit_evaluate.table import write_report

        text = StringIO()
        write_report(self, Screen(text))
        return text.getvalue()

    def __repr__(self) -> str:
        names = ", ".join(system.name for system in self.systems)
        return f"Report({names}: {len(self.query_ids)} queries, {', '.join(self.measures)})"


def compared(
    difference: Sequence[float], interval: tuple[float, float] | None, p: float, p_corrected: float
) -> Comparison:
    """Return a comparison of the differences of all queries."""
    wins = sum(each > _SAME for each in difference)
    losses = sum(each < -_SAME for each in difference)
    mean = sum(difference) / len(difference)
    return Comparison(mean, interval, p, p_corrected, wins, len(difference) - wins - losses, losses)


def _rounded(number: int) -> int:
    """Return a number with the two digits that an estimate has."""
    return round(number, 2 - len(str(number))) if number >= 100 else number


def _queries(number: int) -> str:
    return f"{number:,} {'query' if number == 1 else 'queries'}"


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _listed_values(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: _listed(value) for name, value in fields.items()}


def _score_as_dict(score: Score) -> dict[str, Any]:
    told = _listed_values(asdict(score))
    del told["values"]  # they are listed by query
    if score.against_first is not None:
        told["against_first"] = _listed_values(told["against_first"])
    return told
