"""``retriever doctor --verify``: the conformance kit's score card of a mode."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from typing import TYPE_CHECKING, Any

from retrieverkit_core.errors import ConfigError

if TYPE_CHECKING:
    from retrieverkit.cli.screen import Part, Screen

_STYLES = {"passed": "green", "skipped": "dim", "expected_failure": "yellow"}


def conformance_kit() -> Any:
    """Return the conformance kit, a package that is built on this one and so is looked for when it is asked for.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        return import_module("retrieverkit_testkit")
    except ModuleNotFoundError as error:
        raise ConfigError(
            "a mode is verified by the conformance kit, which is not installed", fix="pip install retrieverkit-testkit"
        ) from error


def write_card(report: Any, card: dict[str, Any], screen: Screen) -> None:
    """Write a score card: every check, then what was skipped and why, then what failed and how to mend it.

    Args:
        report: What the kit found.
        card: The same as JSON.
        screen: Where to.
    """
    shipped = f"{card['distribution']} {card['version']}".strip()
    extent = "quick checks" if card["quick"] else "all checks"
    screen.say((card["subject"], "bold"), f" of {shipped}: {extent}; declared: {', '.join(card['capabilities'])}")
    rows: list[list[Part]] = [
        [check["name"], (check["outcome"], _STYLES.get(check["outcome"], "bold red")), f"{check['seconds']:.2f}"]
        for check in card["checks"]
    ]
    screen.table(["check", "outcome", "seconds"], rows)
    for reason, count in Counter(result.reason for result in report if result.outcome == "skipped").items():
        screen.say((f"{count} skipped: ", "bold"), reason)
    for result in report:
        if not result.ok:
            screen.say((f"{result.outcome} {result.name}: ", "bold red"), result.reason)
            screen.say(("fix: ", "bold"), result.mend)
    told = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in card["counts"].items() if count)
    verdict = ("conforms", "green") if card["conforms"] else ("does not conform", "bold red")
    screen.say(verdict, f": {told}, in {card['seconds']:.0f} s")
