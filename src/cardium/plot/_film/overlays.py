"""What readers and the scanner drew on an image: contours, marks, gates, outlines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    FloatArray,
    Gate,
    Mark,
    PlanarGeometry,
    PlaneGrid,
    Sector,
    Stream,
)
from cardium.plot._film.canvas import (
    Picture,
    draw_lines,
    fit_text,
    text_width,
    write_text,
)
from cardium.plot.style import colour_of
from cardium.signal.clock import nearest

MARK = "#ffe14d"
GATE = "#7ee7c7"
BOX = "#f4f6fa"
_OUTLINE = "#39414f"
_LINE = 16  # height of a line of text [px]
_DASH = 7.0  # px


def pixels(target: PlanarGeometry, x: FloatArray, z: FloatArray) -> FloatArray:
    """Return column and row of points given in metres, (..., 2)."""
    row, column = target.index_of(np.asarray(x, float), np.asarray(z, float))
    return np.stack([column, row], axis=-1)


def outline_of(place: PlanarGeometry, count: int = 64) -> tuple[FloatArray, FloatArray]:
    """Return x and z along the closed border of a geometry, each (4 * count,) [m]."""
    along, zero = np.linspace(0, 1, count), np.zeros(count)
    down = np.concatenate([zero, along, zero + 1, 1 - along])
    across = np.concatenate([along, zero + 1, 1 - along, zero])
    if isinstance(place, PlaneGrid):
        (x0, x1), (z0, z1) = place.x, place.z
        return x0 + across * (x1 - x0), z0 + down * (z1 - z0)
    (r0, r1), (a0, a1) = place.depth, place.angle
    return place.point_at(r0 + down * (r1 - r0), a0 + across * (a1 - a0))


def draw_outline(
    picture: Picture, place: PlanarGeometry, target: PlanarGeometry, *, box: bool
) -> None:
    """Draw the border of a sector faintly, or of a colour box brightly, in place."""
    line = pixels(target, *outline_of(place))
    draw_lines(picture, [line], BOX if box else _OUTLINE, 1.4 if box else 1.0)


def covers(stream: Stream, time: float, step: float) -> bool:
    """Say whether an annotation was drawn for the frame of a time.

    An annotation of a few frames, such as ED and ES, must not linger on the others.
    """
    own = step_of(stream.time)
    reach = 0.51 * (own if step < own < 2.5 * step else step)
    return bool(abs(stream.time[nearest(stream.time, time)] - time) <= reach)


def step_of(times: FloatArray) -> float:
    """Median time between frames; 1 s for a single frame."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 1.0


def draw_contours(
    picture: Picture, points: FloatArray, name: str, target: PlanarGeometry
) -> None:
    """Draw the contours of a chamber, those between inner and outer faintly, in place.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        The image.
    points : (point, 2) or (layer, point, 2) [m]
        x and z from the innermost layer to the outermost; NaN where there is none.
    name : str
        The annotation's name, which begins with its chamber: ``"lv_contour"``.
    target : Sector or PlaneGrid
        Where the picture's pixels lie.
    """
    lines = list(pixels(target, points[..., 0], points[..., 1]).reshape(
        -1, *points.shape[-2:]
    ))  # fmt: skip
    chamber = name.split("_")[0]
    wall = "myocardium" if chamber == "lv" else f"{chamber}_wall"
    for drawn, colour, width, opacity in (
        (lines[1:-1], "#ffffff", 0.8, 0.55),
        (lines[1:][-1:], colour_of(wall), 2.0, 1.0),
        (lines[:1], colour_of(f"{chamber}_cavity"), 2.0, 1.0),
    ):
        draw_lines(picture, drawn, colour, width, opacity=opacity)


def draw_gate(
    picture: Picture, gate: Gate, place: PlanarGeometry, target: PlanarGeometry
) -> None:
    """Draw a beam dashed, and the sample volume on it as two bars, in place."""
    fan = _fan_around(place)
    depths = np.linspace(*fan.depth, 200)
    beam = pixels(target, *fan.point_at(depths, np.full(200, gate.angle)))
    draw_lines(picture, dashes(beam), GATE, 1.2, opacity=0.85)
    if gate.depth is None:
        return
    # The marks are square to the beam, 4 mm to each side, whatever its depth.
    half = (gate.length or 0.004) / 2
    ends = [pixels(target, *_across(fan, gate.angle, gate.depth + s * half))
            for s in (-1, 1)]  # fmt: skip
    draw_lines(picture, ends, GATE, 2.4)


