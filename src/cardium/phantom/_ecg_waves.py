"""The waves of one beat, as tables: when they come, and how large in which lead.

Amplitudes are in mV for the leads I, II, V1 to V6. Those of the limb are given as an
arrow in the frontal plane: its length, and its angle, of which 0 points along lead I to
the left and 90 degrees down along AVF.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardium.errors import InvalidArgumentError
from cardium.phantom.patient import Infarct

Leads = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What shapes the beats of an electrocardiogram.

    Parameters
    ----------
    axis_degrees : float [degree]
        Electrical axis of the QRS complex in the frontal plane: 0 points along lead I
        to the left, 90 down along AVF.
    limb_voltage, chest_voltage : float
        Size of the QRS complex in limb and chest leads; 1 has an R of 1.1 mV along the
        axis, and 0.70 mV of S in V1 with 1.25 mV of R in V5.
    pr : float [s]
        From the beginning of P to the beginning of a normal QRS complex.
    qtc : float [s]
        From the beginning of QRS to the end of T at one beat a second.
    strain : float
        ST depression and inverted T of a strained ventricle, 0..1.
    infarct : Infarct, optional
        Gives Q waves, raised ST and inverted T in the leads of its territory.
    pseudo_infarct : bool
        No R in V1 to V3 though no artery is shut, as in amyloid.
    left_bundle_block : bool
        Complete left bundle branch block.
    fibrillation_hz : float [Hz]
        Rate of the waves between fibrillating beats, 4..9.

    Raises
    ------
    InvalidArgumentError
        If a number is outside its range.

    """

    axis_degrees: float = 55.0
    limb_voltage: float = 1.0
    chest_voltage: float = 1.0
    pr: float = 0.16
    qtc: float = 0.41
    strain: float = 0.0
    infarct: Infarct | None = None
    pseudo_infarct: bool = False
    left_bundle_block: bool = False
    fibrillation_hz: float = 6.0

    def __post_init__(self) -> None:
        if not (self.limb_voltage > 0 and self.chest_voltage > 0):
            raise InvalidArgumentError(
                "Pattern: voltages must be positive, got "
                f"{self.limb_voltage} and {self.chest_voltage}."
            )
        if not (0.1 <= self.pr <= 0.4 and 0.3 <= self.qtc <= 0.6):
            raise InvalidArgumentError(
                "Pattern: PR must be in 0.1..0.4 s and QTc in 0.3..0.6 s, got "
                f"{self.pr} and {self.qtc}. Were they given in milliseconds?"
            )
        if not (0 <= self.strain <= 1 and 4 <= self.fibrillation_hz <= 9):
            raise InvalidArgumentError(
                "Pattern: strain must be in 0..1 and the rate of fibrillation in 4..9 "
                f"Hz, got {self.strain} and {self.fibrillation_hz}."
            )


NORMAL = Pattern()
"""The pattern of a healthy adult."""


class Wave(NamedTuple):
    """A wave of a beat.

    Parameters
    ----------
    peak : float [s]
        Its peak, after the R time.
    rise, fall : float [s]
        How long before its peak it begins, and after it ends.
    leads : (8,) [mV]
        Its size in I, II and V1 to V6.
    atrial : bool
        Whether the atria make it: only sinus beats have it.
    with_rate : bool
        Whether its times go with the square root of the interval before the beat.
    """

    peak: float
    rise: float
    fall: float
    leads: Leads
    atrial: bool = False
    with_rate: bool = False


def sinus_waves(pattern: Pattern) -> tuple[Wave, ...]:
    """Waves of a beat that the atria conduct; times are those of one beat a second."""
    p_peak = -_ONSET - pattern.pr + _P_HALF
    waves = [Wave(p_peak, _P_HALF, _P_HALF, _arrow(0.13, 55.0, _P_CHEST), atrial=True)]
    waves += _block(pattern) if pattern.left_bundle_block else _complex(pattern)
    if pattern.infarct is not None and not pattern.left_bundle_block:
        waves.append(Wave(*_Q_TIMES, _territory_q(pattern)))
    end = pattern.qtc - _ONSET
    repolarisation = _repolarisation(pattern)
    for size, (back, rise, fall) in zip(repolarisation, (_ST, _T), strict=True):
        if size.any():
            waves.append(Wave(end - back, rise, fall, size, with_rate=True))
    return tuple(waves)


def ectopic_waves(pattern: Pattern) -> tuple[Wave, ...]:
    """Waves of a beat that begins in the right ventricle's outflow tract."""
    main = _voltage(pattern) * _arrow(1.5, 85.0, (-0.9, -1.5, -0.6, 0.9, 1.3, 1.2))
    return (
        Wave(0.0, 0.070, 0.080, main),
        Wave(0.045, 0.045, 0.045, 0.30 * main),
        Wave(0.330, 0.200, 0.120, -0.38 * main),
    )


def fibrillation_leads() -> tuple[Leads, Leads]:
    """Sizes of the waves of the right and of the left atrium in eight leads [mV]."""
    right = _arrow(0.030, 75.0, (0.075, 0.035, 0.020, 0.012, 0.008, 0.006))
    left = _arrow(0.045, 80.0, (0.015, 0.014, 0.012, 0.010, 0.012, 0.012))
    return right, left


