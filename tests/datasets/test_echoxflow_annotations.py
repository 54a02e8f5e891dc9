"""What readers added, from stores that zarr alone wrote by the format's description."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.core import Gate
from cardium.errors import DataCorruptError, DataMissingError, NotProvidedError

GREY = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
TIMES = np.array([0.25, 0.5, 1.0], np.float32)
FAN = {
    "depth_start_m": 0.01,
    "depth_end_m": 0.11,
    "angle_start_rad": -0.5,
    "angle_end_rad": 0.75,
}
LV, LA, RV = (
    f"2d_{chamber}_strain"
    for chamber in ("left_ventricular", "left_atrial", "right_ventricular")
)


def ref(path: str) -> dict:
    return {"zarr_path": path, "format": "zarr_array"}


def images(**more) -> dict:
    return {
        "data/2d_brightness_mode": GREY,
        "timestamps/2d_brightness_mode": TIMES,
        **more,
    }


def analysis(role: str, layers: int, rows: int = 4) -> dict:
    """Contours whose numbers say where they belong: frame, row, layer, axis."""
    t, k, a = np.ogrid[:3, : rows * layers, :2]
    points = 1000 * t + 100 * (k // layers) + 10 * (k % layers) + a
    return {
        f"data/{role}_contour": points.astype(np.float32),
        f"timestamps/{role}_contour": TIMES,
    }


def panel(role: str, store: str, **more) -> dict:
    linked = {"recording_id": store, "recording_zarr_path": f"{store}.zarr"}
    return {"role_id": role, "linked_recording": linked, **more}


@pytest.mark.parametrize(
    ("content", "role", "chamber", "layers"),
    [
        (LV, "3ch", "lv", 5),
        (LA, "2ch", "la", 5),
        (RV, "4ch", "rv", 3),
        (RV, "rv", "rv", 3),
    ],
)
def test_contours_are_of_the_chamber_of_their_content_type(
    by_hand, store_kind, content, role, chamber, layers
) -> None:
    by_hand.add("plane", images(), {}, content_types=["2d_brightness_mode"])
    arrays = analysis(role, layers)
    manifest = {"linked_panels": [panel(role, "plane", geometry=FAN)]}
    by_hand.add("s", arrays, manifest, store_kind, content_types=[content])
    by_hand.link("s", "plane", panel_role_id=role)
    data = by_hand.open()
    assert [entry.id for entry in data.catalog] == ["plane", f"s.{role}"]
    recording = data[f"s.{role}"]
    contour = recording[f"{chamber}_contour"]
    assert contour.dims == ("time", "layer", "point", "xz")
    assert contour.shape == (3, layers, 4, 2)
    assert contour.load()[2, 1, 3].tolist() == [2310, 2311]
    assert len(contour.coords["layer"]) == layers
    assert contour.coords["layer"][-1] == "epicardium"
    assert contour.time.tolist() == TIMES.tolist()
    assert np.array_equal(recording["b_mode"].load(), GREY)
    assert recording["b_mode"].geometry.angle == (-0.5, 0.75)
    assert recording.links == ("plane",)
    assert recording.entry.labels["view"] == role.upper()
    assert data.catalog["plane"].labels["derived"] == ("s",)


@pytest.mark.parametrize(("points", "layers"), [(20, 5), (15, 5), (12, 3), (9, 3)])
def test_layers_of_an_unknown_chamber_are_counted(by_hand, points, layers) -> None:
    arrays = {
        "data/4ch_contour": np.zeros((3, points, 2), np.float32),
        "timestamps/4ch_contour": TIMES,
    }
    by_hand.add("s", arrays, {}, content_types=[LV, LA])
    recording = by_hand.open()["s.4ch"]
    assert recording["contour"].shape == (3, layers, points // layers, 2)


@pytest.mark.parametrize(
    ("values", "dims"),
    [
        (np.arange(3.0), ("time",)),
        (np.arange(6.0).reshape(3, 2), ("time", "segment")),
        (np.arange(6.0).reshape(2, 3), ("time", "segment")),
        (np.arange(9.0).reshape(3, 3), ("time", "segment")),
    ],
)
def test_a_curve_s_time_is_the_axis_as_long_as_its_times(by_hand, values, dims) -> None:
    arrays = {"data/4ch_curve": values, "timestamps/4ch_curve": TIMES}
    by_hand.add("s", arrays, {}, content_types=[LV])
    curve = by_hand.open()["s.4ch"]["lv_strain"]
    assert (curve.dims, curve.unit) == (dims, "%")
    want = values.T if values.shape == (2, 3) else values
    assert curve.load().tolist() == want.tolist()
    assert curve.samples(slice(1, 2)).load().tolist() == want[1:2].tolist()


def test_a_curve_as_long_as_nothing_is_corrupt(by_hand) -> None:
    arrays = {"data/4ch_curve": np.ones((4, 2)), "timestamps/4ch_curve": TIMES}
    by_hand.add("s", arrays, {}, content_types=[LV])
    recording = by_hand.open()["s.4ch"]
    with pytest.raises(DataCorruptError, match=r"\(4, 2\), but 3 times"):
        _ = recording["lv_strain"]


def test_two_chambers_in_one_analysis_are_told_apart_by_name(by_hand) -> None:
    arrays = analysis("4ch", 5) | analysis("rv", 3)
    by_hand.add("s", arrays, {}, content_types=[LV, RV])
    data = by_hand.open()
    assert data["s.4ch"]["lv_contour"].shape[1] == 5
    assert data["s.rv"]["rv_contour"].shape[1] == 3


def test_a_view_has_its_own_ecg_and_qrs(by_hand) -> None:
    """They are on the clock of the analysis, those of the images may not be."""
    ecg = np.array([7, 8, 9], np.float32)
    by_hand.add("plane", images(**{"data/ecg": ecg, "timestamps/ecg": TIMES}), {})
    own = {"data/4ch_ecg": ecg * 2, "timestamps/4ch_ecg": TIMES + 5}
    arrays = analysis("4ch", 5) | own | {"timestamps/4ch_ecg_qrs": TIMES[:1] + 5}
    manifest = {"linked_panels": [panel("4ch", "plane"), panel("2ch", "plane")]}
    arrays |= analysis("2ch", 5)
    by_hand.add("s", arrays, manifest, content_types=[LV])
    for role in ("2ch", "4ch"):
        by_hand.link("s", "plane", panel_role_id=role)
    data = by_hand.open()
    assert data["s.4ch"]["ecg"].load().tolist() == [14, 16, 18]
    assert data["s.4ch"]["ecg"].time.tolist() == (TIMES + 5).tolist()
    assert data["s.4ch"]["qrs"].time.tolist() == [5.25]
    assert data["s.2ch"]["ecg"].load().tolist() == [7, 8, 9]


@pytest.mark.parametrize("name", ["ecg_qrs_trigger_times", "qrs_trigger_times"])
def test_a_panel_may_state_the_qrs_times(by_hand, name) -> None:
    stated = panel("4ch", "s")
    stated["linked_recording"][name] = [0.25, 1]
    manifest = {"linked_panels": [stated]}
    by_hand.add("s", analysis("4ch", 5), manifest, content_types=[LV])
    assert by_hand.open()["s.4ch"]["qrs"].time.tolist() == [0.25, 1.0]


def test_a_view_without_images_has_its_contours(by_hand) -> None:
    """The link leads to a recording that the catalogue does not have."""
    manifest = {"linked_panels": [panel("4ch", "gone")]}
    by_hand.add("s", analysis("4ch", 5), manifest, content_types=[LV])
    by_hand.link("s", "gone", panel_role_id="4ch")
    recording = by_hand.open()["s.4ch"]
    assert not recording.streams
    assert recording.links == ("gone",)
    assert recording["lv_contour"].shape == (3, 5, 4, 2)


TETRAHEDRON = np.array([(0, 0, 0), (1, 0, 0), (0, 2, 0), (0, 0, 3)], np.float32)
FACES = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)], np.int32)
GROUP = "data/3d_left_ventricle_mesh"


def mesh(**change) -> dict:
    arrays = {
        f"{GROUP}/point_values": np.vstack([TETRAHEDRON, 2 * TETRAHEDRON]) / 100,
        f"{GROUP}/face_values": np.vstack([FACES, FACES]),
        f"{GROUP}/point_frame_offsets": np.array([0, 4, 8]),
        f"{GROUP}/face_frame_offsets": np.array([0, 4, 8]),
        "timestamps/3d_left_ventricle_mesh": TIMES[:2],
    }
    return arrays | {f"{GROUP}/{name}": values for name, values in change.items()}


def volume_of(points: np.ndarray, faces: np.ndarray) -> float:
    """The signed volume of a closed surface."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def test_a_mesh_is_turned_to_its_volume(by_hand, store_kind) -> None:
    """(x, y, z) of the volume is (-x, z, y) as stored: depth is stored as y."""
    recording = by_hand.read("m", mesh(), {}, store_kind)
    found = recording.meshes["lv_mesh"]
    assert found.time.tolist() == [0.25, 0.5]
    points, faces = found.frame(0)
    want = [(0, 0, 0), (-0.01, 0, 0), (0, 0, 0.02), (0, 0.03, 0)]
    assert np.allclose(points, want)
    assert faces.tolist() == FACES.tolist()
    stored = volume_of(TETRAHEDRON / 100, FACES)
    assert stored == pytest.approx(1e-6)
    assert volume_of(points, faces) == pytest.approx(stored), "the sides stay"
    assert volume_of(*found.frame(1)) == pytest.approx(8 * stored)
    assert {"lv_mesh"} == recording.entry.provides - recording.entry.labels.keys()


