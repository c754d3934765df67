"""What ``retriever modes show`` tells of a mode."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from retrieverkit.cli.option_types import type_text

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from retrieverkit.cli.screen import Screen
    from retrieverkit.discovery import ModePlugin


def mode_as_dict(plugin: ModePlugin) -> dict[str, Any]:
    """Return what a mode declares as inert JSON."""
    spec = plugin.spec
    return {
        "mode": spec.name,
        "summary": spec.summary,
        "distribution": plugin.claim.distribution,
        "version": plugin.claim.version,
        "location": plugin.claim.location(),
        "needs": sorted(need.value for need in spec.needs),
        "scores": {"kind": spec.scores.kind.value, "higher_is_better": spec.scores.higher_is_better},
        "filters": {"pushed": sorted(spec.filters.operators), "delegated": spec.filters.delegates},
        "options": [_option(name, field) for name, field in spec.options.model_fields.items()],
    }


def write_mode(plugin: ModePlugin, screen: Screen) -> None:
    """Write what a mode declares."""
    told = mode_as_dict(plugin)
    screen.say((told["mode"], "bold"), f": {told['summary']}")
    facts = {
        "distribution": plugin.claim.label,
        "location": told["location"],
        "needs": ", ".join(told["needs"]) or "nothing",
        "scores": _scores(told["scores"]),
        "filters": _filters(told["filters"]),
    }
    for name, fact in facts.items():
        screen.say(fact, lead=f"  {name:<14}")
    screen.say(("options", "bold") if told["options"] else "no options")
    for option in told["options"]:
        default = "required" if option["required"] else f"default {option['default']}"
        screen.say((option["name"], "bold"), f"  {option['type']}, {default}", lead="  ")
        if option["description"]:
            screen.say(option["description"], lead="      ")


def _option(name: str, field: FieldInfo) -> dict[str, Any]:
    return {
        "name": field.alias or name,
        "type": type_text(field),
        "required": field.is_required(),
        "default": None if field.is_required() else _written(field.get_default(call_default_factory=True)),
        "description": field.description or "",
    }


def _written(value: object) -> str:
    """Return a default as it is written in a mode string."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _scores(scores: dict[str, Any]) -> str:
    if scores["kind"] == "none":
        return "none, the order is the mode's own"
    return f"{scores['kind']}, {'higher' if scores['higher_is_better'] else 'lower'} is better"


def _filters(filters: dict[str, Any]) -> str:
    if filters["delegated"]:
        return "passed on to its retrievers"
    if not filters["pushed"]:
        return "all operators, checked on the hits"
    return f"in the engine: {', '.join(filters['pushed'])}; others are checked on the hits"
