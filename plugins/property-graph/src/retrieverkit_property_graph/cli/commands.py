"""``retriever graph``: look at the graph of an index, and add triples to its documents."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from retrieverkit_property_graph.cli.tools import OpenIndex, Tools
    from retrieverkit_property_graph.graph.index import GraphIndex
    from retrieverkit_property_graph.graph.tables import Integers


class Source(StrEnum):
    """Where relations come from."""

    AUTO = "auto"
    GIVEN = "given"
    RULES = "rules"
    LLM = "llm"


class Format(StrEnum):
    """How a neighbourhood is written."""

    TEXT = "text"
    MERMAID = "mermaid"
    JSON = "json"


_BY_RULES = {Source.AUTO: "by rules where none are given", Source.RULES: "by rules"}

IndexFolder = Annotated[
    Path, typer.Option("--index", "-i", metavar="DIR", help="The folder of the index.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Extract = Annotated[
    Source,
    typer.Option(
        "--extract",
        metavar="SOURCE",
        help="Where relations come from beside the triples in metadata, as the modes' option extract: auto, given, "
        "rules or llm.",
    ),
]
Fields = Annotated[
    list[str] | None,
    typer.Option(
        "--entity-field",
        metavar="FIELD",
        help="A metadata field whose values are entities; repeat it for more.",
        show_default=False,
    ),
]
Scope = Annotated[
    str | None,
    typer.Option(
        "--scope",
        metavar="FILTER",
        help="See the graph through the nodes that pass alone, such as 'tenant == \"a\"'.",
        show_default=False,
    ),
]

app = typer.Typer(help="Look at the graph of an index, and add triples to its documents.", invoke_without_command=True)


@app.callback()
def _graph(context: typer.Context) -> None:
    """Look at the graph of an index, and add triples to its documents."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("show")
def show(
    context: typer.Context,
    entity: Annotated[str, typer.Argument(metavar="ENTITY", help="The name of an entity, in any spelling.")],
    index: IndexFolder,
    depth: Annotated[
        int, typer.Option("--depth", metavar="N", min=1, max=8, help="At most N relations away. Default: 1.")
    ] = 1,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, help="At most N relations, the nearest first. Default: 30.")
    ] = 30,
    written: Annotated[
        Format, typer.Option("--format", metavar="FORMAT", help="text, mermaid or json. Default: text.")
    ] = Format.TEXT,
    scope: Scope = None,
    extract: Extract = Source.AUTO,
    entity_field: Fields = None,
) -> None:
    """Show an entity and the relations around it, with the nodes that support them."""
    from retrieverkit_property_graph.cli.showing import neighbourhood, write_mermaid, write_tree

    tools: Tools = context.obj
    with tools.open_index(index) as opened:
        graph = _graph_of(opened, extract, entity_field)
        with graph.reader().view(_allowed(opened, scope)) as view:
            seen = neighbourhood(view, graph.corpus, entity, depth, limit)
            if written is Format.JSON:
                tools.print_json(seen.as_dict())
            elif written is Format.MERMAID:
                write_mermaid(seen, tools.out)
            else:
                write_tree(seen, tools.out)
            _remark(tools, (*_how(extract), *view.notes("graph")))


@app.command("stats")
def stats(
    context: typer.Context,
    index: IndexFolder,
    scope: Scope = None,
    extract: Extract = Source.AUTO,
    entity_field: Fields = None,
    as_json: AsJson = False,
) -> None:
    """Count what the graph holds, and name what is related most often."""
    from retrieverkit_property_graph.cli.counting import count, write_counts

    tools: Tools = context.obj
    with tools.open_index(index) as opened:
        graph = _graph_of(opened, extract, entity_field)
        with graph.reader().view(_allowed(opened, scope)) as view:
            counted = count(view)
            if as_json:
                tools.print_json(counted)
            else:
                write_counts(counted, tools.out)
            _remark(tools, (*_how(extract), *view.notes("graph")))


@app.command("add")
def add(
    context: typer.Context,
    triples: Annotated[
        Path,
        typer.Argument(
            metavar="TRIPLES",
            help='Lines of {"doc_id": ..., "triples": [[subject, relation, object], ...]}.',
            show_default=False,
        ),
    ],
    index: IndexFolder,
    as_json: AsJson = False,
) -> None:
    """Add triples to the metadata of the documents that support them: those of all lines, or none.

    Text and other metadata stay as they are, and what a document has already is not added again. The triples are
    updated and deleted with their document.
    """
    from retrieverkit_property_graph.cli.adding import add_triples, read_triples

    tools: Tools = context.obj
    given = read_triples(triples)
    with tools.open_index(index) as opened:
        report = add_triples(opened.corpus, given)
    if as_json:
        tools.print_json(report.as_dict())
    else:
        tools.out.say(str(report))
    _remark(tools, report.notes)


def _graph_of(index: OpenIndex, extract: Source, fields: list[str] | None) -> GraphIndex:
    """Return the graph of an index that modes with these options walk."""
    from retrieverkit_property_graph.extraction import extractor_of
    from retrieverkit_property_graph.graph.index import GraphIndex
    from retrieverkit_property_graph.options import GraphOptions

    options = GraphOptions.checked("graph", extract=extract.value, entity_fields=fields or [])
    return GraphIndex(index.corpus, index.storage, extractor_of(options, index.corpus, index.storage, index.services))


def _allowed(index: OpenIndex, scope: str | None) -> Integers | None:
    """Return the nodes that may be seen; None for all."""
    if scope is None:
        return None
    from retrieverkit_core.filters import MetadataFilters, check_fields
    from retrieverkit_indexing.metadata import MetadataIndex

    filters = MetadataFilters.parse(scope)
    check_fields(filters, index.corpus.fields(), told=False)
    return MetadataIndex(index.corpus, index.storage).reader().ordinals_of(filters)


def _how(extract: Source) -> tuple[str, ...]:
    """Return what is to be known of where relations come from, so that nobody takes those by rules for facts."""
    if extract not in _BY_RULES:
        return ()
    return (f"relations: {_BY_RULES[extract]}; rules say what is named together, not what is true",)


def _remark(tools: Tools, notes: tuple[str, ...]) -> None:
    for note in notes:
        tools.err.say(("note: ", "bold yellow"), note)
