"""Recordings as trees of xarray, in memory and through Zarr."""

from dataclasses import replace

import numpy as np
import pytest
import xarray

from cardium.errors import DataCorruptError, InvalidArgumentError
from cardium.io.xarray import recording_from_xarray, recording_to_xarray, write_xarray


def test_a_recording_comes_back_as_it_was(recording, same):
    same(recording, recording_from_xarray(recording_to_xarray(recording)))


def test_a_recording_comes_back_through_zarr(tmp_path, recording, same):
    write_xarray(tmp_path / "a.zarr", recording)
    with xarray.open_datatree(tmp_path / "a.zarr", engine="zarr") as tree:
        same(recording, recording_from_xarray(tree.load()))
        b_mode = tree["streams/b_mode/b_mode"]
        assert b_mode.dims == ("time", "z", "x")
        assert (b_mode.units, b_mode.z.units, b_mode.time.units) == ("grey", "m", "s")
        assert b_mode.time.dtype == np.float64
        place = b_mode.sel(time=0.27, z=0.006, x=-0.0015, method="nearest")
        assert int(place) == recording["b_mode"].values[1, 2, 1]
    with pytest.raises(InvalidArgumentError, match="there already"):
        write_xarray(tmp_path / "a.zarr", recording)
    with pytest.raises(InvalidArgumentError, match=r"\.zarr"):
        write_xarray(tmp_path / "a.nc", recording)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


def test_every_number_has_its_unit(recording):
    tree = recording_to_xarray(recording)
    for node in tree.subtree:
        for name, variable in {**node.data_vars, **node.coords}.items():
            if variable.dtype.kind in "fiu":
                assert variable.attrs["units"], (node.path, name)
    cone = tree["streams/b_mode_3d"].to_dataset()
    units = [cone[n].units for n in ("time", "elevation", "azimuth", "range")]
    assert units == ["s", "rad", "rad", "m"]
    assert tree["streams/pulsed_wave/velocity"].units == "m/s"
    assert tree["marks/1"]["velocity_of_point"].units == "m/s"


def test_a_tree_of_something_else_is_refused(recording):
    with pytest.raises(DataCorruptError, match="no recording"):
        recording_from_xarray(xarray.DataTree())
    tree = recording_to_xarray(replace(recording, marks=(), meshes={}))
    del tree["streams/b_mode/b_mode"].attrs["units"]
    with pytest.raises(DataCorruptError, match="units"):
        recording_from_xarray(tree)
