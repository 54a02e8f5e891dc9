"""Long ECGs: one lead in rows, with beats over it and the rhythm below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cardium.core import FloatArray, Stream
from cardium.plot._beat_marks import (
    CLASS_COLOURS,
    MEANINGS,
    PLAIN,
    Mark,
    Span,
    pale_colour,
)
from cardium.plot._strip_page import (
    LEFT,
    LINE,
    TOP,
    WIDTH,
    Row,
    StripPage,
    lay_out_strip,
)
from cardium.plot.paper import (
    NOTE,
    TRACE,
    draw_grid,
    draw_pulse,
    fit_text,
    fitting_size,
    new_paper,
    text_width,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE = 7.0  # points
_HIGHLIGHT = "#ffd34d"
_WRONG = "#b3123c"


def draw_rhythm_strip(
    ecg: Stream,
    *,
    start: float | None = None,
    duration: float | None = None,
    lead: str | None = None,
    beats: Stream | None = None,
    rhythm: Stream | None = None,
    predicted_beats: Stream | None = None,
    predicted_rhythm: Stream | None = None,
    row: float = 10.0,
    gain: float = 10.0,
    mapping: str = "dechazal",
    tolerance: float = 0.15,
    title: str = "",
) -> Figure:
    """Draw one lead of a long ECG in rows, with its beats and its rhythm.

    Parameters
    ----------
    ecg : Stream
        ``("time", "lead")`` or ``("time",)``, in mV; only what is drawn is read.
    start : float [s], optional
        First time that is drawn, on the stream's clock. If not given, its first.
    duration : float [s], optional
        How much is drawn. If not given, up to six rows.
    lead : str, optional
        A lead's name. If not given, II or MLII where there is one, else the first.
    beats : Stream (K,), optional
        What the beats are (`cardium.signal.beat_classes.label_stream`), or R peaks of
        which no more is said. Symbols stand over the R peaks in the colour of their
        AAMI class.
    rhythm : Stream (K,), optional
        What the rhythm is, from each time to the next.
    predicted_beats, predicted_rhythm : Stream (K,), optional
        The same of a model. Beats that it lacks, adds or puts into another class are
        marked, and so are stretches of another rhythm.
    row : float [s]
        Time of a row of 250 mm; 10 s are 25 mm/s.
    gain : {5, 10, 20} [mm/mV]
        Height of a millivolt.
    mapping : {"dechazal", "bxb"}
        Which class a symbol is of; see `cardium.signal.beat_classes.AAMI_MAPPINGS`.
    tolerance : float [s]
        How far a predicted beat may lie from the true one; 0.15 s is that of EC57.
    title : str
        Heading.

    Returns
    -------
    matplotlib.figure.Figure
        On paper, as `cardium.plot.paper.new_paper` makes it.

    Raises
    ------
    NotProvidedError
        If there are fewer than two samples in the time asked for.
    UnknownNameError
        If there is no such lead.
    InvalidArgumentError
        If the gain is none of those, a time is not positive, or there would be more
        than 120 rows.

    Examples
    --------
    Twenty seconds are two rows.

    >>> from cardium.signal.beat_classes import label_stream
    >>> time = np.arange(2000) / 100
    >>> ecg = Stream("ecg", np.zeros(2000), time, ("time",), "mV")
    >>> beats = label_stream("beats", [0.5, 12.0], "NV")
    >>> strip = lay_out_strip(ecg, beats=beats)
    >>> len(strip.rows), [mark.symbol for mark in strip.rows[1].beats]
    (2, ['V'])
    >>> draw_rhythm_strip(ecg, beats=beats).canvas.get_width_height()[0]  # 280 mm
    1400
    """
    strip = lay_out_strip(
        ecg, start=start, duration=duration, lead=lead, beats=beats, rhythm=rhythm,
        predicted_beats=predicted_beats, predicted_rhythm=predicted_rhythm, row=row,
        gain=gain, mapping=mapping, tolerance=tolerance,
    )  # fmt: skip
    figure = new_paper(strip.width, strip.height)
    draw_strip(figure.add_axes((0, 0, 1, 1)), strip, title=title)
    return figure


def draw_strip(axes: Axes, strip: StripPage, *, title: str = "") -> None:
    """Draw rows on axes in millimetres.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        As large as the strip; the origin is the lower left corner.
    strip : StripPage
        What `lay_out_strip` returned.
    title : str
        Heading.

    Examples
    --------
    >>> time = np.arange(1000) / 100
    >>> strip = lay_out_strip(Stream("ecg", np.zeros(1000), time, ("time",), "mV"))
    >>> axes = new_paper(strip.width, strip.height).add_axes((0, 0, 1, 1))
    >>> draw_strip(axes, strip)
    >>> [float(end) for end in axes.get_xlim()]  # mm
    [0.0, 280.0]
    """
    axes.set(xlim=(0, strip.width), ylim=(0, strip.height))
    axes.set_axis_off()
    for k, row in enumerate(strip.rows):
        top = strip.height - TOP - k * strip.row_height
        roof = top - LINE * len(strip.lines)
        floor = roof - strip.above - strip.below
        base = roof - strip.above
        draw_grid(axes, LEFT, LEFT + WIDTH, floor, roof)
        _draw_wrong(axes, strip, row, floor, top)
        axes.plot(
            _x(strip, row, row.time), base + row.heights, color=TRACE, lw=0.87,
            solid_joinstyle="round",
        )  # fmt: skip
        _draw_margin(axes, strip, row, top, roof, base)
        for line, marks in enumerate(_lines(row, strip)):
            _draw_symbols(axes, strip, row, marks, top - (line + 0.5) * LINE, roof)
        for line, spans in enumerate(_bands(row, strip)):
            _draw_band(axes, strip, row, spans, floor - line * LINE)
        for span in row.wrong_rhythm:
            ends = _x(strip, row, np.array([span.start, span.stop]))
            axes.plot(ends, [floor - LINE] * 2, color=_WRONG, lw=2, zorder=4)
    said, size = fit_text(title, 10.2, strip.width - 10)
    axes.text(5, strip.height - 5, said, color=TRACE, fontsize=size, va="center")
    axes.text(5, 3.5, strip.note, color=NOTE, fontsize=_SIZE, va="center")
    _draw_legend(axes, strip)


def _lines(row: Row, strip: StripPage) -> list[Sequence[Mark]]:
    """Return the beats of each line of symbols."""
    if len(strip.lines) == 2:
        return [row.beats, row.predicted_beats]
    return [row.beats or row.predicted_beats] if strip.lines else []


def _bands(row: Row, strip: StripPage) -> list[Sequence[Span]]:
    """Return the rhythms of each band."""
    if len(strip.bands) == 2:
        return [row.rhythm, row.predicted_rhythm]
    return [row.rhythm or row.predicted_rhythm] if strip.bands else []


def _x(strip: StripPage, row: Row, time: FloatArray) -> FloatArray:
    """Return where times lie [mm]."""
    return LEFT + (time - row.start) * strip.speed


def _draw_margin(
    axes: Axes, strip: StripPage, row: Row, top: float, roof: float, base: float
) -> None:
    """Write time, lead and whose lines they are; draw the pulse."""
    small: dict[str, Any] = {"color": NOTE, "fontsize": 6.3, "va": "center"}
    for k, whose in enumerate(strip.lines):
        axes.text(2, top - (k + 0.5) * LINE, whose, **small)
    floor = roof - strip.above - strip.below
    for k, whose in enumerate(strip.bands):
        axes.text(2, floor - (k + 0.5) * LINE, whose or "rhythm", **small)
    axes.text(2, base + 2.5, _clock(row.start), color=TRACE, fontsize=_SIZE,
              va="center")  # fmt: skip
    axes.text(2, base - 1.5, strip.lead, color=TRACE, fontsize=_SIZE + 1,
              fontweight="bold", va="center")  # fmt: skip
    if strip.calibrated:
        draw_pulse(axes, 19.5, base, speed=strip.speed, gain=strip.gain)


def _draw_symbols(
    axes: Axes,
    strip: StripPage,
    row: Row,
    marks: Sequence[Mark],
    height: float,
    roof: float,
) -> None:
    """Write symbols over the trace; a normal one that has no room becomes a dot."""
    free = -np.inf
    wrong = {time for time, _, _ in row.wrong}
    for mark in marks:
        x = float(_x(strip, row, np.array(mark.time)))
        half = text_width(mark.symbol, _SIZE) / 2
        crowded = x - half < free + 0.3
        axes.plot([x, x], [roof - 1.2, roof], color=mark.colour, lw=0.9, zorder=3)
        if crowded and mark.group in ("N", PLAIN):
            axes.plot(x, height, ".", color=mark.colour, ms=2)
            continue
        heavy = mark.group not in ("N", PLAIN) or mark.time in wrong
        axes.text(
            x, height, mark.symbol, color=mark.colour, fontsize=_SIZE, ha="center",
            va="center", fontweight="bold" if heavy else "normal", zorder=5,
        )  # fmt: skip
        free = x + half


def _draw_wrong(
    axes: Axes, strip: StripPage, row: Row, floor: float, top: float
) -> None:
    """Lay a ground behind beats that differ, and a dash where one says nothing."""
    for time, truth, predicted in row.wrong:
        x = float(_x(strip, row, np.array(time)))
        half = max(1.6, 0.06 * strip.speed)
        axes.fill_between([x - half, x + half], floor, top, color=_HIGHLIGHT,
                          alpha=0.55, lw=0, zorder=1)  # fmt: skip
        for line, who in enumerate((truth, predicted)):
            if who is None:
                axes.text(
                    x, top - (line + 0.5) * LINE, "–", color=_WRONG, fontsize=_SIZE,
                    ha="center", va="center", fontweight="bold", zorder=5,
                )  # fmt: skip


def _draw_band(
    axes: Axes, strip: StripPage, row: Row, spans: Sequence[Span], roof: float
) -> None:
    """Draw the rhythm as bands; a name is written where it has room."""
    for span in spans:
        left, right = _x(strip, row, np.array([span.start, span.stop]))
        axes.fill_between([left, right], roof - LINE + 0.4, roof - 0.4,
                          color=pale_colour(span.label), lw=0, zorder=1)  # fmt: skip
        axes.plot([left] * 2, [roof - LINE + 0.4, roof - 0.4], color=NOTE, lw=0.8)
        size = fitting_size(span.label, _SIZE, right - left - 1.6)
        if text_width(span.label, size) <= right - left - 1.5:
            axes.text(left + 1, roof - LINE / 2, span.label, color=TRACE,
                      fontsize=size, va="center", zorder=5)  # fmt: skip


def _draw_legend(axes: Axes, strip: StripPage) -> None:
    """Explain the classes that occur, at the lower edge."""
    found = {
        mark.group: mark.colour
        for row in strip.rows
        for mark in (*row.beats, *row.predicted_beats)
        if mark.group != PLAIN
    }
    classes = [name for name in CLASS_COLOURS if name in found]
    classes += [name for name in found if name not in CLASS_COLOURS]
    words = [
        (f"{name}  {MEANINGS.get(name, '')}".strip(), found[name]) for name in classes
    ]
    if any(row.wrong for row in strip.rows):
        words.append(("on yellow: truth and model differ", _WRONG))
    if any(row.wrong_rhythm for row in strip.rows):
        words.append(("red line: another rhythm", _WRONG))
    x = 5.0
    for text, colour in words:
        width = text_width(text, _SIZE)
        if x + width > strip.width - 5:
            break
        axes.text(x, 8, text, color=colour, fontsize=_SIZE, va="center",
                  fontweight="bold")  # fmt: skip
        x += width + 5


def _clock(seconds: float) -> str:
    """Write a time as minutes and seconds."""
    whole, rest = divmod(round(seconds, 2), 60)
    hours, minutes = divmod(int(whole), 60)
    small = f"{rest:05.2f}".rstrip("0").rstrip(".")
    return f"{hours}:{minutes:02d}:{small}" if hours else f"{minutes}:{small}"