_ONSET = 0.048  # from the beginning of QRS to R [s]
_P_HALF = 0.050
_P_CHEST = (0.05, 0.07, 0.07, 0.07, 0.06, 0.06)
_RIGHT_CHEST = slice(2, 5)  # V1 to V3
_SEPTAL = (0.25, 0.38, 0.20, 0.06, -0.06, -0.09)
_MAIN = (-0.70, -1.10, 0.62, 1.35, 1.25, 0.95)
_TERMINAL = (-0.22, -0.36, -0.70, -0.36, -0.16, -0.05)
_T_CHEST = (-0.06, 0.34, 0.42, 0.38, 0.30, 0.22)
# Back from the end of T to the peak, rise and fall of ST segment and T wave [s].
_ST = (0.210, 0.115, 0.150)
_T = (0.085, 0.150, 0.085)
_Q_TIMES = (-0.039, 0.035, 0.035)
_FAR_TERRITORY = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
# Length and angle in the frontal plane, and chest leads, of the Q wave of an infarct.
_Q = {
    "lad": (0.0, 0.0, (-0.34, -0.62, -0.66, -0.65, -0.08, 0.0)),
    "lcx": (0.45, 165.0, (0.18, 0.15, 0.05, -0.08, -0.60, -0.52)),
    "rca": (0.65, -85.0, _FAR_TERRITORY),
}
# What an infarct takes from the main wave, as a part of its loss of contraction.
_LOST = {
    "lad": (0.0, 0.0, (-0.10, -0.10, -1.60, -0.70, -0.15, 0.0)),
    "lcx": (0.20, 165.0, (0.20, 0.20, 0.10, 0.0, -0.50, -0.40)),
    "rca": (0.30, -90.0, _FAR_TERRITORY),
}
_T_AFTER = {
    "lad": (0.20, 75.0, (-0.18, -0.38, -0.42, -0.30, 0.05, 0.12)),
    "lcx": (0.22, 150.0, (0.10, 0.40, 0.42, 0.20, -0.20, -0.22)),
    "rca": (0.27, -65.0, (0.0, 0.35, 0.42, 0.36, 0.24, 0.14)),
}


def _arrow(length: float, degrees: float, chest: tuple[float, ...]) -> Leads:
    """Eight leads of an arrow in the frontal plane and of six chest leads."""
    one, two = np.cos(np.radians([degrees, degrees - 60.0]))
    return np.array([length * one, length * two, *chest])


def _voltage(pattern: Pattern) -> Leads:
    """Size of QRS in each of eight leads."""
    return np.repeat([pattern.limb_voltage, pattern.chest_voltage], [2, 6])


def _main(pattern: Pattern) -> Leads:
    """Return the main wave of QRS, (8,) [mV]."""
    main = _arrow(1.1, pattern.axis_degrees, _MAIN)
    if pattern.infarct is not None:
        infarct = pattern.infarct
        main = main + infarct.severity * _arrow(*_LOST[infarct.territory])
    if pattern.pseudo_infarct:
        main[_RIGHT_CHEST] = _MAIN[0]
    return _voltage(pattern) * main


def _complex(pattern: Pattern) -> list[Wave]:
    """QRS of ordinary conduction: septum, free walls, base."""
    voltage = _voltage(pattern)
    septal = _arrow(0.08, pattern.axis_degrees + 180, _SEPTAL)
    if pattern.infarct is not None:
        # The Q wave is there in its place.
        dead = _arrow(*_Q[pattern.infarct.territory]) < -0.1
        septal = np.where(dead, 0.0, septal)
    if pattern.pseudo_infarct:
        septal[_RIGHT_CHEST] = -0.1
    terminal = _arrow(0.16, pattern.axis_degrees - 165, _TERMINAL)
    return [
        Wave(-0.026, 0.022, 0.022, voltage * septal),
        Wave(0.0, 0.030, 0.036, _main(pattern)),
        Wave(0.024, 0.024, 0.024, voltage * terminal),
    ]


def _block(pattern: Pattern) -> list[Wave]:
    """QRS of left bundle branch block: 140 ms, no septal wave, a late second peak."""
    voltage = _voltage(pattern)
    first = _arrow(0.75, pattern.axis_degrees, (-0.75, -1.30, -1.0, -0.1, 0.65, 0.75))
    second = _arrow(0.65, pattern.axis_degrees, (-0.75, -1.0, -0.7, 0.1, 0.60, 0.70))
    return [
        Wave(0.0, 0.048, 0.060, voltage * first),
        Wave(0.046, 0.046, 0.046, voltage * second),
    ]


def _territory_q(pattern: Pattern) -> Leads:
    """Q wave of an infarct, (8,) [mV]."""
    if pattern.infarct is None:
        return np.zeros(8)
    size = 0.5 + 0.5 * pattern.infarct.severity
    return size * _voltage(pattern) * _arrow(*_Q[pattern.infarct.territory])


def _repolarisation(pattern: Pattern) -> tuple[Leads, Leads]:
    """ST segment and T wave, each (8,) [mV]."""
    st, t = np.zeros(8), _arrow(0.28, 40.0, _T_CHEST)
    voltage = _voltage(pattern)
    if pattern.left_bundle_block:
        main = voltage * _arrow(
            1.0, pattern.axis_degrees, (-1.2, -1.9, -1.4, 0.0, 1.0, 1.1)
        )
        return -0.12 * main, -0.27 * main
    if pattern.infarct is not None:
        territory, severity = pattern.infarct.territory, pattern.infarct.severity
        t = _arrow(*_T_AFTER[territory])
        st = st - 0.22 * severity * _arrow(*_Q[territory])
    if pattern.strain:
        strained = _arrow(0.26, 165.0, (0.16, 0.42, 0.35, -0.05, -0.30, -0.34))
        t = (1 - pattern.strain) * t + pattern.strain * strained
        st = st + pattern.strain * _arrow(
            0.10, 175.0, (0.10, 0.14, 0.06, -0.06, -0.13, -0.12)
        )
    # A small QRS complex has a small T wave; a large one has no larger T wave.
    return st, np.minimum(voltage, 1.0) * t
