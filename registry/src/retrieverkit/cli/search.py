"""``retriever search``."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar

import typer

from retrieverkit.cli.options import AsJson, Calls, modes_beginning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from retrieverkit.cli.cached import CachedFiles
    from retrieverkit.cli.screen import Screen
    from retrieverkit.index import Index
    from retrieverkit_core.budget import Budget
    from retrieverkit_core.plan import Plan
    from retrieverkit_core.query import QueryBundle
    from retrieverkit_core.result import RetrievalResult
    from retrieverkit_core.retriever import BaseRetriever
    from retrieverkit_core.scores import ScoreSpec
    from retrieverkit_core.spec import RetrieverSpec

    Work = Callable[[Index, BaseRetriever, bool], "T"]

T = TypeVar("T")


def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to look for; '-' reads it from stdin.")],
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Files and folders to search.", show_default=False)
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option("--index", metavar="DIR", help="Search this index instead of files.", show_default=False),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            "--mode",
            metavar="MODE",
            help="A mode string, such as 'bm25(top_k=20)'. Default: hybrid, else bm25.",
            autocompletion=modes_beginning,
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="A JSON, TOML or YAML file that describes the retriever.",
            show_default=False,
        ),
    ] = None,
    top_k: Annotated[
        int | None,
        typer.Option(
            "--top-k",
            metavar="K",
            help="Return at most K hits. Default: the mode's, 5 for the modes shipped here.",
            show_default=False,
        ),
    ] = None,
    filters: Annotated[
        str | None,
        typer.Option(
            "--filter",
            metavar="FILTER",
            help="Only what passes, such as 'year >= 1960 and lang != \"de\"'.",
            show_default=False,
        ),
    ] = None,
    scope: Annotated[
        str | None,
        typer.Option(
            "--scope",
            metavar="FILTER",
            help="A mandatory filter, such as a tenant; it is added to --filter in every leg.",
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout", metavar="SECONDS", help="Seconds within which the answer must come.", show_default=False
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            metavar="LIMITS",
            help="What may be spent on models: llm_calls, embedding_calls and tokens, such as "
            "'llm_calls=3,tokens=10000'; ',partial' shows what was found before it ran out.",
            show_default=False,
        ),
    ] = None,
    plan: Annotated[
        bool,
        typer.Option(
            "--plan", help="Show what the search would do and spend on models. None is asked, and no index is built."
        ),
    ] = False,
    cassette: Calls = None,
    typos: Annotated[
        bool,
        typer.Option(
            "--typos/--no-typos",
            help="Replace a word of the query that is in no document by the nearest one that is, and say so.",
        ),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Find the passages that answer QUERY best, in files or in an index.

    Files are read once and kept in the user's cache folder; the next search of the same paths reads only what changed.
    The exit code is 3 where the answer may lack something: a leg failed, or a file could not be read.
    """
    from retrieverkit.cli.budgets import parse_budget
    from retrieverkit.cli.exit_codes import PARTIAL
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.recording import on_cassette
    from retrieverkit.cli.screen import Screen
    from retrieverkit_core.errors import UsageError

    if index is not None and paths:
        raise UsageError(
            "paths and --index do not go together",
            fix=f"add the files first: retriever index PATH... --index {index}",
        )
    if index is None and not paths:
        raise UsageError("nothing to search", fix="name files or folders after the query, or an index with --index")
    if mode is not None and config is not None:
        raise UsageError("--mode and --config do not go together", fix="use one of them")
    if plan and cassette is not None:
        raise UsageError("--plan and --cassette do not go together", fix="leave --cassette out: a plan asks no model")
    limits = None if budget is None else parse_budget(budget)
    bundle = _bundle(query, top_k, filters, scope, timeout, limits)
    spec = _spec(mode, config)
    err = Screen(sys.stderr)
    if plan:
        _show(_worked(index, paths, spec, typos, err, partial(_plan, query=bundle)), as_json)
        return
    with on_cassette(cassette, err):
        found = _worked(index, paths, spec, typos, err, partial(_retrieve, query=bundle, screen=err))
    if as_json:
        from retrieverkit.cli.hits import result_as_dict

        print_json(result_as_dict(found.result, found.sources))
    else:
        from retrieverkit.cli.hits import write_result

        write_result(found.result, Screen(sys.stdout), found.sources, found.scores)
    sys.stdout.flush()
    _warn(found.result, err)
    if found.result.spent:
        err.say((f"spent: {found.result.spent}", "dim"))
    if not found.complete or found.result.outcome.value == "partial":
        raise typer.Exit(PARTIAL)


class _Answer(NamedTuple):
    """A result, what its scores mean, where its documents are from, and whether every file could be read."""

    result: RetrievalResult
    scores: ScoreSpec
    sources: Mapping[str, str | None]
    complete: bool


def _worked(
    folder: Path | None,
    paths: list[Path] | None,
    spec: RetrieverSpec | None,
    typos: bool,
    screen: Screen,
    work: Work[T],
) -> T:
    """Return what ``work`` makes of an index, a retriever on it, and whether every file could be read."""
    if folder is None:
        return _on_files(paths or [], spec, typos, screen, work)
    from retrieverkit.index import Index

    with Index.open(folder, create=False) as index:
        return work(index, _retriever(index, spec, typos), True)


