"""Python source: one document per file, cut at its functions and classes."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from retrieverkit.reading.decoding import decode
from retrieverkit_core.readers import Parsed, Reader, Section, SourceFile, whole_file, with_sections

WHOLE_CLASS = 1_200
"""Characters of a class that is not cut at its methods."""

LONGEST = 5_000_000
"""Characters; longer files are not looked through for definitions."""

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_LINE = re.compile(r"\r\n|\r|\n")
_HOLDERS = (ast.If, ast.Try, ast.TryStar, ast.With, ast.For, ast.While, ast.Match, ast.ExceptHandler, ast.match_case)


def read_python(file: SourceFile, data: bytes) -> Parsed:
    """Return the file as one document whose parts are its definitions, each with the comment above it.

    A class of up to `WHOLE_CLASS` characters is one part; of a longer one each method is. What stands between
    definitions is a part too, so that every line is in one. A file that is not Python is plain text, with a note.

    Raises:
        UndecodableError: It is not text.
    """
    text = decode(data, file.encoding)
    document = whole_file(file, text)
    try:
        sections = definitions(text)
    except SyntaxError as error:
        at = f", line {error.lineno}" if error.lineno else ""
        return Parsed([document], [], (f"{file.path}{at}: {error.msg}; read as plain text",))
    except (ValueError, RecursionError, MemoryError):
        return Parsed([document], [], (f"{file.path}: too deeply nested; read as plain text",))
    return Parsed([with_sections(document, sections)], [])


def definitions(text: str) -> list[Section]:
    """Return where the definitions of Python source begin, and what stands between them.

    Raises:
        SyntaxError: It is not Python.
        ValueError: It is more than the parser takes; so do `RecursionError` and `MemoryError` say.
    """
    if len(text) > LONGEST:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the escapes in somebody's strings
        tree = ast.parse(text)
    return _Outline(text).sections(tree)


@dataclass(frozen=True, slots=True)
class _Part:
    first: int
    last: int
    name: str


class _Outline:
    """Cuts source at its definitions, by lines from 1."""

    def __init__(self, text: str) -> None:
        ends = [match.end() for match in _LINE.finditer(text)]
        self._starts = [0, *ends, len(text)]
        self._lines = [text[start:end] for start, end in pairwise(self._starts)]

    def sections(self, tree: ast.Module) -> list[Section]:
        """Return a section for every part that is not blank."""
        sections: list[Section] = []
        for part in self._cut(tree.body, "", 1, len(self._lines)):
            if any(line.strip() for line in self._lines[part.first - 1 : part.last]):
                place = {"definition": part.name}
                heading = (part.name,) if part.name else ()
                sections.append(Section(self._starts[part.first - 1], heading, place))
        return sections

    def _cut(self, body: Sequence[ast.stmt], within: str, first: int, last: int) -> Iterator[_Part]:
        """Yield the parts of some lines in order; what is no definition is called as what it stands in."""
        at = first
        for definition in _definitions_in(body):
            begin = max(self._begin(definition), at)
            end = definition.end_lineno or begin
            if begin > end:  # two on one line
                continue
            if begin > at:
                yield _Part(at, begin - 1, within)
            name = f"{within}.{definition.name}" if within else definition.name
            if isinstance(definition, ast.ClassDef) and self._size(begin, end) > WHOLE_CLASS:
                yield from self._cut(definition.body, name, begin, end)
            else:
                yield _Part(begin, end, name)
            at = end + 1
        if at <= last:
            yield _Part(at, last, within)

    def _begin(self, definition: _Definition) -> int:
        """Return the line of the first decorator, or of the comment above it."""
        line = min([definition.lineno, *(each.lineno for each in definition.decorator_list)])
        while line > 1 and self._lines[line - 2].lstrip().startswith("#"):
            line -= 1
        return line

    def _size(self, first: int, last: int) -> int:
        return self._starts[last] - self._starts[first - 1]


def _definitions_in(body: Sequence[ast.stmt | ast.ExceptHandler | ast.match_case]) -> Iterator[_Definition]:
    """Yield the definitions among statements, also those that are made under a condition."""
    for statement in body:
        if isinstance(statement, _Definition):
            yield statement
        elif isinstance(statement, _HOLDERS):
            for name in ("body", "cases", "handlers", "orelse", "finalbody"):
                yield from _definitions_in(getattr(statement, name, ()))


reader = Reader(read_python, version=3)
