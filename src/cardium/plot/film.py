"""Pictures of an image recording as arrays: what is static once, the rest a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    STRUCTURES,
    UNLABELLED,
    FloatArray,
    PlaneGrid,
    Recording,
    Stream,
    need,
)
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.plot.ground import STRIP, draw_ground, draw_lines, strip_x, typeface
from cardium.plot.plane import nearest, picture_plane, place_of
from cardium.plot.style import (
    FAINT,
    INK,
    colour_of,
    rgb_of,
    velocity_scale,
    velocity_table,
)

Picture = NDArray[np.uint8]

_WALL = 13.0  # grey; darker is blood or air, which has no tissue velocity


@dataclass(frozen=True, slots=True)
class Film:
    """A recording as pictures: layers in memory, drawn for one time after the other.

    Parameters
    ----------
    title : str
        Written in the corner.
    clock : (T,) [s]
        Times of the frames of the stream in front.
    plane : PlaneGrid
        Where the pixels of the image lie; its first pixel is the picture's.
    ground : (H, W, 3) uint8
        What does not change: ruler, colour bar, ECG.
    grey, colour, power, labels, contour : Stream, optional
        The layers, from the back to the front.
    scale : float [m/s]
        Speed at the ends of the colour bar.
    has_strip : bool
        Whether an ECG lies below the image.
    """

    title: str
    clock: FloatArray
    plane: PlaneGrid
    ground: Picture
    grey: Stream | None
    colour: Stream | None
    power: Stream | None
    labels: Stream | None
    contour: Stream | None
    scale: float
    has_strip: bool

    @property
    def rate(self) -> float:
        """Frames a second of the stream in front; 1 for a single frame [Hz]."""
        return float(1 / _step(self.clock))

    @property
    def still(self) -> float:
        """Time of the frame that stands for all: the first annotated, or the middle."""
        annotated = self.labels or self.contour
        if annotated is None:
            return float(self.clock[len(self.clock) // 2])
        return float(self.clock[nearest(self.clock, annotated.time[0])])

    def draw(self, time: float) -> Picture:
        """Draw the picture of a time [s], (H, W, 3) uint8."""
        shown = self._tissue(time)
        if self.labels is not None and _covers(self.labels, time, self.clock):
            _tint(shown, self._on_plane(self.labels, time), self.labels)
        image = np.clip(np.round(shown), 0, 255).astype(np.uint8)
        if self.contour is not None and _covers(self.contour, time, self.clock):
            image = _with_contours(image, self.contour, time, self.plane)
        picture = self.ground.copy()
        rows, columns = self.plane.shape
        picture[:rows, :columns] = image
        return self._stamped(picture, time)

    def _on_plane(self, stream: Stream, time: float) -> NDArray[Any]:
        """Bring the frame nearest in time onto the picture's plane."""
        from cardium.geometry.scan import resample, resample_labels, resample_velocity

        frame = stream.values[_one(stream, time)][0]
        place = place_of(stream)
        if stream.unit == "label":
            return np.asarray(resample_labels(frame, place, self.plane))
        if stream.unit == "m/s" and stream.velocity_limit is not None:
            limit = stream.velocity_limit
            return np.asarray(
                resample_velocity(frame, place, self.plane, velocity_limit=limit)
            )
        outside = np.nan if stream.unit == "m/s" else 0.0
        frame = frame.astype(np.float32)
        return np.asarray(resample(frame, place, self.plane, outside=outside))

    def _tissue(self, time: float) -> NDArray[np.float32]:
        """Blend grey levels and velocities, (Z, X, 3)."""
        grey = np.zeros(self.plane.shape, np.float32)
        if self.grey is not None:
            grey = np.asarray(self._on_plane(self.grey, time), np.float32)
        shown = np.repeat(grey[..., None], 3, axis=-1)
        if self.colour is None:
            return shown
        velocity = np.asarray(self._on_plane(self.colour, time), np.float32)
        weight = self._weight(velocity, grey, time)
        there = weight > 0
        share = np.clip(velocity[there] / self.scale, -1, 1)
        colours = velocity_table()[np.round((share + 1) * 127.5).astype(np.intp)]
        weight = weight[there][:, None]
        shown[there] = shown[there] * (1 - weight) + colours * weight
        return shown

    def _weight(
        self, velocity: NDArray[np.float32], grey: NDArray[np.float32], time: float
    ) -> NDArray[np.float32]:
        """Say how much of each pixel is colour: tissue by grey, flow by power."""
        there = np.isfinite(velocity)
        if self.power is not None:
            power = self._on_plane(self.power, time)
            there &= (power > 0.3) & (power - grey / 255 > 0.12) & (grey < 230)
        elif self.grey is not None and "tissue" in getattr(self.colour, "name", ""):
            there &= grey >= _WALL
            speed = np.abs(np.where(there, velocity, 0)) / self.scale
            return np.asarray(there * (0.25 + 0.6 * np.minimum(speed * 3, 1)))
        return there * np.float32(0.9)

    def _stamped(self, picture: Picture, time: float) -> Picture:
        """Write title and time, and move the cursor along the ECG."""
        from PIL import Image, ImageDraw

        image = Image.fromarray(picture)
        draw = ImageDraw.Draw(image)
        draw.text((10, 8), self.title, fill=FAINT, font=typeface(13))
        draw.text((10, 26), f"{time:.3f} s", fill=INK, font=typeface(15))
        if self.has_strip:
            rows = self.plane.shape[0]
            x = float(strip_x(np.array(time), self.clock, picture.shape[1]))
            draw.line([(x, rows + 6), (x, rows + STRIP - 6)], fill=INK, width=2)
        return np.asarray(image)


