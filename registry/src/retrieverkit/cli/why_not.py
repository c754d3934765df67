"""``retriever why-not``."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from retrieverkit.cli.options import (
    AsJson,
    BudgetText,
    Calls,
    Config,
    Embedding,
    Encoding,
    Exclude,
    Filters,
    Glob,
    Hidden,
    Mode,
    ModeOptions,
    NoIgnore,
    OneIndex,
    Paths,
    Scope,
    Timeout,
    TopK,
    Typos,
    file_rules,
)

if TYPE_CHECKING:
    from retrieverkit.cli.screen import Screen
    from retrieverkit.cli.search import Read
    from retrieverkit.cli.subjects import Subject
    from retrieverkit.index import Index
    from retrieverkit_core.explain import WhyNot
    from retrieverkit_core.query import QueryBundle
    from retrieverkit_core.retriever import BaseRetriever


def why_not(
    node_id: Annotated[str, typer.Argument(metavar="ID", help="The id of a node, or PATH:LINE of an indexed file.")],
    query: Annotated[str, typer.Argument(metavar="QUERY", help="The query; '-' reads it from stdin.")],
    paths: Paths = None,
    index: OneIndex = None,
    mode: Mode = None,
    options: ModeOptions = None,
    embedding: Embedding = None,
    config: Config = None,
    top_k: TopK = None,
    filters: Filters = None,
    scope: Scope = None,
    timeout: Timeout = None,
    budget: BudgetText = None,
    cassette: Calls = None,
    glob: Glob = None,
    exclude: Exclude = None,
    hidden: Hidden = False,
    no_ignore: NoIgnore = False,
    encoding: Encoding = None,
    typos: Typos = True,
    as_json: AsJson = False,
) -> None:
    """Explain why a node is not among the hits of a search, and which change would bring it in.

    Give it the same options as the search. The search is repeated, then tried with other settings until the node is
    found. Nothing is tried that would cost calls of a language model.
    """
    from retrieverkit.cli.explanations import write_why_not
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.recording import on_cassette
    from retrieverkit.cli.screen import Screen
    from retrieverkit.cli.search import bundle_of, decodable, spec_of, where, worked

    rules = file_rules(glob, exclude, hidden, no_ignore, encoding)
    index, paths = where(query, index, paths, rules)
    bundle = bundle_of(query, top_k, filters, scope, timeout, budget)
    err = Screen(sys.stderr)
    with on_cassette(cassette, err):
        ask = partial(_why_not, query=bundle, node_id=decodable("ID", node_id), screen=err)
        told = worked(index, paths, spec_of(mode, config, options, embedding), typos, err, ask, rules)
    if as_json:
        print_json(told.as_dict())
    else:
        write_why_not(told, Screen(sys.stdout))


def _why_not(
    index: Index, retriever: BaseRetriever, read: Read, *, query: QueryBundle, node_id: str, screen: Screen
) -> WhyNot:
    from retrieverkit.cli.progress import LongWork

    with LongWork(screen) as work:
        named = _node_id(index, node_id, query)
        work.stage(f"searching by {retriever.name}")
        return retriever.why_not(query, named)


def _node_id(index: Index, named: str, query: QueryBundle) -> str:
    """Return the id of the node that somebody names by its id, its document or a line of its file.

    What the index does not know is left as it is: a mode may return nodes that are not in the corpus.

    Raises:
        UsageError: A document of several nodes is named, or the query stands where the id belongs.
    """
    from retrieverkit_core.errors import UsageError, shorten

    (node,) = index.corpus.get([named])
    if node is not None:
        return named
    subject = _subject(index, named, query)
    if subject is None:
        if _subject(index, query.query_str, query) is not None:
            raise UsageError(
                f"{shorten(repr(named), 100)} is not in the index, but {shorten(repr(query.query_str), 100)} is",
                fix="write the id first: retriever why-not ID QUERY",
            )
        return named
    if len(subject.nodes) > 1:
        raise UsageError(
            f"{shorten(repr(named), 100)} has {len(subject.nodes):,} nodes",
            fix=f"name a line, such as {shorten(named, 100)}:1, or a node, such as {shorten(subject.nodes[0].id, 100)}",
        )
    return subject.nodes[0].id


def _subject(index: Index, named: str, query: QueryBundle) -> Subject | None:
    from retrieverkit.cli.subjects import subject_of
    from retrieverkit_core.errors import UsageError

    try:
        return subject_of(index, named, query.scope)
    except UsageError:
        return None
