"""Measures of rankings, by ir-measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from retrieverkit_core.errors import ConfigError, near_matches, shorten

if TYPE_CHECKING:
    from ir_measures.measures import Measure

DEFAULT_MEASURES = ("nDCG@10", "R@100", "RR@10", "P@5")
"""What is measured unless something else is asked for: the names of ir-measures."""

_EXAMPLES = "write names of ir-measures, such as nDCG@10, R@100, RR@10, P@5, AP, Success@5 or P(rel=2)@5"


class Measures:
    """Measures that can be computed here.

    Args:
        names: Their names in the notation of ir-measures.
        depth: How many documents a ranking has at most.

    Attributes:
        names: Their names, each once.

    Raises:
        ConfigError: A name is unknown, asks for more than ``depth`` documents, or cannot be computed here.
    """

    def __init__(self, names: Sequence[str], depth: int) -> None:
        if isinstance(names, str) or not names:
            raise ConfigError("measures are a list of names, at least one", fix=_EXAMPLES)
        measures = [_parsed(name) for name in names]
        for measure in measures:
            cutoff = measure.params.get("cutoff")
            if cutoff is not None and cutoff > depth:
                raise ConfigError(
                    f"{measure} looks at {cutoff} documents, and rankings are {depth} deep",
                    fix=f"ask for deeper rankings: --depth {cutoff}, or depth={cutoff}",
                )
            _check_computable(measure)
        self._measures = {str(measure): measure for measure in measures}
        self.names = tuple(self._measures)

    def values(
        self, qrels: Mapping[str, Mapping[str, int]], rankings: Mapping[str, Sequence[str]]
    ) -> dict[str, dict[str, float]]:
        """Return the value of each measure for each query.

        Args:
            qrels: The judgements.
            rankings: Document ids by query id, best first; a ranking for each query in ``qrels``, empty if need be.

        Returns:
            Values by measure and query id.

        Raises:
            ConfigError: A measure has no value for a query, or fails.
        """
        from ir_measures import evaluator

        # The measures sort by score and break ties by id: falling scores keep the order that was retrieved. An empty
        # ranking is left out, which every measure takes for 0 and some fail on.
        run = {
            query_id: {doc_id: float(len(ranking) - at) for at, doc_id in enumerate(ranking)}
            for query_id, ranking in rankings.items()
            if ranking
        }
        found: dict[str, dict[str, float]] = {name: {} for name in self.names}
        judged = {query_id: dict(grades) for query_id, grades in qrels.items()}
        try:
            for metric in evaluator(list(self._measures.values()), judged).iter_calc(run):
                found[str(metric.measure)][metric.query_id] = float(metric.value)
        except Exception as error:  # providers are programs and packages of many kinds
            names = ", ".join(self.names)
            raise ConfigError(
                f"{names} cannot be computed: {shorten(error, 200)}", fix="leave one of them out"
            ) from error
        for name, values in found.items():
            for query_id in qrels:
                if not isfinite(values.get(query_id, float("nan"))):
                    raise ConfigError(f"{name} has no value for query {shorten(query_id)!r}", fix="leave it out")
        return {name: {query_id: values[query_id] for query_id in qrels} for name, values in found.items()}


def _parsed(name: str) -> Measure:
    from ir_measures import parse_measure
    from ir_measures.measures import registry

    try:
        return parse_measure(name)
    except NameError:
        near = near_matches(name.partition("@")[0].partition("(")[0], registry)
        told = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        raise ConfigError(f"there is no measure {shorten(name)!r}", fix=told + _EXAMPLES) from None
    except Exception as error:  # the notation is read by Python's own parser, which raises many things
        raise ConfigError(
            f"the measure {shorten(repr(name))} cannot be read: {shorten(error)}", fix=_EXAMPLES
        ) from error


def _check_computable(measure: Measure) -> None:
    from ir_measures import evaluator

    try:
        list(evaluator([measure], {"q": {"d": 1}}).iter_calc({"q": {"d": 1.0}}))
    except Exception as error:  # providers are programs and packages of many kinds
        raise ConfigError(f"{measure} cannot be computed here: {shorten(error, 200)}", fix=_EXAMPLES) from error
