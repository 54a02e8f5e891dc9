"""Meshes, marks and gates refuse what contradicts itself."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import Entry, Gate, Mark, Mesh, Recording, SectorVolume, Stream
from cardium.errors import GeometryError, InvalidArgumentError, NotProvidedError

CORNERS = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], float)
FACES = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])


def mesh(**change) -> Mesh:
    whole = Mesh.from_frames(
        "lv_mesh", np.array([0.0, 0.1]), [(CORNERS, FACES), (2 * CORNERS, FACES[:2])]
    )
    parts = {name: getattr(whole, name) for name in Mesh.__slots__}
    return Mesh(**{**parts, **change})


def test_frames_of_a_mesh_come_back_as_they_were_given() -> None:
    points, faces = mesh().frame(1)
    assert points.tolist() == (2 * CORNERS).tolist()
    assert faces.tolist() == FACES[:2].tolist()
    assert mesh().frame(-1)[0].tolist() == points.tolist()
    with pytest.raises(IndexError):
        mesh().frame(2)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"points": np.zeros((8, 2))}, r"\(P, 3\)"),
        ({"faces": np.zeros((6, 4), int)}, "triangles"),
        ({"points": np.full((8, 3), np.nan)}, "finite"),
        ({"time": np.array([0.1, 0.1])}, "ascending"),
        ({"time": np.array([0.0, 0.1, 0.2])}, "one more point offset"),
        ({"point_offsets": np.array([0, 5, 4])}, "ascend from 0 to 8"),
        ({"point_offsets": np.array([1, 4, 8])}, "ascend from 0 to 8"),
        ({"face_offsets": np.array([0, 4, 5])}, "ascend from 0 to 6"),
        ({"faces": np.full((6, 3), 4)}, "does not have"),
        ({"faces": np.full((6, 3), -1)}, "does not have"),
    ],
)
def test_a_mesh_refuses_nonsense(change, what) -> None:
    with pytest.raises(InvalidArgumentError, match=what):
        mesh(**change)


def test_a_mesh_of_no_frames_is_empty() -> None:
    assert len(Mesh.from_frames("lv_mesh", np.zeros(0), [])) == 0


def test_marks_have_the_axes_they_state() -> None:
    with pytest.raises(InvalidArgumentError, match=r"\(P, 2\)"):
        Mark("IVSd", "b_mode", ("x", "z"), np.zeros((2, 3)))
    with pytest.raises(InvalidArgumentError, match=r"\(T, P, 2\)"):
        Mark("IVSd", "b_mode", ("x", "z"), np.zeros((2, 2)), np.zeros(2))
    with pytest.raises(InvalidArgumentError, match="3 frames but 2 times"):
        Mark("IVSd", "b_mode", ("x", "z"), np.zeros((3, 1, 2)), np.zeros(2))


@pytest.mark.parametrize(
    "change", [{"angle": np.nan}, {"depth": 0.0}, {"length": -0.006}, {"depth": np.nan}]
)
def test_a_gate_refuses_nonsense(change) -> None:
    with pytest.raises(InvalidArgumentError, match="pulsed_wave"):
        Gate(**{"on": "pulsed_wave", "angle": 0.0, **change})


def test_a_stream_of_volumes_has_its_axes_in_the_order_of_the_fan() -> None:
    fan = SectorVolume((0.0, 0.1), (-0.5, 0.5), (-0.3, 0.3), (2, 3, 4))
    dims = ("time", "elevation", "azimuth", "range")
    stream = Stream(
        "v", np.zeros((1, 2, 3, 4)), np.zeros(1), dims, "grey", geometry=fan
    )
    array = stream.to_xarray()
    assert array.elevation.values.tolist() == [-0.3, 0.3]
    assert array.azimuth.values.tolist() == [-0.5, 0.0, 0.5]
    assert array.attrs["geometry"]["type"] == "sector_volume"
    with pytest.raises(GeometryError, match="transposed"):
        Stream("v", np.zeros((1, 3, 2, 4)), np.zeros(1), dims, "grey", geometry=fan)


def test_axes_without_geometry_are_places() -> None:
    velocity = np.array([0.5, 0.0, -0.5])
    spectrum = Stream(
        "pulsed_wave",
        np.zeros((2, 3)),
        np.array([0.0, 0.1]),
        ("time", "velocity"),
        "grey",
        axes={"velocity": velocity},
    )
    assert spectrum.to_xarray().velocity.values.tolist() == velocity.tolist()
    with pytest.raises(InvalidArgumentError, match="2 places for axis 'velocity'"):
        Stream(
            "pulsed_wave",
            np.zeros((2, 3)),
            np.array([0.0, 0.1]),
            ("time", "velocity"),
            "grey",
            axes={"velocity": velocity[:2]},
        )


def test_a_recording_says_what_it_has() -> None:
    recording = Recording(
        Entry("r0", "p0", "", frozenset()), {}, meshes={"lv_mesh": mesh()}
    )
    with pytest.raises(NotProvidedError, match="r0"):
        _ = recording["b_mode"]
    assert len(recording.meshes["lv_mesh"]) == 2
