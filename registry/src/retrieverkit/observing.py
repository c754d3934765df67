"""Observers found through the ``retrieverkit.observers`` entry points, loaded at the first retrieval."""

from __future__ import annotations

import logging
import threading
from functools import cache
from typing import TYPE_CHECKING

from retrieverkit_core.errors import ConfigError, PluginError, shorten
from retrieverkit_core.observers import Observers

if TYPE_CHECKING:
    from retrieverkit.discovery import Discovery
    from retrieverkit_core.query import QueryBundle
    from retrieverkit_core.retriever import BaseRetriever

logger = logging.getLogger("retrieverkit")


class DiscoveredObservers(Observers):
    """The installed observers. One that does not load is reported on every result: somebody counts on it."""

    def __init__(self, discovery: Discovery) -> None:
        super().__init__()
        self._discovery = discovery
        self._lock = threading.Lock()
        self._loaded = False
        self.load_problems: list[str] = []

    @property
    def loaded(self) -> bool:
        """Whether the observers were imported."""
        return self._loaded

    @property
    def active(self) -> bool:
        """Whether anybody watches, or should."""
        self.load()
        return bool(self.load_problems) or super().active

    def start(self, retriever: BaseRetriever, query: QueryBundle) -> list[str]:
        """Tell every observer of a start; return what went wrong, one line per observer."""
        self.load()
        return [*self.load_problems, *super().start(retriever, query)]

    def load(self) -> None:
        """Import the observers, unless it was done; what is wrong with one of them is its own problem."""
        if self._loaded:
            return
        with self._lock:
            if self._loaded:
                return
            for name in self._discovery.observer_names():
                problem = self._problem(name)
                if problem:
                    logger.warning("%s", problem)
                    self.load_problems.append(problem)
            self._loaded = True

    def _problem(self, name: str) -> str:
        """Let one observer watch; return why it cannot, in one line, or an empty string."""
        try:
            self.add(self._discovery.load_observer(name), name=name)
        except (PluginError, ConfigError) as error:
            return error.message.split("\n")[0]
        except (Exception, SystemExit) as error:  # looking at a plugin's attributes runs its code
            return f"observer {name} cannot be used: {type(error).__name__}: {shorten(error, 200)}"
        return ""


@cache
def shared_observers(discovery: Discovery) -> DiscoveredObservers:
    """Return the one set of observers of a discovery."""
    return DiscoveredObservers(discovery)
