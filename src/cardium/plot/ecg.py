"""The ECG on paper: 25 mm/s and 10 mm/mV, in the layout a cardiologist expects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cardium.core import FloatArray, Stream
from cardium.errors import NotProvidedError
from cardium.plot._trace import (
    check_choice,
    cut,
    is_there,
    middle,
    names_of_leads,
    to_heights,
)
from cardium.plot.paper import (
    NOTE,
    PAPER,
    TRACE,
    draw_grid,
    draw_pulse,
    fit_text,
    new_paper,
)
from cardium.signal.leads import LEADS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Layout = Literal["auto", "3x4+1", "6x2", "12x1", "rows"]
"""How leads share the paper; see `draw_ecg`."""

LAYOUTS: tuple[Layout, ...] = ("auto", "3x4+1", "6x2", "12x1", "rows")
SPEEDS = (25.0, 50.0)
GAINS = (5.0, 10.0, 20.0)

_LONGEST = 10.0  # s; what fits a page
_LEFT, _RIGHT, _TOP, _BOTTOM = 15.0, 5.0, 15.0, 10.0  # mm; whole boxes of 5 mm
_ROWS_OF: dict[str, int] = {"3x4+1": 3, "6x2": 6, "12x1": 12}
_USUAL_GAIN = 10.0


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
    time : (N,) [s]
        When each sample was taken, on the stream's clock.
    """

    lead: str
    x: FloatArray
    y: FloatArray
    row: int
    time: FloatArray


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
        Whether the gain holds; if not, a trace fills its row.
    speed : float [mm/s]
        Paper that passes in a second.
    gain : float [mm/mV]
        Height of a millivolt.
    """

    strips: tuple[Strip, ...]
    rows: int
    row_height: float
    width: float
    note: str
    calibrated: bool
    speed: float
    gain: float

    @property
    def height(self) -> float:
        """Height of the paper [mm]."""
        return _TOP + self.rows * self.row_height + _BOTTOM

    def baseline(self, row: int) -> float:
        """Height of a row's baseline over the lower edge [mm]."""
        return self.height - _TOP - (row + 0.5) * self.row_height


def draw_ecg(
    stream: Stream,
    *,
    title: str = "",
    start: float | None = None,
    duration: float = _LONGEST,
    layout: Layout = "auto",
    speed: float = 25.0,
    gain: float = _USUAL_GAIN,
    pulse: bool = True,
) -> Figure:
    """Draw an ECG on millimetre paper, true to scale.

    Parameters
    ----------
    stream : Stream
        ``("time", "lead")`` or ``("time",)``, in mV. Another unit is drawn without
        calibration, and the paper says so.
    title : str
        Heading.
    start : float [s], optional
        First time that is drawn, on the stream's clock. If not given, its first.
    duration : float [s]
        How much is drawn.
    layout : {"auto", "3x4+1", "6x2", "12x1", "rows"}
        ``"3x4+1"``: three rows of four columns that follow each other in time, with
        lead II as a rhythm strip below. ``"6x2"``: six rows of limb leads, then of
        chest leads. ``"12x1"``: the twelve leads below each other. ``"rows"``: one row
        a lead, as they are stored. ``"auto"``: the first, where the twelve leads and
        8 s are there; else rows.
    speed : {25, 50} [mm/s]
        Paper that passes in a second.
    gain : {5, 10, 20} [mm/mV]
        Height of a millivolt.
    pulse : bool
        Whether a calibration pulse, 1 mV for 0.2 s, stands before each row.

    Returns
    -------
    matplotlib.figure.Figure
        It measures in inches what the paper measures: `cardium.plot.paper.write_paper`
        writes it true to scale. One millimetre is 5 pixels.

    Raises
    ------
    NotProvidedError
        If there are fewer than two samples in the time asked for, or the layout needs
        a lead that is not there.
    InvalidArgumentError
        If layout, speed, gain or duration is none of those.

    Notes
    -----
    The usual speed and gain are those of the AHA/ACCF/HRS recommendations (Kligfield
    et al., Circulation 115, 2007).

    Examples
    --------
    Two seconds take 50 mm of paper, the margins 20 mm: 70 mm of 5 pixels.

    >>> time = np.arange(201) / 100
    >>> figure = draw_ecg(Stream("ecg", np.zeros(201), time, ("time",), "mV"))
    >>> figure.canvas.get_width_height()[0]
    350
    """
    page = lay_out_ecg(
        stream, start=start, duration=duration, layout=layout, speed=speed, gain=gain
    )
    figure = new_paper(page.width, page.height)
    draw_page(figure.add_axes((0, 0, 1, 1)), page, title=title, pulse=pulse)
    return figure


