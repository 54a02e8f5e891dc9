"""A stream in the terminal: a scrolling trace, or a line a second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cardium.live.monitor import Monitor, Summary

_BRAILLE = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a braille character, four rows of two."""


def draw_trace(values: NDArray[np.floating], *, width: int, height: int) -> list[str]:
    r"""Draw a trace in braille characters, two columns and four rows of dots in each.

    Parameters
    ----------
    values : (N,)
        Samples; those that are missing leave a hole.
    width, height : int
        Size in characters.

    Returns
    -------
    list of str
        `height` lines, the highest values first.

    Examples
    --------
    >>> for line in draw_trace(np.array([0.0, 1.0, 0.0, np.nan]), width=2, height=1):
    ...     print(ascii(line))
    '\u28f8\u2847'
    """
    columns, rows = 2 * width, 4 * height
    cells = np.zeros((height, width), int)
    finite = values[np.isfinite(values)]
    if finite.size:
        low, high = float(finite.min()), float(finite.max())
        scale = (rows - 1) / (high - low) if high > low else 0.0
        edges = np.linspace(0, len(values), columns + 1).astype(int)
        last: tuple[int, int] | None = None
        for column in range(columns):
            part = values[edges[column] : edges[column + 1]]
            if not len(part) or not np.isfinite(part).any():
                last = None
                continue
            bottom = round((float(np.nanmin(part)) - low) * scale)
            top = round((float(np.nanmax(part)) - low) * scale)
            # joined to the column before, so that steep slopes are lines
            first, stop = bottom, top
            if last is not None:
                first, stop = min(bottom, last[1]), max(top, last[0])
            last = (bottom, top)
            for dot in range(first, stop + 1):
                row = rows - 1 - dot
                cells[row // 4, column // 2] |= _DOTS[row % 4][column % 2]
    return ["".join(chr(_BRAILLE + int(cell)) for cell in line) for line in cells]


def mark_line(places: list[int], count: int, *, width: int) -> str:
    """Return a line with a mark above each of some samples.

    Parameters
    ----------
    places : list of int
        Numbers of samples, of `count` in all.
    count : int
        How many samples the line stands for.
    width : int
        Its length in characters.

    Returns
    -------
    str
        ``R`` above each of them, blanks elsewhere.

    Examples
    --------
    >>> mark_line([0, 50], 100, width=10)
    'R    R    '
    """
    line = [" "] * width
    for place in places:
        if 0 <= place < count:
            line[place * width // count] = "R"
    return "".join(line)


def status_line(summary: Summary) -> str:
    """Say in one line how a stream goes."""
    rate = "  --" if np.isnan(summary.heart_rate) else f"{summary.heart_rate:4.0f}"
    parts = [
        f"{summary.seconds:7.1f} s",
        f"{rate} /min",
        f"{summary.beats} beats",
        f"{summary.gaps} gaps ({summary.missing} samples)",
        f"latency {_milliseconds(summary.latency_median)} "
        f"(worst {_milliseconds(summary.latency_worst)})",
    ]
    if summary.classes:
        name, value = max(summary.classes.items(), key=lambda pair: pair[1])
        parts.append(f"{name} {value:.2f}")
    if summary.failure:
        parts.append(f"NOT RUNNING: {summary.failure}")
    elif summary.silence > 0.5:
        parts.append(f"nothing for {summary.silence:.1f} s")
    return "  ".join(parts)


def as_fields(summary: Summary) -> Mapping[str, object]:
    """Return what `status_line` says as fields for a machine."""
    return {
        "seconds": round(summary.seconds, 3),
        "heart_rate": summary.heart_rate,
        "beats": summary.beats,
        "gaps": summary.gaps,
        "missing": summary.missing,
        "restarts": summary.restarts,
        "latency_median": summary.latency_median,
        "latency_worst": summary.latency_worst,
        "step_median": summary.step_median,
        "step_worst": summary.step_worst,
        "classes": dict(summary.classes),
        "failure": summary.failure,
    }


def draw_screen(
    monitor: Monitor, *, width: int, height: int, seconds: float = 6.0
) -> RenderableType:
    """Draw the last seconds with their R peaks, and the status line, in characters."""
    from rich.panel import Panel
    from rich.text import Text

    inner, lines = max(10, width - 4), max(2, height - 5)
    length = round(seconds * monitor.rate)
    values = monitor.values[-length:]
    shown = np.concatenate([np.full(length - len(values), np.nan), values])
    first = monitor.count - length
    places = [beat.place - first for beat in monitor.beats]
    summary = monitor.summary()
    text = Text("\n".join(draw_trace(shown, width=inner, height=lines)), "green")
    body = Text(f"{mark_line(places, length, width=inner)}\n", "bold red")
    labels = [beat.label for beat in list(monitor.beats)[-8:] if beat.label]
    status = status_line(summary) + (f"  {' '.join(labels)}" if labels else "")
    style = "bold yellow" if summary.failure else "bold"
    body.append_text(text).append(f"\n{status}", style)
    title = f"{monitor.lead}, last {seconds:g} s, Ctrl-C ends"
    return Panel(body, title=title, title_align="left")


def _milliseconds(seconds: float) -> str:
    """Write a time in milliseconds."""
    return "--" if np.isnan(seconds) else f"{1000 * seconds:.0f} ms"