def open_film(
    recording: Recording, *, stream: str | None = None, size: int = 640
) -> Film:
    """Read what a recording shows and lay out its pictures.

    Parameters
    ----------
    recording : Recording
        With an image or a velocity stream that knows its geometry.
    stream : str, optional
        The stream whose frames are shown: grey alone if it is grey, velocities over
        grey if it is a velocity. If not given, everything there is, on the clock of
        the first grey stream.
    size : int
        Pixels along the longer side of the image.

    Returns
    -------
    Film
        Ready to draw any time.

    Raises
    ------
    NotProvidedError
        If the recording has no image stream, or not that one.
    InvalidArgumentError
        If the stream named is neither grey nor a velocity.

    Examples
    --------
    >>> from cardium.core import Entry
    >>> grid = PlaneGrid(x=(-0.02, 0.02), z=(0.0, 0.04), shape=(5, 5))
    >>> grey = Stream(
    ...     "b_mode", np.zeros((3, 5, 5), np.uint8), np.array([0.0, 0.02, 0.04]),
    ...     ("time", "z", "x"), "grey", geometry=grid,
    ... )
    >>> entry = Entry("r0", "p0", "", frozenset({"b_mode"}))
    >>> film = open_film(Recording(entry, {"b_mode": grey}))
    >>> film.plane.shape, film.rate, film.still
    ((640, 640), 50.0, 0.02)
    """
    need("PIL", extra="plot")
    front = _front(recording, stream)
    is_colour = front.unit == "m/s"
    grey = _first(recording, "grey") if is_colour else front
    colour = front if is_colour else None
    if stream is None and not is_colour:
        colour = _first(recording, "m/s")
    flow = colour is not None and colour.name.startswith("colour")
    power = recording.streams.get("colour_power") if flow else None
    ecg = recording.streams.get("ecg")
    plane = picture_plane(place_of(grey or front), size=size)
    layers = {"grey": grey, "colour": colour, "power": power, **_readers(recording)}
    loaded = {k: s and s.with_values(s.load()) for k, s in layers.items()}
    scale = 0.0
    if colour is not None:
        values = np.asarray(colour.load(), np.float32)
        scale = velocity_scale(values, colour.velocity_limit)
    return Film(
        title=recording.entry.id,
        clock=front.time,
        plane=plane,
        ground=draw_ground(plane, front.time, scale, ecg),
        **loaded,
        scale=scale,
        has_strip=ecg is not None,
    )


