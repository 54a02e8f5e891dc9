"""Streams made ready for formats of pixels: on a regular grid, read in pieces.

Files share one frame of space. Where a format asks how an image lies in a patient
(NIfTI, MetaImage), the probe's own axes stand for it: x to the patient's left, y to the
back and z to the head, in millimetres. That is roughly how the probe of an apical view
lies, it keeps images, volumes and meshes of one recording on top of each other, and the
true place of a free-hand probe is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    Array,
    Geometry,
    PlaneGrid,
    Sector,
    SectorVolume,
    Stream,
    VolumeGrid,
)
from cardium.errors import DataMissingError, InvalidArgumentError, NotProvidedError

_BLOCK_BYTES = 1 << 24
_JITTER = 0.05


def on_grid(stream: Stream) -> Stream:
    """Return a stream on a regular grid: itself, or scan converted when it is read.

    Parameters
    ----------
    stream : Stream
        Of any geometry.

    Returns
    -------
    Stream
        On the plane that just holds its sector, or the box that just holds its volume.
        Samples outside are `UNLABELLED` in label maps, 0 in whole numbers, else NaN.

    Raises
    ------
    NotProvidedError
        If the stream has no geometry.

    Examples
    --------
    >>> fan = Sector(depth=(0.0, 0.1), angle=(-0.5, 0.5), shape=(3, 3))
    >>> grey = np.full((2, 3, 3), 7, np.uint8)
    >>> film = Stream("b", grey, np.array([0, 1.0]), ("time", "range", "beam"), "grey",
    ...               fan)
    >>> on_grid(film).dims, on_grid(film).load()[0].tolist()
    (('time', 'z', 'x'), [[0, 7, 0], [0, 7, 0], [0, 7, 0]])
    """
    target: Geometry
    dims: tuple[str, ...]
    match stream.geometry:
        case PlaneGrid() | VolumeGrid():
            return stream
        case Sector() as fan:
            from cardium.geometry.scan import plane_around

            target, dims = plane_around(fan), ("z", "x")
        case SectorVolume() as fan:
            from cardium.geometry.volume import grid_around

            target, dims = grid_around(fan), ("z", "y", "x")
        case _:
            raise NotProvidedError(
                f"Stream '{stream.name}' has the axes {', '.join(stream.dims)} and no "
                "geometry, so it is no image. Write it as HDF5 or Zarr."
            )
    lead = stream.dims[: -len(dims)]
    values = _Converted(stream, stream.geometry, target)
    return replace(stream, values=values, dims=(*lead, *dims), geometry=target)


def image_stream(stream: Stream, file: Path) -> tuple[Stream, PlaneGrid | VolumeGrid]:
    """Return a stream on its grid, one grey value or label a pixel.

    Raises
    ------
    NotProvidedError
        If it has no geometry.
    InvalidArgumentError
        If it has more axes than time and those of its grid, or no frame.
    """
    placed = on_grid(stream)
    grid = placed.geometry
    extra = placed.dims[1 : len(placed.dims) - len(grid.shape if grid else ())]
    if not isinstance(grid, (PlaneGrid, VolumeGrid)) or extra:
        raise InvalidArgumentError(
            f"Stream '{stream.name}' has the axes {', '.join(stream.dims)}; '{file}' "
            f"can hold time and the axes of one image. Take one of {', '.join(extra)}, "
            "or write HDF5."
        )
    if not placed.shape[0]:
        raise InvalidArgumentError(f"Stream '{stream.name}' has no frame to write.")
    return placed, grid


def pixel_type(stream: Stream, file: Path) -> np.dtype[Any]:
    """Return the little-endian type of its pixels; refuse what images cannot hold."""
    name = np.dtype(stream.values.dtype).name
    if name not in ("uint8", "int16", "uint16", "int32", "float32", "float64"):
        raise InvalidArgumentError(
            f"Stream '{stream.name}' is {name}; '{file}' can hold uint8, int16, "
            "uint16, int32, float32 and float64. Convert it first."
        )
    return np.dtype(name).newbyteorder("<")


def blocks(values: Array, dtype: np.dtype[Any] | None = None) -> Iterator[NDArray[Any]]:
    """Read frames in pieces of about 16 MiB, so that memory does not grow."""
    frame = values.dtype.itemsize * int(np.prod(values.shape[1:]))
    step = max(1, _BLOCK_BYTES // max(1, frame))
    for start in range(0, values.shape[0], step):
        block = np.asarray(values[slice(start, start + step)])
        yield np.ascontiguousarray(block, dtype or block.dtype)


def check_ending(file: Path, *endings: str) -> None:
    """Refuse a file whose name does not end as its format does."""
    if not file.name.lower().endswith(endings):
        raise InvalidArgumentError(
            f"'{file}' should end in {' or '.join(endings)}. Rename it."
        )


def require_file(file: Path) -> Path:
    """Refuse a path at which there is no file."""
    if not file.is_file():
        raise DataMissingError(f"'{file}' does not exist or is no file.")
    return file


def mean_step(stream: Stream) -> float:
    """Time from frame to frame that puts the last one right [s]; 0 for a still."""
    return stream.duration / max(1, len(stream.time) - 1)


def check_even(stream: Stream, times: NDArray[Any], *, axis: str, file: Path) -> float:
    """Return the step of an even axis; refuse one off by 5 % of a step anywhere."""
    if len(times) < 2:
        raise InvalidArgumentError(
            f"Stream '{stream.name}': '{file}' needs two samples along {axis}, got "
            f"{len(times)}."
        )
    step = float(times[-1] - times[0]) / (len(times) - 1)
    off = np.abs(times - (times[0] + step * np.arange(len(times)))).max()
    if not off <= _JITTER * abs(step):
        raise InvalidArgumentError(
            f"Stream '{stream.name}': '{file}' needs even steps along {axis}, but a "
            f"sample is {off:.3g} off where the step is {abs(step):.3g}. Interpolate "
            "it to an even axis first, or write HDF5."
        )
    return step


class _Converted:
    """Values that are scan converted when they are sliced."""

    def __init__(self, stream: Stream, source: Geometry, target: Geometry) -> None:
        self._stream, self._source, self._target = stream, source, target
        self.dtype: np.dtype[Any] = np.dtype(stream.values.dtype)
        lead = stream.shape[: -len(source.shape)]
        self.shape: tuple[int, ...] = (*lead, *target.shape)

    def __getitem__(self, time: slice, /) -> NDArray[Any]:
        """Read and convert the frames of a slice of time."""
        from cardium.geometry import scan

        stream, way = self._stream, (self._source, self._target)
        frames = np.asarray(stream.values[time])
        if stream.unit == "label":
            return scan.resample_labels(frames, *way)
        if stream.velocity_limit is not None:
            limit = stream.velocity_limit
            return scan.resample_velocity(frames, *way, velocity_limit=limit)
        whole = self.dtype.kind in "ui"
        return scan.resample(frames, *way, outside=0 if whole else np.nan)
