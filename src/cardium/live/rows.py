"""What a board delivers, and what is asked of a board; numpy only."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray

GapKind = Literal["lost", "late", "jump", "restart", "clock"]
"""Why a stretch of a stream does not follow on the one before it.

``lost``: samples are missing. ``late``: the board was silent, then delivered all of
them. ``jump``: the board's counter jumps although no time has passed, as where a
played file starts again. ``restart``: the board failed and was started again.
``clock``: its time stamps went back.
"""


@dataclass(frozen=True, slots=True)
class Rows:
    """Samples as a board delivers them.

    Parameters
    ----------
    values : (N,) float32 [mV]
        One lead.
    counter : (N,) int
        Number of each package; it starts again at the board's `Board.counter_size`.
    stamps : (N,) [s]
        When the computer received each, in seconds since 1970.
    """

    values: NDArray[np.float32]
    counter: NDArray[np.int64]
    stamps: FloatArray

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Gap:
    """A place where a stream is not continuous.

    Parameters
    ----------
    kind : str
        See `GapKind`.
    missing : int
        Samples that should have been there.
    before, after : float [s]
        Time stamps of the samples on both sides.
    detail : str
        What the board said, if it failed.
    """

    kind: GapKind
    missing: int
    before: float
    after: float
    detail: str = ""


class Board(Protocol):
    """What is asked of a source of samples; hardware, a file or a test."""

    @property
    def name(self) -> str:
        """What it is called in records and messages."""

    @property
    def lead(self) -> str:
        """Which lead it delivers."""

    @property
    def rate(self) -> float:
        """Samples a second [Hz]."""

    @property
    def counter_size(self) -> int | None:
        """How many packages its counter counts; None if it cannot be relied on."""

    def start(self) -> None:
        """Open the board; raises NotProvidedError if that fails."""

    def read(self) -> Rows:
        """Take what has come since the last call; raises NotProvidedError."""

    def stop(self) -> None:
        """Let go of the board, whatever state it is in."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The clocks of the computer; a test has others.

    Parameters
    ----------
    now : function () -> float [s]
        Seconds since 1970, as in `Rows.stamps`.
    tick : function () -> float [s]
        Seconds that never go back.
    sleep : function (seconds)
        Waits.
    """

    now: Callable[[], float] = time.time
    tick: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
