"""Heart beats: from R peaks to cardiac phase and back."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError
from cardium.signal.ecg import find_r_peaks, r_peaks

__all__ = [
    "ANCHOR_PHASES",
    "Anchors",
    "Beats",
    "Phase",
    "find_r_peaks",
    "is_irregular",
    "r_peaks",
]

ANCHOR_PHASES = (0.35, 0.45, 0.80)
"""Phase of aortic valve closure, mitral valve opening and atrial onset, by definition.

Where they lie in a beat of one second, about; the same for every beat, which is what
makes beats of different length comparable.
"""

IRREGULAR = 0.2
"""Share of the median RR interval by which an irregular beat departs from it."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """When the events of a recording's beats are, which hold phase in place.

    Parameters
    ----------
    aortic_closure : float [s], optional
        End of ejection, counted from the R peak.
    mitral_opening : float [s], optional
        Begin of filling, counted from the R peak.
    atrial_onset : float [s], optional
        Begin of the A wave, counted back from the *next* R peak.

    Raises
    ------
    InvalidArgumentError
        If one is not positive, or the mitral valve opens before the aortic closes.

    Notes
    -----
    Systole hardly changes with the heart rate while diastole takes what is left, so
    the first two keep their distance to the R peak before them, and the atrial onset
    to the one after it.

    Examples
    --------
    >>> Anchors(aortic_closure=0.36, mitral_opening=0.43, atrial_onset=0.18).knots(0.8)
    ((0.0, 0.36, 0.43, 0.62, 0.8), (0.0, 0.35, 0.45, 0.8, 1.0))
    """

    aortic_closure: float | None = None
    mitral_opening: float | None = None
    atrial_onset: float | None = None

    def __post_init__(self) -> None:
        for event in (self.aortic_closure, self.mitral_opening, self.atrial_onset):
            if event is not None and not 0 < event < np.inf:
                raise InvalidArgumentError(
                    f"Anchors: times must be positive seconds, got {event}."
                )
        if not (self.aortic_closure or 0) < (self.mitral_opening or np.inf):
            raise InvalidArgumentError(
                f"Anchors: the mitral valve opens, at {self.mitral_opening} s, before "
                f"the aortic valve closes, at {self.aortic_closure} s. Were they "
                "swapped?"
            )

    @property
    def given(self) -> tuple[bool, bool, bool]:
        """Which of the three events are known."""
        return (
            self.aortic_closure is not None,
            self.mitral_opening is not None,
            self.atrial_onset is not None,
        )

    def knots(self, rr: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return times [s] and phases between which phase is linear, for a beat.

        A beat of `rr` seconds that is too short to hold its anchors in order has only
        its two R peaks: there, phase is linear.
        """
        onset = None if self.atrial_onset is None else round(rr - self.atrial_onset, 12)
        events = (self.aortic_closure, self.mitral_opening, onset)
        known = [
            (e, p) for e, p in zip(events, ANCHOR_PHASES, strict=True) if e is not None
        ]
        times = (0.0, *(e for e, _ in known), rr)
        if any(b <= a for a, b in pairwise(times)):
            return (0.0, rr), (0.0, 1.0)
        return times, (0.0, *(p for _, p in known), 1.0)