def test_quadrilaterals_are_split_along_their_first_diagonal(by_hand) -> None:
    change = {
        "face_values": np.array([(0, 1, 2, 3), (3, 2, 1, 0)]),
        "face_frame_offsets": np.array([0, 1, 2]),
    }
    found = by_hand.read("m", mesh(**change), {}).meshes["lv_mesh"]
    assert found.frame(0)[1].tolist() == [[0, 1, 2], [0, 2, 3]]
    assert found.frame(1)[1].tolist() == [[3, 2, 1], [3, 1, 0]]


def test_a_mesh_without_offsets_is_one_frame(by_hand) -> None:
    arrays = {
        f"{GROUP}/point_values": TETRAHEDRON,
        f"{GROUP}/face_values": FACES,
        "timestamps/3d_left_ventricle_mesh": TIMES[:1],
    }
    found = by_hand.read("m", arrays, {}).meshes["lv_mesh"]
    assert len(found) == 1
    assert len(found.frame(0)[0]) == 4


@pytest.mark.parametrize(
    "names", [np.array([b"LV", b"Epi"]), np.array(["LV", "Epi"])], ids=["bytes", "text"]
)
def test_components_are_meshes_of_their_own(by_hand, store_kind, names) -> None:
    change = {
        "point_component_offsets": np.array([0, 1, 2]),
        "face_component_offsets": np.array([0, 1, 2]),
        "component_names": names,
    }
    arrays = mesh(**change) | {"timestamps/3d_left_ventricle_mesh": TIMES[:1]}
    manifest = {"linked_mesh_sequences": [{"mesh_key": "LV"}]}
    meshes = by_hand.read("m", arrays, manifest, store_kind).meshes
    assert [*meshes] == ["lv_mesh", "lv_mesh_epi"]
    assert meshes["lv_mesh"].points.max() == pytest.approx(0.03)
    assert meshes["lv_mesh_epi"].points.max() == pytest.approx(0.06)


