"""`Exchange`: one request and its answer, with the time it may take and the way to end it from another thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic


class CancelledExchangeError(Exception):
    """Nobody waits for the answer any more."""


class Exchange:
    """A request and its answer.

    Args:
        key: What must not be logged; may be empty.
    """

    def __init__(self, key: str = "") -> None:
        self.key = key
        self._until: float | None = None
        self._guard = threading.Lock()
        self._cancelled = False
        self._socket: socket.socket | None = None

    def begin(self, limit: float, key: str) -> None:
        """Let it take ``limit`` seconds from now."""
        self._until = monotonic() + limit
        self.key = key

    def left(self) -> float | None:
        """Return the seconds that are left, which may be less than 0."""
        return None if self._until is None else self._until - monotonic()

    def over(self) -> None:
        """Let go of the connection: another exchange may use it from here on."""
        with self._guard:
            self._socket = None

    def uses(self, connection: socket.socket | None) -> None:
        """Note the connection that it runs on.

        Raises:
            CancelledExchangeError: It is cancelled.
        """
        with self._guard:
            self._socket = connection
            if self._cancelled:
                raise CancelledExchangeError

    def cancel(self) -> None:
        """End it: the connection is closed, and whoever waits for it in another thread wakes."""
        with self._guard:
            self._cancelled = True
            if self._socket is not None:
                _hang_up(self._socket)

    def check(self) -> None:
        """Raise where it is cancelled.

        Raises:
            CancelledExchangeError: It is.
        """
        if self._cancelled:
            raise CancelledExchangeError


def _hang_up(connection: socket.socket) -> None:
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # under TLS too: its own `shutdown` is for its own thread
    except OSError:  # the other side was quicker
        return


_current: ContextVar[Exchange | None] = ContextVar("retrieverkit_llm_exchange", default=None)


def current() -> Exchange | None:
    """Return the exchange of the running code, or None."""
    return _current.get()


@contextmanager
def running(exchange: Exchange) -> Iterator[None]:
    """Run the block as the exchange's; what the endpoint repeats of its key is logged as ``***``."""
    token = _current.set(exchange)
    try:
        yield
    finally:
        _current.reset(token)
