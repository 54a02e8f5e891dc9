"""What a model looked at: relevance as colour along the traces of an ECG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cardium.core import FloatArray, Stream
from cardium.errors import InvalidArgumentError
from cardium.plot._trace import names_of_leads
from cardium.plot.ecg import Layout, Strip, draw_page, lay_out_ecg
from cardium.plot.paper import TRACE, new_paper

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

_ROOM = 15.0  # mm below the page, for the legend
_TOP_SHARE = 99.5  # percentile of the relevance at the end of the colours
_HALO = 5.0  # points
_STEPS = 128


def draw_attribution(
    ecg: Stream,
    relevance: Stream,
    *,
    title: str = "",
    layout: Layout = "auto",
    start: float | None = None,
    duration: float = 10.0,
    speed: float = 25.0,
    gain: float = 10.0,
) -> Figure:
    """Draw an ECG on paper with relevance as colour behind the traces.

    Parameters
    ----------
    ecg : Stream
        ``("time", "lead")`` or ``("time",)``, in mV: what the model saw.
    relevance : Stream
        How much each sample counts, of any scale, on the same clock; leads are found
        by name. Its own rate may be another. Values of both signs are for and against
        the answer; without negative ones they are a magnitude.
    title : str
        Heading.
    layout : {"auto", "3x4+1", "6x2", "12x1", "rows"}
        As of `cardium.plot.ecg.draw_ecg`, and so are the others.
    start : float [s], optional
        First time that is drawn.
    duration : float [s]
        How much is drawn.
    speed : {25, 50} [mm/s]
        Paper that passes in a second.
    gain : {5, 10, 20} [mm/mV]
        Height of a millivolt.

    Returns
    -------
    matplotlib.figure.Figure
        On paper, true to scale, with a legend that says what the strongest colour is.

    Raises
    ------
    InvalidArgumentError
        If the relevance has no lead of the ECG, or no sample in the time drawn, or is
        not finite there.
    NotProvidedError
        As of `cardium.plot.ecg.draw_ecg`.

    Notes
    -----
    Colours end at the 99.5th percentile of the relevance that is drawn, so that a lone
    sample does not hide the rest. A magnitude is drawn in ``magma``, which is even to
    the eye and readable by colour-blind readers; signs in blue and red of equal
    lightness (Moreland, "Diverging color maps for scientific visualization", 2009).
    The fainter, the less relevant.

    Examples
    --------
    >>> time = np.arange(200) / 100
    >>> ecg = Stream("ecg", np.zeros((200, 1)), time, ("time", "lead"), "mV",
    ...              coords={"lead": ("II",)})
    >>> figure = draw_attribution(ecg, ecg.with_values(np.ones((200, 1))))
    >>> len(figure.axes[0].collections[-1].get_segments())  # one between two samples
    199
    """
    page = lay_out_ecg(
        ecg, start=start, duration=duration, layout=layout, speed=speed, gain=gain
    )
    weights = [_along(strip, relevance) for strip in page.strips]
    if all(weight is None for weight in weights):
        raise InvalidArgumentError(
            f"The relevance has the leads {', '.join(names_of_leads(relevance))}, the "
            f"ECG {', '.join(dict.fromkeys(s.lead for s in page.strips))}: none in "
            "common."
        )
    known = np.concatenate([w for w in weights if w is not None])
    signed = bool((known < 0).any())
    limit = float(np.percentile(np.abs(known), _TOP_SHARE)) or float(abs(known).max())
    figure = new_paper(page.width, page.height + _ROOM, ground="#ffffff")
    axes = figure.add_axes((0, 0, 1, 1))
    draw_page(axes, page, title=title, extra=_ROOM)
    for strip, weight in zip(page.strips, weights, strict=True):
        if weight is not None and limit > 0:
            base = _ROOM + page.baseline(strip.row)
            _draw_halo(axes, strip, base, _colours(weight / limit, signed=signed))
    _draw_legend(axes, limit, signed=signed, width=page.width)
    return figure


def _along(strip: Strip, relevance: Stream) -> FloatArray | None:
    """Return the relevance at each sample of a strip; None if its lead has none."""
    names = names_of_leads(relevance)
    if strip.lead not in names:
        return None
    step = 1 / relevance.rate
    first, last = float(strip.time[0]), float(strip.time[-1])
    part = relevance.between(first - step, last + step)
    if not len(part.time):
        raise InvalidArgumentError(
            f"The relevance lasts from {relevance.time[0]:g} to "
            f"{relevance.time[-1]:g} s, and none of it is between {first:g} and "
            f"{last:g} s. Is it on the clock of the ECG?"
        )
    values = np.asarray(part.values, float).reshape(len(part.time), -1)
    values = values[:, names.index(strip.lead)]
    if not np.isfinite(values).all():
        raise InvalidArgumentError(
            f"The relevance of lead {strip.lead} is not finite everywhere."
        )
    found: FloatArray = np.interp(strip.time, part.time, values, left=0.0, right=0.0)
    return found


def _colour_map(*, signed: bool) -> Colormap:
    """Return the colours from least to most, or from against to for."""
    from matplotlib import colormaps

    return colormaps["coolwarm" if signed else "magma_r"]


def _colours(share: FloatArray, *, signed: bool) -> FloatArray:
    """Return red, green, blue and opacity of shares of the limit."""
    share = np.clip(share, -1, 1)
    place = (share + 1) / 2 if signed else 0.08 + 0.57 * share
    colours: FloatArray = _colour_map(signed=signed)(place)
    # Opacity as well, so that what counts nothing is as if it were not coloured.
    colours[:, 3] = np.abs(share) ** 0.6
    return colours


def _draw_halo(axes: Axes, strip: Strip, base: float, colours: FloatArray) -> None:
    """Draw colour behind a trace, a piece a sample."""
    from matplotlib.collections import LineCollection

    points = np.stack([strip.x, base + strip.y], axis=1)
    pieces = np.stack([points[:-1], points[1:]], axis=1)
    between = (colours[:-1] + colours[1:]) / 2
    axes.add_collection(
        LineCollection(list(pieces), colors=between, linewidths=_HALO, zorder=1,
                       capstyle="butt"),
        autolim=False,
    )  # fmt: skip


def _draw_legend(axes: Axes, limit: float, *, signed: bool, width: float) -> None:
    """Draw the colours with their ends."""
    left, long = 15.0, min(60.0, width - 20)
    share = np.linspace(-1 if signed else 0, 1, _STEPS)
    colours = _colours(share, signed=signed)
    axes.imshow(
        colours[None], extent=(left, left + long, 7, 10.5), aspect="auto", zorder=3
    )
    axes.set(xlim=(0, width))
    style: dict[str, Any] = {"color": TRACE, "fontsize": 7, "va": "center"}
    ends = (f"{-limit:.2g} against", f"{limit:.2g} for") if signed else (
        "0", f"{limit:.2g} or more")  # fmt: skip
    axes.text(left, 4, ends[0], ha="left", **style)
    axes.text(left + long, 4, ends[1], ha="right", **style)
    axes.text(left, 12.6, "relevance" if limit > 0 else "no relevance", **style)
