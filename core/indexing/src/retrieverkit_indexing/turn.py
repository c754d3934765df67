"""`Turn`: one query at a time does what must not be paid for twice."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from retrieverkit_core import deadline
from retrieverkit_core.errors import DeadlineExceededError


class Turn:
    """A lock that keeps to the caller's deadline, and that a forked child finds open.

    Args:
        what: What it guards, for messages.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = threading.Lock()
        self._pid = os.getpid()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Run the block alone.

        Raises:
            DeadlineExceededError: Another query has been at it until the caller's deadline.
        """
        if self._pid != os.getpid():  # the thread that holds it, if any, is the parent's
            self._lock, self._pid = threading.Lock(), os.getpid()
        left = deadline.remaining()
        if not self._lock.acquire(timeout=-1 if left is None else left):
            raise DeadlineExceededError(self._what, None)
        try:
            yield
        finally:
            self._lock.release()
