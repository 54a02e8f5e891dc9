"""How well episodes of a rhythm, such as atrial fibrillation, are found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError

_ROUNDING = 1e-6
"""Overlaps of no more [s] come from rounding, of episodes that only touch."""


@dataclass(frozen=True, slots=True)
class EpisodeCounts:
    """What of the episodes of a recording was found; counts of recordings add up.

    Parameters
    ----------
    both : float [s]
        Time that is in an episode of both lists.
    missed : float [s]
        Time in a true episode only.
    extra : float [s]
        Time in an episode that was found only.
    reference : int
        Number of true episodes.
    detected : int
        True episodes that an episode found overlaps.
    found : int
        Number of episodes found.
    confirmed : int
        Episodes found that a true one overlaps.
    """

    both: float
    missed: float
    extra: float
    reference: int
    detected: int
    found: int
    confirmed: int

    @property
    def duration_sensitivity(self) -> float:
        """Share of the true time that was found; NaN if there is none."""
        return _share(self.both, self.both + self.missed)

    @property
    def duration_ppv(self) -> float:
        """Share of the time found that is true; NaN if none was found."""
        return _share(self.both, self.both + self.extra)

    @property
    def duration_f1(self) -> float:
        """Harmonic mean of both; NaN if there is no episode in either list."""
        return _share(2 * self.both, 2 * self.both + self.missed + self.extra)

    @property
    def episode_sensitivity(self) -> float:
        """Share of the true episodes that were detected; NaN if there are none."""
        return _share(self.detected, self.reference)

    @property
    def episode_ppv(self) -> float:
        """Share of the episodes found that are confirmed; NaN if none was found."""
        return _share(self.confirmed, self.found)

    @property
    def burden_error(self) -> float:
        """Time found minus true time [s]: positive is too much."""
        return self.extra - self.missed


def count_episodes(reference: ArrayLike, found: ArrayLike) -> EpisodeCounts:
    """Compare two lists of episodes.

    Parameters
    ----------
    reference : (R, 2) [s]
        Start and stop of each true episode, in order and apart from each other.
    found : (F, 2) [s]
        The same of the episodes to compare with them.

    Returns
    -------
    EpisodeCounts
        Counts and durations; divide the burden error by the time observed for the
        error of the share of time.

    Raises
    ------
    InvalidArgumentError
        If episodes overlap, are out of order, or stop before they start.

    Notes
    -----
    ANSI/AAMI EC57: an episode is detected if an episode of the other list overlaps it
    for any time at all; durations say how much of it.

    Examples
    --------
    >>> counts = count_episodes([[0, 60], [100, 110]], [[30, 70], [200, 220]])
    >>> counts.both, counts.missed, counts.extra
    (30.0, 40.0, 30.0)
    >>> counts.episode_sensitivity, counts.episode_ppv, counts.burden_error
    (0.5, 0.5, -10.0)
    """
    true, other = _episodes("reference", reference), _episodes("found", found)
    shared = np.minimum(true[:, None, 1], other[:, 1]) - np.maximum(
        true[:, None, 0], other[:, 0]
    )
    shared = np.where(shared > _ROUNDING, shared, 0.0)
    both = float(shared.sum())
    return EpisodeCounts(
        both=both,
        missed=float(np.diff(true).sum()) - both,
        extra=float(np.diff(other).sum()) - both,
        reference=len(true),
        detected=int((shared > 0).any(axis=1).sum()),
        found=len(other),
        confirmed=int((shared > 0).any(axis=0).sum()),
    )


def episodes_of(time: ArrayLike, positive: ArrayLike, *, step: float) -> FloatArray:
    """Join the steps at which something is so into episodes.

    Parameters
    ----------
    time : (K,) [s]
        Centres of steps, ascending, at least a step apart.
    positive : (K,) bool
        Whether it is so.
    step : float [s]
        Length of each step.

    Returns
    -------
    (E, 2) [s]
        Start and stop of each run of steps; a gap between two steps parts a run.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ or the step is not positive.

    Examples
    --------
    >>> episodes_of([0.5, 1.5, 2.5, 4.5], [True, True, False, True], step=1.0).tolist()
    [[0.0, 2.0], [4.0, 5.0]]
    """
    when, is_so = np.asarray(time, np.float64), np.asarray(positive, bool)
    if when.shape != is_so.shape or when.ndim != 1 or not step > 0:
        raise InvalidArgumentError(
            f"Times {when.shape} and answers {is_so.shape} must be two lists of one "
            f"length, and the step positive, got {step:g} s."
        )
    # twice the usual step is a gap; times in seconds are never exact
    joined = np.diff(when) < 1.5 * step
    first = is_so & ~np.append(False, is_so[:-1] & joined)
    last = is_so & ~np.append(is_so[1:] & joined, False)
    return np.stack([when[first] - step / 2, when[last] + step / 2], axis=1)


def _share(part: float, whole: float) -> float:
    """Divide; NaN if there is no whole."""
    return float(part / whole) if whole else float("nan")


def _episodes(which: str, episodes: ArrayLike) -> FloatArray:
    """Return episodes as (E, 2), or refuse them."""
    limits = np.asarray(episodes, np.float64)
    limits = limits.reshape(0, 2) if not limits.size else limits
    if limits.ndim != 2 or limits.shape[1] != 2 or not np.isfinite(limits).all():
        raise InvalidArgumentError(
            f"The {which} episodes must be rows of a start and a stop, got shape "
            f"{limits.shape}."
        )
    if (np.diff(limits.ravel()) < 0).any():
        raise InvalidArgumentError(
            f"The {which} episodes overlap, are out of order or stop before they start."
        )
    return limits
