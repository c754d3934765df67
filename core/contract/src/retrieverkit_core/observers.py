"""Plugins that watch retrievals. One that raises stops neither the others nor the retrieval."""

from __future__ import annotations

import inspect
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

import pluggy

from retrieverkit_core import hookspecs
from retrieverkit_core.errors import ConfigError, near_matches, shorten
from retrieverkit_core.markers import PROJECT

if TYPE_CHECKING:
    from retrieverkit_core.query import QueryBundle
    from retrieverkit_core.result import RetrievalResult
    from retrieverkit_core.retriever import BaseRetriever

logger = logging.getLogger("retrieverkit")

HOOKS = ("on_retrieve_start", "on_retrieve_end")


def new_plugin_manager() -> pluggy.PluginManager:
    """Return a plugin manager that knows the three hookspecs."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


class Observers:
    """Calls ``on_retrieve_start`` and ``on_retrieve_end`` on each plugin of a manager, each on its own.

    Args:
        manager: A plugin manager that knows the hookspecs; a new one if None.

    Attributes:
        failures: How often each plugin has raised.

    Raises:
        ConfigError: A plugin of the manager has a hook that could not be called.
    """

    def __init__(self, manager: pluggy.PluginManager | None = None) -> None:
        self._manager = new_plugin_manager() if manager is None else manager
        self.failures: Counter[str] = Counter()
        for name, plugin in self._manager.list_name_plugin():
            if plugin is not None:
                self._check(plugin, name)

    @classmethod
    def of(cls, *plugins: object) -> Observers:
        """Return observers made of plugin objects.

        Raises:
            ConfigError: A plugin has a hook that could not be called, or is given twice.
        """
        observers = cls()
        for plugin in plugins:
            observers.add(plugin)
        return observers

    def add(self, plugin: object, name: str | None = None) -> None:
        """Let a plugin watch from now on.

        Args:
            plugin: An object whose hooks are marked with `hookimpl`.
            name: What it is called in messages.

        Raises:
            ConfigError: A hook is misspelt, takes an argument that there is not, is a wrapper or ``async``, or the
                plugin is there already.
        """
        try:
            known = self._manager.register(plugin, name=name)
        except pluggy.PluginValidationError as error:
            if self._manager.is_registered(plugin):  # older versions of pluggy keep what does not fit
                self._manager.unregister(plugin)
            raise _unusable(name or _called(plugin), shorten(error, 300)) from error
        except ValueError as error:
            raise ConfigError(f"observer {name or _called(plugin)} watches already", fix="pass it once") from error
        try:
            self._check(plugin, known or name or _called(plugin))
        except ConfigError:
            self._manager.unregister(plugin)
            raise

    @property
    def loaded(self) -> bool:
        """Whether every observer is there; if not, `load` may take a while."""
        return True

    def load(self) -> None:
        """Import what has to be imported; safe to call again."""

    @property
    def active(self) -> bool:
        """Whether anybody watches."""
        hook = self._manager.hook
        return bool(hook.on_retrieve_start.get_hookimpls() or hook.on_retrieve_end.get_hookimpls())

    def start(self, retriever: BaseRetriever, query: QueryBundle) -> list[str]:
        """Tell every observer of a start; return what went wrong, one line per observer."""
        return self._call(self._manager.hook.on_retrieve_start, {"retriever": retriever, "query": query})

    def end(
        self,
        retriever: BaseRetriever,
        query: QueryBundle,
        result: RetrievalResult | None,
        error: BaseException | None,
        elapsed: float,
    ) -> list[str]:
        """Tell every observer of an end; return what went wrong, one line per observer.

        Each observer has a copy of the result: what it changes there, nobody else sees.
        """
        told = {"retriever": retriever, "query": query, "result": result, "error": error, "elapsed": elapsed}
        return self._call(self._manager.hook.on_retrieve_end, told)

    def _call(self, hook: pluggy.HookCaller, told: dict[str, Any]) -> list[str]:
        problems: list[str] = []
        for impl in reversed(hook.get_hookimpls()):
            try:
                impl.function(*[_copied(told[name]) if name == "result" else told[name] for name in impl.argnames])
            except (Exception, SystemExit) as error:
                self.failures[impl.plugin_name] += 1
                logger.exception("observer %s failed in %s", impl.plugin_name, hook.name)
                problems.append(f"observer {impl.plugin_name} failed in {hook.name}: {shorten(repr(error))}")
        return problems

    def _check(self, plugin: object, name: str) -> None:
        """Raise for a hook that pluggy takes and that would never be called, or never run."""
        for hook in self._manager.get_hookcallers(plugin) or ():
            if not hook.has_spec():
                near = near_matches(hook.name, (*HOOKS, "make_retriever"))
                raise _unusable(name, f"there is no hook {hook.name}", f"did you mean {near[0]}? " if near else "")
            for impl in hook.get_hookimpls():
                if impl.plugin is not plugin:
                    continue
                if impl.wrapper or impl.hookwrapper:
                    raise _unusable(name, f"{hook.name} is a wrapper, and observers are not wrapped around each other")
                if inspect.iscoroutinefunction(impl.function) or inspect.isasyncgenfunction(impl.function):
                    raise _unusable(name, f"{hook.name} is async, and hooks are called from sync code too")


_FIX = "the hooks are on_retrieve_start and on_retrieve_end; name their arguments as the hookspecs do"


def _unusable(name: str, problem: str, hint: str = "") -> ConfigError:
    return ConfigError(f"observer {name} cannot be used: {problem}", fix=hint + _FIX)


def _called(plugin: object) -> str:
    return getattr(plugin, "__name__", None) or type(plugin).__name__


def _copied(result: RetrievalResult | None) -> RetrievalResult | None:
    return None if result is None else result.copied()
