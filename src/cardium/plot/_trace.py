"""Traces of an ECG as heights on paper: which stretch, whose name, how high."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.signal.leads import lead_name


def cut(
    stream: Stream, start: float | None, duration: float | None
) -> tuple[Stream, float]:
    """Read a stretch of a stream; also return its beginning [s].

    Parameters
    ----------
    stream : Stream
        An ECG.
    start : float [s], optional
        On the stream's clock. If not given, its first time.
    duration : float [s], optional
        How much. If not given, all of it.

    Returns
    -------
    Stream, float
        In memory; nothing else is read.

    Raises
    ------
    InvalidArgumentError
        If the duration is not positive.
    NotProvidedError
        If fewer than two samples are there.

    Examples
    --------
    >>> ecg = Stream("ecg", np.zeros(500), np.arange(500) / 100, ("time",), "mV")
    >>> part, begin = cut(ecg, 1.0, 2.0)
    >>> len(part.time), begin
    (200, 1.0)
    """
    if duration is not None and not duration > 0:
        raise InvalidArgumentError(f"duration must be positive, got {duration} s.")
    first = float(stream.time[0]) if len(stream.time) else 0.0
    begin = first if start is None else float(start)
    end = np.inf if duration is None else begin + duration
    shown = stream.between(begin, end)
    if len(shown.time) >= 2:
        return shown, begin
    if stream.shape[0] < 2:
        raise NotProvidedError(
            f"Stream '{stream.name}' has {stream.shape[0]} samples; an ECG needs 2 at "
            "least to be drawn."
        )
    raise NotProvidedError(
        f"Stream '{stream.name}' has {len(shown.time)} samples between {begin:g} and "
        f"{end:g} s; it lasts from {first:g} to {stream.time[-1]:g} s."
    )


def names_of_leads(stream: Stream) -> list[str]:
    """Name the leads of a stream as cardiologists do."""
    names = [lead_name(name) for name in stream.coords.get("lead", ())]
    count = int(np.prod(stream.shape[1:], dtype=int))
    return names or ["ECG", *(f"lead {k + 1}" for k in range(1, count))]


def to_heights(values: FloatArray, unit: str, gain: float) -> tuple[FloatArray, bool]:
    """Turn values (T, lead) into mm; without mV each lead fills 15 mm."""
    if unit == "mV":
        return values * gain, True
    span = [np.ptp(v[np.isfinite(v)]) if is_there(v) else 0.0 for v in values.T]
    return values * (15.0 / np.where(np.asarray(span) > 0, span, 1.0)), False


def middle(heights: FloatArray) -> float:
    """Height of the baseline: most samples of an ECG lie on it."""
    return float(np.nanmedian(heights)) if is_there(heights) else 0.0


def is_there(values: NDArray[np.floating]) -> bool:
    """Say whether a value is finite at all."""
    return bool(np.isfinite(values).any())


def check_choice(name: str, value: object, choices: Sequence[object]) -> None:
    """Refuse a value that is none of the choices."""
    if value not in choices:
        known = ", ".join(f"{c:g}" if isinstance(c, float) else str(c) for c in choices)
        raise InvalidArgumentError(f"{name} must be one of {known}, got {value!r}.")
