"""How EchoXFlow stores values: codes, orders and axes; the inverse of reading them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Mesh, Stream
from cardium.datasets._echoxflow.layout import MESH
from cardium.errors import InvalidArgumentError

TissueEncoding = Literal["linear", "raw", "float"]
"""``linear``: 8 bits over the velocity range. ``raw``: 16-bit codes with a table, as
scanners write them. ``float``: m/s."""

CODES = 65536
"""Number of raw codes, and rows of the table that decodes them."""


def encode_times(time: FloatArray, what: str) -> NDArray[np.float32]:
    """Round times to the format's float32, and refuse those that it cannot tell apart.

    Raises
    ------
    InvalidArgumentError
        If rounding makes two times equal.
    """
    stored = np.asarray(time).astype(np.float32)
    if not np.isfinite(stored).all() or (np.diff(stored) <= 0).any():
        raise InvalidArgumentError(
            f"{what}: up to {time[-1]:g} s, times stored as float32 do not ascend. "
            "Start the clock nearer to 0."
        )
    return stored


def encode_grey(stream: Stream) -> NDArray[np.uint8]:
    """Store grey levels 0..255 in 8 bits, rounded to the nearest even.

    Raises
    ------
    InvalidArgumentError
        If a value is not between 0 and 255.
    """
    values = np.asarray(stream.load())
    if values.dtype == np.uint8:
        return values
    _expect_within(stream, values, 0, 255)
    grey: NDArray[np.uint8] = np.rint(values).astype(np.uint8)
    return grey


def encode_numbers(stream: Stream) -> NDArray[np.float32]:
    """Store finite numbers as float32.

    Raises
    ------
    InvalidArgumentError
        If a value is not finite, or beyond the velocity limit.
    """
    values = np.asarray(stream.load())
    limit = stream.velocity_limit
    top = np.inf if limit is None or stream.unit != "m/s" else limit * (1 + 1e-6)
    _expect_within(stream, values, -top, top)
    return values.astype(np.float32)


def encode_tissue(stream: Stream, encoding: TissueEncoding) -> NDArray[Any]:
    """Store tissue velocities as codes over -limit..limit, or as they are.

    Raises
    ------
    InvalidArgumentError
        If there is no velocity limit, or a velocity is not within it.
    """
    if stream.velocity_limit is None:
        raise InvalidArgumentError(
            f"Stream '{stream.name}' has no velocity limit, which the format demands."
        )
    values = encode_numbers(stream)
    if encoding == "float":
        return values
    share = np.clip(values.astype(np.float64) / stream.velocity_limit, -1, 1)
    codes: NDArray[np.uint8] = np.rint(255 * (share + 1) / 2).astype(np.uint8)
    if encoding == "linear":
        return codes
    return _first_codes(fenc_table())[codes]


def fenc_table() -> NDArray[np.uint8]:
    """Return a table in which raw codes are velocities, (65536, 4).

    The high byte of a code is its velocity; scanners have tables of their own.
    """
    table = np.zeros((CODES, 4), np.uint8)
    table[:, 0] = np.arange(CODES) >> 8
    return table


def encode_contour(stream: Stream) -> NDArray[np.float32]:
    """Store a contour (time, layer, point, xz) by row along the wall, then by layer."""
    values = encode_defined(stream)
    rows = np.swapaxes(values, 1, 2)
    return np.ascontiguousarray(rows.reshape(len(values), -1, 2))


def encode_defined(stream: Stream) -> NDArray[np.float32]:
    """Store numbers of which some may be undefined, which is NaN, but not infinite."""
    values = np.asarray(stream.load(), np.float32)
    if np.isinf(values).any():
        raise InvalidArgumentError(
            f"Stream '{stream.name}' has infinite values; NaN means undefined."
        )
    return values


def encode_mesh(mesh: Mesh) -> Mapping[str, NDArray[Any]]:
    """Store a mesh in the axes of the format: ``(x, y, z)`` becomes ``(-x, z, y)``."""
    x, y, z = mesh.points.T
    return {
        f"{MESH}/point_values": np.stack([-x, z, y], axis=1).astype(np.float32),
        f"{MESH}/face_values": mesh.faces.astype(np.int32),
        f"{MESH}/point_frame_offsets": mesh.point_offsets.astype(np.int64),
        f"{MESH}/face_frame_offsets": mesh.face_offsets.astype(np.int64),
    }


def encode_labels(stream: Stream) -> NDArray[np.uint8]:
    """Store a label map as its codes."""
    values = np.asarray(stream.load())
    _expect_within(stream, values, 0, 255)
    return values.astype(np.uint8)


def _first_codes(table: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return the first raw code of each 8-bit velocity, or of the nearest one used."""
    velocity = 255 - (table[:, 0].astype(np.int64) + 128) % 256
    used, first = np.unique(velocity, return_index=True)
    nearest = np.abs(np.arange(256)[:, None] - used).argmin(axis=1)
    codes: NDArray[np.uint16] = first[nearest].astype(np.uint16)
    return codes


def _expect_within(
    stream: Stream, values: NDArray[Any], low: float, high: float
) -> None:
    """Refuse values that the format cannot hold; NaN is none it can."""
    bad = ~(np.isfinite(values) & (values >= low) & (values <= high))
    if bad.any():
        allowed = "finite" if high == np.inf else f"within {low:g} and {high:g}"
        raise InvalidArgumentError(
            f"Stream '{stream.name}': {int(bad.sum())} of {values.size} values are not "
            f"{allowed} (unit '{stream.unit}'); the first is {values[bad][0]}."
        )
