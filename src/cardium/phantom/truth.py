"""What is true at every sample of a recording: tissue, velocity, displacement, strain.

Frames are computed when they are read, one at a time, so that a long film of volumes
takes no more memory than one of its frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Sector, SectorVolume, Stream
from cardium.errors import UnknownNameError
from cardium.phantom.acquisition import Acquisition
from cardium.phantom.anatomy import BLOOD, CHAMBERS, TISSUES, Heart
from cardium.phantom.motion import Motion
from cardium.phantom.probe import Placement
from cardium.phantom.strain import lengthening, wall_strain

STRAINS = ("radial", "circumferential", "longitudinal")
"""Components of the stream ``strain``."""


def dense_truth(
    scene: Acquisition,
    placement: Placement,
    geometry: Sector | SectorVolume,
    times: FloatArray,
) -> dict[str, Stream]:
    """State what is true at every sample.

    Parameters
    ----------
    scene : Acquisition
        The heart, and how it moves.
    placement : Placement
        Where it lies under the probe.
    geometry : Sector or SectorVolume
        Where the samples lie.
    times : (T,) [s]
        When they are taken.

    Returns
    -------
    streams : dict of str to Stream
        Lazy films, in the probe's frame and with the samples' axes last, ``(range,
        beam)`` or ``(elevation, azimuth, range)``:

        - ``tissue`` (time, ...) uint8: what is there, by `TISSUES`.
        - ``velocity`` (time, axis, ...) [m/s]: of the tissue, along x, y and z.
        - ``beam_velocity`` (time, ...) [m/s]: towards the probe.
        - ``displacement`` (time, axis, ...) [m]: since end-diastole.
        - ``strain`` (time, component, ...) [%]: change of length since end-diastole
          in the directions of the wall, `STRAINS`.

    Notes
    -----
    All follow from the inverse map: a sample shows the material that is there. Blood
    does not move with that map: it has NaN for velocity and displacement. Only
    myocardium has strain; elsewhere it is NaN.

    Examples
    --------
    >>> from cardium.phantom.acquisition import begin
    >>> from cardium.phantom.patient import Patient
    >>> scene = begin(Patient(), what="b_mode 4ch", beats=1)
    >>> fan = Sector((0.0, 0.16), (-0.6, 0.6), shape=(81, 25))
    >>> placement = Placement.apical(apex=(0.0, 0.03), tilt=0.0)
    >>> films = dense_truth(scene, placement, fan, np.array([0.1, 0.3]))
    >>> films["velocity"].shape, films["strain"].dims
    ((2, 3, 81, 25), ('time', 'component', 'range', 'beam'))
    >>> TISSUES[films["tissue"].values[0:1][0, 30, 12]]
    'lv_cavity'
    """
    frames = _Frames(scene, placement, geometry, np.asarray(times, float))
    whole = isinstance(geometry, SectorVolume)
    places = ("elevation", "azimuth", "range") if whole else ("range", "beam")

    def film(
        name: str, unit: str, axis: str = "", names: tuple[str, ...] = ()
    ) -> Stream:
        ahead: tuple[int, ...] = (len(names),) if axis else ()
        kind = np.dtype(np.uint8 if unit == "label" else np.float32)
        shape = (len(frames.times), *ahead, *geometry.shape)
        coords: Mapping[str, tuple[str, ...]] = {axis: names} if axis else {}
        if unit == "label":
            coords = {"label": TISSUES}
        return Stream(
            name,
            _Film(frames, name, shape, kind),
            frames.times,
            ("time", *((axis,) if axis else ()), *places),
            unit,
            geometry=geometry,
            coords=coords,
        )

    films = (
        film("tissue", "label"),
        film("velocity", "m/s", "axis", ("x", "y", "z")),
        film("beam_velocity", "m/s"),
        film("displacement", "m", "axis", ("x", "y", "z")),
        film("strain", "%", "component", STRAINS),
    )
    return {each.name: each for each in films}


def chamber_volumes(
    heart: Heart,
    motion: Motion,
    name: str,
    times: FloatArray,
    *,
    step: float = 0.0025,
) -> FloatArray:
    """Volume of a chamber at times.

    Parameters
    ----------
    heart : Heart
        Its shape at end-diastole.
    motion : Motion
        How it moves.
    name : {"lv", "la", "rv", "ra"}
        Left or right atrium or ventricle, as in `Heart.chamber_volume`.
    times : (T,) [s]
        Times on the recording's clock.
    step : float [m]
        Side of the cubes that fill the chamber at end-diastole.

    Returns
    -------
    volume : (T,) [m^3]
        Of the left ventricle by formula; of the others the volume of the cubes times
        what the map does to it, to about 1 %.

    Raises
    ------
    UnknownNameError
        If there is no such chamber.

    Examples
    --------
    The right ventricle empties with the left one, a little less:

    >>> from cardium.phantom.build import build_heart
    >>> from cardium.phantom.patient import Patient
    >>> heart = build_heart(Patient())
    >>> motion = Motion.of(heart)
    >>> times = np.array([0.0, motion.cycle.beats[0].end_systole])
    >>> full, left = chamber_volumes(heart, motion, "rv", times)
    >>> 45 < round(100 * (1 - left / full)) < 60
    True
    """
    if name not in CHAMBERS:
        raise UnknownNameError("chamber", name, CHAMBERS)
    if name == "lv":
        return motion.volume(times)
    points = heart.chamber_points(name, step=step)
    growth = [
        np.linalg.det(motion.gradient(points, float(time))).sum() for time in times
    ]
    return np.array(growth) * step**3


@dataclass(slots=True)
class _Frames:
    """Frames of all films; the last one is kept, as the films ask for it in turn."""

    scene: Acquisition
    placement: Placement
    geometry: Sector | SectorVolume
    times: FloatArray
    _last: tuple[int, dict[str, NDArray[Any]]] = field(default=(-1, {}))

    def at(self, index: int) -> dict[str, NDArray[Any]]:
        """Find everything at one time."""
        if self._last[0] != index:
            self._last = (index, self._work_out(float(self.times[index])))
        return self._last[1]

    def _work_out(self, time: float) -> dict[str, NDArray[Any]]:
        """Bring each sample back to end-diastole, and ask what is there."""
        motion, placement = self.scene.motion, self.placement
        points, beams = _samples(self.geometry)
        there = placement.to_heart(points)
        rest = motion.inverse(there, time)
        tissue = self.scene.heart.classify(rest)
        rate = np.asarray(motion.rate(motion.material(rest), time), float)
        velocity = placement.turn_to_image(rate)
        shift = placement.turn_to_image(there - rest)
        blood = np.isin(tissue, [TISSUES.index(name) for name in BLOOD])
        velocity[blood] = shift[blood] = np.nan
        muscle = tissue == TISSUES.index("myocardium")
        strain = np.full((*tissue.shape, len(STRAINS)), np.nan)
        parts = wall_strain(motion, rest[muscle], time)
        strain[muscle] = 100 * lengthening(np.stack(parts[: len(STRAINS)], axis=-1))
        return {
            "tissue": tissue,
            "velocity": np.moveaxis(velocity, -1, 0),
            "beam_velocity": -np.sum(velocity * beams, axis=-1),
            "displacement": np.moveaxis(shift, -1, 0),
            "strain": np.moveaxis(strain, -1, 0),
        }


@dataclass(frozen=True, slots=True)
class _Film:
    """One of the films as an array that is worked out when sliced."""

    frames: _Frames
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, time: slice, /) -> NDArray[Any]:
        """Work out the frames of a slice of time."""
        wanted = range(*time.indices(self.shape[0]))
        out = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        for frame, index in zip(out, wanted, strict=True):
            frame[...] = self.frames.at(index)[self.name]
        return out


def _samples(geometry: Sector | SectorVolume) -> tuple[FloatArray, FloatArray]:
    """Places of the samples (..., 3) [m], and the directions of their beams."""
    if isinstance(geometry, SectorVolume):
        points = np.stack(geometry.points(), axis=-1)
        return points, np.asarray(geometry.directions())[..., None, :]
    x, z = geometry.points()
    angle = geometry.angles
    beams = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], axis=-1)
    return np.stack([x, np.zeros_like(x), z], axis=-1), beams
