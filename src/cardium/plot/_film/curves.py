"""The panel of curves: strain of segments, the volume of a ventricle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray
from cardium.plot._film.canvas import Picture, draw_lines, text_width, write_text
from cardium.plot._film.overlays import dashes
from cardium.plot._film.sweep import (
    LEFT,
    RIGHT,
    Span,
    SweepPanel,
    ticks_between,
    write_tick,
)
from cardium.plot.style import FAINT

_LINE = 16  # height of a line of text [px]


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve of a panel.

    Parameters
    ----------
    label : str
        Its name in the legend.
    time : (N,) [s]
        Times of its points.
    values : (N,)
        Its points; NaN interrupts it.
    colour : str
        ``"#rrggbb"``.
    """

    label: str
    time: FloatArray
    values: FloatArray
    colour: str


class CurvePanel(SweepPanel):
    """Curves over time with an axis, a legend, their peaks, and ED and ES.

    Parameters
    ----------
    span : Span
        Time and width.
    height : int [px]
        Height of the plot.
    heading : str
        What the curves are.
    unit : str
        Unit of the axis.
    curves : sequence of Curve
        What is drawn.
    moments : sequence of (str, float [s])
        Moments marked with a dashed line: ``("ED", 0.1)``.
    """

    def __init__(
        self,
        span: Span,
        height: int,
        heading: str,
        unit: str,
        curves: Sequence[Curve],
        *,
        moments: Sequence[tuple[str, float]] = (),
    ) -> None:
        self._rows = _legend_rows(curves, unit, span.inner)
        legend = _LINE * (len(self._rows) + bool(moments))
        super().__init__(span, height, f"{heading}   [{unit}]", legend=legend)
        self._curves, self._moments, self._unit = curves, moments, unit
        values = np.concatenate([c.values for c in curves] or [np.zeros(1)])
        finite = values[np.isfinite(values)]
        low = min(float(finite.min()), 0.0) if finite.size else 0.0
        high = max(float(finite.max()), 0.0) if finite.size else 1.0
        room = 0.06 * (high - low or 1.0)
        self._ends = high + room, low - room

    def row(self, value: FloatArray | float) -> FloatArray | float:
        """Return the row of the plot that a value has."""
        high, low = self._ends
        share = (high - value) / (high - low)
        return share * (self.height - 1)

    def draw_plot(self, plot: Picture, page: tuple[float, float]) -> None:
        """Draw curves, peaks and moments."""
        right = self.span.width - RIGHT - 1.0
        zero = float(self.row(0.0))
        draw_lines(plot, [np.array([(float(LEFT), zero), (right, zero)])], FAINT, 1)
        for _, column in self._marked(page):
            line = np.array([(column, 0.0), (column, self.height - 1.0)])
            draw_lines(plot, dashes(line), FAINT, 1.2)
        inner = plot[:, : self.span.width - RIGHT]
        for curve in self._curves:
            at = self._points(curve, page)
            draw_lines(inner, [at], curve.colour, 2)
            peak = peak_of(curve.values)
            if peak is not None and np.isfinite(at[peak]).all():
                x, y = at[peak]
                draw_lines(inner, [np.array([(x - 2.5, y), (x + 2.5, y)])],
                           curve.colour, 6)  # fmt: skip

    def draw_legend(self, strip: Picture, page: tuple[float, float]) -> None:
        """Write names and peaks of curves, and ED and ES over their lines."""
        for k, entries in enumerate(self._rows):
            for column, text, colour in entries:
                at, row = column + LEFT, _LINE * (k + 0.5)
                draw_lines(strip, [np.array([(at, row), (at + 12, row)])], colour, 3)
                write_text(strip, (at + 17, row), text, size=12)
        free = 0.0
        for name, column in self._marked(page):
            half = text_width(name, 12) / 2
            if column - half < free:
                continue
            free = column + half + 4
            place = (column, strip.shape[0] - _LINE / 2)
            write_text(strip, place, name, colour=FAINT, size=12, anchor="middle")

    def draw_axis(self, side: Picture) -> None:
        """Write the values on the left."""
        high, low = self._ends
        most = max(2, self.height // 30)
        for tick in ticks_between(low, high, most=most):
            write_tick(side, float(self.row(tick)), f"{tick:.6g}")

    def _marked(self, page: tuple[float, float]) -> list[tuple[str, float]]:
        """Return the names of the moments on a page and their columns, in order."""
        there = [(t, name) for name, t in self._moments if page[0] <= t <= page[1]]
        return [(name, float(self.span.column(t, page))) for t, name in sorted(there)]

    def _points(self, curve: Curve, page: tuple[float, float]) -> FloatArray:
        """Return columns and rows of a curve; those of other pages are NaN."""
        column = np.asarray(self.span.column(curve.time, page))
        hidden = (curve.time < page[0] - 1e-9) | (curve.time > page[1] + 1e-9)
        column = np.where(hidden, np.nan, column)
        return np.stack([column, np.asarray(self.row(curve.values))], axis=-1)


def peak_of(values: FloatArray) -> int | None:
    """Return where a curve is farthest from zero; None if it has no values."""
    if not np.isfinite(values).any():
        return None
    return int(np.nanargmax(np.abs(values)))


def _legend_rows(
    curves: Sequence[Curve], unit: str, width: int
) -> list[list[tuple[float, str, str]]]:
    """Lay out names and peaks of curves in rows: (column, text, colour)."""
    rows: list[list[tuple[float, str, str]]] = [[]]
    used = 0.0
    for curve in curves:
        peak = peak_of(curve.values)
        number = "" if peak is None else f"  {curve.values[peak]:.1f} {unit}"
        text = f"{curve.label}{number}"
        need = text_width(text, 12) + 36
        if used and used + need > width:
            rows.append([])
            used = 0.0
        rows[-1].append((used, text, curve.colour))
        used += need
    return rows
