"""What was learned, and how much it helped on queries that it was not learned from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from retrieverkit_core.errors import ConfigError
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_evaluate.statistics import interval, p_value

if TYPE_CHECKING:
    from retrieverkit_vector import Adapter

Learned = Literal["adapter", "weights"]

SIGNIFICANT = 0.05
"""What was learned is kept where chance would give a difference as large less often than this."""

_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Fold:
    """One part of the queries, asked with what was learned from all others.

    Attributes:
        queries: The ids of its queries.
        setting: What was learned from the others, in words.
    """

    queries: tuple[str, ...]
    setting: str


@dataclass(frozen=True, slots=True)
class Change:
    """A measure before and after, over queries that were held out.

    Attributes:
        measure: The measure.
        before: Its mean before.
        after: Its mean after.
        difference: The mean of the differences.
        error: The standard error of ``difference``, of paired queries; 0 for a single query.
        interval: Its 95 % bootstrap interval; None for a single query.
        p: The two-sided p-value of the paired randomisation test.
        wins: How many queries are better.
        ties: How many are as before.
        losses: How many are worse.
    """

    measure: str
    before: float
    after: float
    difference: float
    error: float
    interval: tuple[float, float] | None
    p: float
    wins: int
    ties: int
    losses: int


@dataclass(frozen=True)
class Adapted:
    """What `adapt` learned and measured.

    Attributes:
        learn: What was to be learned.
        mode: The mode before.
        queries: How many queries it was learned from and measured on.
        measures: The measures; the first decides.
        folds: The parts of the queries.
        before: The value of each query by measure, with the mode as it was.
        after: The same with what was learned from the other parts.
        unseen: The queries none of whose relevant documents were relevant for a query that was learned from.
        adapter: The adapter that was learned from all queries; None where weights were, or none helped.
        spec: The mode with the weights that were learned from all queries; None where an adapter was.
        setting: What was learned from all queries, in words.
        seed: The seed of the parts and of the resampling.
        remarks: What of the queries and judgements was left out.
    """

    learn: Learned
    mode: str
    queries: int
    measures: tuple[str, ...]
    folds: tuple[Fold, ...]
    before: Mapping[str, Mapping[str, float]]
    after: Mapping[str, Mapping[str, float]]
    unseen: frozenset[str]
    adapter: Adapter | None
    spec: RetrieverSpec | None
    setting: str
    seed: int
    remarks: tuple[str, ...] = field(default=())

    @cached_property
    def kept(self) -> bool:
        """Whether what was learned is better by more than chance."""
        return not self.reason

    @cached_property
    def reason(self) -> str:
        """Why nothing was kept, or ""."""
        change = self.change(self.measures[0])
        if self.adapter is None and self.spec is None:
            return f"no {self.learn} that was tried helped the queries it was not learned from"
        if self.spec is not None and str(self.spec) == self.mode:
            return "the weights that it has are the best of those that were tried"
        told = f"{change.measure} changed by {change.difference:+.3f} ± {change.error:.3f} on held-out queries"
        if change.difference <= 0:
            return f"{told}: that is not better"
        if change.p >= SIGNIFICANT:
            return f"{told}: chance alone gives as much in {change.p:.0%} of cases"
        return ""

    def change(self, measure: str, *, unseen: bool = False) -> Change:
        """Return a measure before and after.

        Args:
            measure: One of `measures`.
            unseen: Only over the queries in `unseen`.

        Raises:
            ConfigError: It was not measured, or there is no such query.
        """
        if measure not in self.measures:
            raise ConfigError(f"{measure!r} was not measured", fix=f"name one of {', '.join(self.measures)}")
        chosen = [query for query in self.before[measure] if not unseen or query in self.unseen]
        if not chosen:
            raise ConfigError("every query shares a relevant document with another", fix="leave unseen out")
        return _change(measure, self.before[measure], self.after[measure], chosen, self.seed)

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the adapter, or the mode with its weights as JSON, whole or not at all.

        Args:
            path: The file.
            force: Replace what is there.

        Raises:
            ConfigError: Nothing was kept, there is something already, or the file cannot be written.
        """
        from retrieverkit_vector import write_adapter, write_whole

        if not self.kept:
            raise ConfigError(f"nothing was kept: {self.reason}", fix="judge more queries, or leave the mode as it is")
        if self.adapter is not None:
            write_adapter(self.adapter, path, force=force)
        elif self.spec is not None:
            write_whole(json.dumps(self.spec.to_obj(), indent=2) + "\n", Path(path), force=force)

    def as_dict(self) -> dict[str, Any]:
        """Return every number, for programs."""
        return {
            "learn": self.learn,
            "mode": self.mode,
            "kept": self.kept,
            "reason": self.reason,
            "setting": self.setting,
            "learned_mode": None if self.spec is None or not self.kept else str(self.spec),
            "queries": self.queries,
            "seed": self.seed,
            "changes": [_as_dict(self.change(measure)) for measure in self.measures],
            "unseen": [_as_dict(self.change(measure, unseen=True)) for measure in self.measures if self.unseen],
            "folds": [
                {
                    "queries": list(fold.queries),
                    "setting": fold.setting,
                    **{
                        measure: {
                            "before": _mean([self.before[measure][query] for query in fold.queries]),
                            "after": _mean([self.after[measure][query] for query in fold.queries]),
                        }
                        for measure in self.measures
                    },
                }
                for fold in self.folds
            ],
            "remarks": list(self.remarks),
        }


def _change(
    measure: str, before: Mapping[str, float], after: Mapping[str, float], chosen: Sequence[str], seed: int
) -> Change:
    differences = [after[query] - before[query] for query in chosen]
    count, mean = len(chosen), _mean(differences)
    spread = sum((each - mean) ** 2 for each in differences) / (count - 1) if count > 1 else 0.0
    return Change(
        measure=measure,
        before=_mean([before[query] for query in chosen]),
        after=_mean([after[query] for query in chosen]),
        difference=mean,
        error=sqrt(spread / count),
        interval=interval(differences, seed),
        p=p_value(differences, seed),
        wins=sum(each > _SAME for each in differences),
        ties=sum(abs(each) <= _SAME for each in differences),
        losses=sum(each < -_SAME for each in differences),
    )


def _as_dict(change: Change) -> dict[str, Any]:
    return {name: getattr(change, name) for name in Change.__dataclass_fields__}


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
