"""Observers found through the ``retrieverkit.observers`` entry points, loaded at the first retrieval."""

from __future__ import annotations

import logging
import threading
from functools import cache
from typing import TYPE_CHECKING

from retrieverkit_core.errors import PluginError
from retrieverkit_core.observers import Observers, new_plugin_manager

if TYPE_CHECKING:
    from retrieverkit.discovery import Discovery
    from retrieverkit_core.query import QueryBundle
    from retrieverkit_core.retriever import BaseRetriever

logger = logging.getLogger("retrieverkit")


class DiscoveredObservers(Observers):
    """The installed observers. One that does not load is reported on every result: somebody counts on it."""

    def __init__(self, discovery: Discovery) -> None:
        super().__init__(new_plugin_manager())
        self._discovery = discovery
        self._lock = threading.Lock()
        self._loaded = False
        self.load_problems: list[str] = []

    @property
    def active(self) -> bool:
        """Whether anybody watches, or should."""
        if not self._loaded:
            self._load()
        return bool(self.load_problems) or super().active

    def start(self, retriever: BaseRetriever, query: QueryBundle) -> list[str]:
        """Tell every observer of a start; return what went wrong, one line an observer."""
        if not self._loaded:
            self._load()
        return [*self.load_problems, *super().start(retriever, query)]

    def _load(self) -> None:
        with self._lock:
            if self._loaded:
                return
            for name in self._discovery.observer_names():
                try:
                    self._manager.register(self._discovery.load_observer(name), name=name)
                except PluginError as error:
                    logger.warning("%s", error)
                    self.load_problems.append(str(error).split("\n")[0])
            self._loaded = True


@cache
def shared_observers(discovery: Discovery) -> DiscoveredObservers:
    """Return the one set of observers of a discovery."""
    return DiscoveredObservers(discovery)
