"""The look of all pictures: colours, colour maps, figures without global state."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cardium.core import need

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

DARK = "#0b0e13"
"""Ground of everything that is an image: echo is read on black."""

INK = "#e8ecf2"
"""Text and axes on the dark ground."""

FAINT = "#8b95a5"
"""Text of second rank on either ground."""

TRUTH = "#f2f4f8"
PREDICTION = "#ffb000"
"""Curves of what was measured and of what was predicted, on the dark ground."""

STRUCTURE_COLOURS = {
    "lv_cavity": "#ffb000",
    "myocardium": "#2ec4e6",
    "la_cavity": "#f06bd0",
    "rv_cavity": "#8bd450",
    "ra_cavity": "#ff7a59",
}
"""One colour a structure, told apart on grey by colour-blind readers as well."""

SPARE_COLOURS = ("#b79bff", "#ffd7a8", "#9fe8d0", "#ff9db1")
"""For structures that `STRUCTURE_COLOURS` does not name."""

_ABBREVIATIONS = {"lv", "rv", "la", "ra", "ecg", "cmr", "3d"}
_MODES = {"b mode": "B-mode", "m mode": "M-mode"}

_VELOCITY_STOPS = (
    (0.00, (196, 244, 255)),
    (0.20, (64, 164, 255)),
    (0.38, (24, 64, 200)),
    (0.50, (12, 12, 18)),
    (0.62, (186, 26, 34)),
    (0.80, (255, 106, 52)),
    (1.00, (255, 232, 150)),
)


def colour_of(structure: str, index: int = 0) -> str:
    """Return the colour of a structure; one of the spare ones if it has none.

    Parameters
    ----------
    structure : str
        A name of `cardium.core.STRUCTURES`, or another.
    index : int
        Chooses among the spare colours.

    Returns
    -------
    str
        ``"#rrggbb"``.

    Examples
    --------
    >>> colour_of("myocardium"), colour_of("aorta", 1)
    ('#2ec4e6', '#ffd7a8')
    """
    spare = SPARE_COLOURS[index % len(SPARE_COLOURS)]
    return STRUCTURE_COLOURS.get(structure, spare)


def spoken(name: str) -> str:
    """Write a name as a reader says it.

    Parameters
    ----------
    name : str
        With underscores.

    Returns
    -------
    str
        With spaces, and abbreviations in capitals.

    Examples
    --------
    >>> spoken("lv_cavity"), spoken("tissue_velocity"), spoken("b_mode_3d")
    ('LV cavity', 'tissue velocity', 'B-mode 3D')
    """
    words = name.split("_")
    text = " ".join(w.upper() if w in _ABBREVIATIONS else w for w in words)
    for mode, written in _MODES.items():
        text = text.replace(mode, written)
    return text


def rgb_of(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of a colour.

    Parameters
    ----------
    colour : str
        ``"#rrggbb"``.

    Returns
    -------
    tuple of int
        Each 0..255.

    Examples
    --------
    >>> rgb_of("#ff8000")
    (255, 128, 0)
    """
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def velocity_table() -> NDArray[np.uint8]:
    """Return the colours of velocities, from away (blue) over zero to towards (red).

    Returns
    -------
    table : (256, 3) uint8
        Row 0 is the negative limit, row 255 the positive one. Zero is dark, as on
        scanners, and both sides are equally bright at equal speed.

    Examples
    --------
    >>> away, towards = velocity_table()[[64, 191]].astype(int)
    >>> bool(away[2] > away[0]), bool(towards[0] > towards[2])
    (True, True)
    """
    places = [place for place, _ in _VELOCITY_STOPS]
    colours = np.array([colour for _, colour in _VELOCITY_STOPS], float)
    at = np.linspace(0, 1, 256)
    channels = [np.interp(at, places, colours[:, k]) for k in range(3)]
    return np.round(np.stack(channels, axis=-1)).astype(np.uint8)


def velocity_map() -> Colormap:
    """Return `velocity_table` as a colour map of matplotlib; NaN is transparent."""
    need("matplotlib", extra="plot")
    from matplotlib.colors import ListedColormap

    colours = ListedColormap(velocity_table() / 255.0, name="velocity")
    return colours.with_extremes(bad=(0, 0, 0, 0))


def new_figure(width: float, height: float, *, ground: str = DARK) -> Figure:
    """Make a figure of a size in inches that no global list of figures knows.

    Parameters
    ----------
    width, height : float [inch]
        Size; at 100 dots an inch, 12 is 1200 pixels.
    ground : str
        Colour behind everything.

    Returns
    -------
    matplotlib.figure.Figure
        With an Agg canvas; it is freed when it is forgotten.

    Examples
    --------
    >>> new_figure(12, 3).canvas.get_width_height()
    (1200, 300)
    """
    need("matplotlib", extra="plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100, facecolor=ground)
    FigureCanvasAgg(figure)
    return figure


def style_axes(axes: Axes, *, ink: str = INK, faint: str = FAINT) -> None:
    """Give axes a clear ground, two thin spines and small ticks."""
    axes.set_facecolor("none")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(faint)
        axes.spines[side].set_linewidth(0.8)
    axes.tick_params(colors=faint, labelcolor=ink, labelsize=9, width=0.8, length=3)


def png_bytes(figure: Figure) -> bytes:
    """Encode a figure as PNG, at 100 dots an inch unless the figure says other."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", facecolor=figure.get_facecolor())
    return buffer.getvalue()


def velocity_scale(velocity: NDArray[np.floating], limit: float | None) -> float:
    """Choose the speed at the ends of a colour bar [m/s].

    Parameters
    ----------
    velocity : array [m/s]
        What is shown, over the whole clip; NaN is passed over.
    limit : float [m/s], optional
        The Nyquist limit, which the scale never exceeds.

    Returns
    -------
    float [m/s]
        1, 1.5, 2, 3, 5 or 7.5 times a power of ten that holds 99.5 % of the speeds,
        so that pictures of one study share few scales; at most the limit.

    Examples
    --------
    >>> velocity_scale(np.array([-0.11, 0.04, np.nan]), 0.6), velocity_scale(
    ...     np.array([0.55]), 0.6)
    (0.15, 0.6)
    """
    # A percentile of a million samples is that of all of them, to the eye.
    some = velocity.ravel()[:: max(1, velocity.size // 1_000_000)]
    speed = np.abs(some[np.isfinite(some)])
    top = float(np.percentile(speed, 99.5)) if speed.size else 0.0
    highest = float("inf") if limit is None else limit
    steps = [m * 10.0**e for e in range(-3, 2) for m in (1, 1.5, 2, 3, 5, 7.5)]
    return min(next((round(s, 6) for s in steps if s >= top), top), highest)


def power_table() -> NDArray[np.uint8]:
    """Return the colours of a power: dark below the middle row, amber to white above.

    Returns
    -------
    table : (256, 3) uint8
        Laid out as `velocity_table`: row 128 is zero and row 255 is one.

    Examples
    --------
    >>> power_table()[[128, 255]].tolist()
    [[13, 9, 4], [255, 244, 210]]
    """
    at = np.linspace(-1, 1, 256)
    stops = [0.0, 0.4, 0.75, 1.0]
    colours = np.array([(12, 8, 4), (150, 60, 10), (255, 160, 40), (255, 244, 210)])
    channels = [np.interp(at, stops, colours[:, k]) for k in range(3)]
    return np.round(np.stack(channels, axis=-1)).astype(np.uint8)
