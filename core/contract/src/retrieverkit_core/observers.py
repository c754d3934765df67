"""Plugins that watch retrievals. One that raises stops neither the others nor the retrieval."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

import pluggy

from retrieverkit_core import hookspecs
from retrieverkit_core.errors import ConfigError, shorten
from retrieverkit_core.markers import PROJECT

if TYPE_CHECKING:
    from retrieverkit_core.query import QueryBundle
    from retrieverkit_core.result import RetrievalResult
    from retrieverkit_core.retriever import BaseRetriever

logger = logging.getLogger("retrieverkit")


def new_plugin_manager() -> pluggy.PluginManager:
    """Return a plugin manager that knows the three hookspecs."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


class Observers:
    """Calls ``on_retrieve_start`` and ``on_retrieve_end`` on each plugin of a manager, each on its own.

    Attributes:
        failures: How often each plugin has raised.
    """

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self._manager = manager
        self.failures: Counter[str] = Counter()

    @classmethod
    def of(cls, *plugins: object) -> Observers:
        """Return observers made of plugin objects.

        Raises:
            ConfigError: A plugin implements a hook that does not exist.
        """
        manager = new_plugin_manager()
        for plugin in plugins:
            manager.register(plugin)
        try:
            manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise ConfigError(str(error), fix="the hooks are on_retrieve_start and on_retrieve_end") from error
        return cls(manager)

    @property
    def active(self) -> bool:
        """Whether anybody watches."""
        hook = self._manager.hook
        return bool(hook.on_retrieve_start.get_hookimpls() or hook.on_retrieve_end.get_hookimpls())

    def start(self, retriever: BaseRetriever, query: QueryBundle) -> list[str]:
        """Tell every observer of a start; return what went wrong, one line an observer."""
        return self._call(self._manager.hook.on_retrieve_start, {"retriever": retriever, "query": query})

    def end(
        self,
        retriever: BaseRetriever,
        query: QueryBundle,
        result: RetrievalResult | None,
        error: BaseException | None,
        elapsed: float,
    ) -> list[str]:
        """Tell every observer of an end; return what went wrong, one line an observer."""
        told = {"retriever": retriever, "query": query, "result": result, "error": error, "elapsed": elapsed}
        return self._call(self._manager.hook.on_retrieve_end, told)

    def _call(self, hook: pluggy.HookCaller, told: dict[str, Any]) -> list[str]:
        problems: list[str] = []
        for impl in reversed(hook.get_hookimpls()):
            try:
                impl.function(*[told[name] for name in impl.argnames])
            except (Exception, SystemExit) as error:
                self.failures[impl.plugin_name] += 1
                logger.exception("observer %s failed in %s", impl.plugin_name, hook.name)
                problems.append(f"observer {impl.plugin_name} failed in {hook.name}: {shorten(repr(error))}")
        return problems
