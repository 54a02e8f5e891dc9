"""What of a recording is shown: its images, volumes, surfaces, spectra and curves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from cardium.core import (
    FloatArray,
    Mesh,
    PlaneGrid,
    Recording,
    Sector,
    SectorVolume,
    Stream,
)
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.plot._film.frames import plane_of

_SWEEPS = (("time", "velocity"), ("time", "range"))


@dataclass(frozen=True, slots=True)
class Image:
    """Streams that are shown on top of each other.

    Parameters
    ----------
    grey : Stream, optional
        The image below.
    velocity, power : Stream, optional
        Doppler in colour, and the power of its flow.
    is_placed : bool
        Whether it says where its samples lie; if not, its geometry means nothing.
    """

    grey: Stream | None = None
    velocity: Stream | None = None
    power: Stream | None = None
    is_placed: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the streams."""
        return tuple(s.name for s in (self.grey, self.velocity, self.power) if s)

    @property
    def front(self) -> Stream:
        """The stream with the most frames, whose clock is that of the image."""
        there = [s for s in (self.grey, self.velocity) if s is not None]
        return max(there, key=lambda s: len(s.time))


@dataclass(slots=True)
class Scene:
    """What is shown of a recording.

    Parameters
    ----------
    images : list of Image
        Planar images.
    volumes : list of Stream
        3D B-mode.
    meshes : list of Mesh
        Surfaces.
    sweeps : list of Stream
        Spectra and M-modes.
    curves : list of Stream
        Strain over time.
    contours : list of Stream
        Contours that have no image to be drawn on.
    """

    images: list[Image] = field(default_factory=list)
    volumes: list[Stream] = field(default_factory=list)
    meshes: list[Mesh] = field(default_factory=list)
    sweeps: list[Stream] = field(default_factory=list)
    curves: list[Stream] = field(default_factory=list)
    contours: list[Stream] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        parts = (self.images, self.volumes, self.meshes, self.sweeps, self.curves)
        return not any((*parts, self.contours))

    def clock(self) -> FloatArray:
        """Return the times of the frames: those of the stream with the most [s].

        Where a spectrum, an M-mode or a curve reaches beyond the images, frames go on
        at an even pace until it ends.
        """
        moving = [image.front.time for image in self.images]
        moving += [stream.time for stream in self.volumes + self.contours]
        moving = moving or [mesh.time for mesh in self.meshes]
        lead = max(moving, key=len, default=np.zeros(0))
        swept = [s.time for s in self.sweeps + self.curves if len(s.time)]
        every = [t for t in (lead, *swept) if len(t)]
        if not every:
            return np.zeros(1)
        start, stop = min(t[0] for t in every), max(t[-1] for t in every)
        step = float(np.median(np.diff(lead))) if len(lead) > 1 else 1 / 30
        if len(lead) and start > lead[0] - step and stop < lead[-1] + step:
            return np.asarray(lead, np.float64)
        step = max(step, 1 / 60)
        count = int((stop - start) / step + 1e-6) + 1
        return np.asarray(start + step * np.arange(count), np.float64)


