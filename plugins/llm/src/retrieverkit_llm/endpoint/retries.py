"""Asking again while that may help, within the caller's deadline."""

from __future__ import annotations

from typing import Any

import stamina

from retrieverkit_core.deadline import remaining
from retrieverkit_core.errors import EndpointError
from retrieverkit_llm.endpoint.refused import RefusedError

FIRST_WAIT = 0.2
"""Seconds before the second attempt, about; each further wait is twice as long."""
LONGEST_BACKOFF = 10.0

_RETRYABLE = {408, 409, 425, 429}
_JITTER = 5.0  # times the first wait
_UNDER_DEADLINE = 2.5  # times the first wait
_LONGEST_WAIT = 60.0
_SHORTEST_WAIT = 0.1


def may_pass(status: int) -> bool:
    """Return whether a request that was refused with this HTTP status may succeed later."""
    return status in _RETRYABLE or status >= 500


def attempts(max_retries: int, first_wait: float) -> Any:
    """Return the attempts of one request, to be iterated by ``for`` or ``async for`` and entered one after another.

    Args:
        max_retries: How many there are after the first.
        first_wait: Seconds before the second attempt, about.
    """

    def wait_before_next(error: Exception) -> bool | float:
        """Return whether to ask again, and when if stamina is not to say. No wait may outlast the deadline."""
        if not isinstance(error, EndpointError) or not error.retryable:
            return False
        left = remaining()
        wait = error.wait if isinstance(error, RefusedError) else None
        if wait is None:
            return left is None or (left > _SHORTEST_WAIT and min(first_wait * _UNDER_DEADLINE, left / 4))
        return wait if wait < (_LONGEST_WAIT if left is None else left) else False

    return stamina.retry_context(
        on=wait_before_next,
        attempts=max_retries + 1,
        timeout=None,
        wait_initial=first_wait,
        wait_jitter=first_wait * _JITTER,
        wait_max=LONGEST_BACKOFF,
    )
