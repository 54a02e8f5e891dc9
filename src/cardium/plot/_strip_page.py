"""A long ECG laid out: rows of one lead, and what stands over and below them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray, Stream
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.plot._beat_marks import (
    Mark,
    Span,
    differing,
    differing_spans,
    read_marks,
    read_spans,
)
from cardium.plot._trace import (
    check_choice,
    cut,
    is_there,
    middle,
    names_of_leads,
    to_heights,
)
from cardium.signal.leads import lead_name

WIDTH, LEFT, RIGHT = 250.0, 25.0, 5.0
"""A row, and what is beside it [mm]."""

TOP, BOTTOM, GAP = 10.0, 12.0, 3.0
"""Over, below and between the rows [mm]."""

LINE = 4.5
"""Height of a line of symbols, and of a band [mm]."""

_MOST_ROWS = 120
_USUAL_ROWS = 6
_PREFERRED = ("II", "MLII")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a strip.

    Parameters
    ----------
    start : float [s]
        Its first time.
    time : (N,) [s]
        When each sample was taken.
    heights : (N,) [mm]
        Over the baseline.
    beats, predicted_beats : sequence of Mark
        What stands over the trace.
    wrong : sequence of (time, Mark or None, Mark or None)
        Beats of which truth and prediction differ; None is who says nothing.
    rhythm, predicted_rhythm : sequence of Span
        What stands below the trace.
    wrong_rhythm : sequence of Span
        Where the two differ.
    """

    start: float
    time: FloatArray
    heights: FloatArray
    beats: Sequence[Mark]
    predicted_beats: Sequence[Mark]
    wrong: Sequence[tuple[float, Mark | None, Mark | None]]
    rhythm: Sequence[Span]
    predicted_rhythm: Sequence[Span]
    wrong_rhythm: Sequence[Span]


@dataclass(frozen=True, slots=True)
class StripPage:
    """Rows of one lead, and the room that each takes.

    Parameters
    ----------
    rows : tuple of Row
        From the top.
    lead : str
        The lead's name.
    seconds : float [s]
        Time of a row.
    above, below : float [mm]
        Reach of the trace over and under the baseline.
    lines, bands : tuple of str
        Whose symbols stand above a trace, whose rhythms below: ``"truth"``,
        ``"model"``; ``""`` where there is only one.
    gain : float [mm/mV]
        Height of a millivolt.
    calibrated : bool
        Whether the gain holds.
    note : str
        Speed, gain, and what part is shown.
    """

    rows: tuple[Row, ...]
    lead: str
    seconds: float
    above: float
    below: float
    lines: tuple[str, ...]
    bands: tuple[str, ...]
    gain: float
    calibrated: bool
    note: str

    @property
    def width(self) -> float:
        """Width of the paper [mm]."""
        return LEFT + WIDTH + RIGHT

    @property
    def row_height(self) -> float:
        """Height of a row with all that belongs to it [mm]."""
        beside = LINE * (len(self.lines) + len(self.bands))
        return self.above + self.below + beside + GAP

    @property
    def height(self) -> float:
        """Height of the paper [mm]."""
        return TOP + len(self.rows) * self.row_height + BOTTOM

    @property
    def speed(self) -> float:
        """Paper that passes in a second [mm/s]."""
        return WIDTH / self.seconds


def lay_out_strip(
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
) -> StripPage:
    """Place a stretch of one lead in rows, as `draw_rhythm_strip` is asked to."""
    check_choice("gain", gain, (5.0, 10.0, 20.0))
    if not row > 0:
        raise InvalidArgumentError(f"row must be positive, got {row} s.")
    shown, begin = cut(ecg, start, _USUAL_ROWS * row if duration is None else duration)
    count = int(np.ceil(round((float(shown.time[-1]) - begin) / row, 6))) or 1
    if count > _MOST_ROWS:
        raise InvalidArgumentError(
            f"{count} rows of {row:g} s are more than a picture holds, {_MOST_ROWS}. "
            "Choose a shorter duration, or longer rows."
        )
    name, column = _choose_lead(shown, lead)
    values = np.asarray(shown.values, float).reshape(len(shown.time), -1)
    heights, calibrated = to_heights(values[:, [column]], ecg.unit, gain)
    heights = heights[:, 0] - middle(heights[:, 0])
    last = begin + count * row
    # A beat and its prediction may stand on either side of the end of a row.
    edges = (begin - tolerance, last + tolerance)
    true = [] if beats is None else read_marks(beats, *edges, mapping)
    found = (
        [] if predicted_beats is None else read_marks(predicted_beats, *edges, mapping)
    )
    both = beats is not None and predicted_beats is not None
    wrong = differing(true, found, tolerance) if both else []
    rows = []
    for k in range(count):
        first, end = begin + k * row, begin + (k + 1) * row
        inside = (shown.time >= first) & (shown.time < end)
        known = min(end, float(shown.time[-1]))
        spans = [] if rhythm is None else read_spans(rhythm, first, known)
        others = (
            []
            if predicted_rhythm is None
            else read_spans(predicted_rhythm, first, known)
        )
        rows.append(
            Row(
                first,
                shown.time[inside],
                heights[inside],
                [mark for mark in true if first <= mark.time < end],
                [mark for mark in found if first <= mark.time < end],
                [one for one in wrong if first <= one[0] < end],
                spans,
                others,
                differing_spans(spans, others),
            )
        )
    above, below = _reach(heights)
    amplitude = f"{gain:g} mm/mV" if calibrated else "amplitude not calibrated"
    note = f"{WIDTH / row:.4g} mm/s  ·  {amplitude}  ·  {ecg.rate:g} Hz"
    if beats is not None and "label" in beats.coords:
        note += f"  ·  AAMI classes: {mapping}"
    return StripPage(
        tuple(rows), name, row, above, below, _whose(beats, predicted_beats),
        _whose(rhythm, predicted_rhythm), gain, calibrated, note,
    )  # fmt: skip


def _choose_lead(ecg: Stream, lead: str | None) -> tuple[str, int]:
    """Return a lead's name and its column."""
    names = names_of_leads(ecg)
    if lead is not None:
        if lead_name(lead) not in names:
            raise UnknownNameError("lead", lead, names)
        return lead_name(lead), names.index(lead_name(lead))
    chosen = next((name for name in _PREFERRED if name in names), names[0])
    return chosen, names.index(chosen)


def _reach(heights: FloatArray) -> tuple[float, float]:
    """Return the room over and under the baseline [mm], whole boxes of 5 mm."""
    if not is_there(heights):
        return 10.0, 10.0
    low, high = np.nanpercentile(heights, (0.05, 99.95))
    above, below = (float(np.ceil((v + 1) / 5) * 5) for v in (high, -low))
    return min(max(above, 10.0), 40.0), min(max(below, 10.0), 40.0)


def _whose(truth: Stream | None, predicted: Stream | None) -> tuple[str, ...]:
    """Name the lines that a row has."""
    if truth is not None and predicted is not None:
        return ("truth", "model")
    if predicted is not None:
        return ("model",)
    return ("",) if truth is not None else ()
