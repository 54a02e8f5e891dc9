"""Electrocardiograms in closed form, with R peaks exactly where they are wanted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError

LEADS = ("I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""Names of the leads, in the order of `ecg_12_lead`."""


def ecg_trace(time: FloatArray, r_times: FloatArray) -> FloatArray:
    """Single-lead electrocardiogram with R peaks at given times.

    Parameters
    ----------
    time : (T,) [s]
        Sample times.
    r_times : (K,) [s]
        Times of the R peaks, ascending, two at least.

    Returns
    -------
    trace : (T,) [mV]
        P, Q, R, S and T waves, as lead II has them.

    Raises
    ------
    InvalidArgumentError
        If there are fewer than two R times, or they do not ascend.

    Notes
    -----
    Each wave is a Gaussian of the cardiac phase with the angles and widths of ECGSYN
    (McSharry et al. 2003). The phase is 0 at every R time and linear between them;
    before the first and after the last it runs at the rate of the next beat. R lies
    within 0.2 ms of its time: Q and S almost cancel in moving it.

    Examples
    --------
    >>> time = np.arange(1000) / 500
    >>> trace = ecg_trace(time, np.array([0.4, 1.2]))
    >>> time[:500][trace[:500].argmax()], round(float(trace.max()), 1)
    (np.float64(0.4), 1.1)
    """
    size = np.array([_AMPLITUDES[wave] for wave in _WAVES])
    return np.asarray(_waves(time, r_times) @ size)


def ecg_12_lead(
    time: FloatArray, r_times: FloatArray, *, axis_degrees: float = 55.0
) -> FloatArray:
    """Twelve-lead electrocardiogram with R peaks at given times.

    Parameters
    ----------
    time : (T,) [s]
        Sample times.
    r_times : (K,) [s]
        Times of the R peaks, ascending, two at least.
    axis_degrees : float [degree]
        Electrical axis of the QRS complex in the frontal plane: 0 points along lead I
        to the left, 90 down along AVF.

    Returns
    -------
    leads : (T, 12) [mV]
        In the order of `LEADS`.

    Notes
    -----
    Leads I and II are the projections of each wave's frontal dipole on 0 and 60
    degrees. The other limb leads follow from them by definition: III = II - I,
    AVR = -(I + II) / 2, AVL = I - II / 2, AVF = II - I / 2. In the chest leads R
    grows and S shrinks from V1 to V5.

    Examples
    --------
    >>> time, peaks = np.arange(1000) / 500, np.array([0.4, 1.2])
    >>> leads = dict(zip(LEADS, ecg_12_lead(time, peaks, axis_degrees=0.0).T))
    >>> bool(np.allclose(leads["II"], leads["I"] + leads["III"]))
    True
    >>> bool(leads["I"].max() > 1.0 > leads["II"].max())
    True
    """
    waves = _waves(time, r_times)
    qrs = np.radians(axis_degrees)
    axes = np.array([np.radians(_AXES_DEGREES.get(wave, 0)) for wave in _WAVES])
    axes[1:4] = qrs
    size = np.array([_AMPLITUDES[wave] for wave in _WAVES])
    one = waves @ (size * np.cos(axes))
    two = waves @ (size * np.cos(axes - np.radians(60)))
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    chest = waves @ np.array([_CHEST[wave] for wave in _WAVES])
    return np.column_stack([*limb, chest])


_WAVES = ("P", "Q", "R", "S", "T")
_ANGLES_DEGREES = {"P": -70, "Q": -15, "R": 0, "S": 15, "T": 100}
_WIDTHS = {"P": 0.25, "Q": 0.1, "R": 0.1, "S": 0.1, "T": 0.4}
_AMPLITUDES = {"P": 0.12, "Q": -0.10, "R": 1.15, "S": -0.16, "T": 0.28}
_AXES_DEGREES = {"P": 50, "T": 40}
_CHEST = {
    "P": (0.05, 0.08, 0.08, 0.08, 0.08, 0.07),
    "Q": (0.00, 0.00, 0.00, -0.03, -0.06, -0.06),
    "R": (0.25, 0.45, 0.80, 1.30, 1.35, 1.05),
    "S": (-0.85, -1.20, -0.80, -0.45, -0.20, -0.08),
    "T": (-0.05, 0.35, 0.40, 0.38, 0.32, 0.25),
}


def _waves(time: FloatArray, r_times: FloatArray) -> NDArray[np.float64]:
    """Compute unit waves P, Q, R, S, T at sample times, (T, 5)."""
    phase = _phase(np.asarray(time, float), np.asarray(r_times, float))
    centres = np.radians([_ANGLES_DEGREES[wave] for wave in _WAVES])
    widths = np.array([_WIDTHS[wave] for wave in _WAVES])
    apart = np.mod(phase[:, None] - centres + np.pi, 2 * np.pi) - np.pi
    return np.asarray(np.exp(-((apart / widths) ** 2) / 2))


def _phase(time: FloatArray, r_times: FloatArray) -> FloatArray:
    """Cardiac phase [rad]: 0 at the first R time, one turn more at each next."""
    if r_times.ndim != 1 or len(r_times) < 2 or (np.diff(r_times) <= 0).any():
        raise InvalidArgumentError(
            f"ECG: R times must be two or more that ascend, got {r_times}."
        )
    beat = np.searchsorted(r_times, time, side="right") - 1
    beat = np.clip(beat, 0, len(r_times) - 2)
    step = r_times[beat + 1] - r_times[beat]
    return 2 * np.pi * (beat + (time - r_times[beat]) / step)
