"""``retriever index``."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from retrieverkit.cli.options import (
    AsJson,
    Calls,
    Encoding,
    Exclude,
    Glob,
    Hidden,
    IndexFolder,
    NoIgnore,
    Strict,
    file_rules,
)

if TYPE_CHECKING:
    from retrieverkit.index import Index


def index(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Files and folders. A folder stands for all files below it."),
    ],
    index: IndexFolder,
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            metavar="CODE",
            help="The language of the texts, such as de. Default: detected in the first texts that are added.",
            show_default=False,
        ),
    ] = None,
    splitter: Annotated[
        str | None,
        typer.Option(
            "--splitter",
            metavar="NAME",
            help="How a new index cuts documents: pieces, headings, hierarchical or sentences, with options, such as "
            "'pieces(chunk_size=300)' for chunks of at most 300 characters. Default: pieces.",
            show_default=False,
        ),
    ] = None,
    embedding: Annotated[
        str | None,
        typer.Option(
            "--embedding",
            metavar="SPEC",
            help="The embedding of the index, with options; it is kept. Default: minilm if it is installed, else lsa.",
            show_default=False,
        ),
    ] = None,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Remove the documents of a PATH that does not exist any more, or has no files left."
        ),
    ] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Read files again that could not be read before, although unchanged.")
    ] = False,
    glob: Glob = None,
    exclude: Exclude = None,
    hidden: Hidden = False,
    no_ignore: NoIgnore = False,
    encoding: Encoding = None,
    strict: Strict = False,
    cassette: Calls = None,
    as_json: AsJson = False,
) -> None:
    """Add files to an index, or update it: changed files are read again, deleted ones are removed.

    Files of unsupported kinds are left out and counted. Files that cannot be read are named on stderr; all others are
    added, and the exit code is 3. Until they change, later runs only count them. If several runs read the same folder,
    the last one decides which of its files the index holds. Documents of a folder that cannot be opened are kept. So
    are those of a PATH that does not exist any more, unless --prune is given.
    """
    from retrieverkit.cli.exit_codes import PARTIAL
    from retrieverkit.cli.files_report import as_dict, write_report, write_unread
    from retrieverkit.cli.interrupted import saying_what_is_kept
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.progress import LongWork
    from retrieverkit.cli.ready import make_ready
    from retrieverkit.cli.recording import on_cassette
    from retrieverkit.cli.screen import Screen
    from retrieverkit.discovery import shared_discovery
    from retrieverkit.services import IndexServices
    from retrieverkit_core.errors import ReadError

    if not index.exists() and not any(path.exists() for path in paths):
        raise ReadError(paths[0], "no such file or folder", fix="check the path; no index was made")
    rules = file_rules(glob, exclude, hidden, no_ignore, encoding)
    out, err = Screen(sys.stdout), Screen(sys.stderr)
    models = IndexServices(shared_discovery(), index)
    if embedding is not None:
        models.embedding_to_keep(embedding)  # raises before anything is made
    with _opened(index, splitter) as opened:
        if embedding is not None:
            models.keep_embedding(embedding)
        if language is not None:
            opened.configure(language=language)
        begun = perf_counter()
        with LongWork(err) as work, saying_what_is_kept(opened.corpus, work, err):
            work.stage("reading files")
            report = opened.add_files(paths, prune=prune, retry=retry, rules=rules, on_progress=work.files)
        reading = perf_counter() - begun
        if not as_json:
            write_report(report, out)
            sys.stdout.flush()
        for note in report.notes:
            err.say(("note: ", "bold"), note)
        write_unread(report, err)
        with on_cassette(cassette, err):
            ready = make_ready(opened, err)
    if as_json:
        seconds = {"reading": round(reading, 6), "indexing": 0.0 if ready is None else ready["seconds"]}
        print_json({**as_dict(report), "ready": ready, "seconds": seconds})
    elif ready is not None and not ready["failed"]:
        out.say(f"ready to search in {index} ({ready['note']}; {ready['seconds']:.1f} s)")
    left_out = strict and report.of_other_kinds
    if report.partial or left_out or (ready is not None and ready["failed"]):
        raise typer.Exit(PARTIAL)


def _opened(folder: Path, splitter: str | None) -> Index:
    """Open the index, or make it with a splitter.

    Raises:
        ConfigError: There is an index that cuts in another way.
    """
    from retrieverkit.index import Index
    from retrieverkit.layout import CORPUS_FILE

    if splitter is None:
        return Index.open(folder, create=True)
    if not (folder / CORPUS_FILE).exists():
        return Index.create(folder, splitter=splitter)
    from retrieverkit.reading.splitters import checked_splitter
    from retrieverkit_core.errors import ConfigError

    wanted, opened = checked_splitter(splitter), Index.open(folder)
    there = opened.settings.splitter
    if there != wanted:
        opened.close()
        raise ConfigError(
            f"the index {folder} cuts documents by {there or 'pieces'!r}, not by {wanted or 'pieces'!r}",
            fix="make another index with that splitter",
        )
    return opened
