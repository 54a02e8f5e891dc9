"""Volumes of the left ventricle from meshes and contours, and what follows from them.

Volumes are cubic metres here; results for clinicians are millilitres and per cent, and
say so in their names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from cardium.core import FloatArray, Mesh, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError, UnknownNameError
from cardium.geometry.mesh import close_mesh, mesh_volume
from cardium.measure._contour import layer_points, usable
from cardium.measure.discs import area_length_volume, disc_volume
from cardium.measure.timing import Beat, Timing

_ML = 1e6


@dataclass(frozen=True, slots=True)
class Ejection:
    """What a ventricle holds and ejects in one beat.

    Parameters
    ----------
    edv_ml, esv_ml : float [mL]
        End-diastolic and end-systolic volume.
    """

    edv_ml: float
    esv_ml: float

    @property
    def sv_ml(self) -> float:
        """Stroke volume, EDV - ESV [mL]."""
        return self.edv_ml - self.esv_ml

    @property
    def ef_percent(self) -> float:
        """Ejection fraction, 100 (EDV - ESV) / EDV [%]."""
        return 100 * self.sv_ml / self.edv_ml


def contour_volumes(
    contour: Stream, *, method: str = "discs", layer: str = "endocardium"
) -> Stream:
    """Estimate the volume curve of a contour that moves.

    Parameters
    ----------
    contour : Stream (time, layer, point, xz) [m]
        ``lv_contour`` of one view.
    method : {"discs", "area_length"}
        `disc_volume` or `area_length_volume`.
    layer : str
        The layer that bounds the cavity.

    Returns
    -------
    Stream (time,) [m^3]
        NaN where a frame has no contour, or lacks an end of the annulus.

    Raises
    ------
    UnknownNameError
        If there is no such method.
    InvalidArgumentError
        If the stream's axes are not those of a contour.
    NotProvidedError
        If it has no such layer.

    Examples
    --------
    >>> from cardium.phantom import Patient, simulate
    >>> exam = simulate(Patient(number=3))
    >>> volumes = contour_volumes(exam.annotations["lv_contour"])
    >>> share = 1e6 * volumes.load() / exam.truth.volume_ml

    One view takes the ventricle for round. This one is elliptic, and its volume wrong
    by the same factor at all times:

    >>> bool(abs(share - 1).max() > 0.002), bool(np.ptp(share) < 0.002)
    (True, True)
    """
    if method not in _METHODS:
        raise UnknownNameError("volume method", method, _METHODS)
    frames = layer_points(contour, layer)
    volumes = [_METHODS[method](f) if usable(f) else math.nan for f in frames]
    return _curve(np.array(volumes), contour.time)


def mesh_volumes(mesh: Mesh) -> Stream:
    """Return the volume curve of a surface that moves.

    Parameters
    ----------
    mesh : Mesh
        ``lv_mesh``. A base that is open is closed by a fan of triangles.

    Returns
    -------
    Stream (time,) [m^3]
        NaN where a frame has no triangles.

    Raises
    ------
    GeometryError
        If a frame is no surface with an inside.

    Examples
    --------
    >>> corners = 0.1 * np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], float)
    >>> faces = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])
    >>> mesh = Mesh.from_frames(
    ...     "lv_mesh", np.array([0.0, 0.5]), [(corners, faces), (corners / 2, faces)]
    ... )
    >>> (1e6 * mesh_volumes(mesh).load()).round(3).tolist()
    [166.667, 20.833]
    """
    frames = map(mesh.frame, range(len(mesh)))
    volumes = [
        mesh_volume(*close_mesh(points, faces)) if len(faces) else math.nan
        for points, faces in frames
    ]
    return _curve(np.array(volumes), mesh.time)


def ejection(volumes: Stream, timing: Timing) -> Ejection:
    """Read EDV and ESV off a volume curve.

    Parameters
    ----------
    volumes : Stream (time,) [m^3]
        From `mesh_volumes` or `contour_volumes`.
    timing : Timing
        End-diastole and end-systole, from `time_by_curve`.

    Returns
    -------
    Ejection
        Volumes at the samples nearest to both times.

    Raises
    ------
    NotProvidedError
        If a volume is not finite there, or the end-diastolic volume is not positive.

    Examples
    --------
    >>> time = np.array([0.0, 0.4, 0.9])
    >>> volume = np.array([1e-4, 4e-5, 1e-4])
    >>> curve = Stream("lv_volume", volume, time, ("time",), "m^3")
    >>> found = ejection(curve, Timing(0.0, 0.4, "mesh", (0.0, 0.9)))
    >>> round(found.edv_ml, 3), round(found.sv_ml, 3), round(found.ef_percent, 3)
    (100.0, 60.0, 60.0)
    """
    values = np.asarray(volumes.load(), np.float64)
    ed, es = (
        float(values[abs(volumes.time - at).argmin()])
        for at in (timing.ed_time, timing.es_time)
    )
    if not (math.isfinite(ed) and math.isfinite(es) and ed > 0):
        raise NotProvidedError(
            f"Stream '{volumes.name}': the volumes are {ed} m^3 at {timing.ed_time} s "
            f"and {es} m^3 at {timing.es_time} s, of which no ejection fraction can be "
            "made."
        )
    return Ejection(_ML * ed, _ML * es)


def peak_rates(
    volumes: Stream, beat: Beat, *, harmonics: int = 8
) -> tuple[float, float]:
    """Return the greatest rates of ejection and of filling within a beat.

    Parameters
    ----------
    volumes : Stream (time,) [m^3]
        A volume curve that covers the beat.
    beat : (start, stop) [s]
        R peaks.
    harmonics : int
        Harmonics of the beat that are kept.

    Returns
    -------
    ejection, filling : float [m^3/s]
        Both positive.

    Raises
    ------
    InvalidArgumentError
        If there is not one harmonic at least.
    NotProvidedError
        If the beat has too few finite samples for the harmonics, or a gap.

    Notes
    -----
    The curve is taken for periodic and a Fourier series is fitted to its samples by
    least squares, wherever they lie; the rates are the extremes of its derivative. A
    short A wave asks for many harmonics, noise for few. On the phantom, eight give the
    rate of ejection to 2 %, that of filling to 9 %.

    Examples
    --------
    >>> time = np.arange(40) / 40
    >>> volume = 1e-4 * (1 + 0.2 * np.cos(2 * np.pi * time))
    >>> curve = Stream("lv_volume", volume, time, ("time",), "m^3")
    >>> [round(rate / (2 * np.pi * 2e-5), 3) for rate in peak_rates(curve, (0.0, 1.0))]
    [1.0, 1.0]
    """
    if harmonics < 1:
        raise InvalidArgumentError(f"{harmonics} harmonics: at least one is needed.")
    values = np.asarray(volumes.load(), np.float64)
    start, stop = beat
    part = np.isfinite(values) & (volumes.time >= start) & (volumes.time < stop)
    least = 2 * harmonics + 2
    if part.sum() < least:
        raise NotProvidedError(
            f"Stream '{volumes.name}': {part.sum()} finite samples from {start:.3f} to "
            f"{stop:.3f} s are too few for {harmonics} harmonics, which need {least}."
        )
    longest = float(
        np.diff(volumes.time[part], append=volumes.time[part][0] + stop - start).max()
    )
    if longest > (stop - start) / (1.5 * harmonics):
        raise NotProvidedError(
            f"Stream '{volumes.name}': a gap of {longest:.3f} s in the beat from "
            f"{start:.3f} to {stop:.3f} s is too long for {harmonics} harmonics."
        )
    order = 2 * math.pi / (stop - start) * np.arange(1, harmonics + 1)
    angle = (volumes.time[part] - start)[:, None] * order
    basis = np.hstack([np.ones((len(angle), 1)), np.cos(angle), np.sin(angle)])
    fitted = np.linalg.lstsq(basis, values[part], rcond=None)[0]
    fine = np.linspace(0, stop - start, 1000, endpoint=False)[:, None] * order
    slope = np.hstack([-order * np.sin(fine), order * np.cos(fine)]) @ fitted[1:]
    return float(-slope.min()), float(slope.max())


_METHODS: Mapping[str, Callable[[FloatArray], float]] = MappingProxyType(
    {"discs": disc_volume, "area_length": area_length_volume}
)


def _curve(volumes: FloatArray, time: FloatArray) -> Stream:
    """Wrap volumes [m^3] as a stream."""
    return Stream("lv_volume", volumes, time, ("time",), "m^3")
