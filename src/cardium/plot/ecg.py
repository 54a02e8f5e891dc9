"""The ECG on paper: 25 mm/s and 10 mm/mV, in the layout a cardiologist expects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Stream
from cardium.errors import NotProvidedError
from cardium.plot.style import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER = "#fffaf8"
TRACE = "#15181e"
_MINOR, _MAJOR = "#f8dcd7", "#eeb4ac"
_MM_PER_S, _MM_PER_MV = 25.0, 10.0
_LONGEST = 10.0  # s; what fits a page
_LEFT, _RIGHT, _TOP, _BOTTOM = 15.0, 5.0, 15.0, 10.0  # mm; whole boxes of 5 mm
_COLUMNS = (
    ("i", "ii", "iii"),
    ("avr", "avl", "avf"),
    ("v1", "v2", "v3"),
    ("v4", "v5", "v6"),
)
_SPOKEN = {"avr": "aVR", "avl": "aVL", "avf": "aVF"}


@dataclass(frozen=True, slots=True)
class Strip:
    """A piece of one lead and its place on the paper.

    Parameters
    ----------
    lead : str
        Its name as a cardiologist writes it: ``"aVR"``.
    x : (N,) [mm]
        Place of each sample from the left edge.
    y : (N,) [mm]
        Height of each sample over the baseline of its row.
    row : int
        Row, from the top.
    """

    lead: str
    x: FloatArray
    y: FloatArray
    row: int


@dataclass(frozen=True, slots=True)
class Page:
    """Strips laid out on paper of a known size.

    Parameters
    ----------
    strips : tuple of Strip
        What is drawn.
    rows : int
        How many rows there are.
    row_height : float [mm]
        Distance between baselines.
    width : float [mm]
        Width of the paper; a whole number of 5 mm boxes, as is its height.
    note : str
        Speed and gain, and what is not shown.
    calibrated : bool
        Whether 10 mm are 1 mV; if not, a trace fills its row.
    """

    strips: tuple[Strip, ...]
    rows: int
    row_height: float
    width: float
    note: str
    calibrated: bool

    @property
    def height(self) -> float:
        """Height of the paper [mm]."""
        return _TOP + self.rows * self.row_height + _BOTTOM


def draw_ecg(stream: Stream, *, title: str = "") -> Figure:
    """Draw an ECG on millimetre paper, true to scale.

    Parameters
    ----------
    stream : Stream
        ``("time", "lead")`` or ``("time",)``, in mV; its first 10 s are drawn. Another
        unit is drawn without calibration, and the paper says so.
    title : str
        Heading.

    Returns
    -------
    matplotlib.figure.Figure
        One millimetre of paper is 5 pixels at the figure's own resolution.

    Raises
    ------
    NotProvidedError
        If the stream has fewer than two samples.

    Notes
    -----
    Twelve standard leads of 8 s or more are drawn as three rows of four columns that
    follow each other in time, with lead II as a rhythm strip below; everything else
    as one row a lead. Speed and gain are those of the AHA/ACCF/HRS recommendations
    (Kligfield et al., 2007).

    Examples
    --------
    Two seconds take 50 mm of paper, the margins 20 mm: 70 mm of 5 pixels.

    >>> time = np.arange(201) / 100
    >>> figure = draw_ecg(Stream("ecg", np.zeros(201), time, ("time",), "mV"))
    >>> figure.canvas.get_width_height()[0]
    350
    """
    page = lay_out_ecg(stream)
    figure = new_figure(page.width / 20, page.height / 20, ground=PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    draw_page(axes, page, title=title)
    return figure


def lay_out_ecg(stream: Stream) -> Page:
    """Place the first 10 s of an ECG on paper; see `draw_ecg`."""
    if stream.shape[0] < 2:
        raise NotProvidedError(
            f"Stream '{stream.name}' has {stream.shape[0]} samples; an ECG needs 2 at "
            "least to be drawn."
        )
    start = float(stream.time[0])
    shown = stream.between(start, start + _LONGEST)
    values = np.asarray(shown.values, float).reshape(len(shown.time), -1)
    seconds = shown.time - start
    names = [_spoken(n) for n in stream.coords.get("lead", ())]
    names = names or ["ECG", *(f"lead {k + 1}" for k in range(1, values.shape[1]))]
    calibrated = stream.unit == "mV"
    heights = values * _MM_PER_MV if calibrated else _filled(values)
    end = float(np.ceil(seconds[-1] * _MM_PER_S / 5) * 5 / _MM_PER_S)
    pieces = _pieces(names, end)
    strips = tuple(
        Strip(
            names[lead],
            _LEFT + seconds[when] * _MM_PER_S,
            heights[when, lead] - _middle(heights[:, lead]),
            row,
        )
        for lead, row, first, last in pieces
        for when in [(seconds >= first) & (seconds < last)]
    )
    gain = "10 mm/mV" if calibrated else "amplitude not calibrated"
    whole = stream.duration + 1 / stream.rate
    rest = f"first {_LONGEST:g} s of {whole:.0f} s" if whole > _LONGEST + 0.5 else ""
    note = "  ·  ".join(filter(None, ("25 mm/s", gain, f"{stream.rate:g} Hz", rest)))
    rows = 1 + max(row for _, row, _, _ in pieces)
    width = _LEFT + end * _MM_PER_S + _RIGHT
    return Page(strips, rows, _row_height(strips, rows), width, note, calibrated)


def draw_page(axes: Axes, page: Page, *, title: str = "", extra: float = 0.0) -> None:
    """Draw paper and traces on axes in millimetres.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        As large as the page and the extra room; the origin is the lower left corner.
    page : Page
        What `lay_out_ecg` returned.
    title : str
        Heading.
    extra : float [mm]
        Room below the page, without grid.

    Examples
    --------
    >>> time = np.arange(201) / 100
    >>> page = lay_out_ecg(Stream("ecg", np.zeros(201), time, ("time",), "mV"))
    >>> axes = new_figure(page.width / 20, page.height / 20).add_axes((0, 0, 1, 1))
    >>> draw_page(axes, page)
    >>> [float(end) for end in axes.get_xlim()]  # mm
    [0.0, 70.0]
    """
    height = page.height + extra
    axes.set(xlim=(0, page.width), ylim=(0, height))
    axes.set_axis_off()
    _draw_grid(axes, page.width, extra, height)
    top = height - _TOP
    for strip in page.strips:
        base = top - (strip.row + 0.5) * page.row_height
        # A hair below true black and thin enough for notches, as a stylus draws.
        axes.plot(strip.x, base + strip.y, color=TRACE, lw=1.1, solid_joinstyle="round")
        axes.text(
            strip.x[0] + 1, base + page.row_height * 0.36, strip.lead,
            color=TRACE, fontsize=11, fontweight="bold", va="center",
            bbox={"facecolor": PAPER, "alpha": 0.8, "edgecolor": "none", "pad": 1},
        )  # fmt: skip
        if strip.x[0] > _LEFT + 1:
            axes.plot([strip.x[0]] * 2, [base - 4, base + 4], color=TRACE, lw=0.9)
    if page.calibrated:
        _draw_pulses(axes, page, top)
    axes.text(5, height - 5, title, color=TRACE, fontsize=13, va="center")
    axes.text(5, extra + 5, page.note, color="#7d5650", fontsize=10, va="center")


def _pieces(names: Sequence[str], end: float) -> list[tuple[int, int, float, float]]:
    """List (lead, row, from, to) of what is drawn; time in s."""
    index = {name.lower(): k for k, name in enumerate(names)}
    standard = all(lead in index for column in _COLUMNS for lead in column)
    if not standard or end < 8:
        return [(k, k, 0.0, np.inf) for k in range(len(names))]
    quarter = end / 4
    grid = [
        (index[lead], row, column * quarter, (column + 1) * quarter)
        for column, leads in enumerate(_COLUMNS)
        for row, lead in enumerate(leads)
    ]
    return [*grid, (index["ii"], 3, 0.0, np.inf)]


def _row_height(strips: Sequence[Strip], rows: int) -> float:
    """Distance between baselines that keeps nearly all traces apart [mm]."""
    reach = [np.nanpercentile(np.abs(s.y), 99.5) for s in strips if _any(s.y)]
    least = 15.0 if rows > 6 else 25.0
    wanted = np.ceil(1.7 * max(reach, default=0.0) / 5) * 5
    return float(np.clip(wanted, least, 40.0))


def _middle(heights: FloatArray) -> float:
    """Height of the baseline: most samples of an ECG lie on it."""
    return float(np.nanmedian(heights)) if _any(heights) else 0.0


def _filled(values: FloatArray) -> FloatArray:
    """Scale each lead so that it fills 15 mm."""
    span = [np.ptp(v[np.isfinite(v)]) if _any(v) else 0.0 for v in values.T]
    return values * (15.0 / np.where(np.asarray(span) > 0, span, 1.0))


def _any(values: NDArray[np.floating]) -> bool:
    """Say whether a value is finite at all."""
    return bool(np.isfinite(values).any())


def _spoken(lead: str) -> str:
    """Write a lead's name as cardiologists do."""
    return _SPOKEN.get(lead.lower(), lead)


def _draw_grid(axes: Axes, width: float, bottom: float, top: float) -> None:
    """Draw the millimetre grid, a stronger line every 5 mm."""
    for step, colour, line in ((1, _MINOR, 0.5), (5, _MAJOR, 0.7)):
        across = np.arange(bottom, top + 1, step)
        axes.vlines(
            np.arange(0, width + 1, step), bottom, top, colour, lw=line, zorder=0
        )
        axes.hlines(across, 0, width, colour, lw=line, zorder=0)


def _draw_pulses(axes: Axes, page: Page, top: float) -> None:
    """Draw the calibration pulse before each row: 1 mV for 0.2 s."""
    x = np.array([3, 5, 5, 10, 10, 12], float)
    y = np.array([0, 0, 10, 10, 0, 0], float)
    for row in range(page.rows):
        base = top - (row + 0.5) * page.row_height
        axes.plot(x, base + y, color=TRACE, lw=1.1)
