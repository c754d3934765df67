"""A progress bar on stderr, where somebody watches and the work is long."""

from __future__ import annotations

from contextlib import ExitStack
from threading import Lock, Timer
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

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
        self._counting = Lock()
        self._running = 0
        self._since = 0.0
        self._spent = 0.0
        self.files_total = 0
        """How many files there are to read in it."""

    def __enter__(self) -> Self:
        from retrieverkit_core.progress import told_to

        self._telling.enter_context(told_to(self._indexed, self._spans))
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

    @property
    def indexing(self) -> float:
        """The seconds in which an index was made or brought up to date; several at the same time count once."""
        with self._counting:
            return self._spent + (perf_counter() - self._since if self._running else 0.0)

    def stage(self, name: str) -> None:
        """Begin work of unknown length."""
        if self._bar is not None:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(name, total=None, doing="")

    def files(self, done: int, total: int, path: str) -> None:
        """Show that ``done`` of ``total`` files are read, the last of them ``path``."""
        self.files_total = total
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, doing=clean(path))

    def _indexed(self, index: str, done: int, total: int) -> None:
        if self._bar is None:
            return
        name = f"indexing for {clean(index)}"
        with self._counting:
            if 0 < total <= done:  # what is made of the items, and written, is not counted
                self._remove(index)
                self._indexes[index] = self._bar.add_task(name, total=None, doing=f"{total:,} read, finishing")
                return
            if index not in self._indexes:
                self._indexes[index] = self._bar.add_task(name, doing="")
            self._bar.update(self._indexes[index], completed=done, total=total)

    def _spans(self, index: str, begins: bool) -> None:
        with self._counting:
            self._running += 1 if begins else -1
            if begins and self._running == 1:
                self._since = perf_counter()
            elif not begins:
                self._spent += perf_counter() - self._since if self._running == 0 else 0.0
                self._remove(index)

    def _remove(self, index: str) -> None:
        if self._bar is not None and index in self._indexes:
            self._bar.remove_task(self._indexes.pop(index))


def _bar(screen: Screen) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeElapsedColumn
    from rich.table import Column
    from rich.text import Text

    class Bar(BarColumn):
        """Shows nothing for work of unknown length."""

        def render(self, task: Task) -> Any:
            return Text("") if task.total is None else super().render(task)

    class Done(MofNCompleteColumn):
        """Shows nothing for work of unknown length."""

        def render(self, task: Task) -> Text:
            return Text("") if task.total is None else super().render(task)

    return Progress(
        TextColumn("{task.description}", markup=False),
        Bar(bar_width=20),
        Done(),
        TimeElapsedColumn(),
        TextColumn(
            "{task.fields[doing]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)
        ),
        console=screen.console,
        transient=True,
        expand=True,
    )
