"""Millimetre paper: figures measured in mm, and files that are true to scale."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cardium.core import need
from cardium.core.files import written_aside
from cardium.errors import InvalidArgumentError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER = "#fffaf8"
TRACE = "#15181e"
NOTE = "#7d5650"
"""Colours of the paper, of what a stylus draws, and of what is printed beside it."""

PIXELS = 5
"""Pixels of a millimetre in an image: 127 dots an inch."""

ENDINGS = (".png", ".svg", ".pdf")
"""Files that paper can be written to."""

_MINOR, _MAJOR = "#f8dcd7", "#eeb4ac"
_MM = 25.4  # of an inch
_POINT = _MM / 72  # mm
_WIDE = 0.6  # width of a character, in its size
_SMALLEST = 4.0  # points


def new_paper(width: float, height: float, *, ground: str = PAPER) -> Figure:
    """Make a figure of a size in millimetres, as it will measure when it is printed.

    Parameters
    ----------
    width, height : float [mm]
        Size.
    ground : str
        Colour behind everything.

    Returns
    -------
    matplotlib.figure.Figure
        At 5 pixels a millimetre; no global list of figures knows it.

    Examples
    --------
    >>> figure = new_paper(100, 40)
    >>> figure.canvas.get_width_height(), round(float(figure.get_figwidth() * 25.4), 3)
    ((500, 200), 100.0)
    """
    need("matplotlib", extra="plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # A hair more, lest a whole number of pixels be rounded down.
    size = ((width + 1e-9) / _MM, (height + 1e-9) / _MM)
    figure = Figure(figsize=size, dpi=PIXELS * _MM, facecolor=ground)
    FigureCanvasAgg(figure)
    return figure


def write_paper(figure: Figure, path: str | Path) -> None:
    """Write a figure on paper to a file that measures what the figure measures.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        As `new_paper` makes it.
    path : str or Path
        ``.png``, which states its dots an inch, ``.svg`` or ``.pdf``, which state
        their size. The same figure gives the same bytes.

    Raises
    ------
    InvalidArgumentError
        If the ending is another.

    Notes
    -----
    Print at 100 %, not "fit to page", and 25 mm are 25 mm.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_paper(new_paper(50, 25.4), Path(folder) / "a.svg")
    ...     text = (Path(folder) / "a.svg").read_text()
    >>> 'height="72pt"' in text  # an inch
    True
    """
    path = Path(path)
    ending = check_ending(path)
    from matplotlib import rc_context

    dated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    with written_aside(path) as aside, rc_context({"svg.hashsalt": "cardium"}):
        figure.savefig(
            aside,
            format=ending[1:],
            facecolor=figure.get_facecolor(),
            metadata=dated.get(ending),
        )


def check_ending(path: Path) -> str:
    """Return the ending of a file that paper can be written to.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        In small letters.

    Raises
    ------
    InvalidArgumentError
        If it is none of `ENDINGS`.

    Examples
    --------
    >>> check_ending(Path("ecg.PDF"))
    '.pdf'
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise InvalidArgumentError(
            f"'{path.name}': an ECG is drawn as a still. Choose the ending .png, .svg "
            "or .pdf."
        )
    return ending


def draw_grid(axes: Axes, left: float, right: float, bottom: float, top: float) -> None:
    """Draw the millimetre grid, a stronger line every 5 mm.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        In millimetres.
    left, right, bottom, top : float [mm]
        Where the grid begins and ends; its strong lines count from left and bottom.

    Examples
    --------
    >>> axes = new_paper(10, 10).add_axes((0, 0, 1, 1))
    >>> draw_grid(axes, 0, 10, 0, 10)
    >>> [len(lines.get_segments()) for lines in axes.collections]  # 11 and 3 each way
    [11, 11, 3, 3]
    """
    for step, colour, line in ((1, _MINOR, 0.4), (5, _MAJOR, 0.55)):
        along = np.arange(left, right + 1e-6, step)
        up = np.arange(bottom, top + 1e-6, step)
        axes.vlines(along, bottom, top, colour, lw=line, zorder=0)
        axes.hlines(up, left, right, colour, lw=line, zorder=0)


def draw_pulse(
    axes: Axes, at: float, base: float, *, speed: float, gain: float
) -> None:
    """Draw a calibration pulse: 1 mV for 0.2 s.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        In millimetres.
    at, base : float [mm]
        Its middle and its baseline.
    speed : float [mm/s]
        Of the paper.
    gain : float [mm/mV]
        Of the amplifier.

    Examples
    --------
    >>> axes = new_paper(20, 20).add_axes((0, 0, 1, 1))
    >>> draw_pulse(axes, 7.5, 2.0, speed=25, gain=10)
    >>> axes.lines[0].get_xydata()[2:4].tolist()  # 5 mm long, 10 mm high
    [[5.0, 12.0], [10.0, 12.0]]
    """
    half = 0.1 * speed
    x = at + np.array([-half - 2, -half, -half, half, half, half + 2])
    y = base + gain * np.array([0, 0, 1, 1, 0, 0])
    axes.plot(x, y, color=TRACE, lw=0.87)


def text_width(text: str, size: float) -> float:
    """Return about how wide a text is [mm], at a size in points."""
    return len(text) * size * _POINT * _WIDE


def fitting_size(text: str, size: float, room: float) -> float:
    """Return the size [points] at which a text fits a room [mm], at most `size`."""
    needed = text_width(text, size)
    return size if needed <= room else max(_SMALLEST, size * room / needed)


def fit_text(text: str, size: float, room: float) -> tuple[str, float]:
    """Make a text smaller, and then shorter, until it fits a room [mm]."""
    small = fitting_size(text, size, room)
    most = int(room / text_width("m", small))
    return (text if len(text) <= most else f"{text[: most - 1]}…"), small
