"""Longitudinal strain of a chamber's wall, whole and by segments.

Strain is Lagrangian, (L - L(ED)) / L(ED), in per cent, and negative where a wall
shortens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from cardium.core import FloatArray, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.measure._contour import (
    arc_lengths,
    filled,
    frame_at,
    from_left,
    in_axis_frame,
    layer_points,
)
from cardium.measure.timing import Beat, Timing

SEGMENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        view: (
            *(f"{level} {left}" for level in ("basal", "mid", "apical")),
            *(f"{level} {right}" for level in ("apical", "mid", "basal")),
        )
        for view, left, right in (
            ("4CH", "inferoseptal", "anterolateral"),
            ("2CH", "inferior", "anterior"),
            ("3CH", "inferolateral", "anteroseptal"),
        )
    }
)
"""The six segments of each apical view, along the wall from the base on the left of the
image over the apex to the base on the right: the 18-segment model of ASE and EACVI
(Lang et al. 2015)."""


@dataclass(frozen=True, slots=True)
class PeakStrain:
    """Strain of one beat.

    Parameters
    ----------
    end_systolic_percent : float [%]
        Strain at end-systole.
    peak_systolic_percent : float [%]
        Strain of the greatest magnitude, with the sign asked for, from end-diastole to
        end-systole.
    """

    end_systolic_percent: float
    peak_systolic_percent: float


def wall_strain(
    contour: Stream, timing: Timing, *, layer: str = "midwall", part: str = "whole"
) -> Stream:
    """Compute the strain of a layer of the wall from its length.

    Parameters
    ----------
    contour : Stream (time, layer, point, xz) [m]
        ``lv_contour``, ``la_contour`` or ``rv_contour``.
    timing : Timing
        End-diastole, at which the strain is zero.
    layer : str
        The layer: ``"endocardium"``, ``"midwall"`` or ``"epicardium"``.
    part : {"whole", "left", "right"}
        The whole line, or its part from the base on the left or on the right of the
        image to the apex at end-diastole. In the apical four-chamber view the free wall
        of the right ventricle is on the left.

    Returns
    -------
    Stream (time,) [%]
        NaN where a frame has no contour.

    Raises
    ------
    InvalidArgumentError
        If there is no such part, or the stream's axes are not those of a contour.
    NotProvidedError
        If it has no such layer, or no contour at end-diastole.

    Notes
    -----
    L is the arc length of the layer in the image plane, as in the consensus of EACVI,
    ASE and industry (Voigt et al. 2015). Points between that are not finite are
    bridged straight.

    Examples
    --------
    >>> shape = np.array([(-2, 10), (-2, 5), (0, 2), (2, 5), (2, 10)]) / 100
    >>> points = np.stack([shape, 0.8 * shape])[:, None]
    >>> contour = Stream(
    ...     "lv_contour", points, np.array([0.0, 0.4]),
    ...     ("time", "layer", "point", "xz"), "m", coords={"layer": ("midwall",)},
    ... )
    >>> strain = wall_strain(contour, Timing(0.0, 0.4, "contour", (0.0, 1.0)))
    >>> strain.load().round(6).tolist()
    [0.0, -20.0]
    """
    if part not in _PARTS:
        raise InvalidArgumentError(
            f"No part '{part}' of a wall; there are: {', '.join(_PARTS)}."
        )
    frames = filled(from_left(layer_points(contour, layer)))
    ed = frame_at(contour, frames, timing.ed_time)
    first, last = _PARTS[part]
    apex = in_axis_frame(frames[ed])[2]
    ends = np.array([0, apex, frames.shape[1] - 1], np.float64)[[first, last]]
    lengths = np.diff(_lengths_at(frames, ends), axis=1)[:, 0]
    return _strain(contour, lengths, ed)


def wall_length(contour: Stream, *, layer: str = "midwall") -> Stream:
    """Return the length of a layer of the wall, by which a beat can be timed.

    Parameters
    ----------
    contour : Stream (time, layer, point, xz) [m]
        ``lv_contour``, ``la_contour`` or ``rv_contour``.
    layer : str
        The layer.

    Returns
    -------
    Stream (time,) [m]
        NaN where a frame has no contour.

    Raises
    ------
    InvalidArgumentError
        If the stream's axes are not those of a contour.
    NotProvidedError
        If it has no such layer.

    Examples
    --------
    >>> shape = np.array([(-4, 3), (-4, 0), (0, 0), (4, 0), (4, 3)]) / 100
    >>> contour = Stream(
    ...     "rv_contour", shape[None, None], np.array([0.0]),
    ...     ("time", "layer", "point", "xz"), "m", coords={"layer": ("midwall",)},
    ... )
    >>> wall_length(contour).load().round(6).tolist()
    [0.14]
    """
    lengths = arc_lengths(filled(layer_points(contour, layer)))[:, -1]
    return Stream(contour.name, lengths, contour.time, ("time",), "m")


def segmental_strain(
    contour: Stream, timing: Timing, *, view: str, layer: str = "midwall"
) -> Stream:
    """Compute the strain of the six segments of an apical view.

    Parameters
    ----------
    contour : Stream (time, layer, point, xz) [m]
        ``lv_contour``, whose points follow the tissue.
    timing : Timing
        End-diastole, at which the strain is zero.
    view : {"4CH", "2CH", "3CH"}
        The view, shown as is usual: the septum, or the inferior or inferolateral wall,
        on the left.
    layer : str
        The layer.

    Returns
    -------
    Stream (time, segment) [%]
        Named by `SEGMENTS`, whichever way round the contour is stored.

    Raises
    ------
    InvalidArgumentError
        If there is no such view, or the stream's axes are not those of a contour.
    NotProvidedError
        If it has no such layer, or no contour at end-diastole.

    Notes
    -----
    Each wall is cut at end-diastole into three parts of equal arc length from its base
    to the apex. The cuts then stay with the points of the contour.

    Examples
    --------
    >>> from cardium.phantom import Patient, simulate
    >>> exam = simulate(Patient(number=3))
    >>> timing = Timing(exam.truth.ed_time, exam.truth.es_time, "truth", (0.1, 1.0))
    >>> strain = segmental_strain(exam.annotations["lv_contour"], timing, view="4CH")
    >>> strain.shape[1], strain.coords["segment"][0]
    (6, 'basal inferoseptal')
    """
    if view not in SEGMENTS:
        raise InvalidArgumentError(
            f"View '{view}': segments are named in {', '.join(SEGMENTS)} only."
        )
    frames = filled(from_left(layer_points(contour, layer)))
    ed = frame_at(contour, frames, timing.ed_time)
    apex = in_axis_frame(frames[ed])[2]
    passed = arc_lengths(frames[ed])
    walls = np.concatenate(
        [
            np.linspace(0, passed[apex], 4),
            np.linspace(passed[apex], passed[-1], 4)[1:],
        ]
    )
    # Points at one place make lengths that do not ascend; any of them will do.
    cuts = np.interp(walls, passed, np.arange(len(passed)))
    strain = _strain(contour, np.diff(_lengths_at(frames, cuts), axis=1), ed)
    return replace(strain, coords={"segment": SEGMENTS[view]})


def correct_drift(strain: Stream, beat: Beat, *, ed_time: float) -> Stream:
    """Take a linear drift out of strain, so that a beat ends as it began.

    Parameters
    ----------
    strain : Stream (time, ...) [%]
        Strain that is zero at end-diastole.
    beat : (start, stop) [s]
        R peaks.
    ed_time : float [s]
        End-diastole of the beat.

    Returns
    -------
    Stream (time, ...) [%]
        Strain less ``drift * (t - ED) / period``.

    Raises
    ------
    InvalidArgumentError
        If the beat does not end after end-diastole.
    NotProvidedError
        If no sample is within one and a half steps of the end of the beat's period.

    Notes
    -----
    Tissue is back where it was after one period, so what is left at ``ED + period`` is
    an error of tracking, taken to grow evenly (Voigt et al. 2015 call it drift
    compensation and ask that it can be switched off).

    Examples
    --------
    >>> time = np.array([0.0, 0.5, 1.0])
    >>> tracked = Stream("strain", np.array([0.0, -19.0, 2.0]), time, ("time",), "%")
    >>> correct_drift(tracked, (0.0, 1.0), ed_time=0.0).load().tolist()
    [0.0, -20.0, 0.0]
    """
    period = beat[1] - beat[0]
    since = strain.time - ed_time
    drift = drift_percent(strain, beat, ed_time=ed_time)
    values = np.asarray(strain.load(), np.float64)
    ramp = (since / period).reshape(-1, *(1,) * (values.ndim - 1))
    return strain.with_values(values - ramp * drift)


def drift_percent(strain: Stream, beat: Beat, *, ed_time: float) -> FloatArray:
    """Return the strain that is left one period after end-diastole.

    Parameters
    ----------
    strain : Stream (time, ...) [%]
        Strain that is zero at end-diastole.
    beat : (start, stop) [s]
        R peaks.
    ed_time : float [s]
        End-diastole of the beat.

    Returns
    -------
    (...) [%]
        Interpolated in time, or that of the last sample if it is near enough.

    Raises
    ------
    InvalidArgumentError
        If the beat does not end after it begins.
    NotProvidedError
        If no sample is within one and a half steps of the end of the beat's period.

    Examples
    --------
    >>> time = np.array([0.0, 0.5, 1.0])
    >>> tracked = Stream("strain", np.array([0.0, -19.0, 2.0]), time, ("time",), "%")
    >>> float(drift_percent(tracked, (0.0, 1.0), ed_time=0.0))
    2.0
    """
    if not beat[1] > beat[0]:
        raise InvalidArgumentError(f"Beat {beat}: it must end after it begins.")
    end = ed_time + beat[1] - beat[0]
    values = np.asarray(strain.load(), np.float64)
    flat = values.reshape(len(values), -1)
    finite = np.isfinite(flat).all(axis=1)
    time, flat = strain.time[finite], flat[finite]
    slack = 1.5 * float(np.median(np.diff(time))) if len(time) > 1 else 0.0
    if not len(time) or time[-1] < end - slack:
        last = f"the last sample is at {time[-1]:.3f} s" if len(time) else "it is empty"
        raise NotProvidedError(
            f"Stream '{strain.name}': {last}, but the beat ends at {end:.3f} s. "
            "Without the end of the beat its drift is not known."
        )
    left = [np.interp(end, time, column) for column in flat.T]
    return np.array(left).reshape(values.shape[1:])


def peak_strain(
    strain: Stream, timing: Timing, *, lengthening: bool = False
) -> PeakStrain:
    """Read end-systolic and peak systolic strain off a curve.

    Parameters
    ----------
    strain : Stream (time,) [%]
        From `wall_strain`, or as a machine gave it.
    timing : Timing
        End-diastole and end-systole.
    lengthening : bool
        Take the peak of lengthening: the reservoir strain of an atrium.

    Returns
    -------
    PeakStrain
        At the sample nearest to end-systole, and the least value, or the greatest, from
        end-diastole to there.

    Raises
    ------
    InvalidArgumentError
        If the stream has other axes than time.
    NotProvidedError
        If no value is finite from end-diastole to end-systole.

    Notes
    -----
    Global longitudinal strain is the end-systolic value in the guidelines of ASE and
    EACVI (Lang et al. 2015), and the default of the consensus of Voigt et al. 2015,
    which defines the peak systolic one as well. The reservoir strain of an atrium,
    LASr, is the end of its lengthening, with zero at ventricular end-diastole (Badano
    et al. 2018).

    Examples
    --------
    >>> time = np.array([0.0, 0.2, 0.4, 0.9])
    >>> curve = Stream("s", np.array([0.0, -18.0, -17.0, 0.0]), time, ("time",), "%")
    >>> peak_strain(curve, Timing(0.0, 0.4, "mesh", (0.0, 0.9)))
    PeakStrain(end_systolic_percent=-17.0, peak_systolic_percent=-18.0)
    """
    if strain.dims != ("time",):
        raise InvalidArgumentError(
            f"Stream '{strain.name}': one value a time is needed, got the axes "
            f"{strain.dims}. Take one segment, or their mean."
        )
    values = np.asarray(strain.load(), np.float64)
    step = np.median(np.diff(strain.time)) / 2 if len(values) > 1 else 0.0
    systole = (strain.time >= timing.ed_time - step) & (
        strain.time <= timing.es_time + step
    )
    systole &= np.isfinite(values)
    if not systole.any():
        raise NotProvidedError(
            f"Stream '{strain.name}': no value from {timing.ed_time:.3f} to "
            f"{timing.es_time:.3f} s is finite, so that there is no systolic strain."
        )
    time, values = strain.time[systole], values[systole]
    peak = values.max() if lengthening else values.min()
    return PeakStrain(float(values[abs(time - timing.es_time).argmin()]), float(peak))


_PARTS = {"whole": (0, 2), "left": (0, 1), "right": (1, 2)}


def _lengths_at(frames: FloatArray, places: FloatArray) -> FloatArray:
    """Return arc lengths (T, P) at fractional indices of points."""
    passed = arc_lengths(frames)
    below = np.clip(places.astype(np.intp), 0, frames.shape[1] - 2)
    share = places - below
    return (1 - share) * passed[:, below] + share * passed[:, below + 1]


def _strain(contour: Stream, lengths: FloatArray, ed: int) -> Stream:
    """Turn lengths (T,) or (T, S) into strain in per cent of those at frame `ed`."""
    if not (lengths[ed] > 0).all():
        raise NotProvidedError(
            f"Stream '{contour.name}': a wall has no length at end-diastole."
        )
    name = contour.name.replace("_contour", "_strain")
    dims = ("time", "segment")[: lengths.ndim]
    return Stream(name, 100 * (lengths / lengths[ed] - 1), contour.time, dims, "%")
