"""A recording's ECG as a file: the page of a short one, the strip of a long one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from cardium.core import Recording
from cardium.errors import InvalidArgumentError
from cardium.plot._trace import check_choice
from cardium.plot.ecg import Layout, draw_ecg
from cardium.plot.paper import check_ending, write_paper
from cardium.plot.rhythm_strip import draw_rhythm_strip

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Form = Literal[Layout, "strip"]
"""How an ECG is drawn: a layout of the page, or rows of one lead."""

_PAGE = 15.0  # s; what is longer is drawn as a strip


def write_ecg(
    recording: Recording,
    path: str | Path,
    *,
    stream: str = "ecg",
    layout: Form = "auto",
    start: float | None = None,
    duration: float | None = None,
    lead: str | None = None,
    speed: float = 25.0,
    gain: float = 10.0,
) -> None:
    """Write the ECG of a recording to a file that is true to scale.

    Parameters
    ----------
    recording : Recording
        What is drawn, with its annotations ``beats`` (or ``qrs``) and ``rhythm`` where
        it has them.
    path : str or Path
        ``.png``, ``.svg`` or ``.pdf``.
    stream : str
        Which stream.
    layout : {"auto", "strip", "3x4+1", "6x2", "12x1", "rows"}
        ``"strip"``: rows of one lead with beats and rhythm, as `draw_rhythm_strip`
        draws them; the others as of `draw_ecg`. ``"auto"``: a strip of what has beats,
        is longer than 15 s or has a lead chosen; else the page.
    start : float [s], optional
        First time that is drawn, on the recording's clock.
    duration : float [s], optional
        How much is drawn: 10 s of a page, up to 60 s of a strip, if not given.
    lead : str, optional
        The lead of a strip.
    speed : {25, 50} [mm/s]
        Of a page; in a strip 50 makes rows of 5 s.
    gain : {5, 10, 20} [mm/mV]
        Height of a millivolt.

    Raises
    ------
    InvalidArgumentError
        If the ending or an option is none of those, or a lead is chosen for a page.
    NotProvidedError
        If the recording has no such stream, or nothing in the time asked for.

    Examples
    --------
    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> from cardium.core import Entry, Stream
    >>> ecg = Stream("ecg", np.zeros(200), np.arange(200) / 100, ("time",), "mV")
    >>> recording = Recording(Entry("r0", "p0", "", frozenset({"ecg"})), {"ecg": ecg})
    >>> with TemporaryDirectory() as folder:
    ...     write_ecg(recording, Path(folder) / "a.pdf")
    ...     (Path(folder) / "a.pdf").read_bytes()[:4]
    b'%PDF'
    """
    path = Path(path)
    check_ending(path)
    figure = _draw(
        recording, stream, layout, start=start, duration=duration, lead=lead,
        speed=speed, gain=gain,
    )  # fmt: skip
    write_paper(figure, path)


def _draw(
    recording: Recording,
    stream: str,
    layout: Form,
    *,
    start: float | None,
    duration: float | None,
    lead: str | None,
    speed: float,
    gain: float,
) -> Figure:
    """Draw the page or the strip."""
    check_choice("layout", layout, ("strip", *get_args(Layout)))
    check_choice("speed", speed, (25.0, 50.0))
    ecg, notes = recording[stream], recording.annotations
    title = recording.entry.id
    beats = notes.get("beats", notes.get("qrs"))
    if layout == "auto" and (
        lead is not None or beats is not None or ecg.duration > _PAGE
    ):
        layout = "strip"
    if layout == "strip":
        return draw_rhythm_strip(
            ecg, start=start, duration=duration, lead=lead, beats=beats,
            rhythm=notes.get("rhythm"), row=250 / speed, gain=gain, title=title,
        )  # fmt: skip
    if lead is not None:
        raise InvalidArgumentError(
            f"A lead is chosen for the layout 'strip'; '{layout}' shows several."
        )
    return draw_ecg(
        ecg, title=title, start=start, duration=duration or 10.0, layout=layout,
        speed=speed, gain=gain,
    )  # fmt: skip
