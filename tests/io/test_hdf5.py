"""Recordings in HDF5: round trips, h5py alone, and files that are not what they say."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from cardium.core import Entry, Recording, Stream
from cardium.errors import (
    CardiumError,
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
)
from cardium.io.hdf5 import read_hdf5, write_hdf5


def test_a_recording_comes_back_as_it_was(tmp_path, recording, same):
    write_hdf5(tmp_path / "a.h5", recording)
    same(recording, read_hdf5(tmp_path / "a.h5"))


def test_missing_numbers_and_empty_streams_stay_what_they_are(tmp_path, same):
    entry = Entry("r", "p", "", frozenset(), labels={"age": float("nan"), "sex": None})
    nothing = Stream("s", np.zeros((0, 3), "f2"), np.zeros(0), ("time", "lead"), "mV")
    flags = Stream("t", np.array([True, False]), np.array([0.0, 1]), ("time",), "")
    one = Recording(entry, {"s": nothing, "t": flags})
    write_hdf5(tmp_path / "a.hdf5", one)
    back = read_hdf5(tmp_path / "a.hdf5")
    assert np.isnan(back.entry.labels["age"])
    assert back.entry.labels["sex"] is None
    labels = {"sex": None}
    same(
        replace(one, entry=replace(entry, labels=labels)),
        replace(back, entry=replace(back.entry, labels=labels)),
    )


def test_h5py_finds_numbers_units_and_axes(tmp_path, recording):
    write_hdf5(tmp_path / "a.h5", recording)
    with h5py.File(tmp_path / "a.h5") as file:
        values = file["streams/tissue_velocity/values"]
        assert np.array_equal(values[...], recording["tissue_velocity"].values)
        assert values.attrs["units"] == b"m/s"
        assert [d.label for d in values.dims] == ["time", "z", "x"]
        assert np.array_equal(values.dims[0][0][...], recording["b_mode"].time)
        assert file["streams/b_mode/time"].attrs["units"] == b"s"
        assert values.chunks[1:] == values.shape[1:]
        assert (values.compression, values.fletcher32) == ("gzip", True)
        velocity = file["streams/pulsed_wave/axes/velocity"]
        assert velocity.attrs["units"] == b"m/s"
        assert velocity[0] == 1.2
        assert file["meshes/lv_mesh/points"].attrs["units"] == b"m"
        assert file["gates/0"].attrs["angle"] == 0.1
        assert file["gates/0"].attrs["angle_units"] == b"rad"


def test_values_are_read_when_sliced(tmp_path, recording):
    write_hdf5(tmp_path / "a.h5", recording)
    values = read_hdf5(tmp_path / "a.h5")["b_mode"].values
    whole = recording["b_mode"].values
    for part in (
        slice(1, 3),
        slice(None, None, 2),
        slice(None, None, -1),
        slice(9, 12),
    ):
        assert np.array_equal(values[part], whole[part])
    (tmp_path / "a.h5").unlink()
    with pytest.raises(DataCorruptError, match=r"a\.h5"):
        values[:1]


def test_names_that_are_paths_and_other_endings_are_refused(tmp_path, recording):
    with pytest.raises(InvalidArgumentError, match=r"\.h5 or \.hdf5"):
        write_hdf5(tmp_path / "a.nc", recording)
    streams = {"../a": recording["b_mode"]}
    with pytest.raises(InvalidArgumentError, match=r"'\.\./a'"):
        write_hdf5(tmp_path / "a.h5", replace(recording, streams=streams))
    texts = Stream("s", np.array(["a"], object), np.zeros(1), ("time",), "")
    with pytest.raises(InvalidArgumentError, match="object"):
        write_hdf5(tmp_path / "a.h5", replace(recording, streams={"s": texts}))
    assert not list(tmp_path.iterdir())


def test_what_is_no_recording_is_refused(tmp_path):
    with pytest.raises(DataMissingError):
        read_hdf5(tmp_path / "a.h5")
    (tmp_path / "a.h5").write_bytes(b"no HDF5 at all")
    with pytest.raises(DataCorruptError, match=r"a\.h5"):
        read_hdf5(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["format"] = np.bytes_("other")
    with pytest.raises(DataCorruptError, match=r"no recording of cardium.*'other'"):
        read_hdf5(tmp_path / "a.h5")


def edit(path, change):
    with h5py.File(path, "r+") as file:
        change(file)


def link_elsewhere(file):
    del file["streams/b_mode/values"]
    file["streams/b_mode/values"] = h5py.ExternalLink("other.h5", "/secret")


def soft_link(file):
    del file["streams/b_mode"]
    file["streams/b_mode"] = h5py.SoftLink("/streams")


def bytes_elsewhere(file):
    group = file["streams/b_mode"]
    del group["values"]
    external = [("/etc/passwd", 0, 140)]
    group.create_dataset("values", (4, 7, 5), "u1", external=external)


def lost_chunks(file):
    group = file["streams/b_mode"]
    del group["values"]
    group.create_dataset("values", (4, 7, 5), "u1", chunks=(1, 7, 5), fillvalue=3)


def absurd_shape(file):
    group = file["streams/b_mode"]
    del group["values"]
    group.create_dataset("values", (4, 10**7, 10**7), "u1", chunks=(1, 10, 10))


def future(file):
    file.attrs["version"] = 2


def other_times(file):
    file["streams/b_mode/time"][1] = 9.0


def broken_geometry(file):
    file["streams/b_mode"].attrs["geometry"] = np.bytes_('{"type": "plane"')


def text_in_a_heap(file):
    file["streams/b_mode"].attrs["units"] = "grey"


def no_unit(file):
    del file["streams/b_mode"].attrs["units"]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (link_elsewhere, "link elsewhere"),
        (soft_link, "link elsewhere"),
        (bytes_elsewhere, "other files"),
        (lost_chunks, "lost chunks"),
        (absurd_shape, "lost chunks"),
        (future, "version 2"),
        (other_times, "strictly ascending"),
        (broken_geometry, "cannot be read as HDF5"),
        (text_in_a_heap, "units' in .* is object of shape"),
        (no_unit, "'/streams/b_mode/units'.*expected a text"),
    ],
)
def test_damage_is_named(tmp_path, recording, change, match):
    write_hdf5(tmp_path / "a.h5", recording)
    edit(tmp_path / "a.h5", change)
    with pytest.raises(CardiumError, match=match):
        read_hdf5(tmp_path / "a.h5")


def test_a_flipped_bit_of_pixels_is_found(tmp_path, recording):
    write_hdf5(tmp_path / "a.h5", recording)
    with h5py.File(tmp_path / "a.h5") as file:
        chunk = file["streams/tissue_velocity/values"].id.get_chunk_info(0)
    raw = bytearray((tmp_path / "a.h5").read_bytes())
    raw[chunk.byte_offset + chunk.size // 2] ^= 4
    (tmp_path / "a.h5").write_bytes(raw)
    with pytest.raises(DataCorruptError, match=r"a\.h5"):
        read_hdf5(tmp_path / "a.h5")["tissue_velocity"].load()


def test_truncated_files_are_corrupt(tmp_path, recording):
    write_hdf5(tmp_path / "a.h5", recording)
    whole = (tmp_path / "a.h5").read_bytes()
    for part in (0.02, 0.3, 0.7, 0.99):
        (tmp_path / "a.h5").write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(DataCorruptError, match=r"a\.h5"):
            read_hdf5(tmp_path / "a.h5")
