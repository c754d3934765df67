"""``retriever search``."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

import typer

from retrieverkit.cli.options import (
    INDEX_VARIABLE,
    LIMITS,
    SHOWN,
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
    from collections.abc import Callable, Sequence

    from retrieverkit.cli.cached import CachedFiles
    from retrieverkit.cli.hits import Times
    from retrieverkit.cli.passages import PassageFinder
    from retrieverkit.cli.places import Place
    from retrieverkit.cli.screen import Screen
    from retrieverkit.index import Index
    from retrieverkit.reading import FileRules
    from retrieverkit_core.plan import Plan
    from retrieverkit_core.query import QueryBundle
    from retrieverkit_core.result import RetrievalResult
    from retrieverkit_core.retriever import BaseRetriever
    from retrieverkit_core.scores import ScoreSpec
    from retrieverkit_core.spec import RetrieverSpec

    Work = Callable[[Index, BaseRetriever, "Read"], "T"]

T = TypeVar("T")


def search(
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
    plan: Annotated[
        bool,
        typer.Option(
            "--plan",
            help="Show what the search would do and spend on models. No model is asked, and no index is built.",
            rich_help_panel=LIMITS,
        ),
    ] = False,
    cassette: Calls = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Show what each stage did, which nodes it lost, and how each score was computed.",
            rich_help_panel=SHOWN,
        ),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            "--bundle",
            metavar="FILE",
            help="With --explain: write a report of the search to this ZIP file. Ids in it are hashed, and the query, "
            "texts and metadata are left out.",
            show_default=False,
            rich_help_panel=SHOWN,
        ),
    ] = None,
    with_texts: Annotated[
        bool,
        typer.Option(
            "--with-texts",
            help="With --bundle: include ids, query, texts and metadata in the report.",
            rich_help_panel=SHOWN,
        ),
    ] = False,
    glob: Glob = None,
    exclude: Exclude = None,
    hidden: Hidden = False,
    no_ignore: NoIgnore = False,
    encoding: Encoding = None,
    typos: Typos = True,
    context: Annotated[
        int | None,
        typer.Option(
            "--context",
            "-C",
            metavar="N",
            min=0,
            help="Show N numbered lines before and after the best line of a hit.",
            rich_help_panel=SHOWN,
        ),
    ] = None,
    only_paths: Annotated[
        bool,
        typer.Option("--files", "-l", help="Print only the paths of the files, one per line.", rich_help_panel=SHOWN),
    ] = False,
    null: Annotated[
        bool, typer.Option("--null", "-0", help="With -l: end each path with a NUL character.", rich_help_panel=SHOWN)
    ] = False,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORM",
            help="Print one line per hit, such as '{path}:{line}:{text}'. Also: end_line, heading, rank, score, id "
            "and doc_id too.",
            show_default=False,
            rich_help_panel=SHOWN,
        ),
    ] = None,
    opened: Annotated[
        bool, typer.Option("--open", help="Open the best hit in $EDITOR, at its line.", rich_help_panel=SHOWN)
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find the passages that answer QUERY best, in files or in an index.

    Files are read once and kept in the user's cache folder; the next search of the same paths reads only what changed.
    The exit code is 3 if the answer may be incomplete: a leg failed, or a file could not be read.

    Examples:
      retriever search "coolant pump" notes
      retriever search "coolant pump" notes -m bm25 -k 20 -f "year >= 1960"
      retriever search "coolant pump" -i plant.rk --format '{path}:{line}:{text}'
    """
    from retrieverkit.cli.exit_codes import PARTIAL
    from retrieverkit.cli.recording import on_cassette
    from retrieverkit.cli.screen import Screen
    from retrieverkit_core.errors import UsageError

    rules = file_rules(glob, exclude, hidden, no_ignore, encoding)
    index, paths = where(query, index, paths, rules)
    if plan and cassette is not None:
        raise UsageError("--plan and --cassette do not go together", fix="leave --cassette out: a plan asks no model")
    if report is not None and not explain:
        raise UsageError("--bundle is for --explain", fix="add --explain")
    if with_texts and report is None:
        raise UsageError("--with-texts is for --bundle", fix="add --bundle FILE")
    if plan and explain:
        raise UsageError("--plan and --explain do not go together", fix="leave one of them out")
    shown = Shown(as_json, only_paths, null, None if form is None else _checked(form), context, explain)
    bundle = bundle_of(query, top_k, filters, scope, timeout, budget).replace(explain=explain)
    spec = spec_of(mode, config, options, embedding)
    err = Screen(sys.stderr)
    if plan:
        _show(worked(index, paths, spec, typos, err, partial(_plan, query=bundle), rules), as_json)
        return
    ask = partial(retrieved, query=bundle, screen=err, encoding=encoding)
    with on_cassette(cassette, err):
        found = worked(index, paths, spec, typos, err, ask, rules)
    if report is not None:
        _write_report(report, found, bundle, spec, with_texts, index)
    write_answer(found, shown, err)
    sys.stdout.flush()
    warn(found.result, err)
    if found.result.spent:
        err.say((f"spent: {found.result.spent}", "dim"))
    if opened:
        _open_best(found)
    if not found.complete or found.result.outcome.value == "partial":
        raise typer.Exit(PARTIAL)


