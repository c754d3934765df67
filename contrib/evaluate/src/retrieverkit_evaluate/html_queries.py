"""The worst queries in HTML: what each system found, and where the relevant documents are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from retrieverkit.commands import Passage, PassageFinder, source_text
from retrieverkit_core.show import evidence_text, shown_title
from retrieverkit_evaluate.html_tables import text
from retrieverkit_evaluate.numbers_text import signed

if TYPE_CHECKING:
    from retrieverkit_core.hits import NodeWithScore
    from retrieverkit_evaluate.report import Report

_SHOWN = 10
"""How many queries are shown for each system."""

_RELEVANT = 10
"""How many relevant documents of a query are listed."""

_PASSAGE = 220


def worst_queries(report: Report, name: str) -> str:
    """Return the queries that a system loses most on, or for the first system, does worst on."""
    first = report.systems[0].name
    sides = [name] if name == first else [first, name]
    ids = report.worst_queries(name)
    values = report.score(report.measures[0], name).values
    before = report.score(report.measures[0], first).values
    if name != first:
        ids = [query_id for query_id in ids if values[query_id] < before[query_id]]
    return "".join(
        _query(report, query_id, sides, values[query_id], before[query_id], is_open=number == 0)
        for number, query_id in enumerate(ids[:_SHOWN])
    )


def _query(report: Report, query_id: str, sides: list[str], value: float, before: float, *, is_open: bool) -> str:
    query = report.collection.queries[query_id]
    grades = report.collection.qrels[query_id]
    change = f"{value:.3f}" if len(sides) == 1 else f"{before:.3f} → {value:.3f} ({signed(value - before)})"
    finder = PassageFinder(query)
    shown = "".join(_side(report, query_id, name, grades, finder) for name in sides)
    return (
        f"<details{' open' if is_open else ''}><summary><span class='change bad'>{change}</span>{text(query)} "
        f"<span class='faint small'>query {text(query_id)}</span></summary>"
        f"{_relevant(report, query_id, sides, grades)}<div class='sides'>{shown}</div></details>"
    )


def _relevant(report: Report, query_id: str, sides: list[str], grades: Mapping[str, int]) -> str:
    """Say at which rank each system has the relevant documents, the best first."""
    missing = set(report.collection.coverage.missing_documents)
    relevant = sorted((doc_id for doc_id in grades if grades[doc_id] > 0), key=lambda doc_id: -grades[doc_id])
    items = []
    for doc_id in relevant[:_RELEVANT]:
        if doc_id in missing:
            places = "not in the index"
        else:
            places = ", ".join(f"{text(name)} {_rank(report, query_id, name, doc_id)}" for name in sides)
        title = f" <b>{text(report.titles[doc_id])}</b>" if doc_id in report.titles else ""
        items.append(f"<code>{text(doc_id)}</code>{title} (grade {grades[doc_id]}): {places}")
    more = f"; and {len(relevant) - _RELEVANT} more" if len(relevant) > _RELEVANT else ""
    return f"<p class='small'>Relevant: {'; '.join(items)}{more}</p>"


def _rank(report: Report, query_id: str, name: str, doc_id: str) -> str:
    documents = report.runs[name].answers[query_id].documents
    return f"#{documents.index(doc_id) + 1}" if doc_id in documents else f"not in its first {report.depth}"


def _side(report: Report, query_id: str, name: str, grades: Mapping[str, int], finder: PassageFinder) -> str:
    answer = report.runs[name].answers[query_id]
    hits = "".join(f"<li>{_hit(hit, grades, finder)}</li>" for hit in answer.top)
    found = f"<ol>{hits}</ol>" if hits else "<p>nothing found</p>"
    problem = f"<p class='bad small'>{text(answer.problem)}</p>" if answer.problem else ""
    return f"<section><h3><code>{text(name)}</code></h3>{problem}{found}</section>"


def _hit(hit: NodeWithScore, grades: Mapping[str, int], finder: PassageFinder) -> str:
    doc_id = hit.ref_doc_id or hit.node_id
    grade = grades.get(doc_id)
    judged = "not judged" if grade is None else f"relevant, grade {grade}" if grade > 0 else "not relevant"
    kind = "faint" if grade is None else "good" if grade > 0 else "bad"
    source = source_text(hit)
    place = "" if source == doc_id else f" <span class='faint small'>{text(source)}</span>"
    return (
        f"<code>{text(doc_id)}</code> <span class='grade {kind}'>{judged}</span>{place}<br>"
        f"<span class='faint small'>{text(evidence_text(hit))}</span><br>"
        f"{_titled(hit, finder.best(hit.node.text, _PASSAGE), finder)}"
    )


def _titled(hit: NodeWithScore, passage: Passage, finder: PassageFinder) -> str:
    title = shown_title(hit, passage.text)
    heading = f"<b class='small'>{_marked(finder.best(title, _PASSAGE))}</b><br>" if title else ""
    return f"{heading}<span class='small'>{_marked(passage)}</span>"


def _marked(passage: Passage) -> str:
    parts, at = [], 0
    for start, end in passage.matches:
        parts += [text(passage.text[at:start]), "<mark>", text(passage.text[start:end]), "</mark>"]
        at = end
    return "".join([*parts, text(passage.text[at:])])
