"""Frames of a stream one after the other: read in small blocks, never as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Array, Sector, SectorVolume, Stream
from cardium.errors import NotProvidedError
from cardium.signal.clock import nearest

_BLOCK = 4 << 20  # bytes read at a time: a chunk holds several frames, mostly


class Frames:
    """The frames of a stream, of which a few lie in memory.

    Panels that show one stream share one of these, so that no frame is read twice.

    Parameters
    ----------
    stream : Stream
        Whose frames they are.

    Examples
    --------
    >>> values = np.arange(6).reshape(3, 2)
    >>> ecg = Stream("ecg", values, np.array([0.0, 0.1, 0.2]), ("time", "lead"), "mV")
    >>> frames = Frames(ecg)
    >>> frames.index(0.16), frames[2].tolist()
    (2, [4, 5])
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        frame = int(np.prod(stream.shape[1:], dtype=np.int64))
        size = max(1, frame * np.dtype(stream.values.dtype).itemsize)
        self._length = int(np.clip(_BLOCK // size, 1, 16))
        self._first = 0
        self._block: NDArray[Any] | None = None
        self._before = -2

    def index(self, time: float) -> int:
        """Return the number of the frame nearest to a time [s]."""
        return int(nearest(self.stream.time, time))

    def __getitem__(self, index: int) -> NDArray[Any]:
        """Return a frame; the next few are read along when they are asked in turn."""
        block = self._block
        if block is None or not self._first <= index < self._first + len(block):
            ahead = self._length if index == self._before + 1 else 1
            block = np.asarray(self.stream.values[index : index + ahead])
            self._block, self._first = block, index
        self._before = index
        return np.asarray(block[index - self._first])


def plane_of(stream: Stream, index: int) -> Stream:
    """Take one plane of a stream of several, (time, plane, range, beam); lazily.

    Parameters
    ----------
    stream : Stream
        A combined biplane or triplane stream.
    index : int
        Which plane.

    Returns
    -------
    Stream
        (time, range, beam); nothing is read.

    Examples
    --------
    >>> dims = ("time", "plane", "range", "beam")
    >>> pair = Stream("b_mode_biplane", np.zeros((4, 2, 9, 5)), np.arange(4.0), dims,
    ...               "grey")
    >>> plane_of(pair, 1).shape
    (4, 9, 5)
    """
    values = _Cut(stream.values, (slice(None), index))
    dims = ("time", *stream.dims[2:])
    return replace(stream, name=f"{stream.name}_{index}", values=values, dims=dims)


def fans_of(stream: Stream) -> tuple[Stream, Stream]:
    """Take the two middle fans of beams of a volume, as planar beamspace; lazily.

    Parameters
    ----------
    stream : Stream
        (time, elevation, azimuth, range) on a `SectorVolume`.

    Returns
    -------
    azimuth, elevation : Stream
        (time, range, beam): the fan of the middle elevation, seen from the front, and
        the fan of the middle azimuth, seen from the side.

    Examples
    --------
    >>> fan = SectorVolume((0.0, 0.1), (-0.6, 0.6), (-0.4, 0.4), (5, 7, 9))
    >>> dims = ("time", "elevation", "azimuth", "range")
    >>> volume = Stream("b_mode_3d", np.zeros((2, 5, 7, 9)), np.arange(2.0), dims,
    ...                 "grey", fan)
    >>> [part.shape for part in fans_of(volume)]
    [(2, 9, 7), (2, 9, 5)]
    """
    space = stream.geometry
    if not isinstance(space, SectorVolume):
        raise NotProvidedError(
            f"Stream '{stream.name}' has no fan of beams in space, so it has no "
            "beamspace to show. Choose the view 'cartesian'."
        )
    rows, columns, samples = space.shape
    cuts = {
        "azimuth": ((slice(None), rows // 2), space.azimuth, columns),
        "elevation": ((slice(None), slice(None), columns // 2), space.elevation, rows),
    }
    first, second = (
        replace(
            stream,
            name=f"{stream.name}_{name}",
            values=_Cut(stream.values, cut, flipped=True),
            dims=("time", "range", "beam"),
            geometry=Sector(space.depth, angle, (samples, beams)),
        )
        for name, (cut, angle, beams) in cuts.items()
    )
    return first, second


class _Cut:
    """A lazy array cut along axes behind the first."""

    def __init__(
        self, source: Array, cut: tuple[slice | int, ...], *, flipped: bool = False
    ) -> None:
        self._source, self._cut, self._flipped = source, cut, flipped
        rest = source.shape[1:]
        kept = [n for k, n in enumerate(rest, 1) if _keeps(cut, k)]
        self.shape = (source.shape[0], *(kept[::-1] if flipped else kept))
        self.dtype = source.dtype

    def __getitem__(self, time: slice) -> NDArray[Any]:
        """Read a slice of time and keep what was cut out of it."""
        part = self._source[time][self._cut]
        return np.swapaxes(part, 1, 2) if self._flipped else part


def _keeps(cut: tuple[slice | int, ...], axis: int) -> bool:
    """Say whether a cut leaves an axis in place."""
    return axis >= len(cut) or isinstance(cut[axis], slice)
