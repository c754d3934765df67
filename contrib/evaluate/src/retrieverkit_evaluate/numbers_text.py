"""Numbers as they are written in tables and pages."""

from __future__ import annotations

from retrieverkit_evaluate.report import Comparison


def signed(value: float) -> str:
    """Return a difference with its sign."""
    return "0.000" if round(value, 3) == 0 else f"{value:+.3f}"


def interval_text(ends: tuple[float, float] | None) -> str:
    """Return an interval, or a dash where there is none."""
    return "–" if ends is None else f"{ends[0]:.3f}…{ends[1]:.3f}"


def p_text(comparison: Comparison) -> str:
    """Return the corrected p-value, with a star where it is significant."""
    p = comparison.p_corrected
    return ("<0.001" if p < 0.001 else f"{p:.3f}") + ("*" if comparison.significant else "")


def wins_text(comparison: Comparison) -> str:
    """Return wins, ties and losses."""
    return f"{comparison.wins}/{comparison.ties}/{comparison.losses}"


def milliseconds_text(milliseconds: float) -> str:
    """Return a time with three digits that count."""
    digits = 0 if milliseconds >= 100 else 1 if milliseconds >= 10 else 2
    return f"{milliseconds:,.{digits}f} ms"


def ratio_text(ratio: float | None) -> str:
    """Return how many times the first system's time it is."""
    return "–" if ratio is None else f"×{ratio:.2f}"