def draw_marks(
    picture: Picture,
    marks: Sequence[tuple[Mark, FloatArray]],
    taken: list[tuple[float, float, float, float]],
) -> None:
    """Draw landmarks, calipers and traces with their labels, in place.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        The image.
    marks : sequence of (Mark, (P, 2))
        Marks and the columns and rows of their points; NaN where there is none.
    taken : list of (left, top, right, bottom)
        Boxes that texts already fill; those of the labels are added.
    """
    kept = [(m, at[np.isfinite(at).all(axis=1)]) for m, at in marks]
    kept = [(m, at) for m, at in kept if len(at)]
    for _, at in kept:
        draw_lines(picture, [at], MARK, 1.4)
        ends = at if len(at) <= 2 else at[:0]
        for x, y in np.round(ends):
            cross = np.array([[(x - 5, y), (x + 5, y)], [(x, y - 5), (x, y + 5)]])
            draw_lines(picture, list(cross), MARK, 1.6)
    for mark, at in kept:
        _write_label(picture, _described(mark), at, taken)


def length_text(metres: float) -> str:
    """Write a length as readers do: millimetres below 2 cm, else centimetres.

    Examples
    --------
    >>> length_text(0.0105), length_text(0.0462)
    ('10.5 mm', '4.62 cm')
    """
    return f"{metres * 1e3:.1f} mm" if metres < 0.02 else f"{metres * 100:.2f} cm"


def speed_text(speed: float) -> str:
    """Write a speed as readers do: cm/s below half a metre a second.

    Examples
    --------
    >>> speed_text(-0.082), speed_text(1.234)
    ('-8.2 cm/s', '1.23 m/s')
    """
    return f"{speed * 100:.1f} cm/s" if abs(speed) < 0.5 else f"{speed:.2f} m/s"


def dashes(line: FloatArray) -> list[FloatArray]:
    """Cut a line into dashes of 7 pixels and gaps as long."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    length = np.concatenate([[0], np.cumsum(steps)])
    starts = np.arange(0, length[-1], 2 * _DASH)
    ends = np.minimum(starts + _DASH, length[-1])
    at = np.stack([starts, ends], axis=-1)
    both = [np.interp(at, length, line[:, k]) for k in (0, 1)]
    return list(np.stack(both, axis=-1))


def _described(mark: Mark) -> str:
    """Write what a mark is and what it measures."""
    points = mark.points[np.isfinite(mark.points).all(axis=-1)]
    count = len(points)
    if mark.time is not None or not count:
        return mark.label
    if mark.dims == ("time", "velocity"):
        fastest = points[np.abs(points[:, 1]).argmax(), 1]
        return f"{mark.label}  {speed_text(float(fastest))}"
    if count == 2:
        along = np.diff(points, axis=0)[0]
        if mark.dims[0] == "time":
            along = along[1:]
        return f"{mark.label}  {length_text(float(np.linalg.norm(along)))}"
    return mark.label


def _write_label(
    picture: Picture,
    text: str,
    at: FloatArray,
    taken: list[tuple[float, float, float, float]],
) -> None:
    """Write a label beside its points, where no other text is and the image goes on."""
    rows, columns = picture.shape[:2]
    shown = fit_text(text, columns - 8)
    width = text_width(shown)
    anchor = at[-1]
    right, left = anchor[0] + 9, anchor[0] - 9 - width
    for step in range(2 * rows // _LINE):
        # Just below, just above, further below, ...
        shift = (step + 1) // 2 * (1 if step % 2 else -1) * _LINE
        y = anchor[1] + shift
        for x in (right, left, np.clip(right, 4, columns - width - 4)):
            box = (x - 2, y - _LINE / 2, x + width + 2, y + _LINE / 2)
            inside = box[0] >= 0 and box[2] <= columns and box[1] >= 0
            if inside and box[3] <= rows and not any(_meet(box, b) for b in taken):
                taken.append(box)
                shade = picture[int(box[1]) : int(box[3]), int(box[0]) : int(box[2])]
                shade[:] = shade * 0.45
                write_text(picture, (x, y), shown, colour=MARK)
                return


def _meet(
    first: tuple[float, float, float, float], second: tuple[float, float, float, float]
) -> bool:
    """Say whether two boxes overlap."""
    return (
        first[0] < second[2]
        and second[0] < first[2]
        and first[1] < second[3]
        and second[1] < first[3]
    )


def _fan_around(place: PlanarGeometry) -> Sector:
    """Return the fan that gates are given in: the sector, or one from a plane's top."""
    if isinstance(place, Sector):
        return place
    return Sector((max(place.z[0], 0.0), place.z[1]), (-1.0, 1.0), (2, 2))


def _across(
    fan: Sector, angle: float, depth: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x and z of a bar of 8 mm square to a beam."""
    x, z = fan.point_at(np.array(depth), np.array(angle))
    side = np.array([-0.004, 0.004])
    return x + side * np.cos(angle), z - side * np.sin(angle)
