"""What cannot be answered raises, or says so; it is never an empty answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from retrieverkit_core.errors import RetrieverKitError
from retrieverkit_core.nodes import Document
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import Outcome, RetrievalResult
from retrieverkit_core.threads import run_coroutine
from retrieverkit_testkit.answers import Scored, same, scored
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.embedding import WordVectors
from retrieverkit_testkit.library import SHARED, library, own_text, put
from retrieverkit_testkit.queries_that_fail import Unreadable
from retrieverkit_testkit.subjects import Subject
from retrieverkit_testkit.verdicts import NothingToCheck, ensure

_READS = ("fetch", "get", "snapshot", "head")


@check()
def check_a_failing_engine_is_not_an_empty_answer(subject: Subject) -> None:
    """What goes wrong while ``_retrieve`` answers is raised; it does not become a shorter answer.

    To mend: take ``except Exception: return []`` out. Core gives the caller a RetrievalError with yours in its chain.
    """
    with subject.shelf() as trial:
        retriever = trial.retriever
        query = Unreadable(SHARED, top_k=5)
        asks: list[Callable[[], Any]] = []
        if retriever._is_sync:
            asks.append(lambda: retriever._retrieve(query))
        if retriever._is_async:
            asks.append(lambda: run_coroutine(lambda: retriever._aretrieve(query)))
        if retriever._is_batch:
            asks.append(lambda: _raising(retriever._retrieve_many([query])))
        for ask in asks:
            try:
                found = ask()
            except Exception:  # noqa: S112 - that is what is right
                continue
            partial = isinstance(found, RetrievalResult) and found.outcome is Outcome.PARTIAL
            ensure(len(found) > 0 or partial, "where the query cannot be read, the answer is empty")


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_a_failing_corpus_is_not_a_shorter_answer(subject: Subject) -> None:
    """Where the corpus cannot be read, the call raises, or the answer is whole or says that it is not.

    To mend: let errors of the corpus pass; catch only what you can make good, by its own class.
    """

    def fail(*_: Any, **__: Any) -> Any:
        raise OSError("the disk is gone")

    query = QueryBundle(SHARED, top_k=20)
    for name in _READS:
        with subject.over(library()) as trial:
            assert trial.index is not None
            corpus = trial.index.corpus
            expected = trial.scored(SHARED, top_k=20)
            for retriever, when in ((trial.retriever, "after an answer"), (trial.another(None), "at the first call")):
                setattr(corpus, name, fail)
                try:
                    _ensure_told(partial(retriever.retrieve, query), expected, f"corpus.{name} fails {when}")
                finally:
                    delattr(corpus, name)
            _ensure_told(lambda: trial.ask(SHARED, top_k=20), expected, "the corpus can be read again")


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_a_failing_embedding_is_not_a_shorter_answer(subject: Subject) -> None:
    """Where the embedding model fails, the call raises, or the answer says that it is not whole.

    To mend: let errors of services pass; no vector of zeros, no list of nothing, no words in their place unsaid.
    """
    model = WordVectors()
    with subject.mode.with_embedding(model).index_of(library()) as index:
        trial = subject.mode.with_embedding(model).on(index)
        expected = trial.scored(SHARED, top_k=20)
        if not model.calls:
            raise NothingToCheck("it uses no embedding of the index")
        for error in (OSError("the model is gone"), ValueError("wrong"), TimeoutError()):
            model.failure = error
            ask = partial(trial.ask, own_text(library()[3]), top_k=20)
            _ensure_told(ask, None, f"the embedding raises {type(error).__name__}")
            model.failure = None
        model.failure = OSError("the model is gone")
        put(index, [Document("walrus report", id="walrus")])
        _ensure_told(lambda: trial.ask("walrus", top_k=20), None, "the embedding fails while the index catches up")
        model.failure = None
        with suppress(RetrieverKitError):  # it may wait before it tries again
            found = trial.scored(SHARED, top_k=20)
            ensure(len(found) >= len(expected), "after the embedding failed, hits are missing")


@check(Capability.DETERMINISTIC)
def check_a_query_that_is_changed_in_time_is_answered_by_what_is_there(subject: Subject) -> None:
    """Documents that are deleted between search and fetch of their nodes break no answer.

    To mend: expect None from ``corpus.fetch`` for what was deleted meanwhile; core can fetch for you.
    """
    if Trait.MODE not in subject.traits:
        raise NothingToCheck(Trait.MODE.value)
    for name in ("fetch", "get"):
        with subject.over(library()) as trial:
            assert trial.index is not None
            index = trial.index
            trial.ask(SHARED, top_k=20)
            read = getattr(index.corpus, name)
            left = ["comet", "glacier"]

            def late(asked: Any, read: Any = read, left: list[str] = left) -> Any:
                gone, left[:] = list(left), []
                if gone:
                    index.delete(gone)  # noqa: B023 - called before the next round
                return read(asked)

            setattr(index.corpus, name, late)
            try:
                result = trial.ask(SHARED, top_k=20)
            finally:
                delattr(index.corpus, name)
            known = {one.id for one in library()}
            ensure({one for one, _ in scored(result)} <= known, "what was found is not in the corpus")
            again = {one for one, _ in trial.scored(SHARED, top_k=20)}
            ensure(left or not again & {"comet", "glacier"}, "what was deleted while a call ran is found afterwards")


def _ensure_told(ask: Callable[[], RetrievalResult], expected: Scored | None, what: str) -> None:
    """Fail unless a call raises, is partial or warns, or has the expected answer."""
    try:
        result = ask()
    except Exception:
        return
    if result.outcome is Outcome.PARTIAL or result.warnings or any(leg.failed for leg in result.legs):
        return
    found = scored(result)
    ensure(expected is not None and same(found, expected), f"where {what}, the answer is {found} and nothing says so")


def _raising(replies: Any) -> Any:
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies[0]
