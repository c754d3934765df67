"""`Failures`: what could not be summed up, and for how long nobody is asked for it again."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from time import monotonic
from typing import NamedTuple
from weakref import WeakKeyDictionary

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.errors import ServiceError

RETRY_PAUSE = 2.0
"""Seconds after the first failure; each further one doubles them."""

LONGEST_PAUSE = 300.0
_REMEMBERED = 10_000


class _Failure(NamedTuple):
    error: ServiceError
    attempts: int
    until: float


class Failures:
    """What a model could not sum up, by key. Safe to share between threads."""

    def __init__(self) -> None:
        self._by_key: dict[bytes, _Failure] = {}

    def postponed(self, keys: Iterable[bytes]) -> dict[bytes, ServiceError]:
        """Return the last error of each key that is not to be asked again yet."""
        if not self._by_key:
            return {}
        now = monotonic()
        found = ((key, self._by_key.get(key)) for key in keys)
        return {key: copy(failure.error) for key, failure in found if failure is not None and failure.until > now}

    def remember(self, key: bytes, error: ServiceError) -> None:
        """Note that a key has failed: it is not asked again for a while, each time for longer."""
        before = self._by_key.pop(key, None)
        attempts = before.attempts + 1 if before else 1
        pause = min(LONGEST_PAUSE, RETRY_PAUSE * 2 ** min(attempts - 1, 30))
        self._by_key[key] = _Failure(copy(error), attempts, monotonic() + pause)  # without the frames of the call
        if len(self._by_key) > _REMEMBERED:
            self._by_key.pop(next(iter(self._by_key)), None)


_of_corpora: WeakKeyDictionary[Corpus, Failures] = WeakKeyDictionary()


def failures_of(corpus: Corpus) -> Failures:
    """Return what failed for a corpus in this process, whichever retriever asked."""
    return _of_corpora.setdefault(corpus, Failures())