def lay_out_ecg(
    stream: Stream,
    *,
    start: float | None = None,
    duration: float = _LONGEST,
    layout: Layout = "auto",
    speed: float = 25.0,
    gain: float = _USUAL_GAIN,
) -> Page:
    """Place a stretch of an ECG on paper; see `draw_ecg`.

    Parameters
    ----------
    stream : Stream
        As of `draw_ecg`, and so are the others.
    start : float [s], optional
        First time that is drawn.
    duration : float [s]
        How much is drawn.
    layout : {"auto", "3x4+1", "6x2", "12x1", "rows"}
        How leads share the paper.
    speed : {25, 50} [mm/s]
        Paper that passes in a second.
    gain : {5, 10, 20} [mm/mV]
        Height of a millivolt.

    Returns
    -------
    Page
        Where each sample lies, in mm.

    Raises
    ------
    NotProvidedError
        As `draw_ecg` raises it.
    InvalidArgumentError
        As `draw_ecg` raises it.

    Examples
    --------
    >>> time = np.arange(201) / 100
    >>> ecg = Stream("ecg", np.linspace(0, 1, 201), time, ("time",), "mV")
    >>> strip = lay_out_ecg(ecg, start=1.0, speed=50, gain=20).strips[0]
    >>> [round(float(np.ptp(side)), 6) for side in (strip.x, strip.y)]  # 1 s, 0.5 mV
    [50.0, 10.0]
    """
    check_choice("layout", layout, LAYOUTS)
    check_choice("speed", speed, SPEEDS)
    check_choice("gain", gain, GAINS)
    shown, begin = cut(stream, start, duration)
    values = np.asarray(shown.values, float).reshape(len(shown.time), -1)
    seconds = shown.time - begin
    names = names_of_leads(shown)
    heights, calibrated = to_heights(values, stream.unit, gain)
    end = float(np.ceil(round(seconds[-1] * speed, 6) / 5) * 5 / speed)
    pieces = _pieces(names, end, layout, stream.name)
    strips = tuple(
        Strip(
            names[lead],
            _LEFT + seconds[when] * speed,
            heights[when, lead] - middle(heights[:, lead]),
            row,
            shown.time[when],
        )
        for lead, row, first, last in pieces
        for when in [(seconds >= first) & (seconds < last)]
        if when.any()
    )
    rows = 1 + max(row for _, row, _, _ in pieces)
    return Page(
        strips,
        rows,
        _row_height(strips, rows, gain),
        _LEFT + end * speed + _RIGHT,
        _note(stream, begin, seconds[-1], speed, gain if calibrated else None),
        calibrated,
        speed,
        gain,
    )


