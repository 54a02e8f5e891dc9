"""A board as one stream: read, checked for gaps, and started again when it fails."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.live.rows import Board, Clock, Gap, GapKind, Rows

_JITTER = 0.2
"""Time stamps are those of reception, which a radio link delivers in bursts [s]."""

RESTART_AFTER = 5.0
"""After this long a silence a board is started again, if nothing else is said [s]."""

_CATCH_UP = 0.5
"""How long is waited for what was held up during a silence [s]."""

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 10.0


class Source:
    """Reads a board and says where its samples do not follow on each other.

    Nothing is filled in: missing samples are counted, and left to whoever takes the
    pieces.

    Parameters
    ----------
    board : Board
        Where samples come from.
    stall : float [s]
        A longer silence is a gap.
    restart_after : float [s]
        After this long a silence the board is started again.
    clock : Clock
        The computer's, or a test's.

    Raises
    ------
    InvalidArgumentError
        If a time is not positive.

    Notes
    -----
    A gap is found by the counter of packages, where the board's can be relied on, and
    by the time stamps. Up to `stall`, the counter says how many samples are missing.
    It counts few packages, so after a longer silence the time stamps say it, unless
    what was held up comes now: what comes after a silence is held back for half a
    second to see that. A counter that jumps by
    more than the time that passed allows has been set back: nothing is missing, but
    the signal does not go on.

    A board that fails is let go and tried again after 0.5 s, then after twice as long
    each time, 10 s at most.
    """

    def __init__(
        self,
        board: Board,
        *,
        stall: float = 0.5,
        restart_after: float = RESTART_AFTER,
        clock: Clock | None = None,
    ) -> None:
        if not 0 < stall < restart_after:
            raise InvalidArgumentError(
                "A stall must be positive and shorter than the silence after which a "
                f"board is started again, got {stall:g} and {restart_after:g} s."
            )
        self.board = board
        self.restarts = 0
        self._stall = stall
        self._restart_after = restart_after
        self._clock = clock or Clock()
        self._running = False
        self._failure: str | None = None
        self._wait, self._next_try = _FIRST_WAIT, 0.0
        self._heard = 0.0
        self._last: tuple[int, float] | None = None
        self._held: list[Rows] = []
        self._held_until = 0.0

    @property
    def failure(self) -> str | None:
        """Why the board is not running, or None."""
        return self._failure if not self._running else None

    @property
    def silence(self) -> float:
        """How long nothing has come [s]."""
        return self._clock.tick() - self._heard

    def start(self) -> None:
        """Start the board; the first time a failure is the caller's to know.

        Raises
        ------
        NotProvidedError
            If it cannot be started.
        """
        self.board.start()
        self._running, self._heard = True, self._clock.tick()

    def stop(self) -> None:
        """Let go of the board; may be called twice."""
        if self._running:
            self._running = False
            self.board.stop()

    def poll(self) -> list[Rows | Gap]:
        """Take what has come: rows that follow on each other, and gaps between them."""
        if not self._running and not self._try_again():
            return []
        try:
            rows = self.board.read()
        except NotProvidedError as error:
            pieces = self.release()
            self._fail(str(error))
            return pieces
        if len(rows):
            self._heard, self._wait = self._clock.tick(), _FIRST_WAIT
        elif self.silence > self._restart_after:
            pieces = self.release()
            self._fail(f"no sample for {self.silence:.1f} s")
            return pieces
        pieces = self._hold(rows)
        if self._held and self._clock.tick() >= self._held_until:
            pieces += self.release()
        return pieces

    def release(self) -> list[Rows | Gap]:
        """Give what is held back after a silence; for the end of a stream."""
        held, self._held = self._held, []
        return self._split(_join(held)) if held else []

    def _hold(self, rows: Rows) -> list[Rows | Gap]:
        """Hold back what comes after a silence, and give what comes before it."""
        if not len(rows):
            return []
        if self._held:
            self._held.append(rows)
            return []
        before = rows.stamps[:1] if self._last is None else [self._last[1]]
        steps = np.diff(rows.stamps, prepend=before)
        silent = np.flatnonzero(steps > self._stall).tolist()
        if not silent or self._failure is not None:
            return self._split(rows)
        place = silent[-1]
        self._held = [_part(rows, place, len(rows))]
        self._held_until = self._clock.tick() + _CATCH_UP
        return self._split(_part(rows, 0, place)) if place else []

    def _try_again(self) -> bool:
        """Start the board again when it is time to."""
        if self._clock.tick() < self._next_try:
            return False
        try:
            self.start()
        except NotProvidedError as error:
            self._failure = str(error)
            self._put_off()
            return False
        self.restarts += 1
        return True

    def _fail(self, reason: str) -> None:
        """Let go of a board that failed."""
        self._failure = reason
        self.stop()
        self._put_off()

    def _put_off(self) -> None:
        """Wait longer each time, so that a board that is gone is not hammered."""
        self._next_try = self._clock.tick() + self._wait
        self._wait = min(2 * self._wait, _LONGEST_WAIT)

    def _split(self, rows: Rows) -> list[Rows | Gap]:
        """Cut rows where they do not follow on each other."""
        if self._last is None:
            self._last, self._failure = _end(rows), None
            return self._split_within(rows)
        gap = self._gap(self._last, rows)
        return [*([gap] if gap else []), *self._split_within(rows)]

    def _split_within(self, rows: Rows) -> list[Rows | Gap]:
        """Cut one batch where it does not follow on itself."""
        pieces: list[Rows | Gap] = []
        size, first = self.board.counter_size, 0
        steps = np.diff(rows.stamps)
        breaks = abs(steps) > self._stall
        if size is not None:
            breaks |= (np.diff(rows.counter) - 1) % size != 0
        for place in (np.flatnonzero(breaks) + 1).tolist():
            done, rest = _part(rows, first, place), _part(rows, place, len(rows))
            pieces.append(done)
            if gap := self._gap(_end(done), rest):
                pieces.append(gap)
            first = place
        pieces.append(_part(rows, first, len(rows)))
        self._last = _end(rows)
        return pieces

    def _gap(self, last: tuple[int, float], rows: Rows) -> Gap | None:
        """Say what lies between the last sample and the rows that follow."""
        counter, before = last
        after = float(rows.stamps[0])
        lost = 0
        if (size := self.board.counter_size) is not None:
            lost = int(rows.counter[0] - counter - 1) % size
        found: tuple[GapKind, int] | None
        if self._failure is not None:
            found = "restart", self._passed(after - before)
        elif after - before < -self._stall:
            found = "clock", 0
        elif after - before > self._stall:
            found = self._after_silence(lost, before, rows)
        elif lost:
            fits = lost <= (after - before + _JITTER) * self.board.rate
            found = ("lost", lost) if fits else ("jump", 0)
        else:
            found = None
        detail, self._failure = self._failure or "", None
        return None if found is None else Gap(*found, before, after, detail)

    def _after_silence(
        self, lost: int, before: float, rows: Rows
    ) -> tuple[GapKind, int]:
        """Tell samples that were held up from samples that never came."""
        missing = self._passed(float(rows.stamps[0]) - before)
        behind = (float(rows.stamps[-1]) - before) * self.board.rate - len(rows)
        if behind - lost < missing / 2:
            return ("lost", lost) if lost else ("late", 0)
        return "lost", missing

    def _passed(self, seconds: float) -> int:
        """Return how many samples belong between two that lie so far apart."""
        return max(0, round(seconds * self.board.rate) - 1)


def _end(rows: Rows) -> tuple[int, float]:
    """Return counter and time stamp of the last row."""
    return int(rows.counter[-1]), float(rows.stamps[-1])


def _join(parts: list[Rows]) -> Rows:
    """Put rows after each other."""
    return Rows(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.counter for part in parts]),
        np.concatenate([part.stamps for part in parts]),
    )


def _part(rows: Rows, first: int, stop: int) -> Rows:
    """Return some of the rows."""
    part = slice(first, stop)
    values: NDArray[np.float32] = rows.values[part]
    stamps: FloatArray = rows.stamps[part]
    return Rows(values, rows.counter[part], stamps)
