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
    from retrieverkit.index import Index
    from retrieverkit_core.explain import WhyNot
    from retrieverkit_core.query import QueryBundle
    from retrieverkit_core.retriever import BaseRetriever


def why_not(
    node_id: Annotated[str, typer.Argument(metavar="ID", help="The id of a node, as --json and --explain show it.")],
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
    from retrieverkit.cli.budgets import parse_budget
    from retrieverkit.cli.explanations import write_why_not
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.recording import on_cassette
    from retrieverkit.cli.screen import Screen
    from retrieverkit.cli.search import bundle_of, decodable, spec_of, where, worked

    rules = file_rules(glob, exclude, hidden, no_ignore, encoding)
    index, paths = where(query, index, paths, rules)
    limits = None if budget is None else parse_budget(budget)
    bundle = bundle_of(query, top_k, filters, scope, timeout, limits)
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
        work.stage(f"searching by {retriever.name}")
        return retriever.why_not(query, node_id)
