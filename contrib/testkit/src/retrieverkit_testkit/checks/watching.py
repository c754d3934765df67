"""Observers see each retrieval once, and change nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrieverkit_core.errors import RetrieverKitError
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.observers import Observers
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_testkit.answers import ensure_same, scored
from retrieverkit_testkit.asking import in_loop
from retrieverkit_testkit.capabilities import Capability
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import SHARED
from retrieverkit_testkit.subjects import Subject
from retrieverkit_testkit.verdicts import CheckFailed, ensure


class Watcher:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.starts: list[tuple[BaseRetriever, QueryBundle]] = []
        self.ends: list[tuple[BaseRetriever, QueryBundle, Any, Any]] = []

    @hookimpl
    def on_retrieve_start(self, retriever: BaseRetriever, query: QueryBundle) -> None:
        """Keep a start."""
        self.starts.append((retriever, query))

    @hookimpl
    def on_retrieve_end(self, retriever: BaseRetriever, query: QueryBundle, result: Any, error: Any) -> None:
        """Keep an end."""
        self.ends.append((retriever, query, result, error))

    def ensure_paired(self, retriever: BaseRetriever, times: int, what: str) -> None:
        """Fail unless ``retriever`` was started and ended ``times`` times, and the retrievers in it as often."""
        own = sum(started is retriever for started, _ in self.starts)
        ensure(own == times, f"{what}: {own} starts were told instead of {times}")
        starts = sorted(id(started) for started, _ in self.starts)
        ends = sorted(id(ended) for ended, *_ in self.ends)
        ensure(starts == ends, f"{what}: {len(starts)} starts and {len(ends)} ends were told")


class Raiser:
    """An observer that fails."""

    @hookimpl
    def on_retrieve_start(self) -> None:
        """Fail."""
        raise RuntimeError("an observer fails at the start")

    @hookimpl
    def on_retrieve_end(self) -> None:
        """Fail."""
        raise SystemExit("an observer fails at the end")


@check()
def check_observers_see_each_call_once(subject: Subject) -> None:
    """Observers hear of each call once at its start and once at its end: sync, async and in a batch.

    To mend: do not call your own ``retrieve`` from ``_retrieve``, nor the hooks; core does it.
    """
    with subject.shelf() as trial:
        ways: dict[str, Callable[[BaseRetriever], object]] = {
            "retrieve": lambda one: one.retrieve(SHARED),
            "aretrieve": lambda one: in_loop(one.aretrieve(SHARED)),
            "retrieve_many": lambda one: one.retrieve_many([SHARED]),
            "aretrieve_many": lambda one: in_loop(one.aretrieve_many([SHARED])),
        }
        for way, ask in ways.items():
            watcher = Watcher()
            retriever = trial.another(Observers.of(watcher))
            ask(retriever)
            watcher.ensure_paired(retriever, 1, way)
            result = next(told for ended, _, told, _ in watcher.ends if ended is retriever)
            ensure(result is not None, f"{way}: the end was told without a result")


@check()
def check_observers_see_the_end_of_a_failure(subject: Subject) -> None:
    """Observers hear of a call that fails once at its end, with the error that the caller gets.

    To mend: raise, and leave the rest to core; do not turn an error into an empty answer.
    """

    def fail(*_: Any, **__: Any) -> Any:
        raise OSError("the engine is gone")

    async def afail(*_: Any, **__: Any) -> Any:
        raise OSError("the engine is gone")

    with subject.shelf() as trial:
        for way in ("retrieve", "aretrieve"):
            watcher = Watcher()
            retriever = trial.another(Observers.of(watcher))
            retriever._retrieve, retriever._aretrieve = fail, afail  # type: ignore[method-assign]
            try:
                answer = retriever.retrieve(SHARED) if way == "retrieve" else in_loop(retriever.aretrieve(SHARED))
            except RetrieverKitError as error:
                raised = error
            else:
                raise CheckFailed(f"{way}: the engine's failure became the answer {answer!r}")
            watcher.ensure_paired(retriever, 1, way)
            told = next(told for ended, _, _, told in watcher.ends if ended is retriever)
            ensure(told is raised, f"{way}: the observer was told {told!r}, the caller {raised!r}")


@check(Capability.DETERMINISTIC)
def check_a_raising_observer_changes_nothing(subject: Subject) -> None:
    """An observer that raises changes no answer, and the result says that it failed.

    To mend: do not call observers yourself; core isolates each of them.
    """
    with subject.shelf() as trial:
        expected = trial.scored(SHARED, top_k=20)
        retriever = trial.another(Observers.of(Raiser()))
        query = QueryBundle(SHARED, top_k=20)
        for result in (retriever.retrieve(query), in_loop(retriever.aretrieve(query))):
            ensure_same(scored(result), expected, "with a failing observer, the answer")
            ensure(any("observer" in told for told in result.warnings), "nothing tells that an observer failed")
