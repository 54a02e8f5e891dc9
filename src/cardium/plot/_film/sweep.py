"""Panels with time from left to right, and the ECG as the first of them.

They share one `Span`, so that a moment stands in one column of all of them, and a long
recording is shown a page at a time, as the sweep of a scanner is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray, Stream
from cardium.plot._film.canvas import Picture, blank, draw_lines, text_width, write_text
from cardium.plot._film.overlays import MARK
from cardium.plot.style import DARK, FAINT, INK

ECG_COLOUR = "#63e087"
LEFT, RIGHT = 56, 18
"""Room beside the traces for the numbers of an axis [px]."""

_GRID = "#1c222c"
_PAGE = 8.0  # s; what is shown at a time of a longer recording
_TICKS = 18  # height of the numbers of the time axis [px]
_TOP = 20  # height of the heading [px]


@dataclass(frozen=True, slots=True)
class Span:
    """The time that traces show, and the width they have for it.

    Parameters
    ----------
    start, stop : float [s]
        First and last moment.
    width : int [px]
        Width of the panels.

    Examples
    --------
    >>> span = Span(0.0, 1.0, 274)
    >>> span.page(0.3), span.column(0.5, (0.0, 1.0))
    ((0.0, 1.0), 155.5)
    >>> Span(0.0, 20.0, 274).page(10.0)
    (6.666666666666667, 13.333333333333334)
    """

    start: float
    stop: float
    width: int

    @property
    def inner(self) -> int:
        """Width between the axis and the right border [px]."""
        return self.width - LEFT - RIGHT

    def page(self, time: float) -> tuple[float, float]:
        """Return the first and last moment of the page that a time is on [s]."""
        long = max(self.stop - self.start, 1e-3)
        count = max(1, int(np.ceil(long / (1.25 * _PAGE))))
        if count > 1:
            count = int(np.ceil(long / _PAGE))
        each = long / count
        at = int(np.clip((time - self.start) / each, 0, count - 1))
        return self.start + at * each, self.start + (at + 1) * each

    def column(
        self, times: FloatArray | float, page: tuple[float, float]
    ) -> FloatArray | float:
        """Place times along a page; its ends are the borders of the plot [px]."""
        share = (times - page[0]) / (page[1] - page[0])
        return LEFT + share * (self.inner - 1)


class SweepPanel:
    """What panels over time have in common: a page drawn once, and a cursor.

    Parameters
    ----------
    span : Span
        Time and width.
    height : int [px]
        Height of the plot, without heading and time axis.
    heading : str
        Written above the plot.
    legend : int [px]
        Room between the heading and the plot.
    """

    def __init__(
        self, span: Span, height: int, heading: str, *, legend: int = 0
    ) -> None:
        self.span, self.heading, self.height = span, heading, height
        self.top, self.labelled = _TOP + legend, False
        self.size = (self.top + height + 6, span.width)
        self._page: tuple[tuple[float, float], Picture] | None = None

    def write_seconds(self) -> None:
        """Write the seconds below; done for the lowest panel."""
        self.labelled = True
        self.size = (self.top + self.height + _TICKS, self.span.width)

    def paint(self, picture: Picture, time: float) -> None:
        """Draw the panel of a time [s], in place."""
        page = self.span.page(time)
        if self._page is None or self._page[0] != page:
            self._page = page, self._draw_page(page)
        picture[:] = self._page[1]
        column = float(self.span.column(time, page))
        at = min(max(round(column), LEFT), self.span.width - RIGHT - 1)
        cursor = picture[self.top : self.top + self.height, at : at + 2]
        cursor[:] = np.maximum(cursor, 200)

    def draw_plot(self, plot: Picture, page: tuple[float, float]) -> None:
        """Draw what a page shows; `plot` is as wide as the panel."""
        raise NotImplementedError

    def draw_legend(self, strip: Picture, page: tuple[float, float]) -> None:
        """Draw what stands between the heading and the plot."""

    def draw_axis(self, side: Picture) -> None:
        """Draw the axis on the left; `side` is as high as the plot."""

    def _draw_page(self, page: tuple[float, float]) -> Picture:
        """Draw everything but the cursor."""
        picture = blank(*self.size, DARK)
        room = self.span.width - 12
        write_text(
            picture, (6, _TOP / 2), self.heading, colour=FAINT, size=12, room=room
        )
        plot = picture[self.top : self.top + self.height]
        ticks = ticks_between(*page, most=max(2, self.span.inner // 90))
        for tick in ticks:
            column = float(self.span.column(tick, page))
            draw_lines(
                plot,
                [np.array([(column, 0.0), (column, self.height - 1.0)])],
                _GRID,
                1,
            )
            if self.labelled:
                text = f"{tick:.10g}" + (" s" if tick == ticks[-1] else "")
                centre = min(column, self.span.width - text_width(text, 12) / 2 - 2)
                row = self.size[0] - _TICKS / 2
                write_text(picture, (centre, row), text, colour=FAINT, size=12,
                           anchor="middle")  # fmt: skip
        self.draw_legend(picture[_TOP : self.top], page)
        self.draw_plot(plot, page)
        self.draw_axis(plot[:, :LEFT])
        return picture


class EcgPanel(SweepPanel):
    """The first lead of an ECG, with a tick at each R peak.

    Parameters
    ----------
    span : Span
        Time and width.
    ecg : Stream
        (time,) or (time, lead); each page fills the height.
    r_peaks : (K,) [s]
        Times of the R peaks.
    """

    def __init__(self, span: Span, ecg: Stream, r_peaks: FloatArray) -> None:
        rate = 60 / np.median(np.diff(r_peaks)) if len(r_peaks) > 1 else 0.0
        heading = f"ECG   {rate:.0f} beats/min" if rate else "ECG"
        super().__init__(span, 66, heading)
        self._ecg, self._peaks = ecg, r_peaks

    def draw_plot(self, plot: Picture, page: tuple[float, float]) -> None:
        """Draw the trace and the ticks."""
        part = self._ecg.between(page[0], page[1] + 1e-9)
        values = np.asarray(part.values, float).reshape(len(part.time), -1)[:, :1]
        finite = values[np.isfinite(values)]
        low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
        share = (values[:, 0] - low) / (high - low or 1.0)
        row = self.height - 5 - share * (self.height - 17)
        column = self.span.column(part.time, page)
        draw_lines(plot, [np.stack([column, row], axis=-1)], ECG_COLOUR, 1.4)
        for peak in self._peaks[(self._peaks >= page[0]) & (self._peaks <= page[1])]:
            at = float(self.span.column(float(peak), page))
            draw_lines(plot, [np.array([(at, 0.0), (at, 6.0)])], MARK, 2)


def ticks_between(low: float, high: float, *, most: int) -> list[float]:
    """Return round numbers from low to high, at most so many, but two at least if any.

    Examples
    --------
    >>> ticks_between(-1.1, 1.1, most=5), ticks_between(0.0, 0.75, most=4)
    ([-1.0, -0.5, 0.0, 0.5, 1.0], [0.0, 0.2, 0.4, 0.6])
    """
    steps = [m * 10.0**e for e in range(-6, 7) for m in (1, 2, 5)]
    step = next((s for s in steps if (high - low) / s <= most), steps[-1])
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    return [round(float(k * step), 9) + 0.0 for k in np.arange(first, last + 1)]


def write_tick(side: Picture, row: float, text: str) -> None:
    """Write a number of an axis and its tick at the right border of a strip."""
    rows, columns = side.shape[:2]
    draw_lines(side, [np.array([(columns - 5.0, row), (columns - 1.0, row)])], FAINT)
    place = (columns - 8, min(max(row, 7), rows - 8))
    write_text(side, place, text, colour=INK, size=12, anchor="right")
