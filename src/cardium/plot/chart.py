"""Small charts as SVG text, drawn in the colours of the page they stand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from cardium.core import FloatArray

_WIDTH = 900.0
_LONGEST = 32  # characters of a label
_HUES = 6  # colours of series that the style sheet defines


@dataclass(frozen=True, slots=True)
class Line:
    """A curve of a chart.

    Parameters
    ----------
    label : str
        Its name in the legend.
    x, y : (N,)
        Its points; where y is not finite, there is none.
    hue : int
        Number of its colour.
    dashed : bool
        Whether it is drawn dashed.
    """

    label: str
    x: FloatArray
    y: FloatArray
    hue: int = 0
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and its interval, one row of a chart.

    Parameters
    ----------
    label : str
        Whose value it is.
    value, low, high : float
        The value and its interval; without an interval both ends are NaN.
    hue : int
        Number of its colour.
    """

    label: str
    value: float
    low: float
    high: float
    hue: int = 0


def line_chart(lines: Sequence[Line], *, x_label: str, y_label: str, title: str) -> str:
    """Draw curves with a legend.

    Parameters
    ----------
    lines : sequence of Line
        Curves with two points at least between them.
    x_label, y_label : str
        What the axes show.
    title : str
        What the chart says, for readers who do not see it.

    Returns
    -------
    str
        An ``<svg>`` element and a list, or ``""`` if there is nothing to draw.

    Examples
    --------
    >>> curve = Line("a < b", np.array([0.0, 10.0]), np.array([1.0, 0.5]))
    >>> svg = line_chart([curve], x_label="step", y_label="loss", title="Loss")
    >>> "a &lt; b" in svg, line_chart([], x_label="", y_label="", title="")
    (True, '')
    """
    drawn = [_finite(line) for line in lines]
    drawn = [line for line in drawn if line.x.size]
    if not drawn:
        return ""
    height, left, right, top, bottom = 250.0, 56.0, 16.0, 26.0, 40.0
    x_ticks = _ticks(*_span([line.x for line in drawn]))
    y_ticks = _ticks(*_span([line.y for line in drawn]))
    x = _scale(x_ticks[0], x_ticks[-1], left, _WIDTH - right)
    y = _scale(y_ticks[0], y_ticks[-1], height - bottom, top)
    parts = [
        *_y_axis(y_ticks, y, left, _WIDTH - right),
        *_x_axis(x_ticks, x, height - 22),
    ]
    for line in drawn:
        across, up = x[0] + x[1] * line.x, y[0] + y[1] * line.y
        points = [f"{a:.1f},{b:.1f}" for a, b in zip(across, up, strict=True)]
        dash = ' stroke-dasharray="6 4"' if line.dashed else ""
        parts.append(
            f'<polyline class="line hue{line.hue % _HUES}" '
            f'points="{" ".join(points)}"{dash}/>'
            if len(points) > 1
            else _dot(float(across[0]), float(up[0]), line.hue)
        )
    parts.append(_text((left + _WIDTH - right) / 2, height - 4, x_label, "middle"))
    parts.append(_text(4, 12, y_label, "start"))
    return _svg(parts, height, title) + _legend(drawn)


