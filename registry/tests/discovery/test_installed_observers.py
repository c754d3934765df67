"""An installed observer that cannot watch stops no retrieval, and every result says that it does not watch."""

import asyncio
import sys
import threading

import pytest

from retrieverkit import Document, Index
from retrieverkit.observing import shared_observers

GROUP = "retrieverkit.observers"
GOOD = """
from retrieverkit_core import hookimpl

class Counts:
    starts = 0

    @hookimpl
    def on_retrieve_start(self, query):
        self.starts += 1

plugin = Counts()
"""


@pytest.fixture
def retriever(site, discovery):
    """Builds a retriever of a mode that finds nothing, watched by what is installed."""
    site.add("dist-mode", "alpha")
    with Index.from_documents([Document("x")], discovery=discovery) as index:
        yield lambda: index.as_retriever("alpha")


@pytest.mark.parametrize(
    ("good", "wrong", "told"),
    [
        ("(self, query)", "(self, quary)", "quary"),
        ("def on_retrieve_start", "def on_retrieve_stort", "on_retrieve_stort"),
        (
            "@hookimpl\n    def on_retrieve_start(self, query):\n        self.starts += 1",
            "@hookimpl(wrapper=True)\n    def on_retrieve_start(self, query):\n        return (yield)",
            "wrapper",
        ),
        ("def on_retrieve_start", "async def on_retrieve_start", "async"),
        ("plugin = Counts()", "raise SystemExit(3)", "SystemExit"),
        (
            "plugin = Counts()",
            "class Odd(Counts):\n    @property\n    def x(self): raise SystemExit\nplugin = Odd()",
            "",
        ),
    ],
)
def test_one_that_cannot_watch_is_its_own_failure(site, retriever, good, wrong, told):
    assert good in GOOD
    module = site.add("dist-good", "good", GOOD, group=GROUP)
    site.add("dist-wrong", "wrong", GOOD.replace(good, wrong), group=GROUP)
    made = retriever()
    for _ in range(3):
        warnings = "\n".join(made.retrieve("q").warnings)
        assert told in warnings and ("wrong" in warnings or not told)
    assert sys.modules[module].plugin.starts == 3


def test_one_object_under_two_names_watches_once_and_says_so(site, retriever):
    module = site.add("dist-good", "good", GOOD, group=GROUP)
    site.add("dist-twice", "twice", GOOD, group=GROUP, value=f"{module}:plugin")
    result = retriever().retrieve("q")
    assert len(result.warnings) == 1 and "twice" in result.warnings[0]
    assert sys.modules[module].plugin.starts == 1


def test_loading_is_done_once_and_not_on_the_event_loop(site, discovery, retriever, monkeypatch):
    module = site.add("dist-good", "good", GOOD, group=GROUP)
    loaders, load = [], discovery.load_observer
    monkeypatch.setattr(discovery, "load_observer", lambda name: loaders.append(threading.get_ident()) or load(name))
    made = retriever()
    observers = shared_observers(discovery)
    assert not observers.loaded
    asyncio.run(made.aretrieve("q"))
    assert observers.loaded and len(loaders) == 1 and loaders[0] != threading.get_ident()
    observers.load()
    made.retrieve("q")
    assert sys.modules[module].plugin.starts == 2 and len(loaders) == 1
