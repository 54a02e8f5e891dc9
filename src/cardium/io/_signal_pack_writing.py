"""A pack of signals is written: codes that give the values back, in growing arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Entry, OpenDataset, Stream
from cardium.errors import CardiumError, NotProvidedError
from cardium.io._signal_pack_index import (
    PackedAnnotation,
    PackedEntry,
    PackedRecording,
    PackedStream,
)
from cardium.io.shards import ShardWriter

_GAINS = (1000.0, 200.0, 400.0, 800.0, 100.0, 500.0, 1000 / 4.88, 1000 / 1.25)
_MISSING = -32768
_LARGEST = 32767


class Store:
    """The arrays of a pack while it is written."""

    def __init__(self, folder: Path, done: Iterable[PackedRecording]) -> None:
        self._folder = folder
        self._writers: dict[str, ShardWriter] = {}
        lengths: dict[str, int] = {}
        for row in done:
            for packed in row.streams.values():
                lengths[packed.array] = packed.start + packed.length
        for name, length in lengths.items():
            self._writer(name, length)

    def add(self, values: NDArray[Any]) -> tuple[str, int]:
        """Append samples (T, L); return the array and where they begin."""
        name = f"{values.dtype.name}-{values.shape[1]}"
        writer = self._writer(name)
        start = writer.length
        writer.append(values)
        return name, start

    def close(self) -> None:
        """Finish all arrays."""
        for writer in self._writers.values():
            writer.close()

    def _writer(self, name: str, length: int = 0) -> ShardWriter:
        """Return the writer of an array, which its name describes."""
        if name not in self._writers:
            dtype, leads = name.split("-")
            self._writers[name] = ShardWriter(
                self._folder / name, (int(leads),), dtype, length=length
            )
        return self._writers[name]


def pack_recording(
    data: OpenDataset, entry: Entry, names: Sequence[str], store: Store
) -> PackedRecording:
    """Append a recording to the arrays, or say why not."""
    about = PackedEntry.of(entry)
    try:
        recording = data.load(entry)
        held = {
            name: (stream, stream.load())
            for name, stream in recording.streams.items()
            if name in names
        }
        notes = {n: _note(a) for n, a in recording.annotations.items()}
        if not held:
            raise NotProvidedError(
                f"it has none of the signals {', '.join(names)}; it has "
                f"{', '.join(recording.streams) or 'none'}."
            )
    except (CardiumError, OSError) as error:
        return PackedRecording(about, reason=str(error))
    streams = {name: _packed(*pair, store) for name, pair in held.items()}
    left = recording.streams.keys() - held.keys()  # the pack does not provide them
    about = PackedEntry.of(replace(entry, provides=entry.provides - left))
    return PackedRecording(about, streams, notes)


def _packed(stream: Stream, values: NDArray[Any], store: Store) -> PackedStream:
    """Append one signal."""
    table = np.asarray(values, np.float32).reshape(len(values), -1)
    usual = np.ravel(getattr(stream.values, "gain", ())).tolist()
    codes, gain = _digits(table, [*dict.fromkeys([*usual, *_GAINS])])
    array, start = store.add(codes)
    rate = round(stream.rate, 6) if len(stream.time) > 1 else 0.0
    even = rate and np.array_equal(stream.time, np.arange(len(values)) / rate)
    return PackedStream(
        array,
        start,
        len(values),
        rate if even else 0.0,
        gain,
        list(stream.dims),
        stream.unit,
        {name: list(labels) for name, labels in stream.coords.items()},
        None if even else stream.time.tolist(),
        bool(np.isfinite(table).all()),
    )


def _digits(
    values: NDArray[np.float32], gains: Sequence[float]
) -> tuple[NDArray[Any], list[float]]:
    """Return int16 codes (T, L) and their gains, or the values if no gain is exact."""
    codes = np.empty(values.shape, np.int16)
    chosen = []
    for lead, column in enumerate(values.T):
        for gain in gains:
            found = _exact(column, gain)
            if found is not None:
                codes[:, lead] = found
                chosen.append(gain)
                break
        else:
            return values, []
    return codes, chosen


def _exact(values: NDArray[np.float32], gain: float) -> NDArray[np.int16] | None:
    """Return the codes of a lead if they give its values back to the last bit."""
    absent = np.isnan(values)
    digits = np.rint(np.where(absent, 0, values) * np.float64(gain))
    if not np.isfinite(digits).all() or np.abs(digits).max(initial=0) > _LARGEST:
        return None
    codes = digits.astype(np.int16)
    back = (codes / gain).astype(np.float32)
    # compared as bits: a zero may have a sign
    if (back.view(np.int32) != values.copy().view(np.int32))[~absent].any():
        return None
    codes[absent] = _MISSING
    return codes


def _note(annotation: Stream) -> PackedAnnotation:
    """Keep an annotation of points in time whole."""
    values = annotation.load()
    if values.ndim != 1:
        raise NotProvidedError(
            f"its annotation '{annotation.name}' has axes {annotation.dims}; only "
            "points in time are packed."
        )
    return PackedAnnotation(
        values.astype(np.float64).tolist(),
        values.dtype.name,
        annotation.time.tolist(),
        annotation.unit,
        {name: list(labels) for name, labels in annotation.coords.items()},
    )
