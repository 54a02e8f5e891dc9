from __future__ import annotations

import numpy as np
import pytest

from cardium.core import PlaneGrid, Sector, Stream
from cardium.errors import GeometryError, InvalidArgumentError

SECTOR = Sector(depth=(0.0, 0.1), angle=(-0.5, 0.5), shape=(6, 4))


class Unreadable:
    """Values that must not be read."""

    shape = (100, 6, 4)
    dtype = np.dtype(np.uint8)

    def __getitem__(self, time: slice, /) -> np.ndarray:
        raise AssertionError("read without need")


def clip(frames: int = 5) -> Stream:
    values = np.arange(frames * 24, dtype=np.uint8).reshape(frames, 6, 4)
    return Stream(
        "b_mode",
        values,
        np.arange(frames) / 20,
        ("time", "range", "beam"),
        "grey",
        SECTOR,
    )


def test_nothing_is_read_before_it_is_sliced() -> None:
    stream = Stream(
        "b_mode",
        Unreadable(),
        np.arange(100) / 64.0,
        ("time", "range", "beam"),
        "grey",
        SECTOR,
    )
    assert (stream.shape, stream.rate, stream.duration) == ((100, 6, 4), 64.0, 99 / 64)
    with pytest.raises(AssertionError, match="without need"):
        stream.load()


def test_between_is_half_open() -> None:
    part = clip().between(0.05, 0.15)
    np.testing.assert_allclose(part.time, [0.05, 0.10])
    np.testing.assert_array_equal(part.load(), clip().load()[1:3])
    assert part.geometry == SECTOR


@pytest.mark.parametrize(
    ("change", "error", "what"),
    [
        ({"values": np.zeros((5, 4, 6))}, GeometryError, "transposed"),
        ({"dims": ("time", "beam", "range")}, GeometryError, "range"),
        ({"geometry": PlaneGrid((0, 1), (0, 1), (6, 4))}, GeometryError, "PlaneGrid"),
        ({"dims": ("range", "beam", "time")}, InvalidArgumentError, "first is 'time'"),
        ({"time": np.arange(4.0)}, InvalidArgumentError, "5 samples but 4 times"),
        ({"time": np.array([0, 1, 1, 2, 3.0])}, InvalidArgumentError, "ascending"),
        ({"time": np.array([0, 1, np.nan, 2, 3])}, InvalidArgumentError, "finite"),
        ({"velocity_limit": 0.0}, InvalidArgumentError, "positive"),
        (
            {"coords": {"beam": ("a",)}},
            InvalidArgumentError,
            "1 places for axis 'beam'",
        ),
    ],
)
def test_a_stream_refuses_what_contradicts_itself(change, error, what) -> None:
    stream = clip()
    parts = {f: getattr(stream, f) for f in stream.__slots__}
    with pytest.raises(error, match=what):
        Stream(**(parts | change))


def test_xarray_has_metres_and_seconds() -> None:
    pytest.importorskip("xarray")
    array = clip().to_xarray()
    assert array.dims == ("time", "range", "beam")
    assert float(array.sel(range=0.1, beam=-0.5, time=0.05)) == 24 + 20
    assert array.attrs["unit"] == "grey"


def test_a_single_sample_has_no_rate() -> None:
    assert np.isnan(clip(1).rate)
    assert clip(1).duration == 0
