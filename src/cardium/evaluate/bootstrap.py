"""How sure a result is: intervals from drawing the patients again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardium.core import FloatArray
from cardium.core.task import Summarize
from cardium.errors import InvalidArgumentError


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and how sure it is.

    Parameters
    ----------
    value : float
        The metric over all rows.
    low, high : float
        Ends of the interval; NaN where there is none, as with one patient.
    n_patients : int
        How many patients it is from.
    n_recordings : int
        How many recordings it is from.
    undefined_draws : int
        Draws in which the metric did not exist, as the AUROC of a class that no drawn
        patient has. They are left out of the interval.
    """

    value: float
    low: float
    high: float
    n_patients: int
    n_recordings: int
    undefined_draws: int = 0


def bootstrap_intervals(
    columns: Mapping[str, ArrayLike],
    patients: Sequence[str] | NDArray[Any],
    summarize: Summarize,
    *,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, Estimate]:
    """Summarise scores, with percentile intervals from resampling the patients.

    Parameters
    ----------
    columns : mapping of str to (N,)
        One number a recording, as `Task.score` gave them.
    patients : (N,) str or int
        Whose recording each row is.
    summarize : function (columns, patients) -> dict
        `Task.summarize`.
    draws : int
        How often the patients are drawn; 0 for no interval.
    seed : int
        Of the drawing: the same seed gives the same interval.
    level : float
        Share of the draws between the ends.

    Returns
    -------
    dict of str to Estimate
        One for each metric that `summarize` returns.

    Raises
    ------
    InvalidArgumentError
        If there is no row, a column is not as long as `patients`, or `draws` or
        `level` is out of its range.

    Notes
    -----
    As many patients as there are, are drawn with replacement, each with all of his or
    her recordings; one drawn twice counts as two. Recordings of one patient are alike,
    so drawing recordings would make the interval too narrow (Efron and Tibshirani,
    *An Introduction to the Bootstrap*, 1993, chapters 8 and 13).

    Examples
    --------
    >>> from cardium.metrics import mean_over_patients
    >>> found = bootstrap_intervals(
    ...     {"dice": [0.8, 0.9, 0.7]}, ["a", "a", "b"], mean_over_patients, draws=200
    ... )
    >>> round(found["dice"].value, 6), found["dice"].n_patients  # (0.85 + 0.7) / 2
    (0.775, 2)
    >>> round(found["dice"].low, 6), round(found["dice"].high, 6)
    (0.7, 0.85)
    """
    arrays = {name: np.asarray(column, np.float64) for name, column in columns.items()}
    _check(arrays, len(patients), draws, level)
    number = np.unique(np.asarray(patients), return_inverse=True)[1].astype(np.intp)
    whole = summarize(arrays, number)
    # one array of all columns, so that a draw is a single look-up
    block = np.array([*arrays.values()]).reshape(len(arrays), len(number))
    drawn = [
        summarize(dict(zip(arrays, block.take(rows, axis=1), strict=True)), position)
        for rows, position in _draw_patients(number, draws, seed)
    ]
    return {
        name: _estimate(
            value,
            np.array([one[name] for one in drawn], np.float64),
            number[~np.isnan(arrays[name])] if name in arrays else number,
            level,
        )
        for name, value in whole.items()
    }


def _draw_patients(
    number: NDArray[np.intp], draws: int, seed: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield, for each draw, the rows of the drawn patients and whose they are."""
    count = np.bincount(number)
    if len(count) < 2:
        return
    rows = np.argsort(number, kind="stable")
    first = np.cumsum(count) - count
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        chosen = rng.integers(0, len(count), len(count))
        size = count[chosen]
        position = np.repeat(np.arange(len(chosen)), size)
        within = np.arange(len(position)) - np.repeat(np.cumsum(size) - size, size)
        yield rows[np.repeat(first[chosen], size) + within], position


def _estimate(
    value: float, drawn: FloatArray, patients: NDArray[np.intp], level: float
) -> Estimate:
    """Take the percentiles of the draws in which the metric exists."""
    there = drawn[~np.isnan(drawn)]
    low = high = float("nan")
    if there.size:
        tail = (1 - level) / 2
        low, high = (float(q) for q in np.quantile(there, [tail, 1 - tail]))
    return Estimate(
        value=value,
        low=low,
        high=high,
        n_patients=len(np.unique(patients)),
        n_recordings=len(patients),
        undefined_draws=drawn.size - there.size,
    )


def _check(
    columns: Mapping[str, FloatArray], rows: int, draws: int, level: float
) -> None:
    """Refuse columns of other lengths and options out of range."""
    if not rows:
        raise InvalidArgumentError("There is no row to summarise.")
    for name, column in columns.items():
        if column.shape != (rows,):
            raise InvalidArgumentError(
                f"Column '{name}' has shape {column.shape}, but there are {rows} "
                "patients, one a row."
            )
    if draws < 0 or not 0 < level < 1:
        raise InvalidArgumentError(
            f"draws must not be negative and level lie between 0 and 1, got {draws} "
            f"and {level}."
        )
