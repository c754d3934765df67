"""Relevance judgements ("qrels"): which document answers which query, and how well."""

from __future__ import annotations

import os
import re

from retrieverkit_core.errors import ReadError, shorten
from retrieverkit_evaluate.lines import bad_line, numbered_lines

_FORMATS = "write query id, document id and grade with tabs between them, or the four columns of TREC"
_GRADE = re.compile(r"[+-]?[0-9]{1,9}")
_HEADER_GRADES = ("score", "grade", "relevance", "rel", "label", "judgement", "judgment")
_COLUMNS = (3, 4)


def is_grade(text: str) -> bool:
    """Return whether a text is a grade: an integer of at most nine digits."""
    return _GRADE.fullmatch(text) is not None


def read_qrels(path: str | os.PathLike[str]) -> dict[str, dict[str, int]]:
    """Return the grade of each judged document by query id and document id.

    Args:
        path: Three columns (query, document, grade) or TREC's four (query, iteration, document, grade). Where a line
            has a tab, tabs separate its columns, else blanks do. The first line may be a header whose last column is
            called ``score``, ``grade``, ``relevance``, ``rel``, ``label`` or ``judgement``.

    Returns:
        Grades are integers: 0 and below means judged and not relevant, more is better.

    Raises:
        ReadError: The file or a line of it cannot be read, one document has two grades for a query, or there is no
            judgement.
    """
    qrels: dict[str, dict[str, int]] = {}
    width = 0
    for number, line in numbered_lines(path):
        columns = [column.strip() for column in line.split("\t")] if "\t" in line else line.split()
        if len(columns) != (width or len(columns)) or len(columns) not in _COLUMNS:
            expected = str(width) if width else "3 or 4"
            raise bad_line(path, number, f"{len(columns)} columns where {expected} are expected", _FORMATS)
        header = not width and columns[-1].lower() in _HEADER_GRADES
        width = len(columns)
        if header:
            continue
        query_id, doc_id, grade = columns[0], columns[-2], columns[-1]
        if not query_id or not doc_id or not is_grade(grade):
            problem = f"the grade {shorten(grade)!r} is not an integer" if query_id and doc_id else "an empty id"
            raise bad_line(path, number, problem, _FORMATS)
        judged = qrels.setdefault(query_id, {})
        if judged.setdefault(doc_id, int(grade)) != int(grade):
            problem = f"document {shorten(doc_id)!r} has another grade for query {shorten(query_id)!r} above"
            raise bad_line(path, number, problem, "keep one of the two")
    if not qrels:
        raise ReadError(path, "no judgement in it", fix=_FORMATS)
    return qrels
