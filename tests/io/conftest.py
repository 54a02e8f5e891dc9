"""Streams of which every sample, place and time is known, in every geometry."""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np
import pytest

from cardium.core import (
    STRUCTURES,
    Entry,
    Gate,
    Mark,
    Mesh,
    PlaneGrid,
    Recording,
    Sector,
    SectorVolume,
    Stream,
    VolumeGrid,
)

PLANE = PlaneGrid(x=(-0.004, 0.006), z=(0.002, 0.014), shape=(7, 5))
# an aslant grid: axes at right angles, turned about all three
_TURN = np.linalg.qr(np.array([[2.0, 1, 0.3], [-1, 2, 0.5], [0.1, -0.4, 3]]))[0]
_TURN *= np.sign(np.linalg.det(_TURN))
VOLUME = VolumeGrid(
    origin=(-0.011, 0.007, 0.03),
    steps=tuple(
        tuple(map(float, step * axis))
        for step, axis in zip((0.003, 0.002, 0.001), _TURN, strict=True)
    ),
    shape=(4, 3, 5),
)
FAN = Sector(depth=(0.0, 0.06), angle=(-0.6, 0.4), shape=(7, 5), apex_offset=0.01)
CONE = SectorVolume((0.01, 0.05), (-0.5, 0.4), (-0.3, 0.2), (3, 4, 5))
TIME = np.array([0.25, 0.27, 0.3, 0.34])  # steps of 20, 30 and 40 ms
DIMS = {
    PLANE: ("time", "z", "x"),
    VOLUME: ("time", "z", "y", "x"),
    FAN: ("time", "range", "beam"),
    CONE: ("time", "elevation", "azimuth", "range"),
}


def stream_on(geometry, name="b_mode", *, dtype=np.uint8, unit="grey", **more):
    """Values 0, 1, 2 … over all axes: no axis can be swapped or flipped unseen."""
    shape = (len(TIME), *geometry.shape)
    values = np.arange(np.prod(shape)).reshape(shape) % 251
    if dtype != np.uint8:
        values = values / 251 - 0.5
    return Stream(
        name, values.astype(dtype), TIME, DIMS[geometry], unit, geometry, **more
    )


@pytest.fixture
def film():
    return stream_on(PLANE)


@pytest.fixture
def volumes():
    return stream_on(VOLUME, "b_mode_3d")


@pytest.fixture
def beams():
    return stream_on(FAN)


@pytest.fixture
def cone():
    return stream_on(CONE, "b_mode_3d")


@pytest.fixture
def velocities():
    return stream_on(
        PLANE, "tissue_velocity", dtype=np.float32, unit="m/s", velocity_limit=0.6
    )


@pytest.fixture
def labels():
    stream = stream_on(PLANE, "lv_mask", unit="label", coords={"label": STRUCTURES})
    return stream.with_values(stream.values % 4)


@pytest.fixture
def mesh():
    corners = np.array([(0, 0, 0), (0.01, 0, 0), (0, 0.02, 0), (0, 0, 0.03)], float)
    faces = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])
    frames = [(corners, faces), (corners * 1.5, faces[:3])]
    return Mesh.from_frames("lv_mesh", np.array([0.1, 0.35]), frames)


@pytest.fixture
def contour():
    x = np.linspace(-0.01, 0.01, 4)
    layers = np.stack([np.stack([x * k, 0.05 + x**2 * k], -1) for k in (1.0, 2.0)])
    values = np.stack([layers, layers + 0.001]).astype(np.float32)
    values[1, 0, 2] = np.nan
    return Stream(
        "lv_contour",
        values,
        np.array([0.1, 0.2]),
        ("time", "layer", "point", "xz"),
        "m",
        coords={"layer": ("endo", "epi")},
    )


@pytest.fixture
def ecg():
    time = 0.05 + np.arange(400) / 250
    return Stream("ecg", np.sin(12 * time) * 0.9, time, ("time",), "mV")


@pytest.fixture
def spectrum():
    velocity = np.linspace(1.2, -0.8, 11)
    values = (np.arange(66).reshape(6, 11) * 3).astype(np.float32)
    return Stream(
        "pulsed_wave",
        values,
        0.4 + 0.005 * np.arange(6),
        ("time", "velocity"),
        "grey",
        velocity_limit=1.0,
        axes={"velocity": velocity},
    )


@pytest.fixture
def recording(film, cone, velocities, labels, mesh, contour, ecg, spectrum):
    r_waves = np.array([0.2, 1.0, 1.85])
    streams = {s.name: s for s in (film, cone, velocities, ecg, spectrum)}
    qrs = Stream("qrs", r_waves, r_waves, ("time",), "s")
    annotations = {s.name: s for s in (labels, contour, qrs)}
    entry = Entry(
        "r0",
        "p0",
        "train",
        frozenset({*streams, *annotations}),
        (PurePosixPath("a/b.zarr"),),
        {"view": "4CH", "ef": 0.55, "rate": 60, "good": True, "codes": ("A", "B")},
        exam="e0",
    )
    points = np.array([(0.0, 0.03), (0.0, 0.04)])
    moving = np.stack([points, points + 0.001])
    marks = (
        Mark("IVSd", "b_mode", ("x", "z"), points),
        Mark("LVOT", "pulsed_wave", ("time", "velocity"), points),
        Mark("MV", "b_mode", ("x", "z"), moving, np.array([0.25, 0.27])),
    )
    gates = (Gate("pulsed_wave", 0.1, 0.09, 0.006), Gate("m_mode", -0.2))
    return Recording(
        entry, streams, annotations, ("r1", "r2"), {"lv_mesh": mesh}, marks, gates
    )


def assert_same(one, other):
    """Two recordings are equal in every name, number and type."""
    assert other.entry == one.entry
    assert other.links == one.links
    assert other.gates == one.gates
    for part in ("streams", "annotations"):
        ours, theirs = getattr(one, part), getattr(other, part)
        assert set(ours) == set(theirs)
        for name, stream in ours.items():
            assert_same_stream(stream, theirs[name])
    for name, mesh in one.meshes.items():
        other_mesh = other.meshes[name]
        for field in ("time", "points", "faces", "point_offsets", "face_offsets"):
            assert np.array_equal(getattr(mesh, field), getattr(other_mesh, field))
    assert len(one.marks) == len(other.marks)
    for mark, back in zip(one.marks, other.marks, strict=True):
        assert (mark.label, mark.on, mark.dims) == (back.label, back.on, back.dims)
        assert np.array_equal(mark.points, back.points)
        assert (mark.time is None) == (back.time is None)
        assert mark.time is None or np.array_equal(mark.time, back.time)


def assert_same_stream(one, other):
    assert (one.name, one.dims, one.unit) == (other.name, other.dims, other.unit)
    assert one.geometry == other.geometry
    assert one.velocity_limit == other.velocity_limit
    assert dict(one.coords) == dict(other.coords)
    assert np.array_equal(one.time, other.time)
    assert other.values.dtype == one.values.dtype
    assert np.array_equal(one.load(), other.load(), equal_nan=True)
    assert set(one.axes) == set(other.axes)
    for name, places in one.axes.items():
        assert np.array_equal(places, other.axes[name])


@pytest.fixture
def same():
    """The comparisons, for tests to call."""
    return assert_same


@pytest.fixture
def same_stream():
    return assert_same_stream
