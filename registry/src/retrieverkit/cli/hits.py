"""A retrieval result in words."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from retrieverkit.cli.files_report import counted
from retrieverkit.cli.passages import Passage, PassageFinder
from retrieverkit.cli.places import Place, doc_id_of
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

_PLACES = ("page", "cell", "row", "message")

_DEFINITION = "definition"

_PART = re.compile(r"#(?:row|message)=[0-9]+\Z")
"""What the id of a document ends with that is one of several of its file."""


@dataclass(frozen=True, slots=True)
class Times:
    """What the time of a search went into.

    Attributes:
        reading: Seconds in which files were looked at and read.
        indexing: Seconds in which indexes were made or brought up to date.
        searching: Seconds of the search itself.
        files: How many files were read.
    """

    reading: float
    indexing: float
    searching: float
    files: int

    def text(self) -> str:
        """Return the time of the search, and before it that of what was indexed, if anything was."""
        searched = f"{self.searching * 1000:.1f} ms"
        if not self.files and not self.indexing:
            return searched
        files = f" {counted(self.files, 'file')}" if self.files else ""
        seconds = self.reading + self.indexing
        indexed = f"{seconds:.1f} s" if seconds >= 0.1 else f"{seconds * 1000:.1f} ms"
        return f"indexed{files} in {indexed} · searched in {searched}"

    def as_dict(self) -> dict[str, float]:
        """Return the seconds as inert JSON."""
        seconds = {"reading": self.reading, "indexing": self.indexing, "searching": self.searching}
        return {name: round(value, 6) for name, value in seconds.items()}


_SCORE_NAMES = {ScoreKind.RELEVANCE: "relative", ScoreKind.NONE: "score"}
"""What scores are called; others by their kind. A fused score says how hits compare, not how good the best one is."""


def write_result(
    result: RetrievalResult,
    screen: Screen,
    places: Sequence[Place],
    scores: ScoreSpec,
    finder: PassageFinder,
    *,
    context: int | None = None,
    times: Times | None = None,
) -> None:
    """Write the header, then each hit with its place, its evidence, its score and the lines that answer best.

    Args:
        result: The result.
        screen: Where to.
        places: Where each hit stands.
        scores: What the scores mean.
        finder: Finds the words of the query.
        context: How many numbered lines to show before and after the best one; None for a passage.
        times: What the time went into.
    """
    screen.say(*_header(result, times))
    if notes := list(_notes(result)):
        screen.say((", ".join(notes), "dim"))
    margin = len(str(len(result))) + 3
    for rank, (hit, place) in enumerate(zip(result, places, strict=True), 1):
        screen.say()
        head = f"{rank}".rjust(margin - 2) + "  "
        where = source_text(hit, place.path, place.line, place.part)
        screen.say((where, _linked(place)), *_below(place), lead=head)
        screen.say(*_why(hit, scores), lead=" " * margin)
        _write_text(hit, place, screen, finder, margin, context)


def _write_text(
    hit: NodeWithScore, place: Place, screen: Screen, finder: PassageFinder, margin: int, context: int | None
) -> None:
    """Write the title where the text does not show it, and the lines that answer best."""
    matching, numbered = list(matching_lines(hit)), list[tuple[int, str]]()
    if context is not None and place.line is not None:
        numbered = place.around(context)
    elif matching:
        numbered = [(number, place.lines.get(number, text).strip()) for number, text in _in_file(matching, place)]
    passages = [] if numbered else _lines(place, finder, screen, margin)
    if not numbered and not passages:
        passages = [_passage(clean(hit.node.text), finder, screen, margin)]
    told = " ".join([*place.heading, *(text for _, text in numbered), *(passage.text for passage in passages)])
    if title := clean(shown_title(hit, " ".join(told.split()))):
        screen.say(*_highlighted(_passage(title, finder, screen, margin), "bold"), lead=" " * margin)
    for number, text in numbered:
        mark = ":" if matching or number == place.line else "-"
        shown = clean(text).expandtabs(4)
        screen.say(*_highlighted(finder.marked(shown)), lead=f"{' ' * margin}{number}{mark} ")
    for passage in passages:
        if passage.text:
            screen.say(*_highlighted(passage), lead=" " * margin)


def _in_file(matching: Sequence[tuple[int, str]], place: Place) -> Iterator[tuple[int, str]]:
    """Yield lines that matched by their numbers in the file, where those are known, else in the hit's text."""
    offset = 0 if place.line is None else place.line - matching[0][0]
    for number, text in matching:
        yield number + offset, text


