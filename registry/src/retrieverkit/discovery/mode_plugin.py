"""A loaded mode plugin, and what it must be to be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pluggy
from pydantic import BaseModel

from retrieverkit.discovery.claims import OBSERVERS, Claim
from retrieverkit_core import hookspecs
from retrieverkit_core.errors import PluginContractError, PluginError, PluginVersionError, near_matches, shorten
from retrieverkit_core.plugin import MIN_PLUGIN_API, PLUGIN_API, ModeSpec

if TYPE_CHECKING:
    from retrieverkit_core.plugin import BuildContext

HOOKS = ("make_retriever", "on_retrieve_start", "on_retrieve_end")


@dataclass(frozen=True, eq=False)
class ModePlugin:
    """A plugin that keeps the contract.

    Attributes:
        claim: Where it comes from.
        plugin: The plugin object.
        spec: What it declares.
        manager: Where it is registered, as ``dist:mode``.
    """

    claim: Claim
    plugin: object
    spec: ModeSpec
    manager: pluggy.PluginManager

    @property
    def note(self) -> str:
        """What to say about the plugin on its results, or an empty string."""
        if self.spec.plugin_api >= PLUGIN_API:
            return ""
        return (
            f"{self.claim.described} is made for plugin API {self.spec.plugin_api}, which a later version of "
            f"RetrieverKit will refuse (this is {PLUGIN_API}): pip install --upgrade {self.claim.distribution}"
        )

    def make_retriever(self, options: BaseModel, context: BuildContext) -> Any:
        """Ask this plugin alone to build a retriever, and return what it answers."""
        others = [plugin for _, plugin in self.manager.list_name_plugin() if plugin is not self.plugin]
        hook = self.manager.subset_hook_caller(hookspecs.make_retriever.__name__, others)
        return hook(mode=self.spec.name, options=options, context=context)


def register(plugin: object, claim: Claim, manager: pluggy.PluginManager) -> ModePlugin:
    """Check a plugin object and register it as ``dist:mode``.

    Raises:
        PluginVersionError: It is made for another plugin API.
        PluginContractError: It is not a mode plugin.
    """
    name = claim.qualified_name
    try:
        spec = _checked_spec(plugin, claim)
        if manager.get_plugin(name) is not plugin:
            if manager.has_plugin(name):
                manager.unregister(name=name)
            if not manager.is_registered(plugin):
                _register(plugin, name, claim, manager)
    except PluginError:
        raise
    except (Exception, SystemExit) as error:  # the plugin's own attributes run code
        raise _broken(claim, f"raised {type(error).__name__}: {shorten(error, 200)}") from error
    return ModePlugin(claim=claim, plugin=plugin, spec=spec, manager=manager)


def _checked_spec(plugin: object, claim: Claim) -> ModeSpec:
    spec = getattr(plugin, "spec", None)
    if not isinstance(spec, ModeSpec):
        kind = f"{type(plugin).__name__} {shorten(repr(plugin), 60)}"
        raise _broken(claim, f"is {kind}, which has no ModeSpec as its 'spec'")
    if not MIN_PLUGIN_API <= spec.plugin_api <= PLUGIN_API:
        older = spec.plugin_api < MIN_PLUGIN_API
        raise PluginVersionError(
            f"{claim.described} is made for plugin API {spec.plugin_api}, here is {_spoken()}",
            mode=claim.name,
            distribution=claim.label,
            fix=f"pip install --upgrade {claim.distribution if older else 'retrieverkit retrieverkit-core'}",
        )
    if spec.name != claim.name:
        raise _broken(claim, f"declares the mode {shorten(spec.name)!r} under the entry point {claim.name!r}")
    if not (isinstance(spec.options, type) and issubclass(spec.options, BaseModel)):
        raise _broken(claim, "declares options that are not a pydantic model")
    if spec.options.model_config.get("extra") != "forbid":
        raise _broken(claim, 'declares options that swallow unknown names; set extra="forbid"')
    hash(plugin)
    return spec


def _spoken() -> str:
    return str(PLUGIN_API) if MIN_PLUGIN_API == PLUGIN_API else f"{MIN_PLUGIN_API} to {PLUGIN_API}"


def _register(plugin: object, name: str, claim: Claim, manager: pluggy.PluginManager) -> None:
    if not (hasattr(plugin, "make_retriever") and manager.parse_hookimpl_opts(plugin, "make_retriever")):
        raise _broken(claim, "has no make_retriever marked with @hookimpl")
    try:
        manager.register(plugin, name=name)
        _refuse_other_hooks(plugin, claim, manager)
    except BaseException:
        if manager.has_plugin(name):
            manager.unregister(name=name)
        raise


def _refuse_other_hooks(plugin: object, claim: Claim, manager: pluggy.PluginManager) -> None:
    """Refuse hooks that would never be called: misspelt ones, and an observer's."""
    for hook in manager.get_hookcallers(plugin) or ():
        if hook.has_spec() and hook.name != hookspecs.make_retriever.__name__:
            raise _broken(claim, f"implements {hook.name!r}; observers are named under {OBSERVERS!r} of their own")
        optional = all(impl.optionalhook for impl in hook.get_hookimpls() if impl.plugin is plugin)
        if not hook.has_spec() and not optional:
            near = near_matches(hook.name, HOOKS)
            told = f"; did you mean {near[0]!r}?" if near else f"; the hooks are {', '.join(HOOKS)}"
            raise _broken(claim, f"implements the hook {hook.name!r}, which does not exist{told}")


def _broken(claim: Claim, problem: str) -> PluginContractError:
    return PluginContractError(
        f"{claim.described} {problem}",
        mode=claim.name,
        distribution=claim.label,
        fix=f"this is an error in {claim.distribution}; update it or tell its author",
    )
