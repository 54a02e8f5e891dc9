"""A recording while it is being measured: what was found, and why something was not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from cardium.core import FloatArray, Recording, Stream
from cardium.errors import CardiumError, NotProvidedError
from cardium.measure.timing import Beat, Timing, time_by_curve, whole_beats
from cardium.signal.beats import is_irregular, r_peaks


@dataclass(slots=True)
class Case:
    """One recording, the values found so far, flags, and reasons for what is empty."""

    recording: Recording
    peaks: FloatArray = field(default_factory=lambda: np.zeros(0))
    values: dict[str, float | str] = field(default_factory=dict)
    flags: dict[str, None] = field(default_factory=dict)
    reasons: dict[str, None] = field(default_factory=dict)

    @property
    def view(self) -> str:
        """The view, as the catalog states it."""
        return str(self.recording.entry.labels.get("view") or "").upper()

    def attempt(self, what: str, step: Callable[[Case], None]) -> None:
        """Run a step; what it raises on purpose becomes a reason."""
        try:
            step(self)
        except (CardiumError, OSError) as error:
            self.reasons[f"{what}: {error}"] = None

    def flag(self, name: str) -> None:
        """Note something that a reader of the table should know."""
        self.flags[name] = None

    def put(
        self, column: str, values: Sequence[float] | FloatArray | float | str
    ) -> None:
        """Fill a column with the mean of finite values, unless it is filled."""
        if column in self.values:
            return
        if isinstance(values, str):
            self.values[column] = values
            return
        finite = np.ravel(np.asarray(values, np.float64))
        finite = finite[np.isfinite(finite)]
        if len(finite):
            self.values[column] = float(finite.mean())

    def beats(self, time: FloatArray, *, missing: float = 0.0) -> tuple[Beat, ...]:
        """List the whole beats of a clock; irregular ones are flagged."""
        found = whole_beats(self.peaks, time, missing=missing)
        periods = np.array([stop - start for start, stop in found])
        if len(found):
            median = float(np.median(np.diff(self.peaks)))
            if is_irregular(periods, median).any():
                self.flag("irregular_beat")
        else:
            self.flag("no_whole_beat")
        return found

    def gated(self, timing: Timing) -> bool:
        """Say whether a timing's beat lies between R peaks."""
        return timing.beat[0] in self.peaks

    def need_beats(self, time: FloatArray, why: str) -> tuple[Beat, ...]:
        """List the whole beats of a clock, one at least."""
        found = self.beats(time)
        if not found:
            raise NotProvidedError(
                f"no whole beat from R peak to R peak from {time[0]:.3f} to "
                f"{time[-1]:.3f} s ({len(self.peaks)} R peaks), {why}"
                if len(time)
                else "it has no samples"
            )
        return found

    def time(self, curve: Stream, method: str) -> list[Timing]:
        """Find ED and ES of each beat of a curve; one beat at least must have them."""
        finite = np.isfinite(np.asarray(curve.load(), np.float64))
        beats = self.beats(curve.time[finite], missing=_MISSING)
        if not beats:
            timings = list(time_by_curve(curve, method=method))
        else:
            timings = []
            problems = []
            for beat in beats:
                try:
                    timings += time_by_curve(curve, [beat], method=method)
                except NotProvidedError as error:
                    problems.append(error)
            if not timings:
                raise problems[0]
            self.reasons.update(dict.fromkeys(map(str, problems)))
        self.put_timing(timings, beats=len(beats) and len(timings))
        return timings

    def put_timing(self, timings: Sequence[Timing], *, beats: int) -> None:
        """Fill the columns of timing with the first beat's, unless they are filled."""
        if "timing_method" not in self.values:
            self.put("ed_time_s", timings[0].ed_time)
            self.put("es_time_s", timings[0].es_time)
            self.put("timing_method", timings[0].method)
            self.put("n_beats", float(beats))


def find_rhythm(case: Case) -> None:
    """Find the R peaks and the heart rate, where there is an ECG or its triggers."""
    recording = case.recording
    if "ecg" not in recording.streams and "qrs" not in recording.annotations:
        return
    case.peaks, method = r_peaks(recording)
    if method == "detected":
        case.flag("r_peaks_detected")
    if len(case.peaks) > 1:
        case.put("heart_rate_bpm", 60 / float(np.median(np.diff(case.peaks))))


_MISSING = 0.1
