"""The catalog: who claims which name, and which claim is meant by a name. It imports no plugin."""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

from retrieverkit.discovery.claims import GROUPS, KINDS, MODES, RUNTIME, Claim
from retrieverkit.discovery.known_modes import KNOWN_MODES
from retrieverkit.discovery.scan import Installed, read_installed
from retrieverkit.discovery.selection import PREFER, Selection
from retrieverkit.names_elsewhere import MODE_ALIASES
from retrieverkit_core.errors import (
    ConfigError,
    ModeConflictError,
    PluginBlockedError,
    PluginContractError,
    UnknownModeError,
    near_matches,
    shorten,
)
from retrieverkit_core.spec import mode_name, normal_provider

_OBJECT_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


class Catalog:
    """The claims of the installed distributions and of the running program.

    The distributions are read once, at the first question; `refresh` reads them again.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._installed: Installed | None = None
        self._registered: dict[str, Claim] = {}

    def refresh(self) -> None:
        """Forget what was read, for example after ``pip install`` in a notebook."""
        importlib.invalidate_caches()
        with self._lock:
            self._installed = None

    @property
    def installed(self) -> Installed:
        """What the installed distributions claim."""
        with self._lock:
            if self._installed is None:
                self._installed = read_installed()
            return self._installed

    @property
    def unreadable(self) -> Sequence[tuple[str, str]]:
        """Distributions whose entry points cannot be read, each with the problem."""
        return tuple(self.installed.unreadable)

    def claims(self, group: str = MODES) -> Mapping[str, Sequence[Claim]]:
        """Return every claim of a group by the claimed name, sorted; those with an invalid name too."""
        claims = {name: list(found) for name, found in self.installed.claims[group].items()}
        with self._lock:
            registered = dict(self._registered) if group == MODES else {}
        for name, claim in registered.items():
            claims[name] = [claim] if claim.override else [claim, *claims.get(name, ())]
        return dict(sorted(claims.items()))

    def unknown_in_environment(self) -> list[str]:
        """Return what the environment says about plugins and modes that are not there, one line per name."""
        selection = Selection.from_environment()
        if selection.is_empty:
            return []
        groups = [self.claims(group) for group in GROUPS]
        distributions = {
            normal_provider(claim.distribution) for group in groups for claims in group.values() for claim in claims
        }
        modes = {*self.claims(), *KNOWN_MODES}
        names = modes.union(*groups)
        return selection.unknown(modes, names, distributions | set(KNOWN_MODES.values()))

    def checked_preference(self, prefer: Mapping[str, str]) -> dict[str, str]:
        """Return a program's choice of distributions with its modes as they are written.

        Raises:
            ConfigError: No installed or known mode has that name.
        """
        known = {*self.claims(), *KNOWN_MODES}
        checked = {}
        for name, distribution in prefer.items():
            mode = mode_name(name, text=name, column=1)
            if mode not in known:
                near = near_matches(mode, known)
                told = f"did you mean {near[0]!r}? " if near else ""
                raise ConfigError(
                    f"prefer names the mode {shorten(name)!r}, which is not there",
                    fix=f"{told}installed modes: {', '.join(self.claims())}",
                )
            checked[mode] = distribution
        return checked

    def register(self, name: str, plugin: object, *, override: bool = False) -> Claim:
        """Add a mode for as long as the program runs.

        Args:
            name: The mode.
            plugin: The plugin object, or where it is as ``"package.module:object"``.
            override: Whether it may take the place of another plugin with that mode.

        Returns:
            The claim, which is the same when the same plugin is registered again.

        Raises:
            ConfigError: The name or path cannot be used, or another plugin has the mode.
        """
        mode = mode_name(name, text=name, column=1)
        if isinstance(plugin, str) and not _OBJECT_PATH.fullmatch(plugin):
            raise ConfigError(f"{shorten(plugin)!r} names no object", fix="write it as 'package.module:object'")
        path, thing = (plugin, None) if isinstance(plugin, str) else ("", plugin)
        claim = Claim(group=MODES, name=mode, value=path, registered=thing, override=override)
        with self._lock:
            before = self._registered.get(mode)
            if before is not None and before.registered is thing and before.value == path:
                if override and not before.override:
                    self._registered[mode] = replace(before, override=True)
                return self._registered[mode]
            others = [before] if before is not None else self.claims().get(mode, ())
            if others and not override:
                raise ConfigError(
                    f"mode {mode!r} is provided by {' and by '.join(other.label for other in others)} already",
                    fix="choose another name, or pass override=True",
                )
            self._registered[mode] = claim
        return claim

    def resolve_claim(
        self,
        name: str,
        provider: str | None = None,
        prefer: Mapping[str, str] | None = None,
        *,
        group: str = MODES,
    ) -> Claim:
        """Return the one claim that is meant by a name.

        Args:
            name: The mode, or the name of an observer, embedding or language model.
            provider: The distribution that it must come from, as in ``"dist:mode"``.
            prefer: The distribution to use for a name; it goes before ``RETRIEVERKIT_PREFER``.
            group: The entry-point group.

        Raises:
            UnknownModeError: Nobody provides the mode.
            ModeConflictError: Several distributions do, and nothing says which to use.
            PluginBlockedError: Whoever provides it is switched off.
            PluginContractError: One distribution claims the name twice.
            ConfigError: The same for what is not a mode.
        """
        name = name.replace("-", "_") if group == MODES else name
        selection = Selection.from_environment()
        claimants = [claim for claim in self.claims(group).get(name, ()) if claim.is_valid]
        if not claimants:
            raise self._unknown(name, group)
        provider, chosen_by = _chosen_provider(name, provider, prefer, selection)
        if provider is not None:
            claimants = _provided_by(claimants, provider, chosen_by)
        allowed = [claim for claim in claimants if not selection.why_blocked(claim)]
        if not allowed:
            raise _blocked(claimants[0], selection)
        if len(allowed) > 1:
            raise _conflict(allowed)
        return allowed[0]

    def _unknown(self, name: str, group: str) -> ConfigError:
        names = [known for known, claims in self.claims(group).items() if any(claim.is_valid for claim in claims)]
        if group != MODES:
            near = near_matches(name, names)
            told = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
            listed = f"installed: {', '.join(names)}" if names else "none is installed"
            return ConfigError(f"no plugin provides the {KINDS[group]} {shorten(name)!r}", fix=told + listed)
        missing = [known for known in near_matches(name, KNOWN_MODES) if known not in names]
        detail = ""
        if missing and name not in KNOWN_MODES and not near_matches(name, names):
            detail = f"{missing[0]!r} looks like it and is not installed (pip install {KNOWN_MODES[missing[0]]})"
        meant = MODE_ALIASES.get(name)
        if meant is not None:
            detail = f"it is called {meant!r} here"
        return UnknownModeError(name, known=names, distribution=KNOWN_MODES.get(name), detail=detail, meant=meant)


def _chosen_provider(
    name: str, provider: str | None, prefer: Mapping[str, str] | None, selection: Selection
) -> tuple[str | None, str]:
    """Return the distribution to use, or None, and who says so."""
    if provider is not None:
        return provider, "the mode string"
    if prefer is not None and name in prefer:
        return prefer[name], "prefer"
    if name in selection.preferred:
        return selection.preferred[name], PREFER
    return None, ""


def _provided_by(claimants: list[Claim], provider: str, chosen_by: str) -> list[Claim]:
    found = [claim for claim in claimants if normal_provider(claim.distribution) == normal_provider(provider)]
    if found:
        return found
    name, group = claimants[0].name, claimants[0].group
    qualified = [claim.qualified_name for claim in claimants]
    if group != MODES:
        raise ConfigError(f"no {KINDS[group]} {provider}:{name} is installed", fix=f"write {' or '.join(qualified)}")
    raise UnknownModeError(
        f"{provider}:{name}", known=qualified, detail=f"{chosen_by} asks for a distribution that does not provide it"
    )


def _blocked(claim: Claim, selection: Selection) -> PluginBlockedError:
    return PluginBlockedError(
        f"{claim.described} is switched off: {selection.why_blocked(claim)}",
        mode=claim.name,
        distribution=claim.label,
        fix="change the variable in the environment",
    )


def _conflict(claims: list[Claim]) -> ConfigError | PluginContractError:
    name, group = claims[0].name, claims[0].group
    labels = [claim.label for claim in claims]
    if len({normal_provider(claim.distribution) for claim in claims}) == 1 and RUNTIME not in labels:
        values = " and ".join(claim.value for claim in claims)
        return PluginContractError(
            f"{claims[0].described} is declared twice: {values}", mode=name, distribution=labels[0]
        )
    if group != MODES:
        fix = f"write {' or '.join(claim.qualified_name for claim in claims)}"
        return ConfigError(f"the {KINDS[group]} {name!r} is claimed by {' and by '.join(labels)}", fix=fix)
    return ModeConflictError(name, labels)
