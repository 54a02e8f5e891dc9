"""Beats cut out of an electrocardiogram, and the intervals around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardium.core import FloatArray, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError


def cut_beats(
    ecg: Stream,
    times: ArrayLike,
    *,
    before: float = 0.25,
    after: float = 0.30,
) -> NDArray[np.float32]:
    """Cut a window around each beat.

    Parameters
    ----------
    ecg : Stream (T,) or (time, lead)
        One lead or several.
    times : (K,) [s]
        Times of the R peaks, on the clock of the ECG.
    before, after : float [s]
        How far a window reaches.

    Returns
    -------
    (K, W, L) float32
        Windows of W samples, ``round(before * rate)`` before the sample that is nearest
        to the R peak, that sample, and ``round(after * rate)`` after it. Samples beyond
        the ends of the ECG are NaN.

    Raises
    ------
    InvalidArgumentError
        If a window reaches backwards, or the ECG has neither one nor two axes.

    Examples
    --------
    >>> ecg = Stream("ecg", np.arange(10.0), np.arange(10) / 100, ("time",), "mV")
    >>> cut_beats(ecg, [0.01, 0.05], before=0.02, after=0.01)[:, :, 0].tolist()
    [[nan, 0.0, 1.0, 2.0], [3.0, 4.0, 5.0, 6.0]]
    """
    if ecg.dims not in (("time",), ("time", "lead")):
        raise InvalidArgumentError(
            f"Stream '{ecg.name}' has axes {ecg.dims}; beats are cut from leads over "
            "time."
        )
    if not (before >= 0 and after >= 0 and np.isfinite(before + after)):
        raise InvalidArgumentError(
            f"cut_beats: windows reach 0 s or more either way, got before={before}, "
            f"after={after}."
        )
    peaks = np.asarray(times, np.float64)
    values = np.asarray(ecg.load(), np.float32).reshape(len(ecg.time), -1)
    if not len(values):
        return np.full((len(peaks), 0, values.shape[1]), np.nan, np.float32)
    rate = ecg.rate if len(values) > 1 else 1.0
    offsets = np.arange(-round(before * rate), round(after * rate) + 1)
    index = _nearest(ecg.time, peaks)[:, None] + offsets
    beyond = (index < 0) | (index >= len(values))
    out = values[np.clip(index, 0, len(values) - 1)]
    out[beyond] = np.nan
    return np.asarray(out, np.float32)


def rr_features(times: ArrayLike) -> dict[str, FloatArray]:
    """Return the intervals that tell a premature beat from others.

    Parameters
    ----------
    times : (K,) [s]
        Times of the R peaks of one recording, strictly ascending.

    Returns
    -------
    dict of str to (K,) [s]
        ``pre``: since the beat before; ``post``: until the next; ``local``: mean of the
        ten `pre` intervals around the beat (five before it, itself, and four after, as
        many as there are); ``mean``: mean of all. The first `pre` and the last `post`
        are taken from their neighbours; all are NaN for a single beat.

    Raises
    ------
    InvalidArgumentError
        If times do not ascend.

    Notes
    -----
    The four of de Chazal et al., IEEE Transactions on Biomedical Engineering 51 (2004).
    `post`, `local` and `mean` look into the future: they are for recordings, not for
    monitors.

    Examples
    --------
    >>> found = rr_features([0.0, 1.0, 1.5, 3.0])
    >>> found["pre"].tolist(), found["post"].tolist(), found["mean"].tolist()
    ([1.0, 1.0, 0.5, 1.5], [1.0, 0.5, 1.5, 1.5], [1.0, 1.0, 1.0, 1.0])
    """
    peaks = np.asarray(times, np.float64)
    rr = np.diff(peaks)
    if peaks.ndim != 1 or not np.isfinite(peaks).all() or (rr <= 0).any():
        raise InvalidArgumentError(
            "rr_features: times of beats must be finite and strictly ascending, got "
            f"{peaks}."
        )
    count = len(peaks)
    if not len(rr):
        nothing = np.full(count, np.nan)
        return {name: nothing.copy() for name in ("pre", "post", "local", "mean")}
    pre, post = np.append(rr[0], rr), np.append(rr, rr[-1])
    beat = np.arange(count)
    # Interval k - 1 of rr ends at beat k; the first beat has none of its own.
    first = np.clip(beat - 6, 0, len(rr) - 1)
    stop = np.clip(beat + 4, 1, len(rr))
    total = np.append(0.0, np.cumsum(rr))
    local = (total[stop] - total[first]) / (stop - first)
    return {"pre": pre, "post": post, "local": local, "mean": np.full(count, rr.mean())}


def average_beat(windows: ArrayLike) -> FloatArray:
    """Average beats sample by sample, by the median.

    Parameters
    ----------
    windows : (K, W, L)
        Beats of one kind, of `cut_beats`; NaN where there is no sample.

    Returns
    -------
    (W, L)
        The median of the finite samples, NaN where there is none.

    Raises
    ------
    NotProvidedError
        If there is no beat.
    InvalidArgumentError
        If the windows have other axes.

    Notes
    -----
    Unlike a mean, the median is not moved by a few beats of another kind or by bursts
    of noise. Noise of K beats falls to about ``1.25 / sqrt(K)``.

    Examples
    --------
    >>> average_beat([[[1.0]], [[2.0]], [[90.0]], [[np.nan]]]).tolist()
    [[2.0]]
    """
    beats = np.asarray(windows, np.float64)
    if beats.ndim != 3:
        raise InvalidArgumentError(
            f"average_beat: windows must be (K, W, L), got shape {beats.shape}."
        )
    if not len(beats):
        raise NotProvidedError("average_beat: there is no beat to average.")
    empty = np.asarray(~np.isfinite(beats).any(axis=0))
    # A column without any sample would warn.
    filled = np.where(empty[None], 0.0, np.where(np.isfinite(beats), beats, np.nan))
    out = np.asarray(np.nanmedian(filled, axis=0))
    out[empty] = np.nan
    return out


def _nearest(clock: FloatArray, times: FloatArray) -> NDArray[np.int64]:
    """Return the sample nearest to each time; beyond the clock, counted on."""
    if len(clock) < 2:
        return np.zeros(len(times), np.int64)
    after = np.clip(np.searchsorted(clock, times), 1, len(clock) - 1)
    earlier = times - clock[after - 1] <= clock[after] - times
    index = np.where(earlier, after - 1, after)
    # A beat outside the ECG must not look like one at its end.
    step = (clock[-1] - clock[0]) / (len(clock) - 1)
    ahead = np.rint((times - clock[0]) / step)
    behind = np.rint((times - clock[-1]) / step) + len(clock) - 1
    index = np.where(
        times < clock[0], ahead, np.where(times > clock[-1], behind, index)
    )
    return np.asarray(index, np.int64)
