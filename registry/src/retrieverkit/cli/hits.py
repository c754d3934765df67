"""A retrieval result in words."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from retrieverkit.cli.files_report import counted
from retrieverkit.cli.passages import Passage, PassageFinder
from retrieverkit.cli.screen import Part, Screen, clean
from retrieverkit_core.show import evidence_text

if TYPE_CHECKING:
    from retrieverkit_core.hits import NodeWithScore
    from retrieverkit_core.result import LegStatus, RetrievalResult

_LINES = 3
"""How many lines of a terminal a passage may fill."""

_PIPED = 240
"""How many characters a passage has where there is no terminal to fill."""

_PLACES = ("page", "row", "position")


def write_result(result: RetrievalResult, screen: Screen) -> None:
    """Write the header, then each hit with its score, its source, its evidence and its best passage."""
    screen.say(*_header(result))
    if result.notes:
        screen.say((", ".join(result.notes), "dim"))
    finder = PassageFinder(result.query.query_str if result.query is not None else "")
    margin = len(str(len(result))) + 3
    for rank, hit in enumerate(result, 1):
        screen.say()
        _write_hit(rank, hit, finder, margin, screen)


def failed_legs(legs: Sequence[LegStatus], within: str = "") -> Iterator[str]:
    """Yield what went wrong in each leg that failed."""
    for leg in legs:
        name = f"{within}{leg.name}"
        if any(inner.failed for inner in leg.legs):
            yield from failed_legs(leg.legs, f"{name} > ")
        elif leg.failed:
            problem = f": {leg.error}" if leg.error is not None else ""
            yield f"leg {name}: {leg.state.value}{problem}"


def source_text(hit: NodeWithScore) -> str:
    """Return the file a hit is from and where in it, or its document's id."""
    metadata = hit.node.metadata
    doc_id = hit.ref_doc_id or hit.node.id
    path = metadata.get("path")
    if not isinstance(path, str) or not path:
        return doc_id
    places = [f"{name} {metadata[name]}" for name in _PLACES if isinstance(metadata.get(name), int)]
    own_id = [] if _is_of_file(doc_id, path) else [f"id {doc_id}"]
    return ", ".join([path, *places, *own_id])


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


def _write_hit(rank: int, hit: NodeWithScore, finder: PassageFinder, margin: int, screen: Screen) -> None:
    lead = " " * margin
    head = f"{rank}".rjust(margin - 2) + "  "
    screen.say((source_text(hit), "bold cyan"), lead=head)
    screen.say((f"score {_score(hit)}", "green"), (f"  {evidence_text(hit)}", "dim"), lead=lead)
    passage = _passage(hit, finder, screen, margin)
    if passage.text:
        screen.say(*_highlighted(passage), lead=lead)


def _passage(hit: NodeWithScore, finder: PassageFinder, screen: Screen, margin: int) -> Passage:
    text = clean(hit.node.text)
    if not screen.terminal:
        return finder.best(text, _PIPED)
    from rich.cells import cell_len

    room = _LINES * max(screen.width - margin, 10) - screen.width // 6  # lines break at words, and do not fill up
    start = text[:room]
    return finder.best(text, room * len(start) // max(cell_len(start), 1))


def _score(hit: NodeWithScore) -> str:
    if hit.score is None:
        return "-"
    return f"{hit.score:.4f}" if hit.score == 0 or abs(hit.score) >= 0.001 else f"{hit.score:.3g}"


def _highlighted(passage: Passage) -> Iterator[Part]:
    at = 0
    for start, end in passage.matches:
        yield passage.text[at:start]
        yield passage.text[start:end], "bold yellow"
        at = end
    yield passage.text[at:]
