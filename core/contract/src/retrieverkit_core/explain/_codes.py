"""The words that explanations use: a closed list, for programs."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What became of a stage.

    FALLBACK means that it could not do its work and something else stands in its place; SKIPPED that there was nothing
    for it to do, or that it was switched off.
    """

    APPLIED = "applied"
    SKIPPED = "skipped"
    FALLBACK = "fallback"
    FAILED = "failed"


class Code(StrEnum):
    """Why a node is not among the hits.

    RETURNED: it is. NOT_INDEXED: nothing that is searched holds it; under a scope, or nothing within the scope.
    STALE: its file has changed since it was read. FILTERED: it does not pass the filters. OUT_OF_SCOPE: a stage has a
    scope of its own, and it does not pass that. BELOW_LEG_CUT: no leg put it among its candidates. DEDUPLICATED_INTO:
    another node stands for it. FUSED_OUT: a leg alone would have had it in the answer, and the others brought it down.
    RERANKED_OUT: a later stage took it out or brought it down. CUT_BY_TOP_K: it came after the last hit that was asked
    for. LEG_FAILED: a leg that might have found it failed.
    """

    RETURNED = "returned"
    NOT_INDEXED = "not_indexed"
    STALE = "stale"
    FILTERED = "filtered"
    OUT_OF_SCOPE = "out_of_scope"
    BELOW_LEG_CUT = "below_leg_cut"
    DEDUPLICATED_INTO = "deduplicated_into"
    FUSED_OUT = "fused_out"
    RERANKED_OUT = "reranked_out"
    CUT_BY_TOP_K = "cut_by_top_k"
    LEG_FAILED = "leg_failed"