def _on_files(paths: list[Path], spec: RetrieverSpec | None, typos: bool, screen: Screen, work: Work[T]) -> T:
    from retrieverkit.cli.cached import CachedFiles
    from retrieverkit_core.errors import CorpusTooNewError, CorruptCorpusError, NotACorpusError

    cached = CachedFiles(paths)
    try:
        return _on_cached(cached, spec, typos, screen, work)
    except (CorpusTooNewError, CorruptCorpusError, NotACorpusError) as error:
        screen.say(("warning: ", "bold yellow"), f"what was kept of these files is read again: {error.message}")
        cached.forget(screen)
        return _on_cached(cached, spec, typos, screen, work)


def _on_cached(cached: CachedFiles, spec: RetrieverSpec | None, typos: bool, screen: Screen, work: Work[T]) -> T:
    from retrieverkit.cli.files_report import summary, write_unread_in_brief

    with cached.open(screen) as index:
        retriever = _retriever(index, spec, typos)  # before the files are read: a wrong mode should not cost that time
        report = cached.catch_up(index, screen)
        screen.say((f"files: {summary(report)}", "dim"))
        for note in report.notes:
            screen.say(("note: ", "bold"), note)
        write_unread_in_brief(report, screen)
        return work(index, retriever, not report.errors)


def _retriever(index: Index, spec: RetrieverSpec | None, typos: bool) -> BaseRetriever:
    """Return the retriever; where its mode can replace misspelt words, it does so unless the spec says otherwise."""
    from retrieverkit.building import default_mode
    from retrieverkit.discovery import shared_discovery
    from retrieverkit_core.spec import RetrieverSpec

    discovery = shared_discovery()
    asked = spec or RetrieverSpec.parse(default_mode(discovery)[0])
    options = discovery.mode(asked.mode, asked.provider).spec.options.model_fields
    if "typos" not in options or "typos" in asked.options:
        return index.as_retriever(spec)
    return index.as_retriever(spec, typos=typos)


def _plan(index: Index, retriever: BaseRetriever, complete: bool, *, query: QueryBundle) -> Plan:
    return retriever.plan(query)


def _show(plan: Plan, as_json: bool) -> None:
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.plans import plan_as_dict, write_plan
    from retrieverkit.cli.screen import Screen

    if as_json:
        print_json(plan_as_dict(plan))
    else:
        write_plan(plan, Screen(sys.stdout))


def _retrieve(index: Index, retriever: BaseRetriever, complete: bool, *, query: QueryBundle, screen: Screen) -> _Answer:
    from retrieverkit.cli.progress import LongWork
    from retrieverkit_core.scores import UNSCORED

    with LongWork(screen) as work:
        work.stage(f"searching by {retriever.name}")
        result = retriever.retrieve(query)
    doc_ids = {hit.ref_doc_id or hit.node.id for hit in result}
    return _Answer(result, retriever.scores or UNSCORED, index.corpus.sources_of(doc_ids), complete)


def _bundle(
    query: str, top_k: int | None, filters: str | None, scope: str | None, timeout: float | None, budget: Budget | None
) -> QueryBundle:
    from retrieverkit_core.filters import MetadataFilters
    from retrieverkit_core.query import QueryBundle

    return QueryBundle(
        _from_stdin() if query == "-" else _decodable("QUERY", query),
        top_k=top_k,
        filters=None if filters is None else MetadataFilters.parse(_decodable("--filter", filters)),
        scope=None if scope is None else MetadataFilters.parse(_decodable("--scope", scope)),
        timeout=timeout,
        budget=budget,
    )


def _spec(mode: str | None, config: Path | None) -> RetrieverSpec | None:
    from retrieverkit_core.spec import RetrieverSpec

    if config is not None:
        return RetrieverSpec.load(config)
    return None if mode is None else RetrieverSpec.parse(_decodable("--mode", mode))


def _from_stdin() -> str:
    from retrieverkit_core.errors import QueryError
    from retrieverkit_core.query import MAX_QUERY_CHARS

    data = sys.stdin.buffer.read(4 * MAX_QUERY_CHARS + 4)  # no more than the longest query needs in UTF-8
    try:
        return data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise QueryError(f"the query on stdin is not UTF-8 at byte {error.start}", fix="convert it to UTF-8") from error


def _decodable(name: str, text: str) -> str:
    """Return ``text`` unless it stands for bytes that are no UTF-8."""
    from retrieverkit_core.errors import QueryError

    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise QueryError(f"{name} is not valid text in this terminal's encoding", fix="write it in UTF-8") from None
    return text


def _warn(result: RetrievalResult, screen: Screen) -> None:
    from retrieverkit.cli.hits import failed_legs

    for told in (*failed_legs(result.legs), *result.warnings):
        screen.say(("warning: ", "bold yellow"), told)