def _lines(place: Place, finder: PassageFinder, screen: Screen, margin: int) -> list[Passage]:
    """Return lines as the file has them; where they would fill too much, those that leave the best one in, cut."""
    lines = [(number, clean(text).expandtabs(4).rstrip()) for number, text in place.shown]
    indent = min((len(text) - len(text.lstrip()) for _, text in lines), default=0)
    lines = [(number, text[indent:]) for number, text in lines]
    rows = [_rows(text, screen, margin) for _, text in lines]
    at = next((at for at, (number, _) in enumerate(lines) if number == place.line), 0)
    first, last = at, at + 1
    while last < len(lines) and sum(rows[first : last + 1]) <= _LINES:
        last += 1
    while first > 0 and sum(rows[first - 1 : last]) <= _LINES:
        first -= 1
    chosen = lines[first:last]
    if len(chosen) == 1 and sum(rows[first:last]) > _LINES:
        return [_passage(chosen[0][1], finder, screen, margin)]
    return [finder.marked(text) for _, text in chosen]


def _rows(text: str, screen: Screen, margin: int) -> int:
    """Return how many lines of the screen a line of a file takes."""
    if not screen.terminal:
        return -(-len(text) * _LINES // _PIPED) if text else 1
    from rich.cells import cell_len

    return -(-cell_len(text) // max(screen.width - margin, 10)) or 1


def _linked(place: Place) -> str:
    """Return the style of a hit's place, a link to its file where there is one."""
    if place.path is None:
        return "bold cyan"
    try:
        return f"bold cyan link {PurePath(place.path).as_uri()}"
    except (ValueError, UnicodeEncodeError):  # not absolute, or not text
        return "bold cyan"


def _below(place: Place) -> list[Part]:
    return [(f"  {' › '.join(place.heading)}", "dim")] if place.heading else []


def _notes(result: RetrievalResult) -> Iterator[str]:
    """Yield what a reader may want to know, of each leg too, each once."""
    told = "\n".join(result.notes)
    yield from result.notes
    pending = list(result.legs)
    while pending:
        leg = pending.pop(0)
        pending += leg.legs
        said = leg.note.split("; ")
        if leg.state.value == "skipped":  # it says why that one was not asked
            said = [f"{leg.name}: {part}" for part in said if part]
        new = "; ".join(part for part in said if part not in told)
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


def result_as_dict(result: RetrievalResult, places: Sequence[Place]) -> dict[str, Any]:
    """Return the result as inert JSON, with the place of each hit.

    ``path`` is absolute and ``label`` is the path that the index knows. ``line`` to ``end_line`` hold the hit's text,
    and ``match_line`` answers the query best; they are null where no line can be named. ``part`` names a part of the
    file, such as a slide.
    """
    told = result.as_dict()
    for hit, row, place in zip(result, told["hits"], places, strict=True):
        row["path"] = place.path
        row["label"] = hit.node.metadata.get("path")
        row["line"], row["end_line"], row["match_line"] = place.first, place.last, place.line
        row["heading"], row["part"] = list(place.heading), dict(place.part)
    return told


def source_text(
    hit: NodeWithScore, source: str | None = None, line: int | None = None, part: Mapping[str, object] | None = None
) -> str:
    """Return the file a hit is from and where in it, or its document's id.

    Args:
        hit: The hit.
        source: The absolute path of its file, which is shown from the current folder; None for what its metadata says.
        line: The number of its line.
        part: What the part of the file is called.
    """
    metadata = hit.node.metadata
    doc_id = doc_id_of(hit)
    path = metadata.get("path") if source is None else from_here(source)
    if not isinstance(path, str) or not path:
        return doc_id
    places = [
        f"{name} {value}" if isinstance(value, int) else f'{name} "{value}"'
        for name, value in (part or {}).items()
        if name != _DEFINITION  # it is shown as a heading
    ]
    known = (name for name in _PLACES if not part and isinstance(metadata.get(name), int))
    places += [f"{name} {metadata[name]}" for name in known]
    own_id = [] if _is_of_file(doc_id, path) else [f"id {doc_id}"]
    return ", ".join([path if line is None else f"{path}:{line}", *places, *own_id])


def from_here(source: str) -> str:
    """Return a path relative to the current folder, or as it is where it leads elsewhere."""
    try:
        return PurePath(source).relative_to(Path.cwd().resolve()).as_posix()
    except (ValueError, OSError):  # it is not below, or the current folder is gone
        return source


def _is_of_file(doc_id: str, path: str) -> bool:
    """Whether a document's id is nothing but the file it is from."""
    return os.path.basename(_PART.sub("", doc_id)) == os.path.basename(path)


def _header(result: RetrievalResult, times: Times | None) -> list[Part]:
    outcome = result.outcome.value
    count = counted(len(result), "hit") if len(result) else "nothing found"
    spent = f"{result.elapsed * 1000:.1f} ms" if times is None else times.text()
    parts: list[Part] = [(count, "bold"), f" · {result.retriever} · {spent}"]
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


def matching_lines(hit: NodeWithScore) -> Iterator[tuple[int, str]]:
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
