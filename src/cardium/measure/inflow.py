"""Mitral inflow: E, A and the deceleration of early filling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray, Stream
from cardium.errors import NotProvidedError
from cardium.measure.timing import Beat, time_by_ecg


@dataclass(frozen=True, slots=True)
class Inflow:
    """Mitral inflow of one beat.

    Parameters
    ----------
    e_cm_s, a_cm_s : float [cm/s]
        Peak velocities of early and late filling. NaN where a half of diastole has no
        peak of its own, as when both waves are fused.
    deceleration_time_ms : float [ms]
        From the peak of E to where its falling slope meets zero; NaN if it does not
        fall.
    """

    e_cm_s: float
    a_cm_s: float
    deceleration_time_ms: float

    @property
    def e_to_a(self) -> float:
        """Ratio E / A."""
        return self.e_cm_s / self.a_cm_s if self.a_cm_s else math.nan

    @property
    def pressure_half_time_ms(self) -> float:
        """Time in which the gradient of the straight slope halves [ms].

        The gradient goes with the square of the velocity, so that it is
        ``(1 - 1 / sqrt(2))`` = 0.29 of the deceleration time.
        """
        return (1 - math.sqrt(0.5)) * self.deceleration_time_ms


def measure_inflow(
    envelope: Stream, beat: Beat, *, es_time: float | None = None
) -> Inflow:
    """Find E, A and the deceleration time of mitral inflow.

    Parameters
    ----------
    envelope : Stream (time,) [m/s]
        Envelope of the mitral inflow, positive towards the probe.
    beat : (start, stop) [s]
        R peaks.
    es_time : float [s], optional
        End-systole. If not given, that of `time_by_ecg`.

    Returns
    -------
    Inflow
        In the units of clinicians.

    Raises
    ------
    NotProvidedError
        If a half of diastole has fewer than three samples.

    Notes
    -----
    E is the peak of the first, A that of the second half of diastole. The slope is the
    straight line through the samples of E's falling limb between 90 % and 50 % of its
    peak, which leads to the baseline, as the recommendations of ASE and EACVI on
    diastolic function have it drawn (Nagueh et al. 2016).

    Examples
    --------
    E of 80 cm/s that falls to zero in 200 ms, and A of 50 cm/s:

    >>> time = np.arange(1001) / 1000
    >>> e = np.interp(time, [0.42, 0.5, 0.7], [0, 0.8, 0])
    >>> a = np.interp(time, [0.8, 0.87, 0.94], [0, 0.5, 0])
    >>> envelope = Stream("envelope", e + a, time, ("time",), "m/s")
    >>> inflow = measure_inflow(envelope, (0.0, 1.0))
    >>> round(inflow.e_cm_s), round(inflow.a_cm_s), round(inflow.deceleration_time_ms)
    (80, 50, 200)
    """
    es = time_by_ecg(beat).es_time if es_time is None else es_time
    middle = (es + beat[1]) / 2
    early, late = envelope.between(es, middle), envelope.between(middle, beat[1])
    if min(len(early.time), len(late.time)) < 3:
        raise NotProvidedError(
            f"Stream '{envelope.name}': fewer than three samples in a half of "
            f"diastole, {es:.3f} to {beat[1]:.3f} s."
        )
    e_part, a_part = (np.nan_to_num(np.asarray(s.load())) for s in (early, late))
    e, a = float(e_part.max()), float(a_part.max())
    # A greatest value at the border is the flank of the other wave.
    if e_part.argmax() == len(e_part) - 1 or e <= 0:
        e = math.nan
    if a_part.argmax() == 0 or a <= 0:
        a = math.nan
    slope = _deceleration_time(early.time, e_part) if e == e else math.nan
    return Inflow(100 * e, 100 * a, 1e3 * slope)


def _deceleration_time(time: FloatArray, speed: FloatArray) -> float:
    """Return the time from the peak to where its falling limb's line meets zero [s]."""
    peak = int(speed.argmax())
    falling = np.flatnonzero(speed[peak:] < 0.5 * speed[peak])
    stop = peak + (int(falling[0]) if len(falling) else len(speed) - peak)
    limb = np.arange(peak, stop)
    limb = limb[speed[limb] <= 0.9 * speed[peak]]
    if len(limb) < 3:
        return math.nan
    slope, level = np.polyfit(time[limb] - time[peak], speed[limb], 1)
    return float(-level / slope) if slope < 0 else math.nan
