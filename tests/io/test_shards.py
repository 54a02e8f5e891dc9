"""Shards against zarr-python: it reads what is written here, and the reverse."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import zarr

from cardium.core.files import read_json, write_json
from cardium.errors import DataCorruptError, DataMissingError, InvalidArgumentError
from cardium.io._shard_files import Layout
from cardium.io.shards import ShardWriter, open_shards, write_group

SHARD = 160_000  # bytes: two frames of `ramp`


def ramp(frames: int, shape=(200, 200), dtype=np.uint16) -> np.ndarray:
    """Every number of every frame differs from its neighbours."""
    count = frames * int(np.prod(shape))
    return (np.arange(count) * 7 % 65521).astype(dtype).reshape(frames, *shape)


def write(root: Path, values: np.ndarray, *, name="grey", step=3) -> Path:
    """Write an array in pieces that do not end where shards do."""
    writer = ShardWriter(root / name, values.shape[1:], values.dtype, shard_bytes=SHARD)
    for start in range(0, len(values), step):
        writer.append(values[start : start + step])
    writer.close()
    write_group(root, {"made": "here"})
    return root / name


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("shape", [(200, 200), (3,), ()])
def test_zarr_reads_what_was_written(tmp_path, dtype, shape) -> None:
    values = ramp(17, shape).astype(dtype)
    write(tmp_path, values)
    group = zarr.open_group(tmp_path, mode="r")
    assert dict(group.attrs) == {"made": "here"}
    assert group["grey"].dtype == np.dtype(dtype)
    np.testing.assert_array_equal(group["grey"][...], values)
    read = open_shards(tmp_path)["grey"]
    assert read.shape == values.shape
    assert read.dtype == np.dtype(dtype)
    for run in (slice(None), slice(0, 1), slice(2, 11), slice(16, 17), slice(5, 5)):
        np.testing.assert_array_equal(read[run], values[run])


def test_what_zarr_wrote_is_read(tmp_path) -> None:
    values = ramp(11, (20, 30), np.int16)
    group = zarr.create_group(tmp_path)
    array = group.create_array(
        "grey", shape=values.shape, dtype="int16", chunks=(1, 20, 30),
        shards=(4, 20, 30), compressors=None,
    )  # fmt: skip
    array[...] = values
    np.testing.assert_array_equal(open_shards(tmp_path)["grey"][:], values)


def test_chunks_in_another_order_are_gathered(tmp_path) -> None:
    values = ramp(4)
    path = write(tmp_path, values) / "c" / "0" / "0" / "0"
    size, stored = values[0].nbytes, path.read_bytes()
    held = Layout.of((200, 200), np.uint16, shard_bytes=SHARD).frames
    assert held == 2
    import google_crc32c

    index = np.array([[size, size], [0, size]], "<u8").tobytes()
    check = google_crc32c.value(index).to_bytes(4, "little")
    path.write_bytes(stored[size : 2 * size] + stored[:size] + index + check)
    np.testing.assert_array_equal(open_shards(tmp_path)["grey"][:], values)
    np.testing.assert_array_equal(zarr.open_group(tmp_path)["grey"][...], values)


def test_frames_lie_one_after_the_other_and_are_not_copied(tmp_path) -> None:
    values = ramp(4)
    path = write(tmp_path, values) / "c" / "0" / "0" / "0"
    assert path.read_bytes().startswith(values[0].tobytes())
    array = open_shards(tmp_path)["grey"]
    run = array[0:1]
    assert not run.flags.owndata
    assert not run.flags.writeable
    assert np.shares_memory(run, array[0:1])


def test_sizes_of_chunks_and_shards() -> None:
    one = Layout.of((256, 256), np.uint16)
    assert (one.chunk, one.frames * one.frame_bytes) == (1, 1 << 25)
    few = Layout.of((), np.float32)
    assert few.chunk * few.frame_bytes == 1 << 16
    assert Layout.of((5000, 5000), np.uint16).frames == 1


@pytest.mark.parametrize("shape", [(200, 200), ()])
def test_an_interrupted_writer_goes_on(tmp_path, monkeypatch, shape) -> None:
    monkeypatch.setattr("cardium.io._shard_files._CHUNK_BYTES", 6)
    size = SHARD if shape else 18
    values = ramp(13, shape)
    for kept in range(14):
        folder = tmp_path / str(kept)
        writer = ShardWriter(folder / "grey", shape, np.uint16, shard_bytes=size)
        writer.append(values[:kept])
        writer.append(values[::-1])  # of a recording that was not finished
        if kept % 2:
            writer.close()  # the last thing before the index of the pack
        again = ShardWriter(
            folder / "grey", shape, np.uint16, length=kept, shard_bytes=size
        )
        assert not (folder / "grey" / "zarr.json").exists()
        again.append(values[kept:])
        again.close()
        write_group(folder)
        np.testing.assert_array_equal(open_shards(folder)["grey"][:], values)
        np.testing.assert_array_equal(zarr.open_group(folder)["grey"][...], values)
        assert not list(folder.rglob(".part*"))


def test_what_was_lost_is_not_gone_on_from(tmp_path) -> None:
    path = write(tmp_path, ramp(5))
    (path / "c" / "1" / "0" / "0").unlink()
    for length in (3, 5):
        with pytest.raises(DataCorruptError, match="shard 1 does not hold"):
            ShardWriter(
                path, (200, 200), np.uint16, length=length, shard_bytes=SHARD
            )  # fmt: skip


def test_damage_is_named(tmp_path) -> None:
    path = write(tmp_path, ramp(6)) / "c" / "1" / "0" / "0"
    whole = path.read_bytes()
    for broken in (whole[:-1], whole[: len(whole) // 2], whole[:10], b"", whole + b"0"):
        path.write_bytes(broken)
        array = open_shards(tmp_path)["grey"]
        array[0:2]  # the first shard is whole
        with pytest.raises(DataCorruptError, match="c/1/0/0"):
            array[2:3]
    flipped = bytearray(whole)
    flipped[-10] ^= 1
    path.write_bytes(flipped)
    with pytest.raises(DataCorruptError, match="checksum"):
        open_shards(tmp_path)["grey"][2:3]
    # frames were cut out of the middle, the index is whole
    path.write_bytes(whole[100:])
    with pytest.raises(DataCorruptError, match="do not go with"):
        open_shards(tmp_path)["grey"][2:3]
    path.unlink()
    with pytest.raises(DataMissingError, match="c/1/0/0"):
        open_shards(tmp_path)["grey"][2:3]


def test_a_chunk_that_was_left_out_is_damage(tmp_path) -> None:
    group = zarr.create_group(tmp_path)
    array = group.create_array(
        "grey", shape=(4, 5), dtype="int16", chunks=(1, 5), shards=(4, 5),
        compressors=None,
    )  # fmt: skip
    array[1:] = 1
    with pytest.raises(DataCorruptError, match="lacks 1 of its chunks"):
        open_shards(tmp_path)["grey"][:]


def test_other_arrays_are_refused(tmp_path) -> None:
    with pytest.raises(DataMissingError, match="no Zarr group"):
        open_shards(tmp_path)
    group = zarr.create_group(tmp_path)
    group.create_array("packed", shape=(4, 5), dtype="i2", chunks=(1, 5), shards=(4, 5))
    group.create_array("plain", shape=(4, 5), dtype="i2", chunks=(1, 5))
    group.create_array("split", shape=(4, 4), dtype="i2", chunks=(1, 2), shards=(4, 4))
    for name in ("packed", "plain", "split"):
        with pytest.raises(DataCorruptError, match=name):
            open_shards(tmp_path)[name]
    with pytest.raises(DataMissingError, match="none"):
        open_shards(tmp_path)["none"]
    path = write(tmp_path, ramp(2)) / "zarr.json"
    write_json(path, {**read_json(path), "shape": None})
    with pytest.raises(DataCorruptError, match="grey"):
        open_shards(tmp_path)["grey"]


def test_wrong_frames_are_refused(tmp_path) -> None:
    writer = ShardWriter(tmp_path / "grey", (4, 5), np.uint8)
    for frames in (np.zeros((1, 5, 4), np.uint8), np.zeros((1, 4, 5), np.int8)):
        with pytest.raises(InvalidArgumentError, match=r"\(4, 5\) uint8"):
            writer.append(frames)
    with pytest.raises(InvalidArgumentError, match="complex64"):
        ShardWriter(tmp_path / "other", (4, 5), np.complex64)
    with pytest.raises(InvalidArgumentError, match="hold something"):
        ShardWriter(tmp_path / "other", (0, 5), np.uint8)
    array = open_shards(write(tmp_path, ramp(6)).parent)["grey"]
    with pytest.raises(InvalidArgumentError, match="not by 2"):
        array[::2]


def test_few_files_stay_open_and_another_process_opens_its_own(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("cardium.io.shards._MAPPED", 2)
    values = ramp(12)
    write(tmp_path, values)
    group = open_shards(tmp_path)
    runs = [group["grey"][k : k + 1] for k in range(12)]
    assert len(group._mapped) == 2
    np.testing.assert_array_equal(np.concatenate(runs), values)  # still to be read
    again = pickle.loads(pickle.dumps(group))
    assert not again._mapped
    np.testing.assert_array_equal(again["grey"][:], values)
