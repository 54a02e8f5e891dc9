"""A clock and a board that do what a test says, to the sample."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from cardium.errors import NotProvidedError
from cardium.live import Clock, Rows

RATE = 250.0
START = 1.7e9


@dataclass
class FakeTime:
    """Time that goes on only when somebody sleeps."""

    at: float = 0.0
    before_sleep: list = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        for call in self.before_sleep:
            call(self.at)
        self.at = round(self.at + seconds, 6)

    @property
    def clock(self) -> Clock:
        return Clock(
            now=lambda: START + self.at, tick=lambda: self.at, sleep=self.sleep
        )


class FakeBoard:
    """Delivers a trace at its rate; loses, holds up, sets back or fails as told."""

    name, lead, rate, counter_size = "fake", "MLII", RATE, 256

    def __init__(self, time: FakeTime, trace: np.ndarray) -> None:
        self.time, self.trace = time, trace
        self.sent = 0  # samples of the trace that are past
        self.counter = 0
        self.fails_until = -1.0
        self.refuses_until = -1.0
        self.dead_from = np.inf
        self.held = False
        self.at_most = 10**9  # samples a reading
        self.drop: set[int] = set()
        self.jumps: dict[int, int] = {}
        self.starts = self.stops = 0

    def start(self) -> None:
        if self.time.at < self.refuses_until:
            raise NotProvidedError("no dongle")
        self.starts += 1
        self.sent = self._due()

    def stop(self) -> None:
        self.stops += 1

    def _due(self) -> int:
        return min(round(self.time.at * RATE), len(self.trace))

    def read(self) -> Rows:
        if self.time.at < self.fails_until:
            raise NotProvidedError("cable")
        due = self.sent if self.held or self.time.at >= self.dead_from else self._due()
        due = min(due, self.sent + self.at_most)
        kept = [k for k in range(self.sent, due) if k not in self.drop]
        counters = []
        for k in range(self.sent, due):
            self.counter += self.jumps.get(k, 0)
            if k not in self.drop:
                counters.append(self.counter % 256)
            self.counter += 1
        late = self.time.at - (np.array(kept) / RATE) if kept else np.zeros(0)
        # what was held up is stamped when it is received
        stamps = np.where(late > 0.5, self.time.at, np.array(kept) / RATE)
        stamps = np.sort(stamps) + 1e-7 * np.arange(len(kept))
        self.sent = due
        return Rows(
            self.trace[kept].astype(np.float32),
            np.array(counters, np.int64),
            START + stamps,
        )


def beats_at(times: np.ndarray, seconds: float) -> np.ndarray:
    """A trace of narrow peaks of 1 mV, each with a T wave."""
    time = np.arange(round(seconds * RATE)) / RATE
    trace = np.zeros(len(time))
    for at in times:
        trace += np.exp(-(((time - at) / 0.012) ** 2))
        trace += 0.2 * np.exp(-(((time - at - 0.25) / 0.05) ** 2))
    return trace


@pytest.fixture
def time():
    return FakeTime()
