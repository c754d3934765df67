"""The rows of ``retriever modes`` and ``retriever plugins``. Listing imports no plugin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from retrieverkit.discovery.catalog import Catalog
from retrieverkit.discovery.claims import MODES, Claim
from retrieverkit.discovery.selection import PREFER, Selection
from retrieverkit_core.errors import PluginError
from retrieverkit_core.spec import normal_provider

Status = Literal["available", "loaded", "blocked", "conflict", "broken", "invalid"]


@dataclass(frozen=True, slots=True)
class Row:
    """One claim.

    Attributes:
        name: The claimed name of the mode, observer, embedding, language model or command.
        distribution: The distribution's name.
        version: Its version.
        status: ``available`` (not imported yet), ``loaded``, ``blocked`` by the environment, in ``conflict`` with
            another distribution, ``broken``, or ``invalid`` in its name.
        location: The file of the plugin's package, or where a program registered it.
        note: Why, where the status does not say all.
    """

    name: str
    distribution: str
    version: str
    status: Status
    location: str
    note: str = ""


def list_rows(catalog: Catalog, outcomes: Mapping[Claim, PluginError | None], group: str = MODES) -> Sequence[Row]:
    """Return a row for each claim of a group, by name.

    Args:
        catalog: The claims.
        outcomes: What came of loading: None for a loaded plugin, the error of a broken one.
        group: The entry-point group.
    """
    selection = Selection.from_environment()
    rows = []
    for claims in catalog.claims(group).values():
        for claim in claims:
            status, note = _status(claim, claims, selection, outcomes)
            rows.append(Row(claim.name, claim.distribution, claim.version, status, claim.location(), note))
    return rows


def _status(
    claim: Claim, claims: Sequence[Claim], selection: Selection, outcomes: Mapping[Claim, PluginError | None]
) -> tuple[Status, str]:
    if not claim.is_valid:
        return "invalid", "names are made of a-z, 0-9 and _, a letter first"
    if reason := selection.why_blocked(claim):
        return "blocked", reason
    rivals = [other for other in claims if not selection.why_blocked(other)]
    preferred = selection.preferred.get(claim.name) if claim.group == MODES else None
    if len(rivals) > 1 and preferred is None:
        return "conflict", f"write {claim.qualified_name} or set {PREFER}={claim.name}={claim.distribution}"
    note = ""
    if len(rivals) > 1:
        chosen = normal_provider(claim.distribution) == preferred
        note = f"chosen by {PREFER}" if chosen else f"only as {claim.qualified_name}"
    error = outcomes.get(claim)
    if error is not None:
        return "broken", error.message
    return ("loaded" if claim in outcomes else "available"), note