def _front(recording: Recording, name: str | None) -> Stream:
    """Return the stream whose frames are shown."""
    if name is None:
        found = _first(recording, "grey") or _first(recording, "m/s")
        if found is None:
            there = ", ".join(recording.streams) or "nothing"
            raise NotProvidedError(
                f"Recording '{recording.entry.id}' has no image stream; it has {there}."
            )
        return found
    found = recording[name]
    if found.unit not in ("grey", "m/s"):
        raise InvalidArgumentError(
            f"Stream '{name}' is in '{found.unit}'; a picture shows streams in 'grey' "
            "or 'm/s', with what readers drew on top."
        )
    place_of(found)
    return found


def _first(recording: Recording, unit: str) -> Stream | None:
    """Return the first stream of a unit that has a geometry."""
    streams = recording.streams.values()
    return next((s for s in streams if s.unit == unit and s.geometry), None)


def _readers(recording: Recording) -> dict[str, Stream | None]:
    """Return the first label map and the first contour that readers drew."""
    drawn = recording.annotations.values()
    return {
        "labels": next((s for s in drawn if s.unit == "label" and s.geometry), None),
        "contour": next((s for s in drawn if s.dims[-1] == "xz"), None),
    }


def _one(stream: Stream, time: float) -> slice:
    """Return the slice of the frame nearest in time."""
    at = int(nearest(stream.time, time))
    return slice(at, at + 1)


def _step(times: FloatArray) -> float:
    """Median time between frames; 1 s for a single frame."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 1.0


def _covers(drawn: Stream, time: float, clock: FloatArray) -> bool:
    """Say whether an annotation was drawn for the frame of a time.

    An annotation of a few frames, such as ED and ES, must not linger on the others.
    """
    step, own = _step(clock), _step(drawn.time)
    reach = 0.51 * (own if step < own < 2.5 * step else step)
    return bool(np.abs(drawn.time - time).min() <= reach)


def _tint(shown: NDArray[np.float32], codes: NDArray[np.uint8], labels: Stream) -> None:
    """Tint structures and draw their borders, in place."""
    names = labels.coords.get("label", STRUCTURES)
    edge = np.zeros(codes.shape, bool)
    edge[:, 1:] |= codes[:, 1:] != codes[:, :-1]
    edge[1:] |= codes[1:] != codes[:-1]
    edge[:, :-1] |= edge[:, 1:]
    for code in np.unique(codes):
        if code in (0, UNLABELLED):
            continue
        name = names[code] if code < len(names) else ""
        colour = np.array(rgb_of(colour_of(name, int(code))))
        for where, weight in ((codes == code, 0.18), (edge & (codes == code), 0.9)):
            shown[where] = shown[where] * (1 - weight) + colour * weight


def _with_contours(
    image: Picture, contour: Stream, time: float, plane: PlaneGrid
) -> Picture:
    """Draw the contours of a time; those between the outermost two faintly."""
    from PIL import Image

    points = np.asarray(contour.values[_one(contour, time)][0], float)
    row, column = plane.index_of(points[..., 0], points[..., 1])
    lines = np.stack([column, row], axis=-1).reshape(-1, points.shape[-2], 2)
    inner, outer, between = lines[:1], lines[1:][-1:], lines[1:-1]
    picture = Image.fromarray(image)
    for drawn, colour, width in (
        (between, "#ffffff", 0.7),
        (outer, colour_of("myocardium"), 2.0),
        (inner, colour_of("lv_cavity"), 2.0),
    ):
        draw_lines(picture, drawn, colour, width)
    return np.asarray(picture)
