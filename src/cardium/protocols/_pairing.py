"""Which frames of two clocks belong together, and which clips that leaves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cardium.core import Clip, FloatArray
from cardium.signal.clock import nearest

_TIMES_TELL = 1e-6


def pair_intervals(frames: FloatArray, stamps: FloatArray) -> NDArray[np.intp]:
    """Find for each interval between two frames the stamp within, nearest its middle.

    Parameters
    ----------
    frames : (T,) [s]
        Times of the frames, ascending.
    stamps : (N,) [s]
        Times of what was measured in between, ascending.

    Returns
    -------
    (T - 1,) int
        Index of the stamp, the earlier of two; -1 where an interval has none. An
        interval holds its first time and not its last, but the last interval both.

    Examples
    --------
    >>> frames, stamps = np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.1, 0.6, 1.0, 3.0])
    >>> pair_intervals(frames, stamps).tolist()
    [1, 2, 3]
    >>> pair_intervals(frames, stamps[:2]).tolist()
    [1, -1, -1]
    """
    first = np.searchsorted(stamps, frames[:-1], side="left")
    stop = np.searchsorted(stamps, frames[1:], side="left")
    stop[-1:] = np.searchsorted(stamps, frames[-1:], side="right")
    if not len(stamps):
        return np.full(len(first), -1, np.intp)
    found = nearest(stamps, (frames[1:] + frames[:-1]) / 2)
    # Halving may have been rounded: a stamp on the end of an interval is not in it.
    found = np.maximum(np.minimum(found, stop - 1), first)
    return np.where(first < stop, found, -1)


def sliding_clips(
    usable: NDArray[np.bool_], intervals: int, stride: int
) -> tuple[Clip, ...]:
    """List the clips of a length, every so many frames, that are usable throughout.

    Parameters
    ----------
    usable : (T - 1,) bool
        Which intervals between two frames are.
    intervals : int
        Length of a clip, one less than its frames.
    stride : int
        Frames from the start of one clip to that of the next.

    Returns
    -------
    tuple of Clip
        Those that fit, in order.

    Examples
    --------
    >>> sliding_clips(np.array([True, True, True, False, True, True]), 2, 2)
    (Clip(start=0, stop=3), Clip(start=4, stop=7))
    """
    starts = range(0, len(usable) - intervals + 1, stride)
    return tuple(
        Clip(start, start + intervals + 1)
        for start in starts
        if usable[start : start + intervals].all()
    )


def longest_clip(usable: NDArray[np.bool_]) -> Clip:
    """Return the frames around the longest run of usable intervals, the first of two.

    Parameters
    ----------
    usable : (T - 1,) bool
        Which intervals between two frames are.

    Returns
    -------
    Clip
        One frame more than intervals; a single frame if none is usable.

    Examples
    --------
    >>> longest_clip(np.array([False, True, True, False, True]))
    Clip(start=1, stop=4)
    """
    edges = np.flatnonzero(np.diff(usable.astype(np.int8), prepend=0, append=0))
    if not len(edges):
        return Clip(0, 1)
    starts, stops = edges[::2], edges[1::2]
    k = int(np.argmax(stops - starts))
    return Clip(int(starts[k]), int(stops[k]) + 1)


def centre_crop(clip: Clip, frames: int) -> Clip:
    """Cut a clip to its middle frames; the odd one is cut from the end.

    Parameters
    ----------
    clip : Clip
        What is cut.
    frames : int
        The most that is kept.

    Returns
    -------
    Clip
        The same clip, if it is not longer.

    Examples
    --------
    >>> centre_crop(Clip(10, 17), 4), centre_crop(Clip(10, 17), 9)
    (Clip(start=11, stop=15), Clip(start=10, stop=17))
    """
    extra = clip.stop - clip.start - frames
    if extra <= 0:
        return clip
    start = clip.start + extra // 2
    return Clip(start, start + frames)


def is_between(rate: float, low: float, high: float) -> bool:
    """Say whether a rate lies in a range, as far as times in float32 can tell.

    Parameters
    ----------
    rate, low, high : float [1/s]
        The rate, and the ends of the range, which belong to it.

    Returns
    -------
    bool
        Ends are met to a millionth; NaN is nowhere.

    Examples
    --------
    >>> is_between(13.0000001, 9, 13), is_between(13.001, 9, 13)
    (True, False)
    """
    return low * (1 - _TIMES_TELL) <= rate <= high * (1 + _TIMES_TELL)
