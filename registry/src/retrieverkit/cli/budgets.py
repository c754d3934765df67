"""``--budget``: from ``llm_calls=3,tokens=10000`` to a `Budget`."""

from __future__ import annotations

from retrieverkit_core.budget import LIMITS, Budget
from retrieverkit_core.errors import UsageError, near_matches, shorten

_PARTIAL = "partial"
_EXAMPLE = "write --budget 'llm_calls=3,tokens=10000', with ',partial' for what was found before it ran out"


def parse_budget(text: str) -> Budget:
    """Return the budget that a user wrote.

    Args:
        text: Limits by the names of `Budget`'s fields, and ``partial``, with commas between them.

    Raises:
        UsageError: A limit is unknown, stands twice, or is not a whole number from 0 up.
    """
    limits: dict[str, int] = {}
    partial = False
    for part in filter(None, map(str.strip, text.split(","))):
        name, given, amount = (piece.strip() for piece in part.partition("="))
        if part == _PARTIAL:
            partial = True
            continue
        if name not in LIMITS:
            near = near_matches(name, (*LIMITS, _PARTIAL))
            fix = f"did you mean {near[0]!r}? " if near else ""
            raise UsageError(f"--budget has no limit {shorten(name)!r}", fix=fix + _EXAMPLE)
        if name in limits:
            raise UsageError(f"--budget names {name} twice", fix="name it once")
        if not given or not (amount.isascii() and amount.isdigit() and len(amount) <= 18):
            problem = f"{shorten(amount)!r} is not a whole number from 0 up" if given else "it has no number"
            raise UsageError(f"--budget {name}: {problem}", fix=_EXAMPLE)
        limits[name] = int(amount)
    if not limits:
        raise UsageError("--budget limits nothing", fix=_EXAMPLE)
    return Budget(partial=partial, **limits)
