"""Whether the running retrieval has a scope: what it says may then name nothing that could be outside of it."""

from __future__ import annotations

from contextvars import ContextVar

_scoped: ContextVar[bool] = ContextVar("retrieverkit_scoped", default=False)


def scoped() -> bool:
    """Return whether the running retrieval, or one that it runs in, has a scope."""
    return _scoped.get()


class under:
    """Run the block as part of a retrieval that has the scope, if it is not None; an enclosing one stays.

    It stands around every retrieval, and costs next to nothing where there is no scope.

    Args:
        scope: The scope, or None.
    """

    __slots__ = ("_has", "_token")

    def __init__(self, scope: object) -> None:
        self._has = scope is not None

    def __enter__(self) -> None:
        if self._has:
            self._token = _scoped.set(True)

    def __exit__(self, *exception: object) -> None:
        if self._has:
            _scoped.reset(self._token)
