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


def _observer(**methods):
    return type("Watches", (), {name: hookimpl(**options)(method) for name, (method, options) in methods.items()})()


async def _later(self, query):
    pass


def _around(self, query):
    yield


@pytest.mark.parametrize(
    ("plugin", "told"),
    [
        (_observer(on_retreive_start=(lambda self: None, {})), "did you mean 'on_retrieve_start'|on_retrieve_start"),
        (_observer(on_retrieve_start=(lambda self, qeury: None, {})), "qeury"),
        (_observer(on_retrieve_start=(_later, {})), "async"),
        (_observer(on_retrieve_end=(_around, {"wrapper": True})), "wrapper"),
        (_observer(on_retrieve_end=(_around, {"hookwrapper": True})), "wrapper"),
    ],
)
def test_a_hook_that_could_not_be_called_is_refused(plugin, told):
    import pluggy

    from retrieverkit_core import new_plugin_manager

    with pytest.raises(ConfigError, match=told):
        Observers.of(plugin)
    recorder = Recorder()
    observers = Observers.of(recorder)
    with pytest.raises(ConfigError, match=told):
        observers.add(plugin, "the plugin")
    Answers([], hooks=observers).retrieve("q")
    assert len(recorder.events) == 2
    manager = new_plugin_manager()
    try:
        manager.register(plugin)
    except pluggy.PluginValidationError:
        return
    with pytest.raises(ConfigError, match=told):
        Answers([], hooks=manager)


def test_an_observer_is_not_taken_twice():
    recorder = Recorder()
    with pytest.raises(ConfigError, match="already"):
        Observers.of(recorder, recorder)


@pytest.mark.parametrize("how", ["sync", "async", "batch"])
def test_what_an_observer_changes_nobody_else_sees(how, make_hit):
    class Meddles:
        @hookimpl
        def on_retrieve_end(self, result):
            result[0].node.text = "changed"
            result[0].node.metadata["tenant"] = "other"
            result[0].score = 7.0
            result.reverse()
            result.append(make_hit("foreign"))
            result.warnings += ("made up",)
            result.clear()

    recorder = Recorder()
    hits = [make_hit("a", 2.0, tenant="own"), make_hit("b", 1.0)]
    result = ask(how, Answers(hits, hooks=Observers.of(recorder, Meddles())), "q")
    assert [(hit.node_id, hit.score, hit.text) for hit in result] == [("a", 2.0, "text of a"), ("b", 1.0, "text of b")]
    assert result[0].metadata == {"tenant": "own"}
    assert result.warnings == ()
    assert recorder.events[-1][2] == 2


def test_observers_are_loaded_off_the_event_loop():
    import threading

    loaded_in = []

    class Late(Observers):
        loaded = False

        def load(self):
            loaded_in.append(threading.get_ident())
            self.loaded = True

    async def main():
        retriever = Answers([], hooks=Late())
        await retriever.aretrieve("q")
        await retriever.aretrieve("q")
        return threading.get_ident()

    loop_thread = asyncio.run(main())
    assert len(loaded_in) == 1
    assert loop_thread not in loaded_in
