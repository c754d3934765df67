"""A progress bar on stderr, where somebody watches and the work is long."""

from __future__ import annotations

from contextlib import ExitStack
from threading import Timer
from types import TracebackType
from typing import TYPE_CHECKING, Self

from retrieverkit.cli.screen import Screen, clean

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_LONG = 0.5
"""Seconds after which work is long."""


class LongWork:
    """Shows how far work has come, indexes that are made in it too; nothing when it is quick or nobody watches.

    Args:
        screen: Where to show it.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._indexes: dict[str, TaskID] = {}
        self._start: Timer | None = None
        self._telling = ExitStack()
        self.indexed = False
        """Whether an index was made or brought up to date in it."""

    def __enter__(self) -> Self:
        from retrieverkit_core.progress import told_to

        self._telling.enter_context(told_to(self._indexed))
        if self._screen.terminal:
            self._bar = _bar(self._screen)
            self._start = Timer(_LONG, self._bar.start)
            self._start.daemon = True
            self._start.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._telling.close()
        if self._start is not None and self._bar is not None:
            self._start.cancel()
            self._start.join()
            self._bar.stop()

    def stage(self, name: str) -> None:
        """Begin work of unknown length."""
        if self._bar is not None:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(name, total=None, doing="")

    def files(self, done: int, total: int, path: str) -> None:
        """Show that ``done`` of ``total`` files are read, the last of them ``path``."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, doing=clean(path))

    def _indexed(self, index: str, done: int, total: int) -> None:
        self.indexed = True
        if self._bar is not None:
            if index not in self._indexes:
                self._indexes[index] = self._bar.add_task(f"indexing for {clean(index)}", doing="")
            self._bar.update(self._indexes[index], completed=done, total=total)


def _bar(screen: Screen) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn(
            "{task.fields[doing]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)
        ),
        console=screen.console,
        transient=True,
        expand=True,
    )
