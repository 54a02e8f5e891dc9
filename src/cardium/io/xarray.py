"""Recordings as trees of labelled arrays for xarray, and to Zarr or NetCDF from there.

A node a stream, because each has a clock of its own: ``/streams/b_mode``,
``/annotations/lv_contour``, ``/meshes/lv_mesh``. Values and coordinates have the
attribute ``units`` (s, m, rad, m/s; a ratio has 1), and attributes are texts, numbers
and lists as JSON, so that the tree goes to any store. `write_xarray` writes it to Zarr.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from cardium.core import (
    Entry,
    Gate,
    Mark,
    Mesh,
    Recording,
    Stream,
    geometry_from_dict,
    geometry_to_dict,
    need,
)
from cardium.core.files import plain
from cardium.errors import DataCorruptError, InvalidArgumentError
from cardium.io._pixels import check_ending

if TYPE_CHECKING:
    import xarray

_UNITS = {
    "time": "s",
    "range": "m",
    "x": "m",
    "y": "m",
    "z": "m",
    "beam": "rad",
    "azimuth": "rad",
    "elevation": "rad",
    "velocity": "m/s",
}


def recording_to_xarray(recording: Recording) -> xarray.DataTree:
    """Read a recording into a tree of labelled arrays.

    Parameters
    ----------
    recording : Recording
        What is read; all values come into memory.

    Returns
    -------
    xarray.DataTree
        A node a stream, annotation, mesh and mark, named after it.

    Examples
    --------
    >>> ecg = Stream("ecg", np.array([0.5, 1.0]), np.array([0.0, 0.002]), ("time",),
    ...              "mV")
    >>> one = Recording(Entry("r0", "p0", "", frozenset({"ecg"})), {"ecg": ecg})
    >>> tree = recording_to_xarray(one)
    >>> float(tree["streams/ecg/ecg"].sel(time=0.002)), tree.attrs["patient"]
    (1.0, 'p0')
    >>> tree["streams/ecg/ecg"].units, tree["streams/ecg/time"].units
    ('mV', 's')
    """
    need("xarray", extra="all")
    import xarray

    nodes = {"/": xarray.Dataset(attrs=_described(recording))}
    for part, streams in (
        ("streams", recording.streams),
        ("annotations", recording.annotations),
    ):
        for key, stream in streams.items():
            nodes[f"/{part}/{key}"] = _labelled(stream)
    for key, mesh in recording.meshes.items():
        nodes[f"/meshes/{key}"] = _mesh_set(mesh)
    for number, mark in enumerate(recording.marks):
        nodes[f"/marks/{number}"] = _mark_set(mark)
    return xarray.DataTree.from_dict(nodes)


def recording_from_xarray(tree: xarray.DataTree) -> Recording:
    """Return the recording that `recording_to_xarray` made a tree of.

    Parameters
    ----------
    tree : xarray.DataTree
        In memory, or opened from a store.

    Returns
    -------
    Recording
        Equal to the one of before, with values in memory.

    Raises
    ------
    DataCorruptError
        If the tree lacks a node or an attribute, or one is of another kind.
    """
    try:
        attrs = tree.attrs
        labels = json.loads(attrs["labels"])
        entry = Entry(
            attrs["id"],
            attrs["patient"],
            attrs["split"],
            frozenset(json.loads(attrs["provides"])),
            tuple(map(PurePosixPath, json.loads(attrs["files"]))),
            {k: tuple(v) if isinstance(v, list) else v for k, v in labels.items()},
            attrs["exam"],
        )
        return Recording(
            entry,
            {key: _stream(node) for key, node in _children(tree, "streams")},
            {key: _stream(node) for key, node in _children(tree, "annotations")},
            tuple(json.loads(attrs["links"])),
            {key: _mesh(node) for key, node in _children(tree, "meshes")},
            tuple(
                _mark(node)
                for _, node in sorted(
                    _children(tree, "marks"), key=lambda pair: int(pair[0])
                )
            ),
            tuple(Gate(**gate) for gate in json.loads(attrs["gates"])),
        )
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise DataCorruptError(
            f"The tree is no recording: {type(error).__name__} {error}. Make it with "
            "recording_to_xarray."
        ) from error


def write_xarray(path: Path, recording: Recording) -> None:
    """Write a recording to a Zarr folder that ``xarray.open_datatree`` opens.

    Parameters
    ----------
    path : Path
        A ``.zarr`` folder that is not there yet.
    recording : Recording
        What is written; all values come into memory.

    Raises
    ------
    InvalidArgumentError
        If the name ends otherwise, or there is something of that name.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import xarray
    >>> ecg = Stream("ecg", np.array([0.5, 1.0]), np.array([0.0, 0.002]), ("time",),
    ...              "mV")
    >>> one = Recording(Entry("r0", "p0", "", frozenset({"ecg"})), {"ecg": ecg})
    >>> with TemporaryDirectory() as folder:
    ...     write_xarray(Path(folder) / "r0.zarr", one)
    ...     tree = xarray.open_datatree(Path(folder) / "r0.zarr", engine="zarr")
    ...     recording_from_xarray(tree)["ecg"].load().tolist()
    [0.5, 1.0]
    """
    check_ending(path, ".zarr")
    if path.exists():
        raise InvalidArgumentError(f"'{path}' is there already. Delete it first.")
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".part{os.getpid()}.{path.name}")
    try:
        # Format 2, which has a standard for texts and for metadata in one file.
        recording_to_xarray(recording).to_zarr(aside, mode="w", zarr_format=2)
        os.replace(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _described(recording: Recording) -> dict[str, str]:
    """Return the attributes of the root: the entry, the links and the gates."""
    entry = recording.entry
    return {
        **{name: getattr(entry, name) for name in ("id", "patient", "split", "exam")},
        "provides": json.dumps(sorted(entry.provides)),
        "files": json.dumps([file.as_posix() for file in entry.files]),
        # Not `plain`: JSON of Python can hold NaN, and a missing number is not None.
        "labels": json.dumps(dict(entry.labels), default=plain),
        "links": json.dumps(recording.links),
        "gates": json.dumps([asdict(gate) for gate in recording.gates]),
    }


def _labelled(stream: Stream) -> xarray.Dataset:
    """Return the data set of a stream, everything with its unit."""
    array = stream.to_xarray()
    array.attrs = {"units": stream.unit or "1"}
    if stream.velocity_limit is not None:
        array.attrs["velocity_limit"] = stream.velocity_limit
    if stream.geometry is not None:
        array.attrs["geometry"] = json.dumps(geometry_to_dict(stream.geometry))
    array.attrs["names"] = json.dumps({k: list(v) for k, v in stream.coords.items()})
    array.attrs["axes"] = json.dumps([k for k in stream.axes if k in stream.dims])
    for name, coordinate in array.coords.items():
        if coordinate.dtype.kind in "fiu":
            coordinate.attrs["units"] = _UNITS.get(str(name), "1")
    return array.to_dataset(name=stream.name)


def _mesh_set(mesh: Mesh) -> xarray.Dataset:
    """Return the data set of a mesh."""
    import xarray

    return xarray.Dataset(
        {
            "points": (("point", "xyz"), mesh.points, {"units": "m"}),
            "faces": (("face", "corner"), mesh.faces, {"units": "1"}),
            "point_offsets": (("border",), mesh.point_offsets, {"units": "1"}),
            "face_offsets": (("border",), mesh.face_offsets, {"units": "1"}),
        },
        coords={"time": ("time", mesh.time, {"units": "s"})},
        attrs={"name": mesh.name},
    )


def _mark_set(mark: Mark) -> xarray.Dataset:
    """Return the data set of a mark: a variable for each of its two numbers."""
    import xarray

    dims = ("point",) if mark.time is None else ("time", "point")
    coords = {} if mark.time is None else {"time": ("time", mark.time, {"units": "s"})}
    return xarray.Dataset(
        {
            f"{dim}_of_point": (dims, mark.points[..., at], {"units": _UNITS[dim]})
            for at, dim in enumerate(mark.dims)
        },
        coords=coords,
        attrs={"label": mark.label, "on": mark.on, "dims": json.dumps(mark.dims)},
    )


def _children(tree: xarray.DataTree, part: str) -> list[tuple[str, xarray.DataTree]]:
    """Return the nodes under a node; none if it is not there."""
    return list(tree[part].children.items()) if part in tree.children else []


def _stream(node: xarray.DataTree) -> Stream:
    """Return the stream of a node."""
    (name,) = map(str, node.data_vars)
    array = node.to_dataset()[name]
    attrs = array.attrs
    unit = attrs["units"]
    stated = attrs.get("geometry")
    return Stream(
        name,
        array.values,
        array["time"].values,
        tuple(map(str, array.dims)),
        "" if unit == "1" else unit,
        geometry_from_dict(None if stated is None else json.loads(stated)),
        attrs.get("velocity_limit"),
        {k: tuple(v) for k, v in json.loads(attrs["names"]).items()},
        {k: array[k].values for k in json.loads(attrs["axes"])},
    )


def _mesh(node: xarray.DataTree) -> Mesh:
    """Return the mesh of a node."""
    parts = ("time", "points", "faces", "point_offsets", "face_offsets")
    data = node.to_dataset()
    return Mesh(node.attrs["name"], *(data[part].values for part in parts))


def _mark(node: xarray.DataTree) -> Mark:
    """Return the mark of a node."""
    first, second = json.loads(node.attrs["dims"])
    data, attrs = node.to_dataset(), node.attrs
    parts = [data[f"{dim}_of_point"].values for dim in (first, second)]
    time: Any = data["time"].values if "time" in data.coords else None
    points = np.stack(parts, axis=-1)
    return Mark(attrs["label"], attrs["on"], (first, second), points, time)