def choose_scene(recording: Recording, stream: str | None, view: str) -> Scene:
    """Choose what is shown of a recording.

    Parameters
    ----------
    recording : Recording
        Whose streams they are.
    stream : str, optional
        The name of a stream, a curve or a mesh; everything if not given.
    view : {"cartesian", "beamspace", "both"}
        A stream that does not say where its beams lie is shown in beamspace only.

    Returns
    -------
    Scene
        With something in it.

    Raises
    ------
    NotProvidedError
        If there is nothing to show, or no stream of that name.
    InvalidArgumentError
        If the stream named is none that is shown by itself.
    """
    if stream is None:
        scene = everything(recording, view)
        if scene.is_empty:
            there = ", ".join(recording.streams) or "nothing"
            raise NotProvidedError(
                f"Recording '{recording.entry.id}' has nothing to draw, no image and "
                f"no ECG; it has {there}."
            )
        return scene
    if stream in recording.meshes:
        return Scene(meshes=[recording.meshes[stream]])
    found = recording[stream]
    scene = Scene()
    if is_planar(found, view):
        scene.images = _images([found], recording)
    elif isinstance(found.geometry, SectorVolume):
        scene.volumes = [found]
    elif found.dims in _SWEEPS:
        scene.sweeps = [found]
    elif _is_curve(found):
        scene.curves = [found]
    elif found.geometry is None and found.dims[-1:] == ("beam",):
        raise NotProvidedError(
            f"Stream '{stream}' does not say where its beams lie, so it cannot be "
            "drawn in metres. Choose the view 'beamspace'."
        )
    else:
        raise InvalidArgumentError(
            f"Stream '{stream}' has the axes {found.dims} in '{found.unit}'; a picture "
            "shows images, volumes, spectra, M-modes and strain, with what readers "
            "drew on top."
        )
    return scene


def everything(recording: Recording, view: str = "cartesian") -> Scene:
    """Take all of a recording that can be shown; an ECG alone is an empty scene."""
    streams = list(recording.streams.values())
    planar = [s for s in streams if is_planar(s, view)]
    moving = [s for s in planar if s.unit == "m/s"]
    powers = [s for s in planar if s.unit == "" and not moving]
    greys = [s for s in planar if s.unit == "grey"]
    chosen = [*(moving or powers), *(greys[1:] if moving or powers else greys)]
    scene = Scene(
        images=_images(chosen, recording),
        volumes=[s for s in streams if isinstance(s.geometry, SectorVolume)],
        meshes=list(recording.meshes.values()),
        sweeps=[s for s in streams if s.dims in _SWEEPS],
        curves=[s for s in recording.annotations.values() if _is_curve(s)],
    )
    if not scene.images and not scene.volumes:
        drawn = recording.annotations.values()
        scene.contours = [s for s in drawn if s.dims[-1] == "xz"]
    return scene


def is_planar(stream: Stream, view: str) -> bool:
    """Say whether a stream is an image, or several, in a plane."""
    if stream.unit not in ("grey", "m/s", ""):
        return False
    if _is_placed(stream):
        return True
    placeless = stream.geometry is None and stream.dims[-2:] == ("range", "beam")
    return placeless and view == "beamspace"


def _images(chosen: list[Stream], recording: Recording) -> list[Image]:
    """Put velocities on the first grey image, and split streams of several planes."""
    found = []
    for stream in chosen:
        several = stream.dims[1] == "plane"
        planes = (
            [plane_of(stream, k) for k in range(stream.shape[1])] if several else []
        )
        if stream.geometry is None:
            shown = [_spread(part) for part in planes or [stream]]
            found += [Image(grey=part, is_placed=False) for part in shown]
        elif planes or stream.unit == "grey":
            found += [Image(grey=part) for part in planes or [stream]]
        else:
            below = _first_grey(recording)
            flow = stream.name.startswith("colour") and stream.unit == "m/s"
            power = recording.streams.get("colour_power") if flow else None
            found.append(Image(below, stream, power))
    return found


def _first_grey(recording: Recording) -> Stream | None:
    """Return the first grey image in a plane that says where it lies."""
    streams = recording.streams.values()
    return next((s for s in streams if s.unit == "grey" and _is_placed(s)), None)


def _spread(stream: Stream) -> Stream:
    """Give beams that have no place one of no meaning."""
    rows, beams = stream.shape[-2:]
    return replace(stream, geometry=Sector((0.0, 1.0), (-0.5, 0.5), (rows, beams)))


def _is_placed(stream: Stream) -> bool:
    """Say whether samples lie in a plane, and where."""
    return isinstance(stream.geometry, Sector | PlaneGrid)


def _is_curve(stream: Stream) -> bool:
    """Say whether a stream is strain over time."""
    one = stream.dims == ("time",) or stream.dims[1:] == ("segment",)
    return one and stream.unit == "%"