@pytest.mark.parametrize(
    ("base", "faces", "name"),
    [("wall", "faces", "wall"), ("3d_left_ventricle_mesh", "face_indices", "lv_mesh")],
)
def test_flat_arrays_are_a_mesh_too(by_hand, base, faces, name) -> None:
    """One list of faces serves all frames."""
    arrays = {
        f"data/{base}_points": np.vstack([TETRAHEDRON, 2 * TETRAHEDRON]),
        f"data/{base}_{faces}": FACES,
        f"data/{base}_offsets": np.array([0, 4, 8]),
        f"timestamps/{base}": TIMES[:2],
    }
    found = by_hand.read("m", arrays, {}).meshes[name]
    assert found.frame(1)[0][2].tolist() == [0, 0, 4]
    assert found.frame(1)[1].tolist() == FACES.tolist()


@pytest.mark.parametrize(
    "change",
    [
        {"point_frame_offsets": np.array([0, 5, 4])},
        {"point_frame_offsets": np.array([0, 4, 9])},
        {"point_frame_offsets": np.array([1, 4, 8])},
        {"point_frame_offsets": np.array([0, 8])},
        {"point_frame_offsets": np.array([0.0, 4.0, 8.0])},
        {"face_values": np.array([(0, 1, 7)] * 8)},
        {"face_values": np.array([(0, -1, 2)] * 8)},
        {"face_values": np.zeros((8, 2), np.int32) + 1},
        {"face_values": np.zeros((8, 3))},
        {"point_values": np.full((8, 3), np.nan)},
        {"point_values": np.ones((8, 2))},
        {"point_component_offsets": np.array([0, 3])},
    ],
)
def test_a_mesh_that_contradicts_itself_is_corrupt(by_hand, change) -> None:
    values = np.ones((2, 2, 2, 2), np.uint8)
    clip = {
        "data/3d_brightness_mode": values,
        "timestamps/3d_brightness_mode": TIMES[:2],
    }
    recording = by_hand.read("m", mesh(**change) | clip, {})
    assert np.array_equal(recording["b_mode_3d"].load(), values)
    with pytest.raises(DataCorruptError, match=r"'m'|mesh"):
        _ = recording.meshes["lv_mesh"]


