"""Small drawings in SVG, in the colours of the page."""

from __future__ import annotations

from collections.abc import Sequence

_WHISKER = 150
_WIDTH, _HEIGHT = 900, 150


def whisker(mean: float, ends: tuple[float, float], room: tuple[float, float], baseline: float) -> str:
    """Draw a mean and its interval.

    Args:
        mean: The mean.
        ends: Its interval.
        room: What the drawing reaches from and to, the same for all systems of a measure.
        baseline: The mean of the first system; it is a line across.
    """
    width = room[1] - room[0] or 1.0

    def x(value: float) -> str:
        return f"{6 + (_WHISKER - 12) * (value - room[0]) / width:.1f}"

    return (
        f'<svg width="{_WHISKER}" height="16" role="img" aria-label="from {ends[0]:.3f} to {ends[1]:.3f}">'
        f'<line x1="{x(baseline)}" y1="0" x2="{x(baseline)}" y2="16" stroke="var(--faint)" stroke-dasharray="2 2"/>'
        f'<line x1="{x(ends[0])}" y1="8" x2="{x(ends[1])}" y2="8" stroke="var(--accent)" stroke-width="2.5"/>'
        f'<circle cx="{x(mean)}" cy="8" r="4" fill="var(--accent)"/></svg>'
    )


def axis(room: tuple[float, float]) -> str:
    """Draw what the whiskers below it reach from and to, with the middle."""
    ticks = [(6.0, "start"), (_WHISKER / 2, "middle"), (_WHISKER - 6.0, "end")]
    values = [room[0], (room[0] + room[1]) / 2, room[1]]
    drawn = "".join(
        f'<line x1="{x:g}" y1="12" x2="{x:g}" y2="16" stroke="var(--faint)"/>'
        f'<text x="{x:g}" y="9" text-anchor="{anchor}">{value:g}</text>'
        for (x, anchor), value in zip(ticks, (round(value, 3) for value in values), strict=True)
    )
    return (
        f'<svg width="{_WHISKER}" height="17" aria-hidden="true"><g font-size="10" fill="var(--faint)">{drawn}</g>'
        f'<line x1="6" y1="16" x2="{_WHISKER - 6}" y2="16" stroke="var(--faint)"/></svg>'
    )


def differences(values: Sequence[float]) -> str:
    """Draw the difference of every query, from the largest gain on the left to the largest loss on the right."""
    ordered = sorted(values, reverse=True)
    largest = max(map(abs, ordered)) or 1.0
    middle, step = _HEIGHT / 2, _WIDTH / len(ordered)
    drawn = "".join(
        f'<path fill="var(--{name})" d="M{start * step:.2f} {middle}{_steps(part, start, step, middle, largest)}'
        f'V{middle}Z"/>'
        for name, start, part in _signs(ordered)
    )
    return (
        f'<svg viewBox="0 -14 {_WIDTH} {_HEIGHT + 28}" width="100%" role="img" aria-label="differences by query">'
        f'<g font-size="11" fill="currentColor"><text x="0" y="-3">+{largest:.2f}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 11}" text-anchor="end">−{largest:.2f}</text></g>'
        f'{drawn}<line x1="0" y1="{middle}" x2="{_WIDTH}" y2="{middle}" stroke="currentColor" stroke-width=".6"/></svg>'
    )


def _signs(ordered: Sequence[float]) -> list[tuple[str, int, Sequence[float]]]:
    gains = [value for value in ordered if value > 0]
    losses = [value for value in ordered if value < 0]
    return [("good", 0, gains), ("bad", len(ordered) - len(losses), losses)]


def _steps(values: Sequence[float], start: int, step: float, middle: float, largest: float) -> str:
    return "".join(
        f"V{middle - middle * value / largest:.2f}H{(start + at) * step:.2f}" for at, value in enumerate(values, 1)
    )
