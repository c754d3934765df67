"""What a new plugin's parts are called."""

from __future__ import annotations

import re
from dataclasses import dataclass

from retrieverkit.discovery import KNOWN_MODES, MODES, shared_discovery
from retrieverkit_core.errors import ConfigError
from retrieverkit_core.spec import LITERALS, mode_name, normal_provider


@dataclass(frozen=True, slots=True)
class Names:
    """What a new plugin's parts are called.

    Attributes:
        mode: The mode.
        distribution: The distribution, as ``pip install`` takes it.
        module: The import package.
        title: What its classes begin with.
    """

    mode: str
    distribution: str
    module: str
    title: str


def names_for(written: str) -> Names:
    """Return the names of a plugin whose mode somebody calls ``written``; a hyphen is read as an underscore.

    Raises:
        ModeStringError: It is not a mode's name.
        ConfigError: Another distribution has the mode, or the name means a value in mode strings.
    """
    mode = mode_name(written, text=written, column=1)
    words = [word for word in mode.split("_") if word]
    names = Names(mode, "-".join(["retriever", *words]), f"retriever_{mode}", "".join(map(str.capitalize, words)))
    if mode in LITERALS:
        raise ConfigError(f"{mode!r} means a value in mode strings", fix=f"call the mode {mode}_mode, say")
    _refuse_taken(names)
    return names


def _refuse_taken(names: Names) -> None:
    claims = shared_discovery().catalog.claims(MODES).get(names.mode, ())
    others = [claim.label for claim in claims if normal_provider(claim.distribution) != names.distribution]
    if not others and names.mode in KNOWN_MODES:
        others = [KNOWN_MODES[names.mode]]
    if others:
        raise ConfigError(
            f"{others[0]} has the mode {names.mode!r} already",
            fix=f"take another name, such as {re.sub('_+$', '', names.mode)}_2",
        )
