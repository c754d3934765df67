"""``retriever watch``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retrieverkit.cli.options import (
    Encoding,
    Exclude,
    Glob,
    Hidden,
    IndexFolder,
    NoIgnore,
    file_rules,
)

if TYPE_CHECKING:
    from retrieverkit.cli.screen import Screen
    from retrieverkit.files import FilesReport
    from retrieverkit.index import Index
    from retrieverkit.reading import FileRules
    from retrieverkit_core.errors import RetrieverKitError


def watch(
    index: IndexFolder,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help="Files and folders to follow. Default: those that the index was made of.",
            show_default=False,
        ),
    ] = None,
    glob: Glob = None,
    exclude: Exclude = None,
    hidden: Hidden = False,
    no_ignore: NoIgnore = False,
    encoding: Encoding = None,
    interval: Annotated[
        float,
        typer.Option("--interval", metavar="SECONDS", min=0.01, help="Seconds between two looks where it has to look."),
    ] = 2.0,
    poll: Annotated[
        bool, typer.Option("--poll", help="Look for changes, as on a network disk that tells of none.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document per line.")] = False,
) -> None:
    """Follow files and folders, and keep an index as they are, until Ctrl-C or SIGTERM.

    Changes that come together are one update. A file that cannot be read is named and ends nothing. Of a PATH that is
    gone, as a disk that is not mounted looks, the documents are kept. With the package watchfiles installed the system
    reports changes; without it, the files are looked at again and again.

    Examples:
      retriever watch notes --index plant.rk
      retriever watch --index plant.rk --json
    """
    from retrieverkit.cli.changes import Watch, look
    from retrieverkit.cli.screen import Screen
    from retrieverkit.index import Index
    from retrieverkit_core.errors import ReadError

    rules = file_rules(glob, exclude, hidden, no_ignore, encoding)
    if paths and not index.exists() and not any(path.exists() for path in paths):
        raise ReadError(paths[0], "no such file or folder", fix="check the path; no index was made")
    told = _Lines() if as_json else _Words(Screen(sys.stdout), Screen(sys.stderr))
    with _ended_by_signals(), Index.open(index, create=bool(paths)) as opened:
        followed = paths or _roots(opened)
        following = _Following(opened, followed, rules, told)
        looked = partial(look, followed, opened.path, rules)
        watch_of = Watch(followed, looked, interval, poll=poll)
        try:
            before = looked()
            following.update()
            told.watching(followed, watch_of.by_system, interval)
            for _ in watch_of.changes(before, lambda: following.again):
                following.update()
        except KeyboardInterrupt:
            told.stopped(len(opened.document_ids()), index)


class _Following:
    """Brings an index up to date, and says what came of it where that is something new."""

    def __init__(self, index: Index, paths: Sequence[Path], rules: FileRules, told: _Lines | _Words) -> None:
        self._index = index
        self._paths = paths
        self._rules = rules
        self._told = told
        self._problems: list[str] | None = None
        self.again = False
        """Whether the last update did not come about, for a reason that may pass."""

    def update(self) -> None:
        from retrieverkit.cli.ready import made_ready
        from retrieverkit_core.errors import RetrieverKitError

        begun = perf_counter()
        try:
            report = self._index.add_files(self._paths, rules=self._rules)
            changed = bool(report.added or report.changed or report.removed)
            failed = made_ready(self._index) if changed or self._problems is None else []
        except RetrieverKitError as error:
            if not error.retryable:
                raise
            if not self.again:
                self._told.failed(error)
            self.again = True
            return
        self.again = False
        problems = [*(error.message for error in report.errors), *report.failed_before, *failed]
        if changed or problems != (self._problems or []) or self._problems is None:
            self._told.updated(report, failed, perf_counter() - begun)
        self._problems = problems


class _Lines:
    """Says what happens in JSON, one document per line."""

    def watching(self, paths: Sequence[Path], by_system: bool, interval: float) -> None:
        from retrieverkit.cli.json_output import printable

        by = {"by": "events"} if by_system else {"by": "polling", "interval": interval}
        _line({"event": "watching", "paths": [*map(printable, paths)], **by})

    def updated(self, report: FilesReport, failed: Sequence[str], seconds: float) -> None:
        from retrieverkit.cli.files_report import as_dict

        told = as_dict(report)
        del told["skipped"]
        _line({"event": "updated", **told, "failed_legs": list(failed), "seconds": round(seconds, 6)})

    def failed(self, error: RetrieverKitError) -> None:
        _line({"event": "failed", "problem": error.message, "fix": error.fix, "tried_again": True})

    def stopped(self, documents: int, index: Path) -> None:
        _line({"event": "stopped", "documents": documents})


class _Words:
    """Says what happens in words."""

    def __init__(self, out: Screen, err: Screen) -> None:
        self._out = out
        self._err = err

    def watching(self, paths: Sequence[Path], by_system: bool, interval: float) -> None:
        how = "told of changes by the system" if by_system else f"looking every {interval:g} s"
        self._out.say(f"watching {', '.join(map(str, paths))} ({how}); Ctrl-C ends it")
        sys.stdout.flush()

    def updated(self, report: FilesReport, failed: Sequence[str], seconds: float) -> None:
        from retrieverkit.cli.files_report import write_report, write_unread

        write_report(report, self._out)
        sys.stdout.flush()
        for note in report.notes:
            self._err.say(("note: ", "bold"), note)
        write_unread(report, self._err)
        for told in failed:
            self._err.say(("warning: ", "bold yellow"), told)

    def failed(self, error: RetrieverKitError) -> None:
        self._err.say(("warning: ", "bold yellow"), f"{error.message}; it is tried again")

    def stopped(self, documents: int, index: Path) -> None:
        from retrieverkit.cli.files_report import counted

        self._out.say(f"stopped; {index} holds {counted(documents, 'document')}, and what was committed is kept")


def _roots(index: Index) -> list[Path]:
    from retrieverkit.roots import roots_of
    from retrieverkit_core.errors import UsageError

    roots = [Path(root.path) for root in roots_of(index.path)]
    if not roots:
        raise UsageError("nothing to follow is named, and the index knows no path", fix="name files or folders")
    return roots


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Have SIGTERM do what Ctrl-C does, also where the process was started with Ctrl-C switched off."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _line(content: dict[str, Any]) -> None:
    from retrieverkit.cli.json_output import print_json

    print_json(content, indent=None)
    sys.stdout.flush()