def _checked(form: str) -> list[tuple[str, str]]:
    from retrieverkit.cli.one_per_line import checked_form

    return checked_form(form)


@dataclass(frozen=True, slots=True)
class Shown:
    """How hits are shown.

    Raises:
        UsageError: Two ways do not go together.
    """

    as_json: bool
    only_paths: bool = False
    null: bool = False
    form: list[tuple[str, str]] | None = None
    context: int | None = None
    explain: bool = False

    def __post_init__(self) -> None:
        from retrieverkit_core.errors import UsageError

        ways = {"--json": self.as_json, "-l": self.only_paths, "--format": self.form is not None}
        ways["-C"] = self.context is not None
        given = [name for name, is_given in ways.items() if is_given]
        if len(given) > 1:
            raise UsageError(f"{given[0]} and {given[1]} do not go together", fix="use one of them")
        if self.explain and (self.only_paths or self.form is not None):
            raise UsageError(f"--explain and {given[0]} do not go together", fix="use --json with --explain")
        if self.null and not self.only_paths:
            raise UsageError("--null is for -l", fix="add -l")


def write_answer(found: Answer, shown: Shown, err: Screen) -> None:
    """Write the answer to stdout."""
    from retrieverkit.cli import hits
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.screen import Screen

    if shown.as_json:
        told = {**hits.result_as_dict(found.result, found.places), "seconds": found.times.as_dict()}
        print_json({**told, "explanation": found.result.explain().as_dict()} if shown.explain else told)
    elif shown.only_paths:
        from retrieverkit.cli.one_per_line import write_paths

        write_paths(found.places, err, null=shown.null)
    elif shown.form is not None:
        from retrieverkit.cli.one_per_line import write_formatted

        write_formatted(found.result, found.places, shown.form)
    else:
        out = Screen(sys.stdout)
        hits.write_result(
            found.result, out, found.places, found.scores, found.finder, context=shown.context, times=found.times
        )
        if shown.explain:
            from retrieverkit.cli.explanations import write_explanation

            write_explanation(found.result, out)


def _open_best(found: Answer) -> None:
    """Open the file of the best hit that is of one.

    Raises:
        UsageError: No hit is of a file, or there is no editor.
    """
    from retrieverkit.cli.editor import open_in_editor
    from retrieverkit_core.errors import UsageError

    best = next((place for place in found.places if place.path is not None), None)
    if best is None or best.path is None:
        if found.places:
            raise UsageError("no hit is of a file that could be opened", fix="leave --open out")
        return
    if code := open_in_editor(best.path, best.line):
        raise typer.Exit(code)


def where(
    query: str, index: Path | None, paths: list[Path] | None, rules: FileRules
) -> tuple[Path | None, list[Path] | None]:
    """Return the index to search, or the paths: by default the index of RETRIEVERKIT_INDEX, else the current folder.

    Raises:
        UsageError: An index and files do not go together, or the current folder is too much to search unasked.
        ReadError: A path does not exist.
    """
    from retrieverkit_core.errors import UsageError

    if paths:
        _check_paths(query, index, paths)
        return None, paths
    if index is None and (named := os.environ.get(INDEX_VARIABLE)):
        index = Path(named)
    if index is None:
        here = Path.cwd()
        if here in (Path.home(), Path(here.anchor)):
            raise UsageError(
                f"nothing to search is named, and {here} is a lot", fix="name files or folders after the query"
            )
        return None, [Path()]
    if rules != file_rules(None, None, False, False, None):
        raise UsageError("--index and the options about files do not go together", fix="give them to: retriever index")
    return index, None


