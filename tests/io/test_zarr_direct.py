"""Chunks read past Zarr are those that Zarr reads; what is unusual is left to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr

from cardium.io._zarr_direct import find_chunks
from cardium.io.zarr import open_store, write_store

SLICES = [slice(0, 23), slice(3, 4), slice(6, 15), slice(22, 23), slice(-2, None)]


def film(dtype: str = "<u2") -> np.ndarray:
    chance = np.random.default_rng(0)
    return chance.integers(0, 200, (23, 40, 300)).astype(dtype)


@pytest.mark.parametrize("compressor", ["zstd", "blosc", "gzip", None])
@pytest.mark.parametrize("version", [2, 3])
def test_it_reads_what_zarr_reads(tmp_path: Path, compressor, version) -> None:
    path = tmp_path / "one.zarr"
    write_store(path, {"data/x": film()}, compressor=compressor, zarr_format=version)
    array = zarr.open_group(path, mode="r")["data/x"]
    direct = find_chunks(array)
    assert direct is not None
    assert direct.chunk[0] < 23  # several chunks, the last of them in part
    for part in SLICES:
        np.testing.assert_array_equal(direct.read(part), array[part])
        assert direct.read(part).dtype == array.dtype


def test_an_array_in_memory_is_left_to_zarr() -> None:
    array = zarr.create_array(zarr.storage.MemoryStore(), data=film())
    assert find_chunks(array) is None


@pytest.mark.parametrize(
    "unusual",
    [
        {"chunks": (5, 20, 300)},
        {"chunks": (5, 40, 300), "shards": (10, 40, 300)},
        {
            "chunks": (5, 40, 300),
            "filters": zarr.codecs.TransposeCodec(order=(2, 1, 0)),
        },
        {"chunks": (5, 40, 300), "serializer": zarr.codecs.BytesCodec(endian="big")},
    ],
    ids=["parts", "shards", "filter", "big-endian"],
)
def test_what_is_unusual_is_left_to_zarr(tmp_path: Path, unusual) -> None:
    path = tmp_path / "one.zarr"
    zarr.create_group(path).create_array("x", data=film(), **unusual)
    direct = find_chunks(zarr.open_group(path, mode="r")["x"])
    assert direct is None
    stored = open_store(path).open_array("x")
    np.testing.assert_array_equal(stored[4:9], film()[4:9])


def test_a_zip_file_is_left_to_zarr(tmp_path: Path) -> None:
    path = tmp_path / "one.zip"
    write_store(path, {"x": film()}, zipped=True)
    np.testing.assert_array_equal(open_store(path).open_array("x")[4:9], film()[4:9])


@pytest.mark.parametrize("compressor", ["zstd", "blosc", "gzip", None])
def test_what_is_broken_or_gone_is_left_to_zarr(tmp_path: Path, compressor) -> None:
    path = tmp_path / "one.zarr"
    write_store(path, {"x": film()}, compressor=compressor, zarr_format=2)
    direct = find_chunks(zarr.open_group(path, mode="r")["x"])
    chunk = path / "x" / "0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:-9])
    assert direct.read(slice(0, 2)) is None
    chunk.unlink()
    assert direct.read(slice(0, 2)) is None
    np.testing.assert_array_equal(direct.read(slice(20, 23)), film()[20:23])
