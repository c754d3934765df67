"""What goes wrong below an index: a full disk, an engine that panics, anything else that its author did not expect."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retrieverkit_core.errors import DerivedIndexError, RetrieverKitError, StorageFullError, shorten

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class EnginePanic(Exception):
    """An engine in another language panicked. What it raised is a BaseException, which passes every handler."""


@contextmanager
def without_panics() -> Iterator[None]:
    """Turn the panic of an engine into an error that can be handled.

    Raises:
        EnginePanic: The engine panicked.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ == "PanicException":  # pyo3's
            raise EnginePanic(f"its engine panicked: {shorten(error, 200)}") from error
        raise


def is_full(error: BaseException) -> bool:
    """Return whether the error, or what led to it, is that there is no space left."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def storage_error(error: Exception, folder: Path) -> RetrieverKitError:
    """Return what to raise where an index cannot be made in ``folder``."""
    if is_full(error):
        return StorageFullError(
            f"no space left for an index in {folder}", fix="free some space; nothing stored is lost"
        )
    return DerivedIndexError(
        f"the index in {folder} cannot be built: {shorten(repr(error), 300)}",
        fix="it holds nothing that the corpus does not: the folder may be deleted",
    )
