"""Stores as others write them: layouts of keys, left-out chunks, odd types, damage."""

from __future__ import annotations

import json
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import zarr

from cardium.errors import DataCorruptError
from cardium.io.zarr import open_store

VALUES = np.arange(4 * 6, dtype=np.int32).reshape(4, 6)


def written(path: Path, values: np.ndarray, zarr_format: int, **how) -> Path:
    """A store by zarr's own writer, which leaves out chunks of the fill value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        group = zarr.create_group(str(path), zarr_format=zarr_format)
        array = group.create_array(
            "data/x", shape=values.shape, dtype=values.dtype, **how
        )
        array[...] = values
    return path


@pytest.mark.parametrize("separator", [".", "/"])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_keys_of_chunks_are_nested_or_not(tmp_path, zarr_format, separator) -> None:
    name = "v2" if zarr_format == 2 else "default"
    path = written(
        tmp_path / "a",
        VALUES,
        zarr_format,
        chunks=(2, 3),
        chunk_key_encoding={"name": name, "separator": separator},
    )
    key = f"1{separator}1" if zarr_format == 2 else f"c{separator}1{separator}1"
    assert (path / "data/x" / key).is_file()
    stored = open_store(path).open_array("data/x")
    assert stored.chunks == (2, 3)
    assert np.array_equal(stored[:], VALUES)
    (path / "data/x" / key).unlink()
    assert np.array_equal(stored[:2], VALUES[:2])
    with pytest.raises(DataCorruptError, match="is not there"):
        stored[2:]


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_consolidated_metadata_are_read(tmp_path, zarr_format) -> None:
    path = written(tmp_path / "a", VALUES, zarr_format, attributes={"unit": "cm/s"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(str(path))
    stored = open_store(path).open_array("data/x")
    assert np.array_equal(stored[:], VALUES)
    assert stored.attributes == {"unit": "cm/s"}


@pytest.mark.parametrize("dtype", [">i2", "<i2", ">f4", ">f8", "|b1", "<u8"])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_types_of_any_order_of_bytes(tmp_path, zarr_format, dtype) -> None:
    values = (VALUES % 2).astype(dtype)
    path = written(
        tmp_path / "a", values, zarr_format, order="F" if zarr_format == 2 else None
    )
    assert np.array_equal(open_store(path).open_array("data/x")[:], values)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_left_out_chunk_is_the_fill_value_where_asked(tmp_path, zarr_format) -> None:
    values = VALUES * (np.arange(4)[:, None] != 1)
    path = written(tmp_path / "a", values, zarr_format, chunks=(1, 6))
    store = open_store(path)
    with pytest.raises(DataCorruptError, match="is not there"):
        store.open_array("data/x")[:]
    sparse = store.open_array("data/x", sparse=True)
    assert np.array_equal(sparse[:], values)
    assert np.array_equal(pickle.loads(pickle.dumps(sparse))[:], values)
    with pytest.raises(DataCorruptError, match="is not there"):
        store.open_array("data/x")[:]


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_chunk_of_nan_says_itself_that_nothing_is_there(
    tmp_path, zarr_format
) -> None:
    values = np.where(np.arange(4)[:, None] == 1, np.nan, VALUES.astype(float))
    path = written(
        tmp_path / "a", values, zarr_format, chunks=(1, 6), fill_value=np.nan
    )
    got = open_store(path).open_array("data/x")[:]
    assert np.array_equal(got, values, equal_nan=True)


def test_an_array_without_a_fill_value_is_whole(tmp_path) -> None:
    path = written(tmp_path / "a", VALUES, 2, chunks=(1, 6))
    meta = path / "data/x/.zarray"
    stated = json.loads(meta.read_text()) | {"fill_value": None}
    meta.write_text(json.dumps(stated))
    (path / "data/x/1.0").unlink()
    with pytest.raises(DataCorruptError, match="is not there"):
        open_store(path).open_array("data/x", sparse=True)[:]


class Bomb:
    """What runs when it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("it ran",)


@pytest.mark.parametrize("key", ["filters", "compressor"])
@pytest.mark.parametrize("dtype", ["|O", "|u1"])
def test_pickled_objects_are_not_read(tmp_path, key, dtype) -> None:
    path = written(tmp_path / "a", VALUES, 2, chunks=(4, 6))
    meta = path / "data/x/.zarray"
    codec = {"id": "pickle"}
    stated = json.loads(meta.read_text()) | {"dtype": dtype, "fill_value": 0}
    stated[key] = [codec] if key == "filters" else codec
    meta.write_text(json.dumps(stated))
    (path / "data/x/0.0").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DataCorruptError, match="data/x"):
        open_store(path).open_array("data/x")[:]


@pytest.mark.parametrize("name", ["../a", "data/../../a", "..", "data/x/..", ".", ""])
def test_a_path_stays_in_its_store(tmp_path, name) -> None:
    store = open_store(written(tmp_path / "a", VALUES, 3))
    with pytest.raises(DataCorruptError, match=r"cannot be read|group"):
        store.open_array(name)


EITHER = [
    ("shape", [10**18, 6]),
    ("shape", [-1, 6]),
    ("shape", "x"),
    ("shape", [4]),
    ("shape", [2**70, 6]),
    ("fill_value", {"a": 1}),
]
ONLY = {
    2: [("chunks", [0, 0]), ("compressor", {"id": "nothing"}), ("dtype", "|V4")],
    3: [
        ("chunk_grid", {"name": "regular", "configuration": {"chunk_shape": [0, 0]}}),
        ("codecs", [{"name": "bytes"}, {"name": "nothing"}]),
        ("data_type", {"name": []}),
    ],
}


@pytest.mark.parametrize(
    ("zarr_format", "key", "value"),
    [(kind, *case) for kind, own in ONLY.items() for case in (*EITHER, *own)],
)
def test_metadata_of_the_wrong_kind_are_corrupt(
    tmp_path, zarr_format, key, value
) -> None:
    path = written(tmp_path / "a", VALUES, zarr_format)
    meta = path / "data/x" / (".zarray" if zarr_format == 2 else "zarr.json")
    stated = json.loads(meta.read_text())
    assert key in stated
    meta.write_text(json.dumps(stated | {key: value}))
    with pytest.raises(DataCorruptError, match="data/x"):
        open_store(path).open_array("data/x")[:]


def test_attributes_that_nest_without_end_are_corrupt(tmp_path) -> None:
    path = written(tmp_path / "a", VALUES, 2)
    (path / ".zattrs").write_text('{"a": ' + "[" * 100_000)
    with pytest.raises(DataCorruptError, match="cannot be read"):
        open_store(path)
