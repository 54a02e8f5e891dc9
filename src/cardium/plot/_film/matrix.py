"""The panel of a spectrum or an M-mode: grey levels over time and velocity or depth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Mark, Stream
from cardium.plot._film.canvas import Picture, draw_lines
from cardium.plot._film.overlays import MARK, draw_marks, step_of
from cardium.plot._film.sweep import (
    LEFT,
    RIGHT,
    Span,
    SweepPanel,
    ticks_between,
    write_tick,
)
from cardium.plot.style import spoken
from cardium.signal.clock import nearest


class MatrixPanel(SweepPanel):
    """A spectrum or an M-mode: grey levels over time, with the axis of its rows.

    Parameters
    ----------
    span : Span
        Time and width.
    height : int [px]
        Height of the plot.
    stream : Stream
        (time, velocity) with row 0 the most positive, or (time, range).
    marks : sequence of Mark
        What readers drew on it: ("time", "velocity") or ("time", "range").
    traces : sequence of Stream
        Envelopes over time, in the unit of the axis.
    """

    def __init__(
        self,
        span: Span,
        height: int,
        stream: Stream,
        *,
        marks: Sequence[Mark] = (),
        traces: Sequence[Stream] = (),
    ) -> None:
        axis = stream.axes.get(stream.dims[1])
        self.is_velocity = stream.dims[1] == "velocity"
        self._stream, self._marks, self._traces = stream, marks, traces
        self._axis = None if axis is None else np.asarray(axis, float)
        self._factor, unit = self._unit()
        super().__init__(span, height, f"{spoken(stream.name)}   [{unit}]")

    def row(self, value: FloatArray | float) -> FloatArray | float:
        """Return the row of the plot that a velocity [m/s] or a depth [m] has."""
        first, last = self._ends()
        return (value - first) / (last - first) * (self.height - 1)

    def draw_plot(self, plot: Picture, page: tuple[float, float]) -> None:
        """Draw the grey levels, the baseline and what readers drew."""
        inner = plot[:, LEFT : self.span.width - RIGHT]
        inner[:] = self._grey(page)[..., None]
        first, last = self._ends()
        if self.is_velocity and min(first, last) < 0 < max(first, last):
            row = float(self.row(0.0))
            draw_lines(inner, [np.array([(0, row), (self.span.inner - 1.0, row)])],
                       "#9aa6b8", 1, opacity=0.7)  # fmt: skip
        for trace in self._traces:
            part = trace.between(*page)
            values = np.asarray(part.values, float)
            draw_lines(inner, [self._at(part.time, values, page)], MARK, 1.6)
        placed = []
        for mark in self._marks:
            if mark.time is None:
                points = mark.points
                placed.append((mark, self._at(points[:, 0], points[:, 1], page)))
        draw_marks(inner, placed, [])

    def draw_axis(self, side: Picture) -> None:
        """Write the velocities or depths on the left."""
        first, last = (end * self._factor for end in self._ends())
        most = max(2, self.height // 34)
        for tick in ticks_between(min(first, last), max(first, last), most=most):
            row = float(self.row(tick / self._factor))
            write_tick(side, row, f"{tick:.6g}")

    def _unit(self) -> tuple[float, str]:
        """Return what turns SI into the unit that readers use, and its name."""
        if self._axis is None:
            return 1.0, "row"
        if not self.is_velocity:
            return 100.0, "cm"
        return (1.0, "m/s") if np.abs(self._axis).max() >= 0.5 else (100.0, "cm/s")

    def _ends(self) -> tuple[float, float]:
        """Return the values of the first and the last row."""
        if self._axis is None:
            return 0.0, float(self._stream.shape[1] - 1)
        return float(self._axis[0]), float(self._axis[-1])

    def _at(
        self, times: FloatArray, values: FloatArray, page: tuple[float, float]
    ) -> FloatArray:
        """Return columns and rows of points; those of other pages are NaN."""
        column = np.asarray(self.span.column(times, page)) - LEFT
        hidden = (times < page[0]) | (times > page[1])
        column = np.where(hidden, np.nan, column)
        return np.stack([column, np.asarray(self.row(values))], axis=-1)

    def _grey(self, page: tuple[float, float]) -> Picture:
        """Bring the samples of a page onto its pixels."""
        stream, width = self._stream, self.span.inner
        moments = np.linspace(*page, width)
        step = max(step_of(stream.time), (page[1] - page[0]) / width)
        part = stream.between(page[0] - step, page[1] + step)
        if not len(part.time):
            return np.zeros((self.height, width), np.uint8)
        columns = _over_time(np.asarray(part.values, np.float32), part.time, moments)
        gap = np.abs(part.time[nearest(part.time, moments)] - moments) > step
        columns[gap] = 0
        places = np.linspace(0, stream.shape[1] - 1, self.height)
        if self._axis is not None:
            wanted = np.linspace(*self._ends(), self.height)
            ascending = self._axis[-1] > self._axis[0]
            order = slice(None) if ascending else slice(None, None, -1)
            index = np.arange(len(self._axis), dtype=float)[order]
            places = np.interp(wanted, self._axis[order], index)
        upper = np.minimum(places.astype(int), stream.shape[1] - 2)
        share = (places - upper).astype(np.float32)
        levels = columns[:, upper] * (1 - share) + columns[:, upper + 1] * share
        levels = np.nan_to_num(levels)
        return np.asarray(np.round(np.clip(levels.T, 0, 255)), np.uint8)


def _over_time(
    values: NDArray[np.float32], times: FloatArray, moments: FloatArray
) -> NDArray[np.float32]:
    """Return the samples at moments: the mean where there are many, else in between."""
    step = moments[1] - moments[0]
    edges = np.append(moments - step / 2, moments[-1] + step / 2)
    index = np.searchsorted(times, edges)
    count = np.diff(index)
    place = np.interp(moments, times, np.arange(len(times), dtype=float))
    before = np.minimum(place.astype(int), max(len(times) - 2, 0))
    after = np.minimum(before + 1, len(times) - 1)
    share = (place - before).astype(np.float32)[:, None]
    near = values[before] * (1 - share) + values[after] * share
    if count.max() < 2:
        return np.asarray(near)
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    means = (sums[index[1:]] - sums[index[:-1]]) / np.maximum(count, 1)[:, None]
    return np.asarray(np.where(count[:, None] > 0, means, near), np.float32)
