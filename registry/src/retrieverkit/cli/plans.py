"""``--plan``: what a query would do and spend, as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_core.budget import LIMITS, Spent

if TYPE_CHECKING:
    from typing import Any

    from retrieverkit.cli.screen import Branch, Part, Screen
    from retrieverkit_core.plan import Plan


def write_plan(plan: Plan, screen: Screen) -> None:
    """Write a plan as a tree, and below it what all of it comes to."""
    screen.tree(*_branch(plan))
    least = "" if plan.complete else "at least "
    note = "" if plan.complete else "; a part does not say what it spends"
    screen.say(("expected: ", "bold"), f"{least}{_total(plan)}{note}")


def plan_as_dict(plan: Plan) -> dict[str, Any]:
    """Return a plan as inert JSON, with what all of it comes to."""
    return {"plan": plan.as_dict(), "expected": _total(plan).as_dict(), "complete": plan.complete}


def _total(plan: Plan) -> Spent:
    return Spent(**{limit: plan.total(limit) for limit in LIMITS})


def _branch(plan: Plan) -> Branch:
    label: list[Part] = [(plan.name, "bold")]
    if plan.does:
        label.append(f": {plan.does}")
    if plan.costs:
        label.append((f" [{plan.costs}]", "cyan"))
    return label, [_branch(part) for part in plan.parts]
