"""Explanations as text, and as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from retrieverkit_core.explain._codes import Status
from retrieverkit_core.explain._scores import How

if TYPE_CHECKING:
    from retrieverkit_core.explain._explanation import Explanation, HitExplained, Place, Stage
    from retrieverkit_core.explain._scores import Score

_IDS = 3


def stage_line(stage: Stage) -> str:
    """Return one line on a stage: its name, how it ended, how many came and went, and how long it took."""
    parts = [stage.name if stage.status is Status.APPLIED else f"{stage.name} {stage.status.value.upper()}"]
    if stage.is_leg or stage.n_in is None:
        parts.append(f"{stage.n_out} found" if stage.status is not Status.SKIPPED else "")
    else:
        parts.append(f"{stage.n_in} in, {stage.n_out} out")
    if stage.milliseconds:
        parts.append(f"{stage.milliseconds:.1f} ms")
    return "  ".join(filter(None, parts))


def stage_details(stage: Stage) -> Iterator[str]:
    """Yield what else is told of a stage, a line each."""
    if stage.error:
        yield f"error: {stage.error}"
    if stage.note:
        yield stage.note
    replaced = [f"{each.node_id} into {each.into}" for each in stage.lost if each.into]
    if stage.near_misses:
        yield "next: " + ", ".join(map(_place, stage.near_misses))
    elif replaced:
        yield "lost: " + ", ".join(replaced[:_IDS]) + (" …" if stage.n_lost > _IDS else "")
    elif stage.n_lost:
        ids = ", ".join(each.node_id for each in stage.lost[:_IDS])
        yield f"lost: {ids}" + (f" and {stage.n_lost - _IDS} more" if stage.n_lost > _IDS else "")


def _place(place: Place) -> str:
    score = "" if place.score is None else f" ({place.score:.4g})"
    return f"{place.node_id}{score}"


def score_line(score: Score) -> str:
    """Return one line on a score: its name, its value, and how its parts make it."""
    value = "no score" if score.value is None else f"{score.value:.6g}"
    if not score.parts:
        return f"{score.name} {value}"
    return f"{score.name} {value} from" if score.how is How.STATED else f"{score.name} {value} = {score.how.value} of"


def score_lines(score: Score, indent: str = "") -> Iterator[str]:
    """Yield a score and what it was made from, each in its line."""
    yield indent + score_line(score)
    for part in score.parts:
        yield from score_lines(part, indent + "  ")


def hit_line(hit: HitExplained) -> str:
    """Return one line on a hit: its rank, its id, and its rank and score in each leg."""
    legs = "  ".join(
        f"{place.leg} #{place.rank}" + ("" if place.score is None else f" ({place.score:.4g})") for place in hit.legs
    )
    return f"{hit.rank}  {hit.node_id}" + (f"  {legs}" if legs else "")


def as_text(explanation: Explanation) -> str:
    """Return the explanation for a terminal."""
    lines = list(_tree(explanation.root, "", ""))
    for hit in explanation.hits:
        lines.append(hit_line(hit))
        lines += score_lines(hit.score, "   ")
    return "\n".join(lines)


def _tree(stage: Stage, first: str, rest: str) -> Iterator[str]:
    yield first + stage_line(stage)
    inner = rest + ("│  " if stage.stages else "   ")
    for line in stage_details(stage):
        yield inner + line
    for at, each in enumerate(stage.stages):
        last = at == len(stage.stages) - 1
        yield from _tree(each, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))


def as_html(explanation: Explanation) -> str:
    """Return the explanation as HTML for a notebook; every text in it is escaped."""
    hits = "".join(
        f"<li value='{hit.rank}'>{escape(hit.node_id)}<br><small>{escape(str(hit.score))}</small></li>"
        for hit in explanation.hits
    )
    return f"<div><ul>{_html(explanation.root)}</ul><ol>{hits}</ol></div>"


def _html(stage: Stage) -> str:
    details = "".join(f"<br><small>{escape(line)}</small>" for line in stage_details(stage))
    inner = "".join(map(_html, stage.stages))
    return f"<li>{escape(stage_line(stage))}{details}{f'<ul>{inner}</ul>' if inner else ''}</li>"
