"""The workers of one copy: kept while they are asked, replaced when they end."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retrieverkit_property_graph.cypher.errors import CypherError, CypherTimeoutError
from retrieverkit_property_graph.cypher.sandbox.folders import off_the_loop
from retrieverkit_property_graph.cypher.sandbox.worker import Confinement, Gone, Rows, Worker

_MOST = 2
"""Workers that answer side by side; a third query waits."""

_WORN = 100
"""A worker that has answered so many queries is replaced: ladybug keeps some memory of each."""


class Pool:
    """Asks the workers of one database.

    Args:
        folder: Where the database is.
        confinement: What a worker may take.
    """

    def __init__(self, folder: Path, confinement: Confinement) -> None:
        self._folder = folder
        self._confinement = confinement
        self._process = os.getpid()
        self._begin()

    def _begin(self) -> None:
        self._idle: list[Worker] = []
        self._slots = threading.BoundedSemaphore(_MOST)
        self._finalizer = weakref.finalize(self, _ended, self._idle, os.getpid())

    def make(self) -> None:
        """Make the database, and keep the worker that did.

        Raises:
            CypherWorkerError: It cannot be made.
        """
        self._idle.append(Worker(self._folder, self._confinement, makes=True))

    def ask(self, query: str, parameters: Mapping[str, Any], *, rows: int, seconds: float) -> Rows:
        """Return what a query returns, as `Worker.ask` does.

        A worker takes at most ``seconds``. Waiting for one takes at most as many; starting one does not count.

        Raises:
            CypherTimeoutError: It took longer.
            CypherQueryError: The database cannot run it.
            CypherWorkerError: The process ended, or does not start.
        """
        if self._process != os.getpid():  # forked: the workers are the parent's
            self._process = os.getpid()
            self._begin()
        if not self._slots.acquire(timeout=seconds):
            raise CypherTimeoutError(f"no process for Cypher was free within {seconds:g} s", fix="raise time_limit")
        try:
            return self._asked(query, parameters, rows, seconds)
        finally:
            self._slots.release()

    def _asked(self, query: str, parameters: Mapping[str, Any], rows: int, seconds: float) -> Rows:
        while True:
            worker = self._idle_one() or Worker(self._folder, self._confinement)
            used = worker.answered > 0
            try:
                answer = worker.ask(query, parameters, rows=rows, seconds=seconds)
            except Gone:
                continue
            except CypherTimeoutError:
                raise
            except CypherError:
                self._keep_or_end(worker)
                if used and not worker.alive:  # it may have been full of what others asked
                    continue
                raise
            except BaseException:
                self._keep_or_end(worker)
                raise
            self._keep_or_end(worker)
            return answer

    def _keep_or_end(self, worker: Worker) -> None:
        """Keep a worker that can answer more, and end one that was left in the middle of a message, or is worn."""
        if worker.ready and worker.alive and worker.answered < _WORN:
            self._idle.append(worker)
        else:
            worker.end()

    def _idle_one(self) -> Worker | None:
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            worker.end()
        return None

    def close(self) -> None:
        """End the workers that nobody is asking."""
        self._finalizer()

    @property
    def process_ids(self) -> list[int]:
        """The ids of the processes that wait to be asked."""
        return [worker.process_id for worker in self._idle]


def _ended(workers: list[Worker], owner: int) -> None:
    if os.getpid() == owner:
        off_the_loop(lambda: _end_all(workers))


def _end_all(workers: list[Worker]) -> None:
    while workers:
        workers.pop().end()
