"""Observers: one end for each start, and no harm done."""

import asyncio

import pytest

from retrieverkit_core import BaseRetriever, Observers, hookimpl
from retrieverkit_core.errors import BatchError, ConfigError, RetrievalError


class Recorder:
    def __init__(self):
        self.events = []

    @hookimpl
    def on_retrieve_start(self, query):
        self.events.append(("start", query.query_str))

    @hookimpl
    def on_retrieve_end(self, query, result, error):
        self.events.append(("end", query.query_str, None if result is None else len(result), type(error).__name__))


class Breaks:
    @hookimpl
    def on_retrieve_start(self):
        raise RuntimeError("start broke")

    @hookimpl
    def on_retrieve_end(self):
        raise SystemExit(1)


class Answers(BaseRetriever):
    def __init__(self, answer, **kwargs):
        super().__init__(**kwargs)
        self.answer = answer

    def _retrieve(self, query_bundle):
        if query_bundle.query_str == "bad":
            raise ValueError("no")
        return self.answer


def ask(how, retriever, query):
    if how == "sync":
        return retriever.retrieve(query)
    if how == "async":
        return asyncio.run(retriever.aretrieve(query))
    try:
        return retriever.retrieve_many([query])[0]
    except BatchError as error:
        raise error.errors[0] from None


@pytest.mark.parametrize("how", ["sync", "async", "batch"])
def test_each_start_has_one_end_also_on_error(how, make_hit):
    recorder = Recorder()
    retriever = Answers([make_hit("a", 1.0)], hooks=Observers.of(recorder))
    ask(how, retriever, "good")
    with pytest.raises(RetrievalError):
        ask(how, retriever, "bad")
    assert recorder.events == [
        ("start", "good"),
        ("end", "good", 1, "NoneType"),
        ("start", "bad"),
        ("end", "bad", None, "RetrievalError"),
    ]


@pytest.mark.parametrize("how", ["sync", "async", "batch"])
def test_a_raising_observer_stops_neither_the_others_nor_the_retrieval(how, make_hit):
    before, after, breaks = Recorder(), Recorder(), Breaks()
    observers = Observers.of(before, breaks, after)
    result = ask(how, Answers([make_hit("a", 1.0)], hooks=observers), "q")
    assert [h.node_id for h in result] == ["a"]
    assert [e[0] for e in before.events] == [e[0] for e in after.events] == ["start", "end"]
    assert len(result.warnings) == 2
    assert "start broke" in result.warnings[0]
    assert sum(observers.failures.values()) == 2


def test_interrupts_pass_through_and_are_told(make_hit):
    recorder = Recorder()

    class Interrupted(BaseRetriever):
        def _retrieve(self, query_bundle):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Interrupted(hooks=Observers.of(recorder)).retrieve("q")
    assert recorder.events[-1][-1] == "KeyboardInterrupt"


def test_a_misspelt_hook_is_refused():
    class Misspelt:
        @hookimpl
        def on_retreive_start(self):
            pass

    with pytest.raises(ConfigError, match="on_retreive_start"):
        Observers.of(Misspelt())


def test_nested_retrievals_nest_their_events(make_hit):
    recorder = Recorder()
    observers = Observers.of(recorder)
    inner = Answers([make_hit("a", 1.0)], hooks=observers)

    class Outer(BaseRetriever):
        def _retrieve(self, query_bundle):
            return inner.retrieve("inner")

    Outer(hooks=observers).retrieve("outer")
    assert [e[:2] for e in recorder.events] == [
        ("start", "outer"),
        ("start", "inner"),
        ("end", "inner"),
        ("end", "outer"),
    ]