def test_a_mesh_shows_the_volume_of_another_recording(by_hand) -> None:
    """Both count from the origin that the volume's store states."""
    values = np.arange(16, dtype=np.uint8).reshape(2, 2, 2, 2)
    reference = {"origin_s": 4.0}
    by_hand.add(
        "v",
        {
            "data/3d_brightness_mode": values,
            "timestamps/3d_brightness_mode": TIMES[:2] + 4,
            "data/ecg": TIMES,
            "timestamps/ecg": TIMES + 4,
        },
        {"metadata": {"time_reference": reference}},
    )
    late = {"timestamps/3d_left_ventricle_mesh": TIMES[:2] + 4}
    linked = {"recording_id": "v", "frames_array_path": "data/3d_brightness_mode"}
    by_hand.add("m", mesh() | late, {"linked_volume": linked})
    by_hand.link("m", "v", panel_role_id="3d_brightness_mode")
    data = by_hand.open()
    recording = data["m"]
    assert np.array_equal(recording["b_mode_3d"].load(), values)
    assert recording["b_mode_3d"].time.tolist() == TIMES[:2].tolist()
    assert recording["ecg"].time.tolist() == TIMES.tolist()
    assert recording.meshes["lv_mesh"].time.tolist() == TIMES[:2].tolist()
    assert recording.links == ("v",)


def mark(path: str, points, **more) -> tuple[dict, dict]:
    """An array of points, and the annotation that describes it."""
    annotation = {"kind": "scatter", "value": ref(path), **more}
    return {path: np.array(points, np.float64)}, annotation


SPECTRUM = {
    "data/1d_pulsed_wave_doppler": np.ones((3, 101), np.uint8),
    "timestamps/1d_pulsed_wave_doppler": TIMES,
}
AXIS = {"spectral": {"nyquist_mps": 1.0}}  # row r is at (50 - r) / 50 m/s
TRACE = "data/1d_pulsed_wave_doppler_annotation_e"


@pytest.mark.parametrize(
    ("y", "stated", "velocity"),
    [
        (80.0, {"y_unit": "cm/s"}, 0.8),
        (0.8, {"velocity_unit": "m/s"}, 0.8),
        (80.0, {"target": {"value_units": "cm/s"}}, 0.8),
        (80.0, {"links": {"unit": "CM/S"}}, 0.8),
        (25.0, {"coordinate_kind": "row"}, 0.5),
        (25.0, {"links": {"geometry_kind": "panel_pixel"}}, 0.5),
        # 40 pixels below the top of a box of 160, in which row 100 is at the bottom.
        (60.0, {"y_coordinate_system": "image_pixels"}, 0.5),
        (0.8, {}, 0.8),
        (1.1, {}, 1.1),
        (1.4, {}, 1 - 1.4 / 50),
        (75.0, {}, -0.5),
        (140.0, {}, -0.5),
        (-90.0, {}, -0.9),
    ],
)
def test_points_on_a_spectrum_become_velocities(by_hand, y, stated, velocity) -> None:
    arrays, annotation = mark(TRACE, [(0.5, y)], label="E", **stated)
    box = {"cursor_box": {"x": 0, "y": 20, "width": 9, "height": 160}}
    manifest = {"spectral": AXIS["spectral"] | box, "annotations": [annotation]}
    (found,) = by_hand.read("r", SPECTRUM | arrays, manifest).marks
    assert (found.label, found.on, found.dims) == (
        "E",
        "pulsed_wave",
        ("time", "velocity"),
    )
    assert found.points.tolist() == [[0.5, pytest.approx(velocity)]]


