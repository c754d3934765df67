"""`Discovery`: from a name or a spec to a loaded plugin and a built retriever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from retrieverkit.discovery.catalog import Catalog
from retrieverkit.discovery.claims import MODES, OBSERVERS, Claim
from retrieverkit.discovery.listing import Row, list_rows
from retrieverkit.discovery.loading import ClaimImport
from retrieverkit.discovery.selection import Selection
from retrieverkit_core.errors import PluginError

if TYPE_CHECKING:
    import pluggy

    from retrieverkit.discovery.mode_plugin import ModePlugin
    from retrieverkit_core.plugin import BuildContext
    from retrieverkit_core.retriever import BaseRetriever
    from retrieverkit_core.spec import RetrieverSpec

Loaded = TypeVar("Loaded")


class Discovery:
    """Finds plugins, loads one when it is asked for, and builds retrievers with it.

    Nothing is read before the first question and nothing is imported before a plugin is asked for. It may be used
    from many threads.

    Attributes:
        catalog: The claims.
    """

    def __init__(self) -> None:
        self.catalog = Catalog()
        self._manager: pluggy.PluginManager | None = None
        self._lock = threading.RLock()
        self._imports: dict[Claim, ClaimImport] = {}
        self._modes: dict[Claim, ModePlugin] = {}
        self._outcomes: dict[Claim, PluginError | None] = {}

    @property
    def manager(self) -> pluggy.PluginManager:
        """The loaded mode plugins, registered as ``dist:mode``."""
        from retrieverkit_core.observers import new_plugin_manager

        with self._lock:
            if self._manager is None:
                self._manager = new_plugin_manager()
            return self._manager

    def refresh(self) -> None:
        """Read the installed distributions again, for example after ``pip install`` in a notebook."""
        self.catalog.refresh()
        with self._lock:
            current = {claim: load for claim, load in self._imports.items() if claim.source is None}
            self._imports = current
            self._modes = {claim: mode for claim, mode in self._modes.items() if claim in current}
            self._outcomes = {claim: told for claim, told in self._outcomes.items() if claim in current}

    def register_mode(self, name: str, plugin: object, *, override: bool = False) -> None:
        """Add a mode for as long as the program runs.

        Args:
            name: The mode.
            plugin: The plugin object, or where it is as ``"package.module:object"``.
            override: Whether it may take the place of another plugin with that mode.

        Raises:
            ConfigError: The name or path cannot be used, or another plugin has the mode.
        """
        self.catalog.register(name, plugin, override=override)

    def rows(self, group: str = MODES) -> Sequence[Row]:
        """Return what is installed in a group, with its state. Imports nothing."""
        return list_rows(self.catalog, dict(self._outcomes), group)

    def failures(self) -> Sequence[PluginError]:
        """Return the errors of the plugins that were asked for and could not be loaded."""
        return [error for error in dict(self._outcomes).values() if error is not None]

    def has_mode(self, name: str) -> bool:
        """Return whether a plugin that is not blocked provides the mode. Imports nothing."""
        selection = Selection.from_environment()
        claims = self.catalog.claims(MODES).get(name, ())
        return any(claim.is_valid and not selection.why_blocked(claim) for claim in claims)

    def mode(self, name: str, provider: str | None = None, prefer: Mapping[str, str] | None = None) -> ModePlugin:
        """Return the plugin of a mode, loaded.

        Args:
            name: The mode.
            provider: The distribution that it must come from.
            prefer: The distribution to use for a mode that several provide.

        Raises:
            ConfigError: No plugin, or more than one, provides the mode.
            PluginError: The plugin is blocked or broken.
        """
        return self.load_mode(self.catalog.resolve_claim(name, provider, prefer))

    def build(
        self, spec: RetrieverSpec, context: BuildContext, prefer: Mapping[str, str] | None = None
    ) -> BaseRetriever:
        """Return the retriever that a spec describes.

        Args:
            spec: The spec.
            context: What to build with; its mode and distribution are set to the plugin's.
            prefer: The distribution to use for a mode that several provide.

        Raises:
            ConfigError: The mode or an option is wrong.
            PluginError: The plugin is blocked or broken, or its answer is.
        """
        from retrieverkit.discovery.build import build_retriever, validated_options

        plugin = self.mode(spec.mode, spec.provider, prefer)
        return build_retriever(plugin, spec, validated_options(plugin.spec, spec), context)

    def observer_names(self) -> Sequence[str]:
        """Return the observers that are not blocked, as ``dist:name``."""
        selection = Selection.from_environment()
        claims = [claim for found in self.catalog.claims(OBSERVERS).values() for claim in found]
        return [claim.qualified_name for claim in claims if claim.is_valid and not selection.why_blocked(claim)]

    def load_observer(self, qualified_name: str) -> object:
        """Return an observer.

        Args:
            qualified_name: One of `observer_names`.

        Raises:
            PluginError: It does not load.
            ConfigError: There is none by that name.
        """
        provider, _, name = qualified_name.rpartition(":")
        return self.load(OBSERVERS, name, provider)

    def load(
        self, group: str, name: str, provider: str | None = None, prefer: Mapping[str, str] | None = None
    ) -> object:
        """Return the object behind a name in a group, such as an embedding, as its entry point names it.

        Raises:
            ConfigError: No plugin, or more than one, provides it.
            PluginError: It is blocked or does not load.
        """
        claim = self.catalog.resolve_claim(name, provider, prefer, group=group)
        return self._remember(claim, lambda: self._import(claim).result())

    def load_mode(self, claim: Claim) -> ModePlugin:
        """Return the plugin of a claim on a mode, loaded and checked.

        Raises:
            PluginError: It does not load, or is not a mode plugin.
        """
        loaded = self._modes.get(claim)
        return loaded if loaded is not None else self._remember(claim, lambda: self._load_mode(claim))

    def _load_mode(self, claim: Claim) -> ModePlugin:
        from retrieverkit.discovery.mode_plugin import register

        plugin = self._import(claim).result()
        with self._lock:
            self._modes[claim] = loaded = register(plugin, claim, self.manager)
        return loaded

    def _import(self, claim: Claim) -> ClaimImport:
        with self._lock:
            return self._imports.setdefault(claim, ClaimImport(claim))

    def _remember(self, claim: Claim, load: Callable[[], Loaded]) -> Loaded:
        try:
            loaded = load()
        except PluginError as error:
            self._outcomes[claim] = error
            raise
        self._outcomes[claim] = None
        return loaded


_SHARED = Discovery()


def shared_discovery() -> Discovery:
    """Return the discovery of this process, where programs register their own modes."""
    return _SHARED