def _check_paths(query: str, index: Path | None, paths: list[Path]) -> None:
    """Raise for paths that are not there, which may be words of the query, and for paths beside an index."""
    from retrieverkit_core.errors import ReadError, UsageError

    missing = [path for path in paths if not os.path.lexists(path)]
    if missing:
        words = [query, *map(str, missing)]
        there = [str(path) for path in paths if path not in missing]
        quoted = shlex.join(["retriever", "search", " ".join(words), *there])
        fix = f"check the path; a query of several words stands in quotes: {quoted}"
        raise ReadError(missing[0], "no such file or folder", fix=fix)
    if index is not None:
        raise UsageError(
            "paths and --index do not go together",
            fix=f"add the files first: retriever index PATH... --index {index}",
        )


def _write_report(
    path: Path, found: Answer, query: QueryBundle, spec: RetrieverSpec | None, with_texts: bool, index: Path | None
) -> None:
    from retrieverkit.cli.explanations import without_texts, write_report

    mode = found.result.retriever if spec is None else str(spec if with_texts else without_texts(spec))
    asked = {"query": query.query_str, "top_k": query.top_k, "timeout": query.timeout}
    asked |= {name: str(tree) for name in ("filters", "scope") if (tree := getattr(query, name)) is not None}
    settings = {**asked, "mode": mode, "index": str(index or "")}
    write_report(path, found.result, settings, with_texts=with_texts)


class Read(NamedTuple):
    """What came of bringing files up to date: whether all could be read, how many were, and in how many seconds."""

    complete: bool = True
    files: int = 0
    seconds: float = 0.0


class Answer(NamedTuple):
    """A result, what its scores mean, where its hits stand, what marks the query, whether all was read, and times."""

    result: RetrievalResult
    scores: ScoreSpec
    places: Sequence[Place]
    finder: PassageFinder
    complete: bool
    times: Times


def worked(
    folder: Path | None,
    paths: list[Path] | None,
    spec: RetrieverSpec | None,
    typos: bool,
    screen: Screen,
    work: Work[T],
    rules: FileRules | None,
) -> T:
    """Return what ``work`` makes of an index, a retriever on it, and whether every file could be read."""
    if folder is None:
        from retrieverkit.reading import FileRules

        return _on_files(paths or [], rules or FileRules(), spec, typos, screen, work)
    from retrieverkit.index import Index

    with Index.open(folder, create=False) as index:
        return work(index, _retriever(index, spec, typos), Read())


def _on_files(
    paths: list[Path], rules: FileRules, spec: RetrieverSpec | None, typos: bool, screen: Screen, work: Work[T]
) -> T:
    from retrieverkit.cli.cached import CachedFiles
    from retrieverkit_core.errors import CorpusTooNewError, CorruptCorpusError, NotACorpusError

    cached = CachedFiles(paths, rules)
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
        begun = perf_counter()
        report = cached.catch_up(index, screen)
        seconds = perf_counter() - begun
        screen.say((f"files: {summary(report)}", "dim"))
        for note in report.notes:
            screen.say(("note: ", "bold"), note)
        write_unread_in_brief(report, screen)
        return work(index, retriever, Read(not report.partial, report.read, seconds))


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


def _plan(index: Index, retriever: BaseRetriever, read: Read, *, query: QueryBundle) -> Plan:
    return retriever.plan(query)


def _show(plan: Plan, as_json: bool) -> None:
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.plans import plan_as_dict, write_plan
    from retrieverkit.cli.screen import Screen

    if as_json:
        print_json(plan_as_dict(plan))
    else:
        write_plan(plan, Screen(sys.stdout))


