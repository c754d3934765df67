"""What the environment says about plugins: which to use, which to block, and which to prefer.

- ``RETRIEVERKIT_PLUGINS``: only these distributions, by comma; empty for none. Unset for all.
- ``RETRIEVERKIT_BLOCK``: distributions and ``mode:NAME`` not to use.
- ``RETRIEVERKIT_PREFER``: ``mode=distribution`` for modes that several distributions provide.
- ``RETRIEVERKIT_LOAD_TIMEOUT``: seconds for a plugin's import, 30 unless set; 0 for no limit.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from dataclasses import dataclass

from retrieverkit.discovery.claims import MODES, RUNTIME, Claim
from retrieverkit_core.errors import ConfigError, near_matches, shorten
from retrieverkit_core.spec import MODE, PROVIDER, normal_provider

ONLY, BLOCK, PREFER, LOAD_TIMEOUT = (
    "RETRIEVERKIT_PLUGINS",
    "RETRIEVERKIT_BLOCK",
    "RETRIEVERKIT_PREFER",
    "RETRIEVERKIT_LOAD_TIMEOUT",
)
_DEFAULT_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Selection:
    """The environment's choice of plugins.

    Attributes:
        only: The distributions to use, or None for all.
        blocked: The distributions not to use.
        blocked_modes: The modes not to use.
        preferred: The distribution to use for a mode.
    """

    only: frozenset[str] | None
    blocked: frozenset[str]
    blocked_modes: frozenset[str]
    preferred: dict[str, str]

    @property
    def is_empty(self) -> bool:
        """Whether the environment says nothing."""
        return not (self.only or self.blocked or self.blocked_modes or self.preferred)

    @classmethod
    def from_environment(cls) -> Selection:
        """Return what the environment says now.

        Raises:
            ConfigError: A variable cannot be read.
        """
        only = None if ONLY not in os.environ else frozenset(_distribution(ONLY, name) for name in _items(ONLY))
        modes = {item.removeprefix("mode:") for item in _items(BLOCK) if item.startswith("mode:")}
        blocked = {_distribution(BLOCK, item) for item in _items(BLOCK) if not item.startswith("mode:")}
        return cls(
            only=only,
            blocked=frozenset(blocked),
            blocked_modes=frozenset(_mode(BLOCK, name) for name in modes),
            preferred=dict(_preference(item) for item in _items(PREFER)),
        )

    def unknown(self, modes: Collection[str], names: Collection[str], distributions: Collection[str]) -> list[str]:
        """Return what the variables name that is not there: a block that blocks nothing may be misspelt.

        Args:
            modes: The modes that are installed or known.
            names: These and the names in the other groups.
            distributions: The distributions with plugins that are installed or known, by their normal names.
        """
        told = [
            _not_there(BLOCK, f"mode:{name}", [f"mode:{mode}" for mode in modes])
            for name in sorted(self.blocked_modes.difference(modes))
        ]
        told += [_not_there(BLOCK, name, distributions) for name in sorted(self.blocked.difference(distributions))]
        told += [
            _not_there(ONLY, name, distributions)
            for name in sorted((self.only or frozenset()).difference(distributions))
        ]
        for name, distribution in self.preferred.items():
            if name not in names:
                told.append(_not_there(PREFER, name, names))
            elif distribution not in distributions:
                told.append(_not_there(PREFER, distribution, distributions))
        return told

    def why_blocked(self, claim: Claim) -> str:
        """Return the setting that switches ``claim`` off, or an empty string."""
        if claim.group == MODES and claim.name in self.blocked_modes:
            return f"{BLOCK} names mode:{claim.name}"
        if self.blocked and normal_provider(claim.distribution) in self.blocked:
            return f"{BLOCK} names {claim.distribution}"
        if self.only is not None and claim.distribution != RUNTIME:
            return "" if normal_provider(claim.distribution) in self.only else f"{ONLY} does not name it"
        return ""


def load_timeout() -> float:
    """Return how many seconds a plugin's import may take; 0 for no limit.

    Raises:
        ConfigError: The variable is not such a number.
    """
    written = os.environ.get(LOAD_TIMEOUT, "").strip()
    try:
        seconds = float(written) if written else _DEFAULT_TIMEOUT
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < 1e6:
        raise _unreadable(LOAD_TIMEOUT, written, "a number of seconds, or 0 for no limit")
    return seconds


def _not_there(variable: str, name: str, known: Collection[str]) -> str:
    near = near_matches(name, known)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{variable} names {shorten(name)}, which is not installed, so it changes nothing{hint}"


def _items(variable: str) -> list[str]:
    return [item.strip() for item in os.environ.get(variable, "").split(",") if item.strip()]


def _distribution(variable: str, name: str) -> str:
    if not PROVIDER.fullmatch(name):
        raise _unreadable(variable, name, "names of distributions, by comma")
    return normal_provider(name)


def _mode(variable: str, name: str) -> str:
    mode = name.strip().replace("-", "_")
    if not MODE.fullmatch(mode):
        raise _unreadable(variable, name, "the name of a mode after 'mode:' or before '='")
    return mode


def _preference(item: str) -> tuple[str, str]:
    mode, equals, distribution = item.partition("=")
    if not equals:
        raise _unreadable(PREFER, item, "mode=distribution, for example bm25=retrieverkit-bm25")
    return _mode(PREFER, mode), _distribution(PREFER, distribution.strip())


def _unreadable(variable: str, written: str, expected: str) -> ConfigError:
    return ConfigError(f"{variable}: {shorten(written)!r} cannot be read", fix=f"it takes {expected}")
