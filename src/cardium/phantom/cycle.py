"""When the ventricle contracts and fills: time courses with two smooth derivatives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError
from cardium.phantom.patient import ejection_time
from cardium.phantom.rhythm import Rhythm

Window = tuple[float, float]
"""Start and end of an event on the recording's clock [s]."""


def smooth_step(u: FloatArray) -> FloatArray:
    """Rise from 0 at u = 0 to 1 at u = 1 with two continuous derivatives.

    Parameters
    ----------
    u : (...)
        Share of the time that has passed.

    Returns
    -------
    (...)
        ``u^3 (10 - 15 u + 6 u^2)`` between 0 and 1, and level outside.

    Examples
    --------
    >>> smooth_step(np.array([-1.0, 0.0, 0.5, 1.0, 2.0]))
    array([0. , 0. , 0.5, 1. , 1. ])
    """
    u = np.clip(u, 0, 1)
    return u**3 * (10 - 15 * u + 6 * u**2)


def smooth_step_rate(u: FloatArray) -> FloatArray:
    """Return the derivative of `smooth_step`; its peak, at u = 1/2, is 1.875."""
    u = np.clip(u, 0, 1)
    return 30 * u**2 * (1 - u) ** 2


@dataclass(frozen=True, slots=True)
class Function:
    """How the left ventricle works, in numbers.

    Parameters
    ----------
    heart_rate : float [1/min]
        Mean number of beats a minute.
    ejection_fraction : float
        Part of the end-diastolic volume that is ejected in a regular beat, 0..1.
    shortening : float
        Part of the long axis that is lost from end-diastole to end-systole, 0..1.
    twist : float [rad]
        Greatest rotation of the apex, anticlockwise as seen from the apex.
    early_filling : float
        Part of the filling that comes with the E wave, 0..1; the A wave brings the
        rest.
    early_lengthening : float, optional
        The same part of the lengthening of the long axis; that of the volume if not
        given. It is less where relaxation is impaired but pressure fills the ventricle.
    relaxation : float [s]
        Isovolumic relaxation time, from the aortic valve's closure to the mitral
        valve's opening.
    early_duration : float [s]
        Duration of the E wave.

    Raises
    ------
    InvalidArgumentError
        If a number is outside its range.
    """

    heart_rate: float
    ejection_fraction: float
    shortening: float
    twist: float
    early_filling: float
    early_lengthening: float | None = None
    relaxation: float = 0.075
    early_duration: float = 0.170

    def __post_init__(self) -> None:
        if self.early_lengthening is None:
            object.__setattr__(self, "early_lengthening", self.early_filling)
        parts = (
            self.ejection_fraction,
            self.shortening,
            self.early_filling,
            self.early_lengthening or 0.0,
        )
        if not (self.heart_rate > 0 and all(0 <= part <= 1 for part in parts)):
            raise InvalidArgumentError(
                "Function: the heart rate must be positive, and ejection fraction, "
                "shortening and early parts in 0..1, got "
                f"{self.heart_rate} and {parts}. Were they given in percent?"
            )
        if not max(self.ejection_fraction, self.shortening) < 1:
            raise InvalidArgumentError(
                "Function: a ventricle cannot empty or shorten wholly, got "
                f"{self.ejection_fraction} and {self.shortening}."
            )
        if not (0 < self.relaxation < 0.3 and 0.03 < self.early_duration < 0.6):
            raise InvalidArgumentError(
                "Function: relaxation must be in 0..0.3 s and the E wave in 0.03..0.6 "
                f"s, got {self.relaxation} and {self.early_duration}."
            )


@dataclass(frozen=True, slots=True)
class Beat:
    """One beat on the recording's clock.

    Parameters
    ----------
    r, next_r : float [s]
        The R peaks that bound it.
    kind, next_kind : str
        How it and the next begin, of `cardium.phantom.rhythm.BEAT_KINDS`.
    filled, emptied : float
        Part of the end-diastolic volume that is missing at its R peak and at the end
        of systole: 0 and the ejection fraction in a regular beat.
    ejection : Window
        When the aortic valve is open.
    early : Window
        The E wave; the mitral valve opens at its start.
    late : Window, optional
        The A wave; None without an atrial kick.
    """

    r: float
    next_r: float
    kind: str
    next_kind: str
    filled: float
    emptied: float
    ejection: Window
    early: Window
    late: Window | None

    @property
    def end_systole(self) -> float:
        """When the volume is smallest: the aortic valve shuts [s]."""
        return self.ejection[1]

    @property
    def filling(self) -> Window:
        """When the mitral valve is open: from the E wave to just after the next R."""
        return self.early[0], self.next_r + MITRAL_CLOSURE


MITRAL_CLOSURE = 0.010
"""Time from the R peak to the closure of the mitral valve [s]."""