def retrieved(
    index: Index,
    retriever: BaseRetriever,
    read: Read,
    *,
    query: QueryBundle,
    screen: Screen,
    encoding: str | None,
) -> Answer:
    """Return what a retriever answers, and all that is shown of it."""
    from retrieverkit.cli.hits import Times
    from retrieverkit.cli.passages import PassageFinder
    from retrieverkit.cli.places import places_of
    from retrieverkit.cli.progress import LongWork
    from retrieverkit_core.scores import UNSCORED

    with LongWork(screen) as work:
        work.stage(f"searching by {retriever.name}")
        result = retriever.retrieve(query)
    finder = PassageFinder(query.query_str)
    places = places_of(index.corpus, result, finder, whole_lines=query.scope is None, encoding=encoding)
    times = Times(read.seconds, work.indexing, max(0.0, result.elapsed - work.indexing), read.files)
    return Answer(result, retriever.scores or UNSCORED, places, finder, read.complete, times)


def bundle_of(
    query: str, top_k: int | None, filters: str | None, scope: str | None, timeout: float | None, budget: str | None
) -> QueryBundle:
    """Return what is asked, as it was written on the command line."""
    from retrieverkit.cli.budgets import parse_budget
    from retrieverkit.cli.filter_texts import filters_of
    from retrieverkit_core.query import QueryBundle

    limits = None if budget is None else parse_budget(budget)
    return QueryBundle(
        _from_stdin() if query == "-" else decodable("QUERY", query),
        top_k=top_k,
        filters=None if filters is None else filters_of(decodable("--filter", filters)),
        scope=None if scope is None else filters_of(decodable("--scope", scope)),
        timeout=timeout,
        budget=limits,
    )


def spec_of(
    mode: str | None, config: Path | None, options: list[str] | None = None, embedding: str | None = None
) -> RetrieverSpec | None:
    """Return the retriever that a mode string or a file describes, or None where nothing is given.

    Args:
        mode: A mode string.
        config: A file.
        options: Options of the mode as ``name=value``; they win over those of the mode string or the file.
        embedding: The option ``embedding``.

    Raises:
        UsageError: A mode and a file are given, or an option is not of that form.
        ConfigError: They describe no retriever.
    """
    from retrieverkit.building import default_mode
    from retrieverkit.discovery import shared_discovery
    from retrieverkit_core.errors import UsageError
    from retrieverkit_core.spec import RetrieverSpec

    if mode is not None and config is not None:
        raise UsageError("--mode and --config do not go together", fix="use one of them")
    given = dict(map(_option, options or ()))
    if embedding is not None:
        given["embedding"] = decodable("--embedding", embedding)
    if config is not None:
        spec = RetrieverSpec.load(config)
    elif mode is None and not given:
        return None
    else:
        spec = RetrieverSpec.parse(decodable("--mode", mode or default_mode(shared_discovery())[0]))
    return RetrieverSpec(**{**spec.to_obj(), **given}) if given else spec


_NOT_OPTIONS = frozenset({"mode", "provider", "retrievers"})
"""What describes the retriever itself; `-m` does."""


def _option(written: str) -> tuple[str, Any]:
    """Return the name and the value of an option; what is not JSON is a text."""
    from retrieverkit_core.errors import UsageError

    name, equals, value = decodable("--option", written).partition("=")
    if not equals or not name.isidentifier() or name in _NOT_OPTIONS:
        raise UsageError(f"-o {written!r} is not of the form NAME=VALUE", fix="write it like -o top_k=20")
    try:
        return name, json.loads(value, parse_constant=_refused)
    except ValueError:
        return name, {"True": True, "False": False, "None": None}.get(value, value)


def _refused(constant: str) -> Any:
    raise ValueError(constant)


def _from_stdin() -> str:
    from retrieverkit_core.errors import QueryError
    from retrieverkit_core.query import MAX_QUERY_CHARS

    data = sys.stdin.buffer.read(4 * MAX_QUERY_CHARS + 4)  # no more than the longest query needs in UTF-8
    try:
        return data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise QueryError(f"the query on stdin is not UTF-8 at byte {error.start}", fix="convert it to UTF-8") from error


def decodable(name: str, text: str) -> str:
    """Return ``text`` unless it stands for bytes that are no UTF-8."""
    from retrieverkit_core.errors import QueryError

    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise QueryError(f"{name} is not valid text in this terminal's encoding", fix="write it in UTF-8") from None
    return text


def warn(result: RetrievalResult, screen: Screen) -> None:
    """Say what went wrong in a leg, and what else a reader is warned of."""
    from retrieverkit.cli.hits import failed_legs

    for told in (*failed_legs(result.legs), *result.warnings):
        screen.say(("warning: ", "bold yellow"), told)
