"""How well heart beats are found and told apart, beat by beat as EC57 counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.metrics.confusion import ClassRates
from cardium.signal.beat_classes import BEAT_CLASSES

WINDOW = 0.15
"""How far apart two beats may be to be the same one [s]: 150 ms in EC57."""

LEARNING = 300.0
"""The time at the start of a recording that EC57 does not count [s]."""

_ROUNDING = 1e-9
_NOT_COUNTED: Mapping[str, tuple[str, ...]] = {"S": ("Q",), "V": ("F", "Q")}
"""True classes whose beats, called S or V, EC57 does not count as false."""


@dataclass(frozen=True, slots=True)
class BeatCounts:
    """Beats of a recording that were found, missed and made up.

    Parameters
    ----------
    matched : int
        True positives: reference beats with a beat found.
    missed : int
        False negatives.
    extra : int
        False positives.
    offset : float [s]
        Mean of found minus reference over the matched; positive is late. NaN if none
        is matched.
    """

    matched: int
    missed: int
    extra: int
    offset: float

    @property
    def sensitivity(self) -> float:
        """Share of the reference beats that were found; NaN if there are none."""
        return _share(self.matched, self.missed)

    @property
    def ppv(self) -> float:
        """Share of the beats found that are there, +P; NaN if none was found."""
        return _share(self.matched, self.extra)

    @property
    def f1(self) -> float:
        """Harmonic mean of both; NaN if there is no beat in either list."""
        return _share(2 * self.matched, self.missed + self.extra)


def match_beats(
    reference: ArrayLike, found: ArrayLike, *, window: float = WINDOW
) -> NDArray[np.intp]:
    """Pair the beats of two lists, each with one of the other at most.

    Parameters
    ----------
    reference : (R,) [s]
        Times of the true beats, ascending.
    found : (F,) [s]
        Times of the beats to compare with them, ascending.
    window : float [s]
        How far apart a pair may be.

    Returns
    -------
    (M, 2) int
        Indices into `reference` and `found`, ascending in both.

    Raises
    ------
    InvalidArgumentError
        If times do not ascend or are not finite, or the window is negative.

    Notes
    -----
    The rule of PhysioNet's ``bxb``: both lists are walked in order. The earlier of the
    two beats at hand is paired with the later if they are within the window, and the
    beat that follows the earlier one in its own list is not nearer to the later.
    Otherwise the earlier has no partner. So, of two beats that could take the same
    partner, the nearer has it, and on a tie the earlier.

    Examples
    --------
    >>> match_beats([1.0, 2.0, 3.0], [0.9, 1.02, 2.1, 3.2]).tolist()
    [[0, 1], [1, 2]]
    """
    true, other = _ascending("Reference", reference), _ascending("Found", found)
    if not window >= 0:
        raise InvalidArgumentError(f"window must be 0 s or more, got {window:g}.")
    from cardium.metrics._beat_kernels import match

    pairs = np.empty((min(len(true), len(other)), 2), np.intp)
    # 54 samples at 360 Hz are 150 ms, which times in seconds carry to a billionth
    return pairs[: match(true, other, window + _ROUNDING, pairs)]


def count_beats(
    reference: ArrayLike,
    found: ArrayLike,
    *,
    window: float = WINDOW,
    start: float = LEARNING,
    leave_out: Iterable[tuple[float, float]] = (),
) -> BeatCounts:
    """Count the beats of a recording that were found, missed and made up.

    Parameters
    ----------
    reference : (R,) [s]
        Times of the true beats, ascending.
    found : (F,) [s]
        Times of the beats that were found, ascending.
    window : float [s]
        How far apart a pair may be.
    start : float [s]
        Beats before are not counted: EC57 lets a detector learn for five minutes.
    leave_out : iterable of (start, stop) [s]
        Stretches that are not counted, such as ventricular flutter and fibrillation.

    Returns
    -------
    BeatCounts
        Pool the counts of recordings for the gross rates, average their rates for
        the average ones.

    Raises
    ------
    InvalidArgumentError
        If times do not ascend or are not finite, or the window is negative.

    Notes
    -----
    ANSI/AAMI EC57. All beats are matched (`match_beats`); a pair counts where its
    reference beat counts, so that a limit does not part a pair.

    Examples
    --------
    >>> counts = count_beats([1.0, 2.0, 3.0], [1.02, 2.04, 2.5], start=0.0)
    >>> counts.matched, counts.missed, counts.extra, round(counts.offset, 6)
    (2, 1, 1, 0.03)
    >>> round(counts.sensitivity, 6), round(counts.ppv, 6)
    (0.666667, 0.666667)
    """
    true, other = np.asarray(reference, np.float64), np.asarray(found, np.float64)
    pairs = match_beats(true, other, window=window)
    is_counted, is_extra = _counted(true, other, pairs, start, leave_out)
    kept = pairs[is_counted[pairs[:, 0]]]
    apart = other[kept[:, 1]] - true[kept[:, 0]]
    return BeatCounts(
        matched=len(kept),
        missed=int(is_counted.sum()) - len(kept),
        extra=int(is_extra.sum()),
        offset=float(apart.mean()) if len(apart) else float("nan"),
    )


def confuse_beats(
    reference: tuple[ArrayLike, Sequence[str]],
    found: tuple[ArrayLike, Sequence[str]],
    *,
    window: float = WINDOW,
    start: float = LEARNING,
    leave_out: Iterable[tuple[float, float]] = (),
) -> NDArray[np.int64]:
    """Count what each true beat was called, where beats had to be found as well.

    Parameters
    ----------
    reference : (R,) [s] and R names
        Times and classes of the true beats; names of `BEAT_CLASSES`.
    found : (F,) [s] and F names
        The same of the beats to compare with them.
    window : float [s]
        How far apart a pair may be.
    start : float [s]
        Beats before are not counted.
    leave_out : iterable of (start, stop) [s]
        Stretches that are not counted.

    Returns
    -------
    (6, 6) int
        A row for each true class and one for none, a column for each class found and
        one for none: the last column counts missed beats, the last row made-up ones.

    Raises
    ------
    InvalidArgumentError
        If times do not ascend, or there are not as many names as times.
    UnknownNameError
        If a name is no class.

    Examples
    --------
    >>> true, found = ([1.0, 2.0, 3.0], "NVN"), ([1.0, 2.1, 2.5], "NNV")
    >>> confuse_beats(true, found, start=0.0)[[0, 2, 5]].tolist()
    [[1, 0, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]]
    """
    true, row = _labelled("reference", *reference)
    other, column = _labelled("found", *found)
    pairs = match_beats(true, other, window=window)
    is_counted, is_extra = _counted(true, other, pairs, start, leave_out)
    called = np.full(len(true), len(BEAT_CLASSES))
    called[pairs[:, 0]] = column[pairs[:, 1]]
    table = np.zeros((len(BEAT_CLASSES) + 1, len(BEAT_CLASSES) + 1), np.int64)
    np.add.at(table, (row[is_counted], called[is_counted]), 1)
    np.add.at(table[-1], column[is_extra], 1)
    return table


def ectopic_rates(confusion: ArrayLike) -> dict[str, ClassRates]:
    """Return the rates of supraventricular and ventricular ectopic beats by EC57.

    Parameters
    ----------
    confusion : (5, 5) or (6, 6)
        Counts by `BEAT_CLASSES`, a row for each true class, a column for each answered
        one; with a last row and column for no beat where beats had to be found.

    Returns
    -------
    dict of str to ClassRates
        ``"S"`` and ``"V"``. F1 is of the same counts.

    Raises
    ------
    InvalidArgumentError
        If the table is of another shape.

    Notes
    -----
    A missed ectopic beat is a false negative, and a made-up one a false positive. A
    true Q that is called S, and a true F or Q that is called V, is not counted as
    false: which it is cannot be said. A missed beat of another class is not called
    ectopic, and counts as a true negative. These are the rules of EC57 as de Chazal
    et al., IEEE Transactions on Biomedical Engineering 51 (2004), give them.

    Examples
    --------
    >>> table = np.diag([90, 5, 8, 0, 0])
    >>> table[3, 2], table[0, 2] = 4, 2  # fusion called V, normal called V
    >>> rates = ectopic_rates(table)["V"]
    >>> rates.sensitivity, rates.ppv  # 8 / (8 + 2): fusion is left aside
    (1.0, 0.8)
    """
    table = np.asarray(confusion, np.float64)
    if table.shape not in ((5, 5), (6, 6)):
        raise InvalidArgumentError(
            "Counts of beats must be (5, 5), or (6, 6) with no beat, got "
            f"{table.shape}."
        )
    rates = {}
    for name, aside in _NOT_COUNTED.items():
        k = BEAT_CLASSES.index(name)
        hits, missed = table[k, k], table[k].sum() - table[k, k]
        undecided = sum(table[BEAT_CLASSES.index(other), k] for other in aside)
        false = table[:, k].sum() - hits - undecided
        others = np.delete(table[: len(BEAT_CLASSES)], k, axis=0)
        right = others.sum() - others[:, k].sum()
        rates[name] = ClassRates(
            sensitivity=_share(hits, missed),
            ppv=_share(hits, false),
            false_positive_rate=_share(false, right),
            f1=_share(2 * hits, missed + false),
        )
    return rates


def _share(part: float, rest: float) -> float:
    """Return what share of both the part is; NaN if there is neither."""
    return float(part / (part + rest)) if part + rest else float("nan")


def _counted(
    true: FloatArray,
    other: FloatArray,
    pairs: NDArray[np.intp],
    start: float,
    leave_out: Iterable[tuple[float, float]],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which true beats count, and which others are extra and count."""
    is_counted, is_extra = true >= start, other >= start
    for first, last in leave_out:
        is_counted &= (true < first) | (true > last)
        is_extra &= (other < first) | (other > last)
    is_extra[pairs[:, 1]] = False
    return is_counted, is_extra


def _ascending(which: str, times: ArrayLike) -> FloatArray:
    """Return times as an array, or refuse them."""
    values = np.asarray(times, np.float64)
    steps = np.diff(values) if values.ndim == 1 else np.array([-1.0])
    if not np.isfinite(values).all() or (steps < 0).any():
        raise InvalidArgumentError(
            f"{which} beats must be a list of finite times in ascending order, got "
            f"shape {values.shape}."
        )
    return np.ascontiguousarray(values)


def _labelled(
    which: str, times: ArrayLike, names: Sequence[str]
) -> tuple[FloatArray, NDArray[np.intp]]:
    """Return times, and classes as indices."""
    if len(np.asarray(times)) != len(names):
        raise InvalidArgumentError(
            f"There are {len(np.asarray(times))} {which} beats but {len(names)} names."
        )
    if unknown := sorted(set(names) - set(BEAT_CLASSES)):
        raise UnknownNameError("class of beats", unknown[0], BEAT_CLASSES)
    place = np.array([BEAT_CLASSES.index(name) for name in names], np.intp)
    return np.asarray(times, np.float64), place
