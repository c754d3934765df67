"""A retrieval result in words."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from retrieverkit.cli.files_report import counted
from retrieverkit.cli.passages import Passage, PassageFinder
from retrieverkit.cli.screen import Part, Screen, clean
from retrieverkit_core.scores import ScoreKind
from retrieverkit_core.show import evidence_text, shown_title

if TYPE_CHECKING:
    from retrieverkit_core.hits import NodeWithScore
    from retrieverkit_core.result import LegStatus, RetrievalResult
    from retrieverkit_core.scores import ScoreSpec

_LINES = 3
"""How many lines of a terminal a passage may fill."""

_PIPED = 240
"""How many characters a passage has where there is no terminal to fill."""

_MATCHING = 5
"""How many of the lines that matched are shown of a hit."""

_PLACES = ("page", "row", "position")

_SCORE_NAMES = {ScoreKind.RELEVANCE: "relative", ScoreKind.NONE: "score"}
"""What scores are called; others by their kind. A fused score says how hits compare, not how good the best one is."""


def write_result(result: RetrievalResult, screen: Screen, sources: Mapping[str, str | None], scores: ScoreSpec) -> None:
    """Write the header, then each hit with its source, its evidence, its score and its best passage.

    Args:
        result: The result.
        screen: Where to.
        sources: The file that each document is from, by the document's id.
        scores: What the scores mean.
    """
    screen.say(*_header(result))
    if notes := list(_notes(result)):
        screen.say((", ".join(notes), "dim"))
    finder = PassageFinder(result.query.query_str if result.query is not None else "")
    margin = len(str(len(result))) + 3
    for rank, hit in enumerate(result, 1):
        screen.say()
        head = f"{rank}".rjust(margin - 2) + "  "
        screen.say((source_text(hit, sources.get(_doc_id(hit))), "bold cyan"), lead=head)
        screen.say(*_why(hit, scores), lead=" " * margin)
        lines = list(_matching_lines(hit))
        passage = Passage("", ()) if lines else _passage(clean(hit.node.text), finder, screen, margin)
        if title := clean(shown_title(hit, passage.text)):
            screen.say(*_highlighted(_passage(title, finder, screen, margin), "bold"), lead=" " * margin)
        for number, text in lines:
            screen.say(text, lead=f"{' ' * margin}{number}: ")
        if passage.text:
            screen.say(*_highlighted(passage), lead=" " * margin)


def _notes(result: RetrievalResult) -> Iterator[str]:
    """Yield what a reader may want to know, of each leg too, each once."""
    told = "\n".join(result.notes)
    yield from result.notes
    pending = list(result.legs)
    while pending:
        leg = pending.pop(0)
        pending += leg.legs
        new = "; ".join(part for part in leg.note.split("; ") if part not in told)
        if new:
            told += f"\n{new}"
            yield new


def failed_legs(legs: Sequence[LegStatus], within: str = "") -> Iterator[str]:
    """Yield what went wrong in each leg that failed."""
    for leg in legs:
        name = f"{within}{leg.name}"
        if any(inner.failed for inner in leg.legs):
            yield from failed_legs(leg.legs, f"{name} > ")
        elif leg.failed:
            problem = f": {leg.error}" if leg.error is not None else ""
            yield f"leg {name}: {leg.state.value}{problem}"


def result_as_dict(result: RetrievalResult, sources: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the result as inert JSON, with the absolute path of each hit's file, and the path that its index knows."""
    told = result.as_dict()
    for hit, row in zip(result, told["hits"], strict=True):
        row["path"] = sources.get(_doc_id(hit))
        row["label"] = hit.node.metadata.get("path")
    return told


def source_text(hit: NodeWithScore, source: str | None = None) -> str:
    """Return the file a hit is from and where in it, or its document's id.

    Args:
        hit: The hit.
        source: The absolute path of its file, which is shown from the current folder; None for what its metadata says.
    """
    metadata = hit.node.metadata
    doc_id = _doc_id(hit)
    path = metadata.get("path") if source is None else _from_here(source)
    if not isinstance(path, str) or not path:
        return doc_id
    places = [f"{name} {metadata[name]}" for name in _PLACES if isinstance(metadata.get(name), int)]
    own_id = [] if _is_of_file(doc_id, path) else [f"id {doc_id}"]
    return ", ".join([path, *places, *own_id])


def _doc_id(hit: NodeWithScore) -> str:
    return hit.ref_doc_id or hit.node.id


def _from_here(source: str) -> str:
    """Return a path relative to the current folder, or as it is where it leads elsewhere."""
    try:
        return PurePath(source).relative_to(Path.cwd().resolve()).as_posix()
    except (ValueError, OSError):  # it is not below, or the current folder is gone
        return source


def _is_of_file(doc_id: str, path: str) -> bool:
    """Whether a document's id is nothing but the file it is from."""
    return os.path.basename(doc_id.partition("#row=")[0]) == os.path.basename(path)


def _header(result: RetrievalResult) -> list[Part]:
    outcome = result.outcome.value
    count = counted(len(result), "hit") if len(result) else "nothing found"
    parts: list[Part] = [(count, "bold"), f" · {result.retriever} · {result.elapsed * 1000:.1f} ms"]
    if outcome in ("partial", "abstained"):
        parts += [" · ", (outcome.upper(), "bold red")]
    return parts


def _why(hit: NodeWithScore, scores: ScoreSpec) -> Iterator[Part]:
    """Yield the ranks and raw scores that a hit has from its legs, and the score that was made of them."""
    evidence = evidence_text(hit)
    if evidence:
        yield evidence, "green"
    if hit.score is None or [hit.score] == [each.score for each in hit.evidence]:
        return
    name = _SCORE_NAMES.get(scores.kind, scores.kind.value)
    yield f"{'  ' if evidence else ''}{name} {_score(hit.score, scores.kind)}", "dim"


def _matching_lines(hit: NodeWithScore) -> Iterator[tuple[int, str]]:
    """Yield the first lines that matched, with their numbers in the node's text, where a retriever says them."""
    told = next((lines for each in hit.evidence if isinstance(lines := each.details.get("lines"), Sequence)), ())
    lines = [line for line in told if isinstance(line, Mapping)]
    for line in lines[:_MATCHING]:
        number, text = line.get("line"), line.get("text")
        if isinstance(number, int) and isinstance(text, str):
            yield number, " ".join(text.split())


def _passage(text: str, finder: PassageFinder, screen: Screen, margin: int) -> Passage:
    if not screen.terminal:
        return finder.best(text, _PIPED)
    from rich.cells import cell_len

    room = _LINES * max(screen.width - margin, 10) - screen.width // 6  # lines break at words, and do not fill up
    start = text[:room]
    return finder.best(text, room * len(start) // max(cell_len(start), 1))


def _score(score: float, kind: ScoreKind) -> str:
    if kind is ScoreKind.RELEVANCE and (score == 0 or score >= 0.1):
        return f"{score:.2f}"
    return f"{score:.4g}"


def _highlighted(passage: Passage, style: str = "") -> Iterator[Part]:
    at = 0
    for start, end in passage.matches:
        yield passage.text[at:start], style
        yield passage.text[start:end], "bold yellow"
        at = end
    yield passage.text[at:], style
