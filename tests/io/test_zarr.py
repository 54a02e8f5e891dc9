"""Zarr stores, held against zarr itself, and every way a store can be damaged."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path

import numcodecs
import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from cardium.errors import DataCorruptError, DataMissingError, InvalidArgumentError
from cardium.io.zarr import DecodedArray, open_store, write_store

FRAMES = np.arange(4 * 3 * 5, dtype=np.uint8).reshape(4, 3, 5)
TIMES = np.array([0.0, 0.1, 0.2, 0.3], dtype=np.float32)
KINDS = [(2, False), (2, True), (3, False), (3, True)]
CODECS = {
    (2, "blosc"): numcodecs.Blosc(),
    (2, "zstd"): numcodecs.Zstd(),
    (2, "zlib"): numcodecs.Zlib(),
    (2, "gzip"): numcodecs.GZip(),
    (2, "bz2"): numcodecs.BZ2(),
    (2, "lzma"): numcodecs.LZMA(),
    (2, "none"): None,
    (3, "blosc"): BloscCodec(),
    (3, "zstd"): ZstdCodec(),
    (3, "gzip"): GzipCodec(),
    (3, "none"): None,
}


def raw_store(path: Path, zarr_format: int, codec: object) -> Path:
    """A store with one frame a chunk, written by zarr; the chunk of frame 1."""
    group = zarr.create_group(str(path), zarr_format=zarr_format)
    array = group.create_array(
        "data/x", shape=(4, 64, 64), dtype="u1", chunks=(1, 64, 64), compressors=codec
    )
    array[:] = np.random.default_rng(0).integers(1, 255, (4, 64, 64), dtype=np.uint8)
    return path / ("data/x/1.0.0" if zarr_format == 2 else "data/x/c/1/0/0")


@pytest.mark.parametrize(("zarr_format", "zipped"), KINDS)
def test_what_is_written_is_what_zarr_reads(tmp_path, zarr_format, zipped) -> None:
    path = tmp_path / "a.zarr"
    arrays = {"data/x": FRAMES, "timestamps/x": TIMES, "data/none": TIMES[:0]}
    write_store(
        path,
        arrays,
        attributes={"who": {"n": 1.5}},
        array_attributes={"data/x": {"content_type": "frames"}},
        zarr_format=zarr_format,
        zipped=zipped,
    )
    assert path.is_file() == zipped
    store = zarr.storage.ZipStore(path) if zipped else str(path)
    group = zarr.open_group(store, mode="r")
    assert group.metadata.zarr_format == zarr_format
    assert dict(group.attrs) == {"who": {"n": 1.5}}
    assert dict(group["data/x"].attrs) == {"content_type": "frames"}
    for name, values in arrays.items():
        assert group[name].dtype == values.dtype
        assert np.array_equal(group[name][:], values)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


@pytest.mark.parametrize(("zarr_format", "zipped"), KINDS)
def test_reading_gives_back_arrays_and_attributes(
    tmp_path, zarr_format, zipped
) -> None:
    path = tmp_path / "a.zarr"
    write_store(
        path,
        {"data/x": FRAMES, "timestamps/x": TIMES},
        attributes={"who": "me"},
        zarr_format=zarr_format,
        zipped=zipped,
    )
    store = open_store(path)
    array = store.open_array("data/x")
    assert store.attributes["who"] == "me"
    assert (array.shape, array.dtype) == ((4, 3, 5), np.uint8)
    assert np.array_equal(array[1:3], FRAMES[1:3])
    assert np.array_equal(array[:], FRAMES)
    assert "data/x" in store
    assert "data/y" not in store
    assert np.array_equal(pickle.loads(pickle.dumps(array))[2:], FRAMES[2:])


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_slice_reads_only_its_own_frames(tmp_path, zarr_format) -> None:
    """Damage in frame 1 does not show in the frames around it."""
    chunk = raw_store(tmp_path / "a", zarr_format, "auto")
    chunk.unlink()
    array = open_store(tmp_path / "a").open_array("data/x")
    assert array[:1].shape == (1, 64, 64)
    assert array[2:].shape == (2, 64, 64)
    with pytest.raises(DataCorruptError, match="is not there"):
        array[0:2]


@pytest.mark.parametrize("damage", ["half", "header", "empty", "gone"])
@pytest.mark.parametrize(("zarr_format", "codec"), CODECS)
def test_a_damaged_chunk_is_corrupt_and_named(
    tmp_path, zarr_format, codec, damage
) -> None:
    chunk = raw_store(tmp_path / "a", zarr_format, CODECS[zarr_format, codec])
    whole = chunk.read_bytes()
    if damage == "gone":
        chunk.unlink()
    else:
        keep = {"half": len(whole) // 2, "header": 5, "empty": 0}[damage]
        chunk.write_bytes(whole[:keep])
    array = open_store(tmp_path / "a").open_array("data/x")
    with pytest.raises(DataCorruptError, match=r"'data/x' in .*Restore"):
        array[:]


def test_zarr_alone_would_have_said_nothing(tmp_path) -> None:
    """Why a chunk that is not there is an error here: zarr reads zeros."""
    raw_store(tmp_path / "a", 3, "auto").unlink()
    silent = zarr.open_group(str(tmp_path / "a"), mode="r")["data/x"][1]
    assert not silent.any()


def test_a_chunk_of_the_fill_value_is_written(tmp_path) -> None:
    write_store(tmp_path / "a", {"data/x": np.zeros((3, 2), np.float32)})
    assert open_store(tmp_path / "a").open_array("data/x")[:].tolist() == [[0, 0]] * 3


def test_shards_are_read(tmp_path) -> None:
    group = zarr.create_group(str(tmp_path / "a"))
    array = group.create_array(
        "x", shape=(4, 8), dtype="u1", chunks=(1, 8), shards=(2, 8),
        compressors=BloscCodec(),
    )  # fmt: skip
    array[:] = np.arange(32).reshape(4, 8)
    read = open_store(tmp_path / "a").open_array("x")
    assert np.array_equal(read[:], np.arange(32).reshape(4, 8))
    assert np.array_equal(read[1:2], np.arange(8, 16).reshape(1, 8))


@pytest.mark.parametrize(
    ("zarr_format", "names"),
    [
        (2, (".zgroup", ".zattrs", "data/x/.zarray")),
        (3, ("zarr.json", "data/x/zarr.json")),
    ],
)
@pytest.mark.parametrize("text", ["{", "[]", '{"zarr_format": 9}', "\x00"])
def test_damaged_metadata_is_corrupt(tmp_path, zarr_format, names, text) -> None:
    for number, name in enumerate(names):
        path = tmp_path / f"a{number}"
        write_store(
            path, {"data/x": FRAMES}, attributes={"a": 1}, zarr_format=zarr_format
        )
        (path / name).write_text(text)
        if name == ".zattrs" and text.startswith('{"'):
            continue  # an object is what attributes are
        with pytest.raises(DataCorruptError, match=str(path)):
            open_store(path).open_array("data/x")


def test_a_shape_larger_than_the_chunks_is_corrupt(tmp_path) -> None:
    write_store(tmp_path / "a", {"data/x": FRAMES})
    meta = tmp_path / "a" / "data" / "x" / "zarr.json"
    stated = json.loads(meta.read_text())
    stated["shape"] = [9, 3, 5]
    meta.write_text(json.dumps(stated))
    with pytest.raises(DataCorruptError, match=r"data/x/c/[12]/0/0"):
        open_store(tmp_path / "a").open_array("data/x")[:]


def test_missing_is_not_corrupt(tmp_path) -> None:
    with pytest.raises(DataMissingError, match=r"no\.zarr"):
        open_store(tmp_path / "no.zarr")
    write_store(tmp_path / "a", {"data/x": FRAMES})
    with pytest.raises(DataMissingError, match="'data/y'"):
        open_store(tmp_path / "a").open_array("data/y")
    with pytest.raises(DataCorruptError, match=r"'data'.*is a group"):
        open_store(tmp_path / "a").open_array("data")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataCorruptError, match="folder"):
        open_store(tmp_path / "folder")


def test_a_damaged_zip_is_corrupt(tmp_path) -> None:
    path = tmp_path / "a.zarr"
    write_store(path, {"data/x": FRAMES}, zipped=True)
    whole = path.read_bytes()
    for bytes_ in (whole[: len(whole) // 2], b"", b"text"):
        path.write_bytes(bytes_)
        with pytest.raises(DataCorruptError, match=r"a\.zarr"):
            open_store(path)
    with zipfile.ZipFile(tmp_path / "b", "w") as archive:
        archive.writestr("readme", "no store")
    with pytest.raises(DataCorruptError, match="b'"):
        open_store(tmp_path / "b")


def test_a_flipped_bit_in_a_zip_is_corrupt(tmp_path) -> None:
    path = tmp_path / "a.zarr"
    write_store(path, {"data/x": FRAMES}, zipped=True)
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("data/x/c/0/0/0")
    damaged = bytearray(path.read_bytes())
    damaged[member.header_offset + 30 + len(member.filename) + 12] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(DataCorruptError, match="'data/x'"):
        open_store(path).open_array("data/x")[:]


@pytest.mark.parametrize("zipped", [False, True])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, zipped) -> None:
    path = tmp_path / "a.zarr"
    write_store(path, {"data/x": FRAMES}, zipped=zipped)
    with pytest.raises(TypeError):
        write_store(path, {}, attributes={"a": object()}, zipped=zipped)
    assert np.array_equal(open_store(path).open_array("data/x")[:], FRAMES)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


def test_a_write_replaces_what_was_there(tmp_path) -> None:
    path = tmp_path / "a.zarr"
    write_store(path, {"data/x": FRAMES, "data/old": TIMES})
    write_store(path, {"data/x": FRAMES[:2]})
    store = open_store(path)
    assert np.array_equal(store.open_array("data/x")[:], FRAMES[:2])
    assert "data/old" not in store


def test_chunks_hold_whole_frames(tmp_path) -> None:
    small, large = np.zeros((200, 64, 32), np.uint8), np.zeros((3, 600, 600), np.uint8)
    write_store(tmp_path / "a", {"small": small, "large": large, "times": TIMES})
    group = zarr.open_group(str(tmp_path / "a"), mode="r")
    assert group["small"].chunks == (128, 64, 32)
    assert group["large"].chunks == (1, 600, 600)
    assert group["times"].chunks == (4,)


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("compressor", ["zstd", "blosc", "gzip", None])
def test_the_compressor_is_the_one_asked_for(tmp_path, zarr_format, compressor) -> None:
    path = tmp_path / "a"
    write_store(
        path, {"data/x": FRAMES}, zarr_format=zarr_format, compressor=compressor
    )
    array = zarr.open_group(str(path), mode="r")["data/x"]
    names = [type(codec).__name__.lower() for codec in array.compressors]
    assert len(names) == (compressor is not None)
    assert all(name.startswith(compressor) for name in names)
    assert np.array_equal(array[:], FRAMES)
    assert np.array_equal(open_store(path).open_array("data/x")[1:], FRAMES[1:])


def test_what_cannot_be_written_is_refused_before_anything_is(tmp_path) -> None:
    with pytest.raises(InvalidArgumentError, match="'lz5'; there are: zstd, blosc"):
        write_store(tmp_path / "a", {"data/x": FRAMES}, compressor="lz5")
    with pytest.raises(InvalidArgumentError, match="formats 2 and 3, got 4"):
        write_store(tmp_path / "a", {"data/x": FRAMES}, zarr_format=4)
    assert not list(tmp_path.iterdir())


def test_decoding_waits_for_the_slice() -> None:
    asked = []

    class Source:
        shape, dtype = (10, 4), np.dtype(np.uint8)

        def __getitem__(self, time: slice) -> np.ndarray:
            asked.append(time)
            return np.full((2, 4), 3, np.uint8)

    decoded = DecodedArray(
        Source(), lambda x: x.reshape(2, 2, 2) * 2.0, "f4", sample_shape=(2, 2)
    )
    assert decoded.shape == (10, 2, 2)
    assert decoded.dtype == np.float32
    assert asked == []
    assert decoded[4:6].tolist() == [[[6, 6], [6, 6]]] * 2
    assert asked == [slice(4, 6)]