def test_points_that_fit_nothing_are_corrupt(by_hand) -> None:
    arrays, annotation = mark(TRACE, [(0.5, -3000.0)])
    recording = by_hand.read(
        "r", SPECTRUM | arrays, AXIS | {"annotations": [annotation]}
    )
    assert recording["pulsed_wave"].shape == (3, 101)
    with pytest.raises(DataCorruptError, match="neither"):
        _ = recording.marks[0]


def test_rows_without_velocities_are_not_provided(by_hand) -> None:
    arrays, _ = mark(TRACE, [(0.5, 3.0)])
    with pytest.raises(NotProvidedError, match="no unit"):
        _ = [*by_hand.read("r", SPECTRUM | arrays, {}).marks]


@pytest.mark.parametrize(
    ("y", "stated", "depth"),
    [(0.05, {}, 0.05), (5.0, {}, 0.05), (30.0, {}, 0.06), (5.0, {"unit": "cm"}, 0.05)],
)
def test_points_on_an_m_mode_become_depths(by_hand, y, stated, depth) -> None:
    """Metres, centimetres, or rows of 51 over 10 cm."""
    arrays, annotation = mark("data/1d_motion_mode_annotation_ivs_d", [(0.5, y, 9)])
    arrays |= {
        "data/1d_motion_mode": np.ones((3, 51), np.uint8),
        "timestamps/1d_motion_mode": TIMES,
    }
    track = {"semantic_id": "m_mode", "y_range_cm": [0, 10]}
    manifest = {"tracks": [track], "annotations": [annotation | stated]}
    (found,) = by_hand.read("r", arrays, manifest).marks
    assert (found.label, found.on, found.dims) == ("ivs d", "m_mode", ("time", "range"))
    assert found.points.tolist() == [[0.5, pytest.approx(depth)]]


def test_points_on_images_are_in_metres_and_may_move(by_hand) -> None:
    still, first = mark(
        "data/bmode_overlay_physical_points_00",
        [(-0.01, 0.05), (0.01, 0.05)],
        label="Cardiac/SD/LVIDd/Manual",
        target={"type": "sector", "semantic_id": "bmode", "field": "point_coordinates"},
    )
    moving = np.arange(12.0).reshape(3, 2, 2) / 100
    path = "data/bmode_overlay_physical_points_01"
    recording = by_hand.read(
        "r",
        images() | still | {path: moving},
        {"documents": [{"document": {"annotations": [first]}}]},
    )
    caliper, other = recording.marks
    assert (caliper.label, caliper.on, caliper.dims) == ("LVIDd", "b_mode", ("x", "z"))
    assert caliper.points.tolist() == [[-0.01, 0.05], [0.01, 0.05]]
    assert caliper.time is None
    assert other.points.tolist() == moving.tolist()
    assert other.time.tolist() == TIMES.tolist()


@pytest.mark.parametrize("place", ["root", "metadata", "documents"])
def test_older_layouts_have_annotations_and_gates_too(by_hand, place) -> None:
    arrays, annotation = mark(TRACE, [(0.5, 0.5)], label="E", y_unit="m/s")
    document = {
        "annotations": [annotation],
        "sampling_gate_metadata": {"gate_tilt_rad": 0.25, "gate_center_depth_m": 0.08},
    }
    inputs = [{"document": document}]
    attributes = {
        "root": {"render_inputs": inputs},
        "metadata": {"metadata": {"render_inputs": inputs}},
        "documents": {},
    }[place]
    manifest = AXIS | ({"documents": [document]} if place == "documents" else {})
    recording = by_hand.read("r", SPECTRUM | arrays, manifest, attributes=attributes)
    assert [mark.label for mark in recording.marks] == ["E"]
    assert [*recording.gates] == [Gate("pulsed_wave", 0.25, 0.08)]


GATE = {
    "gate_tilt_rad": 0.25,
    "gate_center_depth_m": 0.08,
    "gate_sample_volume_m": 0.004,
}
LINE = [[0.0, 0.0], [0.03, 0.04]]
ALONG = math.atan2(0.03, 0.04)


