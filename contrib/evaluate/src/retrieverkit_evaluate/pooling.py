"""The documents to judge: what each mode finds first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retrieverkit.commands import PassageFinder, clean, source_text
from retrieverkit_core.errors import ConfigError
from retrieverkit_core.observers import Observers
from retrieverkit_core.show import shown_title
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_evaluate.judging_sheet import Row, in_no_order
from retrieverkit_evaluate.running import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrieverkit.index import Index
    from retrieverkit_core.hits import NodeWithScore

_EXCERPT = 400


@dataclass(slots=True)
class Pool:
    """What is to be judged.

    Attributes:
        rows: A row for each document of each query.
        missing: What is missing of it, one line each.
        nothing: The queries that no mode finds anything for.
    """

    rows: list[Row] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    nothing: list[str] = field(default_factory=list)


def pool(
    index: Index,
    queries: Mapping[str, str],
    modes: Sequence[str],
    depth: int,
    on_query: Callable[[str, str], None],
) -> Pool:
    """Return the first documents of each mode, each document once per query.

    Args:
        index: The index.
        queries: The queries by id.
        modes: Mode strings.
        depth: How many documents of each mode.
        on_query: Called with a mode and the id of a query after it was asked.

    Raises:
        ConfigError: A mode is wrong, or given twice.
    """
    specs = {str(spec): spec for spec in map(RetrieverSpec.parse, modes)}
    if len(specs) < len(modes):
        raise ConfigError("a mode is given twice", fix="give each mode once")
    retrievers = {name: index.as_retriever(spec, hooks=Observers.of()) for name, spec in specs.items()}
    found: dict[str, dict[str, NodeWithScore]] = {query_id: {} for query_id in queries}
    pooled = Pool()
    for name, retriever in retrievers.items():
        done = run(name, retriever, queries, depth, lambda query_id, name=name: on_query(name, query_id), kept=depth)  # type: ignore[misc]
        pooled.missing += [f"{name}: query {query_id} failed: {told}" for query_id, told in done.failures.items()]
        for query_id, answer in done.answers.items():
            if answer.problem:
                pooled.missing.append(f"{name}: query {query_id} was answered in part: {answer.problem}")
            for hit in answer.top:
                found[query_id].setdefault(hit.ref_doc_id or hit.node_id, hit)
    finders = {query_id: PassageFinder(text) for query_id, text in queries.items()}
    pooled.rows = in_no_order(
        _row(query_id, queries[query_id], doc_id, hit, finders[query_id])
        for query_id, hits in found.items()
        for doc_id, hit in hits.items()
    )
    pooled.nothing = [query_id for query_id, hits in found.items() if not hits]
    return pooled


def _row(query_id: str, query: str, doc_id: str, hit: NodeWithScore, finder: PassageFinder) -> Row:
    excerpt = clean(finder.best(hit.node.text, _EXCERPT).text)
    title = shown_title(hit, "") or source_text(hit)
    return Row(query_id, query, doc_id, clean(" ".join(title.split())), excerpt)
