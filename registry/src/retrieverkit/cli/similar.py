"""``retriever similar``."""

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
    Filters,
    IndexFolder,
    Mode,
    ModeOptions,
    Scope,
    Timeout,
    TopK,
)

if TYPE_CHECKING:
    from retrieverkit.cli.screen import Screen
    from retrieverkit.cli.search import Answer, Read
    from retrieverkit.index import Index
    from retrieverkit_core.query import QueryBundle
    from retrieverkit_core.retriever import BaseRetriever
    from retrieverkit_core.spec import RetrieverSpec

_ANY = "similar"


def similar(
    subject: Annotated[
        str,
        typer.Argument(metavar="ID", help="The id of a document or a node, or PATH or PATH:LINE of an indexed file."),
    ],
    index: IndexFolder,
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
    as_json: AsJson = False,
) -> None:
    """Find the passages that are most like a document or a part of one, which is not among them itself.

    By default they are compared by their vectors; with -m bm25 by their words, of which the rare ones count most. Of a
    document with more than 64 nodes, 64 that are evenly spread stand for it. The exit code is 3 where a leg failed.

    Examples:
      retriever similar notes/pump.md --index plant.rk
      retriever similar notes/pump.md:12 --index plant.rk -m bm25 -k 3
      retriever similar t17 --index plant.rk -f "year >= 1960" --json
    """
    from retrieverkit.cli.exit_codes import PARTIAL
    from retrieverkit.cli.hits import result_as_dict
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.recording import on_cassette
    from retrieverkit.cli.screen import Screen
    from retrieverkit.cli.search import Shown, bundle_of, decodable, spec_of, warn, worked, write_answer
    from retrieverkit_core.spec import RetrieverSpec

    asked = bundle_of(_ANY, top_k, filters, scope, timeout, budget)
    spec = spec_of(mode if config is not None else mode or _default(), config, options, embedding)
    named, err = decodable("ID", subject), Screen(sys.stderr)
    assert isinstance(spec, RetrieverSpec)
    with on_cassette(cassette, err):
        ask = partial(_similar, named=named, asked=asked, spec=spec, screen=err)
        found = worked(index, None, spec, False, err, ask, None)
    if as_json:
        told = {**result_as_dict(found.result, found.places), "seconds": found.times.as_dict()}
        print_json({**told, "query": None, "similar_to": named})
    else:
        write_answer(found, Shown(as_json=False), err)
    sys.stdout.flush()
    warn(found.result, err)
    if found.result.outcome.value == "partial":
        raise typer.Exit(PARTIAL)


def _default() -> str:
    from retrieverkit.building import default_mode
    from retrieverkit.discovery import shared_discovery

    discovery = shared_discovery()
    return "vector" if discovery.has_mode("vector") else default_mode(discovery)[0]


def _similar(
    index: Index,
    retriever: BaseRetriever,
    read: Read,
    *,
    named: str,
    asked: QueryBundle,
    spec: RetrieverSpec,
    screen: Screen,
) -> Answer:
    from retrieverkit.cli.search import retrieved
    from retrieverkit.cli.subjects import MOST_NODES, subject_of

    subject = subject_of(index, named, asked.scope)
    if len(subject.nodes) > MOST_NODES:
        told = f"{MOST_NODES} of the {len(subject.nodes):,} nodes of {subject.id} stand for it"
        screen.say(("note: ", "bold"), told)
    return retrieved(index, retriever, read, query=subject.query(index, asked), screen=screen, encoding=None)
