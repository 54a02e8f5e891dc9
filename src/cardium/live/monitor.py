"""What is done with a stream: peaks, heart rate, a model's answers, the record."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError
from cardium.live.detector import RPeak, RPeakDetector
from cardium.live.model import LiveModel
from cardium.live.recorder import Recorder
from cardium.live.rows import Clock, Gap, Rows
from cardium.live.source import Source

_LATENCIES = 10_000
_EVENTS = 500
_ANSWER_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Beat:
    """One R peak as it was reported.

    Parameters
    ----------
    place : int
        Number of its sample, from the first.
    time : float [s]
        From the first sample.
    rate : float [beats/min]
        Heart rate after it; NaN where there is none yet.
    latency : float [s]
        From the time stamp of its sample to its report.
    label : str
        What a model said of it.
    probability : float
        How sure it was; NaN without a model.
    """

    place: int
    time: float
    rate: float
    latency: float
    label: str = ""
    probability: float = float("nan")


@dataclass(frozen=True, slots=True)
class Summary:
    """What a stream came to, so far or in the end.

    Parameters
    ----------
    seconds : float [s]
        Length of the signal, with what is missing.
    beats : int
        R peaks.
    heart_rate : float [beats/min]
        The last.
    gaps : int
        Places where the stream was not continuous.
    missing : int
        Samples that are missing.
    restarts : int
        How often the board was started again.
    latency_median, latency_worst : float [s]
        From the time stamp of a peak's sample to its report; peaks found in the
        warm-up, at the start and after gaps, are left out.
    step_median, step_worst : float [s]
        Time that the computer needed to take in what had come.
    classes : mapping of str to float
        A model's probabilities for the last seconds.
    failure : str
        Why the board is not running now; empty if it is.
    silence : float [s]
        How long nothing has come.
    """

    seconds: float
    beats: int
    heart_rate: float
    gaps: int
    missing: int
    restarts: int
    latency_median: float
    latency_worst: float
    step_median: float
    step_worst: float
    classes: Mapping[str, float]
    failure: str
    silence: float


class Monitor:
    """Takes in a stream, piece by piece, in bounded memory.

    Parameters
    ----------
    source : Source
        Where samples come from.
    recorder : Recorder, optional
        Where they go.
    model : LiveModel, optional
        What says more of beats or of the last seconds.
    seconds : float [s]
        How much of the past is kept, for a view and for the model.
    clock : Clock
        The computer's, or a test's.

    Raises
    ------
    InvalidArgumentError
        If the model needs more of the past than is kept.
    """

    def __init__(
        self,
        source: Source,
        *,
        recorder: Recorder | None = None,
        model: LiveModel | None = None,
        seconds: float = 10.0,
        clock: Clock | None = None,
    ) -> None:
        if model is not None:
            seconds = max(seconds, model.seconds + 2)
        if seconds < 1:
            raise InvalidArgumentError(
                f"A second of the past must be kept at least, got {seconds:g} s."
            )
        self.rate = source.board.rate
        self.lead = source.board.lead
        self.beats: deque[Beat] = deque(maxlen=_EVENTS)
        self.gaps: deque[tuple[int, Gap]] = deque(maxlen=_EVENTS)
        self.values: NDArray[np.float32] = np.zeros(0, np.float32)
        self._stamps: FloatArray = np.zeros(0)
        self._source, self._recorder, self._model = source, recorder, model
        self._clock = clock or Clock()
        self._detector = RPeakDetector(self.rate)
        self._kept = round(seconds * self.rate)
        self._fresh_from = 0
        self._waiting: list[RPeak] = []
        self._classes: dict[str, float] = {}
        self._answered = 0
        self._counted = {"beats": 0, "gaps": 0, "missing": 0}
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)
        self._steps: deque[float] = deque(maxlen=_LATENCIES)
        self._worst = {"latency": float("nan"), "step": float("nan")}

    @property
    def count(self) -> int:
        """Samples so far, with those that are missing."""
        return self._detector.count

    def step(self) -> list[Beat]:
        """Take in what has come, and return the beats that have become certain."""
        return self._take(self._source.poll)

    def _take(self, given: Callable[[], list[Rows | Gap]]) -> list[Beat]:
        """Take in pieces of the stream, and measure how long that takes."""
        began = self._clock.tick()
        found: list[Beat] = []
        for piece in given():
            if isinstance(piece, Gap):
                self._take_gap(piece)
            else:
                found += self._take_rows(piece)
        found += self._classified()
        self._answer_record()
        for beat in found:
            self._note(beat)
        took = self._clock.tick() - began
        self._steps.append(took)
        self._worst["step"] = float(np.fmax(self._worst["step"], took))
        return found

    def run(
        self,
        seconds: float | None = None,
        *,
        interval: float = 0.1,
        each: Callable[[list[Beat]], None] | None = None,
    ) -> Summary:
        """Start the source, take in for some time, and let go of it.

        Parameters
        ----------
        seconds : float, optional [s]
            How long; if not given, until Ctrl-C, which ends it either way.
        interval : float [s]
            Time between two readings.
        each : function (list of Beat), optional
            Called after each reading.

        Returns
        -------
        Summary
            What it came to.

        Raises
        ------
        NotProvidedError
            If the board cannot be started at all.
        """
        # what the search compiles when it is first used would hold up the first peaks
        RPeakDetector(self.rate).push(np.sin(np.arange(3 * round(self.rate))))
        try:
            self._source.start()
            end = None if seconds is None else self._clock.tick() + seconds
            while end is None or self._clock.tick() < end:
                found = self.step()
                if each is not None:
                    each(found)
                self._clock.sleep(interval)
            self.step()
        except KeyboardInterrupt:
            pass
        finally:
            self._take(self._source.release)
            self._source.stop()
            if self._recorder is not None:
                self._recorder.close()
        return self.summary()

    def summary(self) -> Summary:
        """Say what the stream came to so far."""
        return Summary(
            seconds=self.count / self.rate,
            beats=self._counted["beats"],
            heart_rate=self._detector.heart_rate,
            gaps=self._counted["gaps"],
            missing=self._counted["missing"],
            restarts=self._source.restarts,
            latency_median=_median(self._latencies),
            latency_worst=self._worst["latency"],
            step_median=_median(self._steps),
            step_worst=self._worst["step"],
            classes=self._classes,
            failure=self._source.failure or "",
            silence=self._source.silence,
        )

    def _take_rows(self, rows: Rows) -> list[Beat]:
        """Keep, record and search samples."""
        self._keep(rows.values, rows.stamps)
        if self._recorder is not None:
            self._recorder.write(rows.values, stamp=float(rows.stamps[0]))
        found = self._detector.push(rows.values)
        if self._model is not None and self._model.answers_beats:
            self._waiting += found
            return []
        return [self._beat(peak) for peak in found]

    def _take_gap(self, gap: Gap) -> None:
        """Note a gap, and leave its samples missing."""
        self.gaps.append((self.count, gap))
        self._counted["gaps"] += 1
        self._counted["missing"] += gap.missing
        if self._recorder is not None:
            self._recorder.write_gap(gap)
        if gap.kind != "late":  # then the signal goes on where it was
            self._detector.skip(gap.missing)
        shown = min(gap.missing, self._kept)
        lost = np.full(shown, np.nan)
        self._keep(lost.astype(np.float32), lost)
        self._fresh_from = self.count

    def _keep(self, values: NDArray[np.float32], stamps: FloatArray) -> None:
        """Keep the last seconds."""
        self.values = np.concatenate([self.values, values])[-self._kept :]
        self._stamps = np.concatenate([self._stamps, stamps])[-self._kept :]

    def _beat(
        self, peak: RPeak, label: str = "", probability: float = float("nan")
    ) -> Beat:
        """Return a beat with its latency until now."""
        place, rate = peak
        at = place - self.count + len(self._stamps)
        stamp = float(self._stamps[at]) if at >= 0 else float("nan")
        latency = self._clock.now() - stamp
        return Beat(place, place / self.rate, rate, latency, label, probability)

    def _classified(self) -> list[Beat]:
        """Let the model classify the beats around which enough has come."""
        if self._model is None or not self._waiting:
            return []
        first = self.count - len(self.values)
        ripe = self.count - round(self._model.after * self.rate)
        ready = [peak for peak in self._waiting if first <= peak.place < ripe]
        self._waiting = [peak for peak in self._waiting if peak.place >= ripe]
        if not ready:
            return []
        times = np.array([peak.place - first for peak in ready]) / self.rate
        answers = self._model.classify_beats(self.values, self.rate, times)
        return [
            self._beat(peak, *answer)
            for peak, answer in zip(ready, answers, strict=True)
        ]

    def _answer_record(self) -> None:
        """Let the model answer the last seconds once a second."""
        if self._model is None or self._model.answers_beats:
            return
        enough = len(self.values) >= self._model.seconds * self.rate
        if enough and self.count - self._answered >= _ANSWER_EVERY * self.rate:
            self._answered = self.count
            self._classes = self._model.classify(self.values, self.rate)

    def _note(self, beat: Beat) -> None:
        """Keep a beat, record it and count how late it is."""
        self.beats.append(beat)
        self._counted["beats"] += 1
        if self._recorder is not None:
            self._recorder.write_beat(
                beat.place, rate=beat.rate, latency=beat.latency, label=beat.label
            )
        settled = self._fresh_from + 2 * self.rate
        if beat.place >= settled and np.isfinite(beat.latency):
            self._latencies.append(beat.latency)
            worst = np.fmax(self._worst["latency"], beat.latency)
            self._worst["latency"] = float(worst)


def _median(values: deque[float]) -> float:
    """Return the median; NaN of nothing."""
    return float(np.median(values)) if values else float("nan")
