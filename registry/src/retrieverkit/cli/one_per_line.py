"""Hits for other programs: paths, or a line of a form that the user gives."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from string import Formatter
from typing import TYPE_CHECKING

from retrieverkit.cli.hits import from_here
from retrieverkit.cli.places import Place, doc_id_of
from retrieverkit.cli.screen import Screen, clean
from retrieverkit_core.errors import UsageError

if TYPE_CHECKING:
    from retrieverkit_core.hits import NodeWithScore
    from retrieverkit_core.result import RetrievalResult

FIELDS = ("path", "line", "end_line", "heading", "text", "rank", "score", "id", "doc_id")
"""What a form may name."""

_ESCAPES = {r"\t": "\t", r"\n": "\n", r"\0": "\0"}


def write_paths(places: Sequence[Place], err: Screen, *, null: bool) -> None:
    """Write the path of each file that has a hit, the best first and each once.

    A path is written as it is, unless somebody watches. One that would look like two is left out, and that is said.

    Args:
        places: Where the hits stand.
        err: Where to say what is left out.
        null: End each path with a NUL character instead of a new line.
    """
    without = sum(place.path is None for place in places)
    paths = dict.fromkeys(from_here(place.path) for place in places if place.path is not None)
    torn = [path for path in paths if "\n" in path and not null]
    for path in paths:
        if path not in torn:
            shown = clean(path) if sys.stdout.isatty() else path
            _write(shown + ("\0" if null else "\n"))
    if torn:
        err.say(("warning: ", "bold yellow"), f"{len(torn)} left out: a path with a line break; list it with --null")
    if without:
        err.say(("note: ", "bold"), f"{without} of {len(places)} hits are of no file")


def checked_form(form: str) -> list[tuple[str, str]]:
    """Return the parts of a form: a text, and the name of what follows it or an empty string.

    Raises:
        UsageError: It is not one, or names what is not in `FIELDS`.
    """
    for escape, character in _ESCAPES.items():
        form = form.replace(escape, character)
    known = ", ".join(f"{{{name}}}" for name in FIELDS)
    try:
        parts = list(Formatter().parse(form))
    except ValueError as error:
        raise UsageError(f"--format: {error}", fix=f"write a text with some of {known}") from None
    for _, name, spec, conversion in parts:
        if name is not None and (name not in FIELDS or spec or conversion):
            near = get_close_matches(name, FIELDS, 1)
            told = f"did you mean {{{near[0]}}}? " if near and near[0] != name else ""
            raise UsageError(
                f"--format does not know {{{name}{':' if spec else ''}{spec}}}", fix=f"{told}it has {known}"
            )
    return [(text, name or "") for text, name, _, _ in parts]


def write_formatted(result: RetrievalResult, places: Sequence[Place], parts: Sequence[tuple[str, str]]) -> None:
    """Write one line per hit in a form; what is not known of a hit is left empty."""
    for rank, (hit, place) in enumerate(zip(result, places, strict=True), 1):
        values = _values(hit, place, rank)
        _write("".join(f"{text}{values.get(name, '')}" for text, name in parts) + "\n")


def _values(hit: NodeWithScore, place: Place, rank: int) -> dict[str, str]:
    label = hit.node.metadata.get("path")
    text = hit.node.text if place.line is None else place.lines[place.line]
    values = {
        "path": label if place.path is None else from_here(place.path),
        "line": place.line,
        "end_line": place.last,
        "heading": " › ".join(place.heading),
        "text": text,
        "rank": rank,
        "score": hit.score,
        "id": hit.node.id,
        "doc_id": doc_id_of(hit),
    }
    return {name: "" if value is None else clean(" ".join(str(value).split())) for name, value in values.items()}


def _write(text: str) -> None:
    """Write bytes that stand for no text back as the bytes they were."""
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(text))
