"""What a fork waits for.

OpenBLAS, which numpy brings along, ends its threads when the process forks. A product of matrices that another thread
is at then waits for them for ever, in the parent too: a build never ends, and what it has locked stays locked, for the
child as well. So a fork has to wait for the product.
"""

from __future__ import annotations

import os
import threading

_PATIENCE = 10.0
"""Seconds that a fork waits; one that never comes would be worse."""


class _NoFork:
    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._inside = 0
        self._forking = 0

    def __enter__(self) -> None:
        with self._changed:
            while self._forking:
                self._changed.wait()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._inside -= 1
            if self._forking and not self._inside:
                self._changed.notify_all()

    def _before(self) -> None:
        self._changed.acquire()
        self._forking += 1
        self._changed.wait_for(lambda: not self._inside, _PATIENCE)

    def _after(self) -> None:
        self._forking -= 1
        self._changed.notify_all()
        self._changed.release()


no_fork = _NoFork()
"""A context in which the process does not fork; any number of threads may be in it at once.

It is for single calls of numpy that multiply or decompose matrices: nothing else may be waited for in it.
"""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=no_fork._before,
        after_in_parent=no_fork._after,
        after_in_child=no_fork._forget,
    )
