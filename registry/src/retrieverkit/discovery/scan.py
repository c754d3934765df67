"""Reads the entry points of every installed distribution, importing none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retrieverkit.discovery.claims import GROUPS, Claim, folder_name
from retrieverkit_core.errors import shorten
from retrieverkit_core.spec import normal_provider

if TYPE_CHECKING:
    from importlib.metadata import Distribution


@dataclass
class Installed:
    """What is installed.

    Attributes:
        claims: The claims on each name, by group and name, in the order of ``sys.path``.
        unreadable: Distributions whose entry points cannot be read, each with the problem.
    """

    claims: dict[str, dict[str, list[Claim]]] = field(default_factory=lambda: {group: {} for group in GROUPS})
    unreadable: list[tuple[str, str]] = field(default_factory=list)


def read_installed() -> Installed:
    """Return the claims of every distribution on ``sys.path``; a damaged one hides no other."""
    installed = Installed()
    for source in _unshadowed():
        try:
            claims = {
                Claim(group=entry.group, name=entry.name, value=entry.value, source=source)
                for entry in {entry for entry in source.entry_points if entry.group in GROUPS}
            }
        except Exception as error:  # a distribution's files may be damaged in any way
            installed.unreadable.append((folder_name(source), shorten(f"{type(error).__name__}: {error}", 200)))
            continue
        for claim in sorted(claims, key=lambda claim: claim.value):
            installed.claims[claim.group].setdefault(claim.name, []).append(claim)
    return installed


def _unshadowed() -> Iterator[Distribution]:
    """Yield the distributions that an import would find: of two by one name, the first on ``sys.path``."""
    from importlib.metadata import distributions

    seen: set[str] = set()
    for source in distributions():
        name = _normal_name(source)
        if name not in seen:
            seen.add(name)
            yield source


def _normal_name(source: Distribution) -> str:
    # The folder's name, which the standard library itself uses here: parsing the metadata costs ten times as much.
    try:
        name: str = source._normalized_name  # type: ignore[attr-defined]
    except Exception:
        name = folder_name(source)
    return normal_provider(name)
