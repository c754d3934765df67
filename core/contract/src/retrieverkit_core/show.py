"""Results as text and as inert JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieverkit_core.hits import NodeWithScore
    from retrieverkit_core.result import LegStatus, RetrievalResult

_PASSAGE = 160
_SHOWN = 5


def result_as_dict(result: RetrievalResult) -> dict[str, Any]:
    """Return the result as inert JSON."""
    filters = result.filters
    spec = {} if result.spec is None else {"spec": result.spec.model_dump(mode="json")}
    return {
        "query": result.query.query_str if result.query is not None else None,
        "retriever": result.retriever,
        "outcome": result.outcome.value,
        "milliseconds": round(result.elapsed * 1000, 3),
        "spent": None if result.spent is None else result.spent.as_dict(),
        "legs": [leg.as_dict() for leg in result.legs],
        "filters": {
            "pushed": filters.pushed,
            "rechecked": filters.rechecked,
            "dropped": filters.dropped,
            "leaked": list(filters.leaked),
        },
        "warnings": list(result.warnings),
        "notes": list(result.notes),
        **spec,
        "hits": [_hit_as_dict(hit, rank) for rank, hit in enumerate(result, 1)],
    }


def _hit_as_dict(hit: NodeWithScore, rank: int) -> dict[str, Any]:
    return {
        "rank": rank,
        "score": hit.score,
        "node_id": hit.node.id,
        "ref_doc_id": hit.node.ref_doc_id,
        "text": hit.node.text,
        "metadata": hit.node.metadata,
        "start_char_idx": hit.node.start_char_idx,
        "end_char_idx": hit.node.end_char_idx,
        "evidence": [evidence.as_dict() for evidence in hit.evidence],
    }


def summary(result: RetrievalResult) -> str:
    """Return one line: how many hits, from where, how long it took, and whether anything is missing."""
    count = f"{len(result)} hit{'' if len(result) == 1 else 's'}"
    parts = [count, result.retriever or "retriever", f"{result.elapsed * 1000:.1f} ms"]
    if result.spent:
        parts.append(str(result.spent))
    if result.outcome.value in ("partial", "abstained"):
        failed = ", ".join(told for leg in result.legs for told in _failures(leg))
        parts.append(result.outcome.value.upper() + (f" ({failed})" if failed else ""))
    return " · ".join(parts)


def _failures(leg: LegStatus) -> list[str]:
    inner = [told for each in leg.legs for told in _failures(each)]
    return inner or ([f"{leg.name}: {leg.error or leg.state.value}".split("\n")[0]] if leg.failed else [])


def evidence_text(hit: NodeWithScore) -> str:
    """Return where the hit comes from, such as ``bm25 #1 (12.41)  grep #2 (3), lines 7, 12``."""
    return "  ".join(
        f"{e.leg} #{e.rank}" + (f" ({e.score:.4g})" if e.score is not None else "") + _details_text(e.details)
        for e in hit.evidence
    )


def _details_text(details: Mapping[str, Any]) -> str:
    """Return the keywords and the numbers of the lines that matched, where a leg names them, with a comma in front."""
    told = ""
    for name, word in (("keywords", "keyword"), ("lines", "line")):
        named = details.get(name)
        if isinstance(named, list) and named:
            told += f", {word}{'' if len(named) == 1 else 's'} {_some(_named(each, word) for each in named)}"
    return told


def _named(each: object, word: str) -> str:
    return str(each.get(word, "?") if isinstance(each, dict) else each)


def _some(texts: Iterable[str]) -> str:
    listed = list(texts)
    return ", ".join(listed[:_SHOWN]) + (", …" if len(listed) > _SHOWN else "")


def shown_title(hit: NodeWithScore, text: str) -> str:
    """Return the title to show in front of ``text``, in one line: empty where it is in it or is the file's name."""
    own = hit.node.metadata.get("title")
    title = " ".join(own.split()) if isinstance(own, str) else ""
    path = hit.node.metadata.get("path")
    is_name = isinstance(path, str) and title == path.rpartition("/")[2]
    return "" if is_name or title in text else title


def passage(hit: NodeWithScore) -> str:
    """Return the start of the hit's text in one line, with its title in front where the text does not hold it."""
    text = " ".join(hit.node.text.split())
    if title := shown_title(hit, text[:_PASSAGE]):
        text = f"{title} · {text}"
    return text if len(text) <= _PASSAGE else text[: _PASSAGE - 1] + "…"


def score_text(hit: NodeWithScore) -> str:
    """Return the score to four places, or a dash where the hit has none."""
    return "-" if hit.score is None else f"{hit.score:.4f}"


def result_as_text(result: RetrievalResult) -> str:
    """Return the result for a terminal."""
    lines = [f"RetrievalResult  {summary(result)}"]
    for rank, hit in enumerate(result, 1):
        lines.append(f"{rank:>3}  {score_text(hit):>8}  {hit.node.id}  {evidence_text(hit)}")
        lines.append(f"     {passage(hit)}")
    lines += [f"warning: {warning}" for warning in result.warnings]
    return "\n".join(lines)
