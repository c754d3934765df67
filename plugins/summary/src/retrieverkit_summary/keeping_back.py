"""`kept_back`: summaries are not paid for with what choosing among them takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from retrieverkit_core import budget
from retrieverkit_core.choosing import Cost


@contextmanager
def kept_back(cost: Cost) -> Iterator[None]:
    """Run the block with what the caller's budget leaves beyond ``cost``, where the caller settles for part."""
    calls, tokens = budget.left("llm_calls"), budget.left("tokens")
    if not budget.settles_for_part() or (calls is None and tokens is None):
        yield
        return
    rest = budget.Budget(
        llm_calls=None if calls is None else max(0, calls - cost.llm_calls),
        tokens=None if tokens is None else max(0, tokens - cost.tokens),
        partial=True,
    )
    with budget.limited(rest):
        yield
