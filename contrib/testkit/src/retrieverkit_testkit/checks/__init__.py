"""The checks, one module a subject. Importing this package finds them all, in the order in which they are run."""

from retrieverkit_testkit.checks import (  # isort: skip
    results,
    bounds,
    order,
    queries,
    untouched,
    ways,
    threads,
    cancelling,
    watching,
    filters,
    scope,
    changes,
    stored,
    processes,
    options,
    package,
)

__all__ = [
    "bounds",
    "cancelling",
    "changes",
    "filters",
    "options",
    "order",
    "package",
    "processes",
    "queries",
    "results",
    "scope",
    "stored",
    "threads",
    "untouched",
    "watching",
    "ways",
]
