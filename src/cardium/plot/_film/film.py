"""A recording as pictures: panels of all kinds on one clock, drawn for one time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cardium.core import FloatArray, Recording, need
from cardium.errors import InvalidArgumentError
from cardium.plot._film.canvas import Picture, blank, text_width, write_text
from cardium.plot._film.image_panels import contour_panels, image_panels, volume_panels
from cardium.plot._film.overlays import step_of
from cardium.plot._film.scene import Scene, choose_scene
from cardium.plot._film.sweep import Span
from cardium.plot._film.trace_panels import trace_panels
from cardium.plot.style import DARK, FAINT, INK
from cardium.signal.clock import nearest

VIEWS = ("cartesian", "beamspace", "both")

_HEAD, _GAP = 30, 6  # px
_WIDE = 720  # px; what spectra and curves need at least


class Panel(Protocol):
    """A part of a picture."""

    size: tuple[int, int]
    """Rows and columns [px]."""

    def paint(self, picture: Picture, time: float) -> None:
        """Draw what belongs to a time [s] on a picture of that size, in place."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A panel and where it is in the picture.

    Parameters
    ----------
    panel : Panel
        What is there.
    row, column : int [px]
        Its first pixel.
    """

    panel: Panel
    row: int
    column: int

    def paint(self, picture: Picture, time: float) -> None:
        """Draw the panel on its part of the picture, in place."""
        rows, columns = self.panel.size
        bottom, right = self.row + rows, self.column + columns
        self.panel.paint(picture[self.row : bottom, self.column : right], time)


@dataclass(frozen=True)
class Film:
    """A recording as pictures, each drawn when it is asked for.

    Frames are read as they are needed; what lies in memory does not depend on how many
    there are.

    Parameters
    ----------
    title : str
        Written above.
    clock : (T,) [s]
        Times of the frames.
    still : float [s]
        Time of the frame that stands for all.
    placed : tuple of Placed
        The panels.
    size : (int, int) [px]
        Rows and columns of a picture; both even, as video needs.
    """

    title: str
    clock: FloatArray
    still: float
    placed: tuple[Placed, ...]
    size: tuple[int, int]

    @property
    def rate(self) -> float:
        """Frames a second; 1 for a single frame [Hz]."""
        return float(1 / step_of(self.clock))

    def draw(self, time: float) -> Picture:
        """Draw the picture of a time [s], (H, W, 3) uint8."""
        picture = np.empty((*self.size, 3), np.uint8)
        self.paint(picture, time)
        return picture

    def paint(self, picture: Picture, time: float) -> None:
        """Draw the picture of a time [s], in place."""
        picture[:] = self._ground()
        text = f"{time:.3f} s"
        place = (self.size[1] - 10, _HEAD / 2)
        write_text(picture, place, text, colour=INK, size=15, anchor="right")
        for part in self.placed:
            part.paint(picture, time)

    def _ground(self) -> Picture:
        """Return the heading and what lies between the panels; drawn once."""
        if "ground" not in self.__dict__:
            ground = blank(*self.size, DARK)
            room = self.size[1] - 40 - text_width("-0000.000 s", 15)
            place = (10, _HEAD / 2)
            write_text(ground, place, self.title, colour=FAINT, size=14, room=room)
            self.__dict__["ground"] = ground
        found: Picture = self.__dict__["ground"]
        return found


def open_film(
    recording: Recording,
    *,
    stream: str | None = None,
    view: str = "cartesian",
    size: int = 640,
) -> Film:
    """Lay out the pictures of a recording; frames are read when they are drawn.

    Parameters
    ----------
    recording : Recording
        What is shown.
    stream : str, optional
        A stream, a curve or a mesh to be shown alone. If not given, everything there
        is: images with Doppler and what readers drew, volumes as planes, surfaces,
        spectra, M-modes, strain, and the ECG with a cursor below.
    view : {"cartesian", "beamspace", "both"}
        True to scale, as beams side by side, or the two beside each other.
    size : int [px]
        Longer side of an image.

    Returns
    -------
    Film

    Raises
    ------
    NotProvidedError
        If the recording has nothing to show, or not the stream named.
    InvalidArgumentError
        If the view is not known, or the stream named is none that can be shown.

    Examples
    --------
    >>> from cardium.core import Entry, PlaneGrid, Stream
    >>> grid = PlaneGrid(x=(-0.02, 0.02), z=(0.0, 0.04), shape=(5, 5))
    >>> grey = Stream(
    ...     "b_mode", np.zeros((3, 5, 5), np.uint8), np.array([0.0, 0.02, 0.04]),
    ...     ("time", "z", "x"), "grey", geometry=grid,
    ... )
    >>> entry = Entry("r0", "p0", "", frozenset({"b_mode"}))
    >>> film = open_film(Recording(entry, {"b_mode": grey}))
    >>> film.rate, film.still, film.draw(0.02).shape
    (50.0, 0.02, (670, 680, 3))
    """
    need("PIL", extra="plot")
    if view not in VIEWS:
        raise InvalidArgumentError(
            f"The view '{view}' is not known; known are {', '.join(VIEWS)}."
        )
    if size < 64:
        raise InvalidArgumentError(f"An image needs 64 pixels at least, got {size}.")
    scene = choose_scene(recording, stream, view)
    images: list[Panel] = [
        *image_panels(scene, recording, view=view, size=size),
        *volume_panels(scene, view=view, size=size),
        *contour_panels(scene, size=size),
    ]
    clock = scene.clock()
    rows = _in_rows(images)
    width = max((_width(row) for row in rows), default=0)
    if scene.sweeps or scene.curves or scene.meshes or not images:
        width = max(width, _WIDE)
    stop = clock[-1] if len(clock) > 1 else clock[0] + 1.0
    traces = trace_panels(scene, recording, Span(float(clock[0]), float(stop), width))
    placed, height = _lay_out(rows, traces, width)
    return Film(
        title=recording.entry.id,
        clock=clock,
        still=_still(scene, recording, clock),
        placed=placed,
        size=(height + height % 2, width + width % 2),
    )


def _still(scene: Scene, recording: Recording, clock: FloatArray) -> float:
    """Choose the frame that stands for all: the first annotated, or the middle."""
    drawn = recording.annotations.values()
    marked = [s for s in drawn if s.unit == "label" or s.dims[-1] == "xz"]
    if scene.images and marked and len(marked[0].time):
        return float(clock[nearest(clock, marked[0].time[0])])
    moving = scene.images or scene.volumes or scene.meshes or scene.contours
    return float(clock[len(clock) // 2] if moving else clock[-1])


def _in_rows(panels: Sequence[Panel]) -> list[list[Panel]]:
    """Put panels side by side, in rows of about equal length: up to three, then two."""
    if len(panels) <= 3:
        return [list(panels)] if panels else []
    each = (len(panels) + 1) // 2
    return [list(panels[:each]), list(panels[each:])]


def _width(row: Sequence[Panel]) -> int:
    """Return the width of a row of panels [px]."""
    return sum(panel.size[1] for panel in row) + _GAP * (len(row) - 1)


def _lay_out(
    rows: Sequence[Sequence[Panel]], traces: Sequence[Panel], width: int
) -> tuple[tuple[Placed, ...], int]:
    """Place rows of images, each in the middle, and traces below; and the height."""
    placed = []
    top = _HEAD
    for row in rows:
        height = max(panel.size[0] for panel in row)
        left = (width - _width(row)) // 2
        for panel in row:
            placed.append(Placed(panel, top, left))
            left += panel.size[1] + _GAP
        top += height + (_GAP if row is not rows[-1] or traces else 0)
    for panel in traces:
        placed.append(Placed(panel, top, 0))
        top += panel.size[0]
    return tuple(placed), top
