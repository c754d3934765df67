"""Explanations: what the stages of a retrieval did and lost, recorded by the code that does it, only when asked.

Callers ask with ``retrieve(query, explain=True)`` and read ``result.explain()``; authors record a stage with `stage`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieverkit_core.explain._codes import Code, Status
    from retrieverkit_core.explain._explanation import (
        LOST_SHOWN,
        NEAR_MISSES,
        Explanation,
        HitExplained,
        Lost,
        Place,
        Stage,
    )
    from retrieverkit_core.explain._recording import Recording, Seen, Step, recording, stage, unrecorded
    from retrieverkit_core.explain._scores import TOLERANCE, How, Score
    from retrieverkit_core.explain._why_not import Change, Sought, WhyNot, least

_WHERE = {
    "_codes": ("Code", "Status"),
    "_explanation": ("LOST_SHOWN", "NEAR_MISSES", "Explanation", "HitExplained", "Lost", "Place", "Stage"),
    "_recording": ("Recording", "Seen", "Step", "recording", "stage", "unrecorded"),
    "_scores": ("TOLERANCE", "How", "Score"),
    "_why_not": ("Change", "Sought", "WhyNot", "least"),
}
_HOME = {name: module for module, names in _WHERE.items() for name in names}

__all__ = [
    "LOST_SHOWN",
    "NEAR_MISSES",
    "TOLERANCE",
    "Change",
    "Code",
    "Explanation",
    "HitExplained",
    "How",
    "Lost",
    "Place",
    "Recording",
    "Score",
    "Seen",
    "Sought",
    "Stage",
    "Status",
    "Step",
    "WhyNot",
    "least",
    "recording",
    "stage",
    "unrecorded",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for: a retrieval that nobody has explained needs none of it."""
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