def draw_page(
    axes: Axes,
    page: Page,
    *,
    title: str = "",
    extra: float = 0.0,
    pulse: bool = True,
) -> None:
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
    pulse : bool
        Whether a calibration pulse stands before each row.

    Examples
    --------
    >>> time = np.arange(201) / 100
    >>> page = lay_out_ecg(Stream("ecg", np.zeros(201), time, ("time",), "mV"))
    >>> axes = new_paper(page.width, page.height).add_axes((0, 0, 1, 1))
    >>> draw_page(axes, page)
    >>> [float(end) for end in axes.get_xlim()]  # mm
    [0.0, 70.0]
    """
    height = page.height + extra
    axes.set(xlim=(0, page.width), ylim=(0, height))
    axes.set_axis_off()
    draw_grid(axes, 0, page.width, extra, height)
    for strip in page.strips:
        base = extra + page.baseline(strip.row)
        # A hair below true black and thin enough for notches, as a stylus draws.
        axes.plot(
            strip.x, base + strip.y, color=TRACE, lw=0.87, solid_joinstyle="round"
        )
        axes.text(
            strip.x[0] + 1, base + page.row_height * 0.36, strip.lead,
            color=TRACE, fontsize=8.7, fontweight="bold", va="center",
            bbox={"facecolor": PAPER, "alpha": 0.8, "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
        if strip.x[0] > _LEFT + 1:
            axes.plot([strip.x[0]] * 2, [base - 4, base + 4], color=TRACE, lw=0.7)
    if page.calibrated and pulse:
        for row in range(page.rows):
            base = extra + page.baseline(row)
            draw_pulse(axes, _LEFT / 2, base, speed=page.speed, gain=page.gain)
    room = page.width - 10
    for text, y, colour, size in (
        (title, height - 5, TRACE, 10.2),
        (page.note, extra + 5, NOTE, 7.9),
    ):
        said, fits = fit_text(text, size, room)
        axes.text(5, y, said, color=colour, fontsize=fits, va="center")


def _pieces(
    names: Sequence[str], end: float, layout: Layout, stream: str
) -> list[tuple[int, int, float, float]]:
    """List (lead, row, from, to) of what is drawn; time in s."""
    index = {name: k for k, name in enumerate(names)}
    lacking = [lead for lead in LEADS if lead not in index]
    if layout == "auto":
        layout = "3x4+1" if not lacking and end >= 8 else "rows"
    if layout == "rows":
        return [(k, k, 0.0, np.inf) for k in range(len(names))]
    if lacking:
        raise NotProvidedError(
            f"Stream '{stream}' has no lead {lacking[0]}, which the layout '{layout}' "
            f"needs. It has: {', '.join(names)}. Choose the layout 'rows'."
        )
    high = _ROWS_OF[layout]
    part = end / (len(LEADS) // high)
    grid = [
        (index[lead], k % high, k // high * part, (k // high + 1) * part)
        for k, lead in enumerate(LEADS)
    ]
    return [*grid, (index["II"], 3, 0.0, np.inf)] if layout == "3x4+1" else grid


def _row_height(strips: Sequence[Strip], rows: int, gain: float) -> float:
    """Distance between baselines that keeps nearly all traces apart [mm]."""
    reach = [np.nanpercentile(np.abs(s.y), 99.5) for s in strips if is_there(s.y)]
    least = 15.0 if rows > 6 else 25.0
    wanted = np.ceil(1.7 * max(reach, default=0.0) / 5) * 5
    return float(np.clip(wanted, least, max(40.0, 4 * gain)))


def _note(
    stream: Stream, begin: float, shown: float, speed: float, gain: float | None
) -> str:
    """Write speed and gain, and what part of the whole is shown."""
    amplitude = f"{gain:g} mm/mV" if gain else "amplitude not calibrated"
    whole, first = stream.duration + 1 / stream.rate, float(stream.time[0])
    rest = ""
    if begin - first > 1e-6:
        rest = f"{begin:g} to {begin + shown + 1 / stream.rate:g} s of {whole:.0f} s"
    elif whole > shown + 0.5:
        rest = f"first {shown + 1 / stream.rate:g} s of {whole:.0f} s"
    parts = (f"{speed:g} mm/s", amplitude, f"{stream.rate:g} Hz", rest)
    return "  ·  ".join(filter(None, parts))