def interval_chart(intervals: Sequence[Interval], *, x_label: str, title: str) -> str:
    """Draw values with their intervals, one row each.

    Parameters
    ----------
    intervals : sequence of Interval
        Rows, from the top; those without a finite value are left out.
    x_label : str
        What the values are, with the unit.
    title : str
        What the chart says, for readers who do not see it.

    Returns
    -------
    str
        An ``<svg>`` element, or ``""`` if there is nothing to draw.

    Examples
    --------
    >>> nan = float("nan")
    >>> rows = [Interval("unet", 0.9, 0.88, 0.92), Interval("mean", nan, nan, nan)]
    >>> svg = interval_chart(rows, x_label="Dice", title="Dice of two models")
    >>> "unet" in svg, "mean" in svg
    (True, False)
    """
    drawn = [i for i in intervals if np.isfinite(i.value)]
    if not drawn:
        return ""
    longest = max(len(i.label) for i in drawn)
    row, right, bottom = 30.0, 24.0, 44.0
    left = 30 + 7.6 * min(longest, _LONGEST)
    height = row * len(drawn) + bottom + 6
    values = np.array([[i.value, i.low, i.high] for i in drawn], float)
    ticks = _ticks(*_span([values[np.isfinite(values)]]))
    x = _scale(ticks[0], ticks[-1], left, _WIDTH - right)
    parts = _x_axis(ticks, x, height - 26, grid=(4, height - bottom))
    for k, interval in enumerate(drawn):
        y = row * (k + 0.5) + 4
        label = (
            interval.label if len(interval.label) < 26 else f"{interval.label[:24]}…"
        )
        parts.append(_text(left - 12, y + 4, label, "end", strong=True))
        if np.isfinite([interval.low, interval.high]).all():
            ends = [x[0] + x[1] * v for v in (interval.low, interval.high)]
            parts.append(
                f'<line class="line hue{interval.hue % _HUES}" x1="{ends[0]:.1f}" '
                f'x2="{ends[1]:.1f}" y1="{y}" y2="{y}"/>'
            )
        parts.append(_dot(x[0] + x[1] * interval.value, y, interval.hue))
    parts.append(_text((left + _WIDTH - right) / 2, height - 6, x_label, "middle"))
    return _svg(parts, height, title)


def _finite(line: Line) -> Line:
    """Keep the points that are finite."""
    kept = np.isfinite(line.x) & np.isfinite(line.y)
    return Line(line.label, line.x[kept], line.y[kept], line.hue, line.dashed)


def _span(values: Sequence[FloatArray]) -> tuple[float, float]:
    """Return the least and the greatest value, a little apart at least."""
    low = float(min(v.min() for v in values))
    high = float(max(v.max() for v in values))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round numbers that enclose a span."""
    raw = (high - low) / count
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    return [float(k * step) for k in np.arange(first, last + 1)]


def _scale(low: float, high: float, start: float, stop: float) -> tuple[float, float]:
    """Return offset and factor of a linear scale."""
    factor = (stop - start) / (high - low)
    return start - low * factor, factor


def _y_axis(
    ticks: Sequence[float], y: tuple[float, float], left: float, right: float
) -> list[str]:
    """Draw horizontal grid lines with their values."""
    parts = []
    for tick in ticks:
        at = y[0] + y[1] * tick
        parts.append(
            f'<line class="grid" x1="{left}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>'
        )
        parts.append(_text(left - 8, at + 4, f"{tick:.6g}", "end"))
    return parts


def _x_axis(
    ticks: Sequence[float],
    x: tuple[float, float],
    below: float,
    *,
    grid: tuple[float, float] | None = None,
) -> list[str]:
    """Draw the values of the horizontal axis, and grid lines if asked for."""
    parts = []
    for tick in ticks:
        at = x[0] + x[1] * tick
        if grid:
            parts.append(
                f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" '
                f'y1="{grid[0]}" y2="{grid[1]}"/>'
            )
        parts.append(_text(at, below, f"{tick:.6g}", "middle"))
    return parts


def _legend(lines: Sequence[Line]) -> str:
    """Name the curves below them; a list wraps on narrow screens."""
    items = [
        f'<li class="hue{line.hue % _HUES}{" dashed" if line.dashed else ""}">'
        f"{escape(line.label)}</li>"
        for line in lines
    ]
    return f'<ul class="legend">{"".join(items)}</ul>'


def _text(x: float, y: float, text: str, anchor: str, *, strong: bool = False) -> str:
    """Write escaped text."""
    kind = ' class="strong"' if strong else ""
    return (
        f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def _dot(x: float, y: float, hue: int) -> str:
    """Draw a point."""
    return f'<circle class="dot hue{hue % _HUES}" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'


def _svg(parts: Sequence[str], height: float, title: str) -> str:
    """Wrap a drawing; it grows and shrinks with the page."""
    return (
        f'<svg role="img" viewBox="0 0 {_WIDTH:g} {height:g}" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>'
        f"{''.join(parts)}</svg>"
    )
