"""HDF5: a whole recording in one file, nothing lost, nothing rounded.

Layout, format version 1; every number has its unit in an attribute ``units``::

    /                       format = "cardium recording", version = 1, links (names)
    /entry                  id, patient, split, exam; provides, files (names);
                            labels (JSON text)
    /streams/NAME           dims (names), units, velocity_limit, geometry (JSON text)
        values              in their own type; chunks of whole frames, deflated
        time                [s]; the scale of the first axis of values
        axes/DIM            places along an axis, in SI
        coords/DIM          names along an axis, or of codes
    /annotations/NAME       the same
    /meshes/NAME            time [s], points [m], faces, point_offsets, face_offsets
    /marks/0, 1, ...        label, on, dims (names); points, time [s] if they move
    /gates/0, 1, ...        on, angle [rad], depth [m], length [m]

Texts are UTF-8 of fixed width, and nothing is pickled. A file may come from anywhere:
links to other files, external and virtual data are refused, and so is a chunk that is
not there, which HDF5 itself would fill with zeros.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
from cardium.core.files import plain, written_aside
from cardium.errors import DataCorruptError, InvalidArgumentError
from cardium.io._hdf5_nodes import Node, StoredArray, damage_of
from cardium.io._pixels import blocks, check_ending, require_file

if TYPE_CHECKING:
    import h5py

_FORMAT, _VERSION = "cardium recording", 1
_AXIS_UNITS = {"velocity": "m/s", "range": "m", "frequency": "Hz", "beam": "rad"}
_MESH_UNITS = {"time": "s", "points": "m"}
_CHUNK_BYTES = 1 << 18
_CHECKED = ("v110", "latest")  # checksums of metadata; texts of any length


def write_hdf5(path: Path, recording: Recording) -> None:
    """Write a recording, frame by frame: streams, annotations, meshes, marks, gates.

    Parameters
    ----------
    path : Path
        A ``.h5`` or ``.hdf5`` file; one of that name is replaced.
    recording : Recording
        What is written; values that are read when sliced are read in pieces.

    Raises
    ------
    InvalidArgumentError
        If the name ends otherwise, a name has a slash, or values are no numbers.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> ecg = Stream("ecg", np.array([0.5, 1.0]), np.array([0.0, 0.002]), ("time",),
    ...              "mV")
    >>> one = Recording(Entry("r0", "p0", "", frozenset({"ecg"})), {"ecg": ecg})
    >>> with TemporaryDirectory() as folder:
    ...     write_hdf5(Path(folder) / "r0.h5", one)
    ...     back = read_hdf5(Path(folder) / "r0.h5")
    ...     back.entry == one.entry, back["ecg"].load().tolist(), back["ecg"].unit
    (True, [0.5, 1.0], 'mV')
    """
    check_ending(path, ".h5", ".hdf5")
    need("h5py", extra="echo")
    import h5py

    with written_aside(path) as aside, h5py.File(aside, "w", libver=_CHECKED) as file:
        _put_text(file, "format", _FORMAT)
        file.attrs["version"] = _VERSION
        _put_names(file, "links", recording.links)
        _put_entry(file.create_group("entry"), recording.entry)
        for part, streams in (
            ("streams", recording.streams),
            ("annotations", recording.annotations),
        ):
            group = file.create_group(part)
            for name, stream in streams.items():
                _put_stream(group.create_group(_checked(name)), stream)
        meshes = file.create_group("meshes")
        for name, mesh in recording.meshes.items():
            _put_mesh(meshes.create_group(_checked(name)), mesh)
        _put_marks(file.create_group("marks"), recording.marks)
        _put_gates(file.create_group("gates"), recording.gates)


def read_hdf5(path: Path) -> Recording:
    """Open a recording that `write_hdf5` wrote; values are read when sliced.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Recording
        Equal to the one that was written, in every name, number and type.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataCorruptError
        If it is not such a file, is cut short, or points to other files.
    """
    need("h5py", extra="echo")
    import h5py

    with damage_of(path), h5py.File(require_file(path), "r") as file:
        root = Node(path, file)
        if root.attrs.get("format") != _FORMAT:
            raise DataCorruptError(
                f"'{path}' is HDF5, but no recording of cardium: its attribute 'format'"
                f" is {root.attrs.get('format')!r}, expected '{_FORMAT}'."
            )
        if root.attrs.get("version") != _VERSION:
            raise DataCorruptError(
                f"'{path}' has version {root.attrs.get('version')} of the format, "
                f"this cardium reads {_VERSION}. Update cardium."
            )
        return Recording(
            _entry(root.child("entry")),
            {n: _stream(root.child(f"streams/{n}")) for n in root.names("streams")},
            {
                n: _stream(root.child(f"annotations/{n}"))
                for n in root.names("annotations")
            },
            root.texts("links"),
            {n: _mesh(root.child(f"meshes/{n}")) for n in root.names("meshes")},
            tuple(_mark(root.child(f"marks/{n}")) for n in _ordered(root, "marks")),
            tuple(_gate(root.child(f"gates/{n}")) for n in _ordered(root, "gates")),
        )


def _put_entry(group: h5py.Group, entry: Entry) -> None:
    """Write what the catalog knows."""
    for name in ("id", "patient", "split", "exam"):
        _put_text(group, name, getattr(entry, name))
    _put_names(group, "provides", sorted(entry.provides))
    _put_names(group, "files", [file.as_posix() for file in entry.files])
    # Not `plain`: JSON of Python can hold NaN, and a missing number is not None.
    _put_text(group, "labels", json.dumps(dict(entry.labels), default=plain))


def _put_stream(group: h5py.Group, stream: Stream) -> None:
    """Write a stream, its values in pieces."""
    _put_text(group, "name", stream.name)
    _put_text(group, "units", stream.unit)
    _put_names(group, "dims", stream.dims)
    if stream.velocity_limit is not None:
        group.attrs["velocity_limit"] = stream.velocity_limit
        _put_text(group, "velocity_limit_units", "m/s")
    if stream.geometry is not None:
        described = json.dumps(geometry_to_dict(stream.geometry))
        _put_text(group, "geometry", described)
    values = _put_values(group, stream)
    time = _put(group, "time", stream.time, "s")
    time.make_scale("time")
    for axis, dim in enumerate(stream.dims):
        values.dims[axis].label = dim
    values.dims[0].attach_scale(time)
    for dim, places in stream.axes.items():
        _put(group, f"axes/{_checked(dim)}", places, _AXIS_UNITS.get(dim, ""))
    for dim, names in stream.coords.items():
        data, dtype = _texts(names)
        group.create_dataset(f"coords/{_checked(dim)}", data=data, dtype=dtype)


def _put_values(group: h5py.Group, stream: Stream) -> h5py.Dataset:
    """Write values frame by frame, in chunks of whole frames."""
    dtype, shape = np.dtype(stream.values.dtype), stream.shape
    if dtype.kind not in "biufc":
        raise InvalidArgumentError(
            f"Stream '{stream.name}' holds {dtype}; HDF5 files of recordings hold "
            "numbers. Put names into coords."
        )
    if not np.prod(shape):
        return group.create_dataset("values", shape, dtype)
    frame = dtype.itemsize * int(np.prod(shape[1:]))
    frames = max(1, min(shape[0], _CHUNK_BYTES // frame))
    values = group.create_dataset(
        "values",
        shape,
        dtype,
        chunks=(frames, *shape[1:]),
        compression="gzip",
        compression_opts=1,
        shuffle=True,
        fletcher32=True,
    )
    _put_text(values, "units", stream.unit)
    at = 0
    for block in blocks(stream.values, dtype):
        values[at : at + len(block)] = block
        at += len(block)
    return values


def _put_mesh(group: h5py.Group, mesh: Mesh) -> None:
    """Write the arrays of a mesh."""
    _put_text(group, "name", mesh.name)
    for part in ("time", "points", "faces", "point_offsets", "face_offsets"):
        _put(group, part, getattr(mesh, part), _MESH_UNITS.get(part, ""))


def _put_marks(group: h5py.Group, marks: Sequence[Mark]) -> None:
    """Write marks, numbered in their order."""
    for number, mark in enumerate(marks):
        item = group.create_group(str(number))
        _put_text(item, "label", mark.label)
        _put_text(item, "on", mark.on)
        _put_names(item, "dims", mark.dims)
        units = {"time": "s", "velocity": "m/s"}
        _put(
            item, "points", mark.points, ", ".join(units.get(d, "m") for d in mark.dims)
        )
        if mark.time is not None:
            _put(item, "time", mark.time, "s")


def _put_gates(group: h5py.Group, gates: Sequence[Gate]) -> None:
    """Write gates, numbered in their order; what is None is left out."""
    for number, gate in enumerate(gates):
        item = group.create_group(str(number))
        _put_text(item, "on", gate.on)
        for name, unit in (("angle", "rad"), ("depth", "m"), ("length", "m")):
            if getattr(gate, name) is not None:
                item.attrs[name] = getattr(gate, name)
                _put_text(item, f"{name}_units", unit)


def _put(group: h5py.Group, name: str, values: NDArray[Any], unit: str) -> h5py.Dataset:
    """Write a small array whole."""
    dataset = group.create_dataset(name, data=np.asarray(values))
    if unit:
        _put_text(dataset, "units", unit)
    return dataset


def _put_names(group: h5py.Group, name: str, names: Iterable[str]) -> None:
    """Write names as an attribute: a list of texts."""
    data, dtype = _texts(names)
    group.attrs.create(name, data, dtype=dtype)


def _put_text(node: h5py.Group | h5py.Dataset, name: str, text: str) -> None:
    """Write a text as an attribute."""
    (data,), dtype = _texts([text])
    node.attrs.create(name, data, dtype=dtype)


def _texts(names: Iterable[str]) -> tuple[list[bytes], np.dtype[Any]]:
    """Encode texts in one width: those of any width lie in heaps that are fragile."""
    import h5py

    encoded = [name.encode() for name in names]
    width = max([1, *map(len, encoded)])
    return encoded, h5py.string_dtype("utf-8", width)


def _checked(name: str) -> str:
    """Refuse names that HDF5 would read as a path."""
    if not name or "/" in name or name in (".", "..") or "\0" in name:
        raise InvalidArgumentError(f"HDF5: '{name}' cannot name a stream. Rename it.")
    return name


def _entry(node: Node) -> Entry:
    """Read what the catalog knows."""
    labels: Mapping[str, Any] = json.loads(node.text("labels"))
    return Entry(
        node.text("id"),
        node.text("patient"),
        node.text("split"),
        frozenset(node.texts("provides")),
        tuple(map(PurePosixPath, node.texts("files"))),
        {k: tuple(v) if isinstance(v, list) else v for k, v in labels.items()},
        node.text("exam"),
    )


def _stream(node: Node) -> Stream:
    """Open a stream; its values are read when sliced."""
    described = node.attrs.get("geometry")
    geometry = None if described is None else json.loads(node.text("geometry"))
    return Stream(
        node.text("name"),
        StoredArray(node, "values"),
        node.array("time"),
        node.texts("dims"),
        node.text("units"),
        geometry_from_dict(geometry),
        node.number("velocity_limit"),
        {dim: node.labels(f"coords/{dim}") for dim in node.names("coords")},
        {dim: node.array(f"axes/{dim}") for dim in node.names("axes")},
    )


def _mesh(node: Node) -> Mesh:
    """Read a mesh."""
    parts = ("time", "points", "faces", "point_offsets", "face_offsets")
    return Mesh(node.text("name"), *(node.array(part) for part in parts))


def _mark(node: Node) -> Mark:
    """Read a mark."""
    first, second = node.texts("dims")
    time = node.array("time") if "time" in node.names() else None
    ends = (first, second)
    return Mark(node.text("label"), node.text("on"), ends, node.array("points"), time)


def _gate(node: Node) -> Gate:
    """Read a gate."""
    angle, depth, length = map(node.number, ("angle", "depth", "length"))
    return Gate(node.text("on"), np.nan if angle is None else angle, depth, length)


def _ordered(root: Node, part: str) -> list[str]:
    """Return the numbered members of a group in their order."""
    return sorted(root.names(part), key=int)
