"""What rules and counted models look at in beats: intervals, shapes and widths."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Sample, Task
from cardium.errors import NotProvidedError
from cardium.signal.beat_windows import rr_features

_SHORTEST, _LONGEST = 0.2, 3.0
_SLOPE_SPAN = 0.04


def asks_about_beats(task: Task) -> bool:
    """Say whether the classes of a task are those of beats: some normal, some not."""
    classes = set(task.output.classes)
    return "N" in classes and not classes.isdisjoint({"S", "V"})


def events_of(sample: Sample) -> FloatArray:
    """Return the times at which an answer is asked for.

    Raises
    ------
    NotProvidedError
        If there are none.
    """
    if sample.events is None:
        raise NotProvidedError(
            f"Recording '{sample.recording}' asks for no events to be classified."
        )
    return np.asarray(sample.events, np.float64)


def interval_features(times: FloatArray) -> FloatArray:
    """Return what the intervals say of each beat, (K, 6).

    Parameters
    ----------
    times : (K,) [s]
        R peaks of all beats of a recording.

    Returns
    -------
    (K, 6)
        The interval before, after, the mean of ten around and of the recording, see
        `cardium.signal.beat_windows.rr_features`, all as logarithms of seconds; and
        those before and after against the mean of ten. Intervals are held within
        0.2..3 s, and those of a single beat are 1 s.

    Examples
    --------
    >>> times = np.array([0.0, 1.0, 2.0, 2.5, 4.0, 5.0])  # early, then a pause
    >>> np.exp(interval_features(times))[3].round(2).tolist()
    [0.5, 1.5, 1.0, 1.0, 0.5, 1.5]
    """
    if not len(times):
        return np.zeros((0, 6))
    found = rr_features(times)
    pre, post, local, mean = (
        np.nan_to_num(found[name], nan=1.0).clip(_SHORTEST, _LONGEST)
        for name in ("pre", "post", "local", "mean")
    )
    rows = [pre, post, local, mean, pre / local, post / local]
    return np.asarray(np.log(np.stack(rows, axis=1)))


def beat_shapes(
    sample: Sample, times: FloatArray, *, start: float, stop: float, count: int
) -> FloatArray:
    """Return the trace around each beat, freed from its own median, (K, lead, count).

    Parameters
    ----------
    sample : Sample
        With an electrocardiogram (time, lead); no number is 0 mV.
    times : (K,) [s]
        R peaks.
    start, stop : float [s]
        From where to where around a peak. Beyond the ends of the recording its first
        or last sample is held.
    count : int
        Samples, evenly spread, read between those of the recording.

    Returns
    -------
    (K, lead, count) [mV]
        The shapes.
    """
    stream = sample.stream
    values = np.nan_to_num(np.asarray(stream.load(), np.float64))
    offset = np.linspace(start, stop, count)
    places = (times[:, None] + offset - stream.time[0]) * stream.rate
    places = places.clip(0, len(values) - 1)
    low = np.minimum(places.astype(np.int64), max(0, len(values) - 2))
    high = np.minimum(low + 1, len(values) - 1)
    share = (places - low)[..., None]
    shapes = values[low] * (1 - share) + values[high] * share
    shapes -= np.median(shapes, axis=1, keepdims=True)
    return np.asarray(shapes.transpose(0, 2, 1))


def qrs_widths(shapes: FloatArray, step: float) -> FloatArray:
    """Return for how long each beat is steep, (K,) [s].

    Parameters
    ----------
    shapes : (K, lead, N) [mV]
        Traces around R peaks.
    step : float [s]
        Between their samples.

    Returns
    -------
    (K,) [s]
        Duration in which the slope over all leads, averaged over 40 ms, is more than a
        third of its largest value.
    """
    slope = np.sqrt((np.diff(shapes, axis=2) ** 2).sum(1))
    span = max(1, round(_SLOPE_SPAN / step))
    total = np.cumsum(np.pad(slope, ((0, 0), (span, 0))), axis=1)
    smooth = total[:, span:] - total[:, :-span]
    top = smooth.max(1, keepdims=True)
    steep: NDArray[np.bool_] = smooth > np.maximum(top, 1e-12) / 3
    return np.asarray(step * steep.sum(1))