@dataclass(frozen=True, slots=True, eq=False)
class Cycle:
    """The course of emptying, axial stretch and twist over the beats of a recording.

    Parameters
    ----------
    function : Function
        The amplitudes of a regular beat.
    rhythm : Rhythm
        The R peaks. Before the first and after the last, beats like the first and the
        last follow, two on each side.

    Notes
    -----
    Each event is a `smooth_step`, so that accelerations are continuous. The ventricle
    ejects from 55 ms after the R peak. The ejection time follows Weissler,
    413 ms - 1.7 ms * heart rate, at the rate of the interval before; filling begins
    after isovolumic relaxation. The A wave ends 63 ms before the next R peak. The long
    axis leads the volume by 10 ms. While the volume stands still the long axis has the
    brief pulses that tissue Doppler shows: 0.5 % shorter before ejection, 0.3 % longer
    in relaxation. Untwisting begins with the end of ejection and ends with the E wave.

    A short diastole leaves the ventricle less full: where diastole is shorter than 0.6
    of the mean one, half of what is missing of that, in proportion. An ectopic beat
    ejects 0.6 of a regular one; a fibrillating beat with the interval before it to the
    power of 0.35; the beat after an ectopic one is stronger by a tenth.

    Examples
    --------
    >>> function = Function(60, 0.6, 0.15, 0.1, 0.6)
    >>> cycle = Cycle(function, Rhythm.regular(60.0, beats=1))
    >>> round(cycle.beats[0].end_systole, 3)
    0.366
    >>> cycle.emptying(np.array([0.0, 0.366, 1.0])).round(6)
    array([0. , 0.6, 0. ])
    """

    function: Function
    rhythm: Rhythm
    _all_beats: tuple[Beat, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_all_beats", _plan(self.function, self.rhythm))

    @property
    def beats(self) -> tuple[Beat, ...]:
        """The whole beats of the recording, one less than its R peaks."""
        return self._all_beats[_PADDING:-_PADDING]

    def beat_at(self, time: float) -> Beat:
        """Return the beat that a time [s] lies in, also before and after the others."""
        self._check(np.asarray(time))
        return max(
            (beat for beat in self._all_beats if beat.r <= time), key=attrgetter("r")
        )

    def emptying(self, time: FloatArray) -> FloatArray:
        """Part of the end-diastolic volume that is missing, kappa, at times [s]."""
        return self._contraction(time)[0]

    def emptying_rate(self, time: FloatArray) -> FloatArray:
        """Return the derivative of `emptying` [1/s]."""
        return self._contraction(time)[1]

    def stretch(self, time: FloatArray) -> FloatArray:
        """Length of the long axis against end-diastole, lambda, at times [s]."""
        return 1 - self._axial(time)[0]

    def stretch_rate(self, time: FloatArray) -> FloatArray:
        """Return the derivative of `stretch` [1/s]."""
        return -self._axial(time)[1]

    def twist(self, time: FloatArray) -> FloatArray:
        """Rotation of the apex from x towards y, tau, at times [rad].

        It is negative in systole: anticlockwise as seen from the apex.
        """
        return -self.function.twist * self._rotation(time)[0]

    def twist_rate(self, time: FloatArray) -> FloatArray:
        """Return the derivative of `twist` [rad/s]."""
        return -self.function.twist * self._rotation(time)[1]

    def events(
        self, time: FloatArray, steps: Iterable[tuple[float, Window]]
    ) -> tuple[FloatArray, FloatArray]:
        """Add up smooth steps of given heights in given windows.

        Parameters
        ----------
        time : (...) [s]
            Times on the recording's clock.
        steps : iterable of (height, (start, end))
            The steps. Each holds its height after its end.

        Returns
        -------
        course, rate : (...), (...) [1/s]
            The sum, and its derivative.

        Raises
        ------
        InvalidArgumentError
            If a time lies beyond the beats that are known.
        """
        time = np.asarray(time, float)
        self._check(time)
        height, start, end = np.array([(h, *window) for h, window in steps]).T
        u = (time[..., None] - start) / (end - start)
        rise, growth = smooth_step(u), smooth_step_rate(u)
        return rise @ height, growth @ (height / (end - start))

    def _check(self, time: FloatArray) -> None:
        """Refuse times that no beat covers."""
        first, last = self._all_beats[0].r, self._all_beats[-1].next_r
        if time.size and not (time.min() >= first and time.max() <= last):
            raise InvalidArgumentError(
                f"Cycle: times must lie in {first:.3f}..{last:.3f} s, within two beats "
                f"of the R peaks, got {time.min():.3f}..{time.max():.3f}."
            )

    def _contraction(self, time: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Add up emptying and its rate."""
        steps = _volume_steps(self._all_beats, self.function.early_filling)
        course, rate = self.events(time, steps)
        return course + self._all_beats[0].filled, rate

    def _axial(self, time: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Shortening of the long axis and its rate: as the volume goes, and pulses."""
        function = self.function
        steps = _volume_steps(self._all_beats, function.early_lengthening or 0.0, _LEAD)
        course, rate = self.events(time, steps)
        share = function.shortening / max(function.ejection_fraction, _TINY)
        pulses, pulse_rate = self.events(time, _isovolumic_pulses(self._all_beats))
        return (
            share * (course + self._all_beats[0].filled) + function.shortening * pulses,
            share * rate + function.shortening * pulse_rate,
        )

    def _rotation(self, time: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Course 0..1 of twisting and untwisting, and its rate."""
        whole = max(self.function.ejection_fraction, _TINY)
        steps = []
        for beat in self._all_beats:
            height = (beat.emptied - beat.filled) / whole
            steps.append((height, beat.ejection))
            steps.append((-height, (beat.end_systole, beat.early[1])))
        return self.events(time, steps)


_PADDING = 2
_PRE_EJECTION = 0.055
_LATE = (0.188, 0.063)
_LEAD = 0.010
_TINY = 1e-9
_CONTRACTION_PULSE = 0.030
_RELAXATION_PULSE = -0.018


def _plan(function: Function, rhythm: Rhythm) -> tuple[Beat, ...]:
    """Lay out all beats, with some before and after those of the recording."""
    pad = np.arange(1, _PADDING + 1)
    times = rhythm.r_times
    first, last = rhythm.intervals[[0, -1]]
    peaks = [*(times[0] - pad[::-1] * first), *times, *(times[-1] + pad * last)]
    kinds = [rhythm.kinds[0]] * _PADDING + list(rhythm.kinds)
    kinds += [rhythm.kinds[-1]] * _PADDING
    intervals = np.diff(peaks).tolist()
    mean, filled = 60 / function.heart_rate, 0.0
    beats: list[Beat] = []
    for k in range(len(intervals)):
        before = intervals[max(k - 1, 0)]
        previous = kinds[k - 1] if k else kinds[k]
        part = _strength(kinds[k], previous, before / mean)
        emptied = min(function.ejection_fraction * part, 0.9)
        bounds = float(peaks[k]), float(peaks[k + 1])
        beat = _lay_out(
            function, bounds, before, (kinds[k], kinds[k + 1]), (filled, emptied)
        )
        beats.append(beat)
        filled = emptied * (1 - _refilled(beat, function))
    return tuple(beats)


def _lay_out(
    function: Function,
    bounds: Window,
    before: float,
    kinds: tuple[str, str],
    levels: tuple[float, float],
) -> Beat:
    """Place the events of a beat; those of a very short one are squeezed."""
    r, next_r = bounds
    interval = next_r - r
    end = min(_PRE_EJECTION + ejection_time(60 / before), 0.62 * interval)
    opening = end + min(function.relaxation, 0.12 * interval)
    late, filled = None, interval - 0.02
    if kinds[1] == "sinus":
        start = max(interval - _LATE[0], opening + 0.02)
        filled = max(interval - _LATE[1], start + 0.06)
        late = (r + start, r + filled)
    early_end = min(opening + function.early_duration, filled)
    return Beat(
        r,
        next_r,
        *kinds,
        *levels,
        (r + _PRE_EJECTION, r + end),
        (r + opening, r + early_end),
        late,
    )


def _strength(kind: str, previous: str, interval: float) -> float:
    """Ejection of a beat against a regular one; `interval` before it against mean."""
    if kind == "ectopic":
        return 0.6
    if previous == "ectopic":
        return 1.1
    if kind == "fibrillating":
        return float(np.clip(interval**0.35, 0.6, 1.15))
    return 1.0


def _refilled(beat: Beat, function: Function) -> float:
    """Part of the ejected volume that comes back before the next beat."""
    diastole = beat.next_r - beat.end_systole
    mean = 60 / function.heart_rate
    usual = mean - _PRE_EJECTION - ejection_time(function.heart_rate)
    return 1 - 0.5 * max(0.0, 1 - diastole / (0.6 * max(usual, 0.1)))


def _volume_steps(
    beats: tuple[Beat, ...], early: float, lead: float = 0.0
) -> list[tuple[float, Window]]:
    """List the steps of emptying and filling, early by `lead`."""
    steps = []
    for beat, after in zip(beats, (*beats[1:], beats[-1]), strict=True):
        back = beat.emptied - (after.filled if after is not beat else beat.filled)
        share = early if beat.late else 1.0
        steps.append((beat.emptied - beat.filled, beat.ejection))
        steps.append((-share * back, beat.early))
        if beat.late:
            steps.append(((share - 1) * back, beat.late))
    return [(height, (start - lead, end - lead)) for height, (start, end) in steps]


def _isovolumic_pulses(beats: tuple[Beat, ...]) -> list[tuple[float, Window]]:
    """Brief pulses of the long axis while the volume stands still."""
    steps = []
    for beat in beats:
        for height, (start, end) in (
            (_CONTRACTION_PULSE, (beat.r + 0.005, beat.ejection[0])),
            (_RELAXATION_PULSE, (beat.end_systole, beat.early[0])),
        ):
            middle = (start + end) / 2
            steps += [(height, (start, middle)), (-height, (middle, end))]
    return steps