@pytest.mark.parametrize(
    ("name", "manifest", "gate"),
    [
        (
            "1d_pulsed_wave_doppler",
            {"sampling_gate_metadata": GATE},
            Gate("pulsed_wave", 0.25, 0.08, 0.004),
        ),
        (
            "1d_pulsed_wave_doppler",
            {"sectors": [{"semantic_id": "bmode", "sampling_gate_metadata": GATE}]},
            Gate("pulsed_wave", 0.25, 0.08, 0.004),
        ),
        (
            "1d_continuous_wave_doppler",
            {"sampling_gate_metadata": GATE},
            Gate("continuous_wave", 0.25),
        ),
        (
            "1d_continuous_wave_doppler",
            {"sampling_gate_metadata": GATE, "cursor_line_metadata": {"tilt": -0.5}},
            Gate("continuous_wave", -0.5),
        ),
        (
            "1d_continuous_wave_doppler",
            {
                "sampling_gate_metadata": GATE,
                "overlays": {
                    "physical_lines": [
                        {"label": "m_mode_cursor_line", "points": [[0, 0], [0, 1]]},
                        {"label": "CW_cursor_line", "points": LINE},
                    ]
                },
            },
            Gate("continuous_wave", ALONG),
        ),
        (
            "1d_motion_mode",
            {
                "sectors": [
                    {
                        "overlays": {
                            "physical_lines": [
                                {"label": "sampling_line", "points": LINE[::-1]}
                            ]
                        }
                    }
                ]
            },
            Gate("m_mode", ALONG),
        ),
        (
            "tissue_doppler",
            {"tracks": [{"semantic_id": "tissue_doppler_gate", "derived_from": GATE}]},
            Gate("tissue_velocity", 0.25, 0.08, 0.004),
        ),
        (
            "tissue_doppler",
            {"tracks": [{"semantic_id": "tissue_doppler_gate", **GATE}]},
            Gate("tissue_velocity", 0.25, 0.08, 0.004),
        ),
        (
            "tissue_doppler",
            {"tracks": [{"derived_from": {"kind": "tissue_doppler_gate", **GATE}}]},
            Gate("tissue_velocity", 0.25, 0.08, 0.004),
        ),
        (
            "tissue_doppler",
            {
                "sectors": [
                    {"semantic_id": "tissue_doppler", "sampling_gate_metadata": GATE}
                ]
            },
            Gate("tissue_velocity", 0.25, 0.08, 0.004),
        ),
    ],
)
def test_gates_and_lines_have_their_places(by_hand, name, manifest, gate) -> None:
    shape = (3, 4, 5) if name == "tissue_doppler" else (3, 5)
    arrays = {f"data/{name}": np.ones(shape), f"timestamps/{name}": TIMES}
    (found,) = by_hand.read("r", arrays, manifest).gates
    assert found == gate


@pytest.mark.parametrize(
    "stated",
    [
        {"gate_tilt_rad": "left"},
        GATE | {"gate_center_depth_m": -0.08},
        GATE | {"gate_sample_volume_m": float("nan")},
    ],
)
def test_a_gate_that_is_no_gate_is_corrupt_alone(by_hand, stated) -> None:
    recording = by_hand.read("r", SPECTRUM, {"sampling_gate_metadata": stated})
    assert recording["pulsed_wave"].shape == (3, 101)
    with pytest.raises(DataCorruptError, match="'r'"):
        _ = recording.gates[0]


@pytest.mark.parametrize("points", [None, [], [[0, 0]], [[0, "x"]], "line", [[1]]])
def test_a_line_without_points_is_corrupt(by_hand, points) -> None:
    line = {"label": "sampling_line", "points": points}
    manifest = {"overlays": {"physical_lines": [line]}}
    with pytest.raises(DataCorruptError, match="sampling_line"):
        _ = [*by_hand.read("r", SPECTRUM, manifest).gates]


@pytest.mark.parametrize(
    "values",
    [np.ones(4), np.ones((2, 1)), np.array([["a", "b"]]), np.full((1, 2), np.inf)],
)
def test_a_mark_that_holds_no_points_is_corrupt_alone(by_hand, values) -> None:
    path = "data/bmode_overlay_physical_points_00"
    recording = by_hand.read("r", images(**{path: values}), {})
    assert np.array_equal(recording["b_mode"].load(), GREY)
    with pytest.raises(DataCorruptError, match="overlay_physical_points_00"):
        _ = len(recording.marks)


def test_a_mark_that_is_not_there_is_missing_alone(by_hand) -> None:
    _, annotation = mark("data/bmode_overlay_physical_points_00", [(0, 0)])
    recording = by_hand.read("r", images(), {"annotations": [annotation]})
    assert np.array_equal(recording["b_mode"].load(), GREY)
    with pytest.raises(DataMissingError, match="overlay_physical_points_00"):
        _ = [*recording.marks]