class Phase(NamedTuple):
    """Where in which beat each time lies.

    Parameters
    ----------
    beat : (M,) int
        Number of the beat: 0 begins at the first R peak; negative ones and those from
        the last R peak on are not given but counted on.
    fraction : (M,) [0..1)
        Part of the beat that has passed.
    inside : (M,) bool
        Whether the time lies between two given R peaks.
    """

    beat: NDArray[np.int64]
    fraction: FloatArray
    inside: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Beats:
    """The beats of a recording, from its R peaks.

    Parameters
    ----------
    r_peaks : (K,) [s]
        Times of the R peaks, ascending, two at least.

    Raises
    ------
    InvalidArgumentError
        If there are fewer than two, or they do not ascend.

    Notes
    -----
    Before the first and after the last R peak, beats of the median RR interval follow
    one another; whatever rests on them is marked as not inside.

    Examples
    --------
    >>> beats = Beats(np.array([0.25, 1.25, 2.25, 2.75]))
    >>> beats.rr.tolist(), beats.irregular.tolist()
    ([1.0, 1.0, 0.5], [False, False, True])
    >>> phase = beats.phase([0.75, 2.5, 3.0, 0.0])
    >>> phase.beat.tolist(), phase.fraction.tolist(), phase.inside.tolist()
    ([0, 2, 3, -1], [0.5, 0.5, 0.25, 0.75], [True, True, False, False])
    >>> beats.times_at(0.5, [0, 2, 3]).tolist()
    [0.75, 2.5, 3.25]
    """

    r_peaks: FloatArray

    def __post_init__(self) -> None:
        peaks = np.asarray(self.r_peaks, np.float64)
        if peaks.ndim != 1 or len(peaks) < 2:
            raise InvalidArgumentError(
                f"Beats: a beat needs two R peaks, got shape {peaks.shape}."
            )
        if not np.isfinite(peaks).all() or (np.diff(peaks) <= 0).any():
            raise InvalidArgumentError(
                f"Beats: R peaks must be finite and strictly ascending, got {peaks}."
            )
        object.__setattr__(self, "r_peaks", peaks)

    def __len__(self) -> int:
        return len(self.r_peaks) - 1

    @property
    def rr(self) -> FloatArray:
        """RR interval of each beat, (K - 1,) [s]."""
        return np.diff(self.r_peaks)

    @property
    def median_rr(self) -> float:
        """Median RR interval [s]."""
        return float(np.median(self.rr))

    @property
    def irregular(self) -> NDArray[np.bool_]:
        """Whether each beat departs from the median by more than a fifth, (K - 1,)."""
        return is_irregular(self.rr, self.median_rr)

    @property
    def typical(self) -> int:
        """Number of the beat whose RR interval is nearest to the median."""
        return int(np.argmin(np.abs(self.rr - self.median_rr)))

    def starts(self, beat: ArrayLike) -> FloatArray:
        """Return the R peak that begins each beat [s], counted on where none is."""
        number, last = np.asarray(beat, np.int64), len(self)
        beyond = np.minimum(number, 0) + np.maximum(number - last, 0)
        given = self.r_peaks[np.clip(number, 0, last)]
        return np.asarray(given + beyond * self.median_rr)

    def phase(self, times: ArrayLike, *, anchors: Anchors | None = None) -> Phase:
        """Return the cardiac phase of times.

        Parameters
        ----------
        times : (M,) [s]
            Times on the clock of the R peaks.
        anchors : Anchors, optional
            Events that hold the phase: it is linear from each to the next, and each
            has its `ANCHOR_PHASES`. Without any, it is linear from R to R.

        Returns
        -------
        Phase
            Beat, fraction and whether the beat is given.

        Raises
        ------
        InvalidArgumentError
            If a time is not finite.
        """
        wanted = np.asarray(times, np.float64)
        if not np.isfinite(wanted).all():
            raise InvalidArgumentError("Beats: times must be finite to have a phase.")
        peaks, median = self.r_peaks, self.median_rr
        beat = np.searchsorted(peaks, wanted, side="right") - 1
        early = np.floor((wanted - peaks[0]) / median)
        late = len(self) + np.floor((wanted - peaks[-1]) / median)
        beat = np.where(wanted < peaks[0], early, beat)
        beat = np.where(wanted >= peaks[-1], late, beat).astype(np.int64)
        start = self.starts(beat)
        rr = self.starts(beat + 1) - start
        fraction = _map_beats(wanted - start, rr, anchors, to_phase=True)
        # Rounding may reach 1, which is the next beat.
        fraction = np.clip(fraction, 0.0, np.nextafter(1.0, 0.0))
        return Phase(beat, fraction, (beat >= 0) & (beat < len(self)))

    def times_at(
        self,
        fraction: ArrayLike,
        beat: ArrayLike,
        *,
        anchors: Anchors | None = None,
    ) -> FloatArray:
        """Return the times of phases in beats [s]: the inverse of `phase`.

        Parameters
        ----------
        fraction : (...) [0..1]
            Parts of a beat.
        beat : (...) int
            Numbers of beats, which broadcast against `fraction`.
        anchors : Anchors, optional
            As in `phase`.

        Returns
        -------
        (...) [s]
            Times on the clock of the R peaks.
        """
        part, number = np.broadcast_arrays(
            np.asarray(fraction, np.float64), np.asarray(beat, np.int64)
        )
        start = self.starts(number)
        rr = self.starts(number + 1) - start
        return start + _map_beats(part, rr, anchors, to_phase=False)


def is_irregular(rr: ArrayLike, median: float) -> NDArray[np.bool_]:
    """Say which RR intervals depart from a median by more than a fifth of it.

    Parameters
    ----------
    rr : (K,) [s]
        RR intervals.
    median : float [s]
        Median RR interval of the recording.

    Returns
    -------
    (K,) bool
        True for premature beats, pauses, and where an R peak was missed.

    Examples
    --------
    >>> is_irregular([0.9, 1.0, 0.7, 2.0], 1.0).tolist()
    [False, False, True, True]
    """
    return np.asarray(np.abs(np.asarray(rr) - median) > IRREGULAR * median)


def _map_beats(
    values: FloatArray, rr: FloatArray, anchors: Anchors | None, *, to_phase: bool
) -> FloatArray:
    """Map times since R to phases of beats of given lengths, or back."""
    if anchors is None or not any(anchors.given):
        return np.asarray(values / rr if to_phase else values * rr)
    out = np.empty(np.shape(values))
    # Beats are few, so one interpolation each.
    for length in np.unique(rr):
        times, phases = anchors.knots(float(length))
        knots = (times, phases) if to_phase else (phases, times)
        out[rr == length] = np.interp(values[rr == length], *knots)
    return out
