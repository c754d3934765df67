"""What was learned, on a terminal of 80 columns."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from retrieverkit_adapt.adapters import with_adapter
from retrieverkit_core.spec import RetrieverSpec

if TYPE_CHECKING:
    from retrieverkit.commands import Part, Screen
    from retrieverkit_adapt.adapted import Adapted, Change

_ACTIVE = frozenset("$`\\!")
"""What a shell does not leave as it is between double quotes."""


def write_adapted(adapted: Adapted, screen: Screen, path: str | None) -> None:
    """Write what was learned and what it changes.

    Args:
        adapted: What was learned.
        screen: Where to write it.
        path: The file it was written to, as a mode names it; None where it was not.
    """
    first = adapted.measures[0]
    told = f" · {adapted.learn} for {adapted.mode} · each asked with what was learned from others"
    screen.say((f"{adapted.queries:,} queries", "bold"), told)
    screen.say()
    screen.table(["part", "queries", f"{first} before", "after", "learned"], list(_fold_rows(adapted)))
    screen.say()
    rows = [_change_row(adapted.change(measure), measure) for measure in adapted.measures]
    if adapted.learn == "adapter" and 0 < len(adapted.unseen) < adapted.queries:
        rows += [
            _change_row(adapted.change(measure, unseen=True), f"{measure}, {len(adapted.unseen)} of unseen documents")
            for measure in adapted.measures[:1]
        ]
    screen.table(["", "before", "after", "diff.", "± error", "p", "+/=/-"], rows)
    screen.say()
    if not adapted.kept:
        screen.say(("nothing kept: ", "bold"), adapted.reason)
        return
    screen.say(("kept: ", "bold green"), f"the {adapted.learn} learned from all queries ({adapted.setting})")
    if adapted.spec is not None:
        screen.say("use it: ", f"--mode {_for_a_shell(adapted.spec)}")
        if path is not None:
            screen.say(f"or the file: --config {quote(path)}")
    elif path is not None:
        mode = with_adapter(RetrieverSpec.parse(adapted.mode), path)
        screen.say("use it: ", f"--mode {_for_a_shell(mode)}")
    else:
        screen.say("not written; to write it: --out adapter.json")


def _fold_rows(adapted: Adapted) -> list[list[Part]]:
    first = adapted.measures[0]
    rows: list[list[Part]] = []
    for number, fold in enumerate(adapted.folds, 1):
        before, after = (
            sum(values[first][query] for query in fold.queries) / len(fold.queries)
            for values in (adapted.before, adapted.after)
        )
        rows.append([str(number), str(len(fold.queries)), f"{before:.3f}", f"{after:.3f}", (fold.setting, "dim")])
    return rows


def _change_row(change: Change, name: str) -> list[Part]:
    p = "<0.001" if change.p < 0.001 else f"{change.p:.3f}"
    return [
        (name, "bold"),
        f"{change.before:.3f}",
        f"{change.after:.3f}",
        f"{change.difference:+.3f}",
        f"± {change.error:.3f}",
        p,
        f"{change.wins}/{change.ties}/{change.losses}",
    ]


def _for_a_shell(spec: RetrieverSpec) -> str:
    """Return the mode string as it is written in a shell, between double quotes where those keep it as it is."""
    text = str(spec)
    plain = text.replace('"', "'")
    return quote(text) if "'" in text or _ACTIVE.intersection(plain) else f'"{plain}"'
