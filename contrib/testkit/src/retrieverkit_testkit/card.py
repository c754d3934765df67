"""The score card: results as JSON that programs and later versions can read."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from retrieverkit_testkit.results import Report

CARD_FORMAT = 1


def to_card(results: Report) -> dict[str, Any]:
    """Return results as inert JSON.

    Args:
        results: What `check_retriever` returned.

    Returns:
        ``format``, ``conforms``, ``subject``, ``mode``, ``distribution``, ``version``, ``capabilities``, ``quick``,
        ``versions`` (of core and kit), ``counts`` by outcome, ``seconds``, and ``checks``: name, outcome, reason and
        seconds of each.
    """
    kit = ("retrieverkit-core", "retrieverkit", "retrieverkit-testkit")
    return {
        "format": CARD_FORMAT,
        "conforms": results.ok,
        "subject": results.subject,
        "mode": results.mode,
        "distribution": results.distribution,
        "version": results.version,
        "capabilities": list(results.capabilities),
        "quick": results.quick,
        "versions": {name: version(name) for name in kit},
        "counts": results.counts,
        "seconds": round(sum(result.seconds for result in results), 3),
        "checks": [
            {
                "name": result.name,
                "outcome": result.outcome.value,
                "reason": result.reason,
                "seconds": round(result.seconds, 3),
            }
            for result in results
        ],
    }
