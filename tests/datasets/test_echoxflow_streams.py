"""Every stream of the format, from stores that zarr alone wrote by its description."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.errors import DataCorruptError, GeometryError

GREY = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
TIMES = np.array([0.25, 0.5, 1.0], np.float32)
FAN = {
    "depth_start_m": 0.01,
    "depth_end_m": 0.11,
    "angle_start_rad": -0.5,
    "angle_end_rad": 0.75,
}
VOLUME = {
    "coordinate_system": "spherical_sector_3d",
    "DepthStart": 0.02,
    "DepthEnd": 0.12,
    "Width": 1.0,
    "ElevationWidth": [0.5, 9.0],
}


def ref(path: str) -> dict:
    return {"zarr_path": path, "format": "zarr_array"}


def sector(name: str, geometry: dict | None = None, times: str = "", **more) -> dict:
    """A sector as the format writes it."""
    stated = {"semantic_id": name, "frames": ref(f"data/{name}"), **more}
    if geometry is not None:
        stated["geometry"] = geometry
    if times:
        stated["timestamps"] = ref(f"timestamps/{times}")
    return stated


def clocked(name: str, values: np.ndarray, times: np.ndarray = TIMES) -> dict:
    return {f"data/{name}": values, f"timestamps/{name}": times}


def test_planes_of_a_triplane_have_their_own_sectors(by_hand, store_kind) -> None:
    """Only by their exact names: a sector called ``bmode`` is none of theirs."""
    arrays, sectors = {}, [{"semantic_id": "bmode", "geometry": FAN}]
    for k in range(3):
        name = f"2d_brightness_mode_{k}"
        arrays |= clocked(name, GREY + k, TIMES + k)
        if k < 2:
            sectors.append(sector(name, FAN | {"depth_end_m": 0.11 + k / 100}))
    recording = by_hand.read("r", arrays, {"sectors": sectors}, store_kind)
    for k in range(3):
        stream = recording[f"b_mode_{k}"]
        assert np.array_equal(stream.load(), GREY + k)
        assert stream.time.tolist() == (TIMES + k).tolist()
    assert recording["b_mode_1"].geometry.depth == (0.01, 0.12)
    assert recording["b_mode_2"].geometry is None
    assert "b_mode" not in recording.streams


@pytest.mark.parametrize("shape", [(3, 2, 4, 5), (3, 4, 5)])
def test_combined_planes_are_read_whatever_their_axes(by_hand, shape) -> None:
    values = np.arange(math.prod(shape), dtype=np.uint8).reshape(shape)
    name = "2d_biplane_brightness_mode"
    manifest = {"sectors": [sector(name, FAN)]}
    stream = by_hand.read("r", clocked(name, values), manifest)["b_mode_biplane"]
    assert stream.dims == ("time", "plane", "range", "beam")[-len(shape) :] or (
        stream.dims == ("time", "range", "beam")
    )
    assert np.array_equal(stream.load(), values)
    assert stream.geometry.shape == (4, 5)


def test_a_volume_lies_in_its_fan(by_hand, store_kind) -> None:
    """Axes are elevation, azimuth and range; a list of widths counts by its first."""
    values = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5)
    manifest = {"sectors": [sector("3d_brightness_mode", VOLUME)]}
    arrays = clocked("3d_brightness_mode", values, TIMES[:2])
    stream = by_hand.read("r", arrays, manifest, store_kind)["b_mode_3d"]
    assert stream.dims == ("time", "elevation", "azimuth", "range")
    assert np.array_equal(stream.load(), values)
    fan = stream.geometry
    assert fan.depth == (0.02, 0.12)
    assert fan.azimuth == (-0.5, 0.5)
    assert fan.elevation == (-0.25, 0.25)
    assert fan.convention == "spherical"
    x, y, z = fan.points()
    r, az, el = 0.12, 0.5, -0.25
    corner = (0, 3, 4)
    assert x[corner] == pytest.approx(r * math.sin(az))
    assert y[corner] == pytest.approx(r * math.cos(az) * math.sin(el))
    assert z[corner] == pytest.approx(r * math.cos(az) * math.cos(el))


def test_a_volume_without_elevation_is_as_wide_both_ways(by_hand) -> None:
    geometry = {k: v for k, v in VOLUME.items() if k != "ElevationWidth"}
    manifest = {
        "sectors": [{"semantic_id": "3d_brightness_mode", "geometry": geometry}]
    }
    values = np.zeros((1, 2, 3, 4), np.uint8) + 1
    arrays = clocked("3d_brightness_mode", values, TIMES[:1])
    assert by_hand.read("r", arrays, manifest)["b_mode_3d"].geometry.elevation == (
        -0.5,
        0.5,
    )


@pytest.mark.parametrize(
    ("basis", "triggers", "start", "qrs"),
    [
        ("relative_to_volume_origin", [0.0, 0.75], 10.0, [0.0, 0.75]),
        (None, [10.0, 10.75], 10.0, [0.0, 0.75]),
        (None, [0.0, 0.75], 10.0, [0.0, 0.75]),
        # Volumes that begin before the origin count from there already.
        ("relative_to_volume_origin", [0.5], 0.0, [0.5]),
        (None, [0.5], 0.0, [0.5]),
    ],
)
def test_times_of_volumes_count_from_their_origin(
    by_hand, basis, triggers, start, qrs
) -> None:
    """Everything on their clock is moved with them, so that it stays in step."""
    values = np.ones((3, 2, 2, 2), np.uint8)
    reference = {"volume_time_origin_s": 10.0, **({"basis": basis} if basis else {})}
    arrays = clocked("3d_brightness_mode", values, TIMES + np.float32(start))
    arrays |= clocked("ecg", np.ones(2, np.float32), np.array([start - 0.5, start + 1]))
    metadata = {"time_reference": reference, "qrs_trigger_times": triggers}
    recording = by_hand.read("r", arrays, {"metadata": metadata})
    assert recording["b_mode_3d"].time.tolist() == TIMES.tolist()
    assert recording["ecg"].time.tolist() == [-0.5, 1.0]
    assert recording["qrs"].time.tolist() == qrs


def test_volumes_have_a_timeline_of_their_own(by_hand) -> None:
    values = np.ones((3, 2, 2, 2), np.uint8)
    arrays = {"data/3d_brightness_mode": values, "timelines/frames": TIMES}
    manifest = {"timelines": {"frame_timestamps": ref("timelines/frames")}}
    recording = by_hand.read("r", arrays, manifest)
    assert recording["b_mode_3d"].time.tolist() == TIMES.tolist()


def test_an_m_mode_has_depths_from_its_sector(by_hand, store_kind) -> None:
    values = np.arange(12, dtype=np.int16).reshape(3, 4)
    track = {"semantic_id": "motion_mode", "y_range_cm": [1, 2]}
    stated = sector("1d_motion_mode", {"DepthStart": 0.02, "DepthEnd": 0.08})
    manifest = {"sectors": [stated], "tracks": [track]}
    arrays = clocked("1d_motion_mode", values)
    stream = by_hand.read("r", arrays, manifest, store_kind)["m_mode"]
    assert stream.dims == ("time", "range")
    assert stream.load().tolist() == values.tolist()
    assert stream.load().dtype == np.float32
    assert np.allclose(stream.axes["range"], [0.02, 0.04, 0.06, 0.08])


@pytest.mark.parametrize(
    ("track", "depths"),
    [
        ({"y_range_cm": [1, 7]}, [0.01, 0.03, 0.05, 0.07]),
        ({"depth_range_cm": [1, 7]}, [0.01, 0.03, 0.05, 0.07]),
        ({"distance_range_m": [0.01, 0.07]}, [0.01, 0.03, 0.05, 0.07]),
        ({"y_range": [0, 6]}, [0.0, 0.02, 0.04, 0.06]),
    ],
)
def test_an_m_mode_has_depths_from_its_track(by_hand, track, depths) -> None:
    arrays = clocked("1d_motion_mode", np.ones((3, 4), np.uint8))
    manifest = {"tracks": [{"data": ref("data/1d_motion_mode"), **track}]}
    stream = by_hand.read("r", arrays, manifest)["m_mode"]
    assert np.allclose(stream.axes["range"], depths)


def test_an_m_mode_of_unknown_depth_is_read_without(by_hand) -> None:
    stream = by_hand.read("r", clocked("1d_motion_mode", GREY[:, 0]), {})["m_mode"]
    assert not stream.axes


CW = "1d_continuous_wave_doppler"
SPECTRUM = np.arange(3 * 5, dtype=np.uint8).reshape(3, 5)


@pytest.mark.parametrize(
    ("stated", "velocities", "limit"),
    [
        # The format's own example: 5 rows, baseline in the middle, 1 m/s.
        (
            {"baseline_frac": 0.5, "nyquist_mps": 1},
            [1, 0.5, 0, -0.5, -1],
            1.0,
        ),
        ({"nyquist_limit_mps": 2.0}, [2, 1, 0, -1, -2], 2.0),
        ({"baseline_row": 1, "velocity_limit_mps": 1.0}, [0.5, 0, -0.5, -1, -1.5], 1.0),
        (
            {"spectral_row_baseline_frac": 1.0, "velocity_scale_mps": 0.5},
            [1, 0.75, 0.5, 0.25, 0],
            0.5,
        ),
        (
            {"row_velocity_mps": [3, 2, 0, -1, -2], "nyquist_mps": 3},
            [3, 2, 0, -1, -2],
            3.0,
        ),
    ],
)
def test_rows_of_a_spectrum_are_velocities(by_hand, stated, velocities, limit) -> None:
    arrays = clocked("1d_pulsed_wave_doppler", SPECTRUM)
    stream = by_hand.read("r", arrays, {"spectral": stated})["pulsed_wave"]
    assert stream.dims == ("time", "velocity")
    assert stream.load().tolist() == SPECTRUM.tolist()
    assert np.allclose(stream.axes["velocity"], velocities)
    assert stream.velocity_limit == limit


@pytest.mark.parametrize(
    "manifest",
    [
        {
            "doppler_spectrum": {"nyquist_mps": 2},
            "tracks": [{"semantic_id": "cw_doppler", "nyquist_mps": 9}],
        },
        {
            "tracks": [
                {"semantic_id": "pw_doppler", "nyquist_mps": 9},
                {"track_role_id": "cw_doppler", "nyquist_mps": 2},
            ]
        },
        {"tracks": [{"data": ref(f"data/{CW}"), "nyquist_mps": 2}]},
        {"sectors": [{"semantic_id": CW, "nyquist_mps": 2}]},
        {"sectors": [{"semantic_id": "1d_other", "nyquist_mps": 2}]},
    ],
)
def test_what_is_said_of_a_spectrum_has_its_places(by_hand, manifest) -> None:
    arrays = clocked("1d_continuous_wave_doppler", SPECTRUM)
    stream = by_hand.read("r", arrays, manifest)["continuous_wave"]
    assert np.allclose(stream.axes["velocity"], [2, 1, 0, -1, -2])
    assert stream.velocity_limit == 2.0


def test_a_spectrum_without_a_limit_is_read_without_velocities(by_hand) -> None:
    arrays = clocked("1d_continuous_wave_doppler", SPECTRUM)
    stream = by_hand.read("r", arrays, {})["continuous_wave"]
    assert stream.load().tolist() == SPECTRUM.tolist()
    assert stream.velocity_limit is None
    assert not stream.axes


@pytest.mark.parametrize(
    "stated",
    [
        {"nyquist_mps": "fast"},
        {"nyquist_mps": 0},
        {"nyquist_mps": True},
        {"nyquist_mps": 10**400},
        {"nyquist_mps": 1, "baseline_row": [1]},
        {"row_velocity_mps": [1, 0]},
        {"row_velocity_mps": [1, 0, -1, -2, "x"]},
        {"row_velocity_mps": [-2, -1, 0, 1, 2]},
        {"row_velocity_mps": "5"},
    ],
)
def test_a_spectrum_that_contradicts_itself_is_corrupt(by_hand, stated) -> None:
    by_hand.add("r", clocked("1d_pulsed_wave_doppler", SPECTRUM), {"spectral": stated})
    with pytest.raises(DataCorruptError, match=r"'r'.*pulsed_wave"):
        _ = by_hand.open()["r"]


def test_colour_without_a_limit_is_read_without(by_hand) -> None:
    speed = np.linspace(-1, 1, 60).reshape(3, 4, 5)
    arrays = clocked("2d_color_doppler_velocity", speed)
    stream = by_hand.read("r", arrays, {})["colour_velocity"]
    assert np.allclose(stream.load(), speed)
    assert stream.velocity_limit is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_order_of_bytes_does_not_matter(by_hand, order) -> None:
    """Raw tissue codes, times and a signal, most significant byte first."""
    codes = np.array([128, 0x0102], f"{order}u2").repeat(10).reshape(2, 2, 5)
    table = np.zeros((65536, 4), np.uint8)
    table[:, 0] = np.arange(65536) % 256
    tissue = {
        "storage_encoding": "ge_tdi_raw_u16",
        "velocity_limit_mps": 0.2,
        "native_tdi_lookup_tables": {"fenc_lookup_table": ref("data/table")},
    }
    arrays = {
        **clocked("tissue_doppler", codes, TIMES[:2].astype(f"{order}f8")),
        **clocked("ecg", np.array([1.5, -2.0], f"{order}f4"), TIMES[:2]),
        "data/table": table,
    }
    manifest = {"sectors": [sector("tissue_doppler", **tissue)]}
    recording = by_hand.read("r", arrays, manifest)
    q = np.array([128, 2])
    b = 255 - (q + 128) % 256
    velocity = recording["tissue_velocity"].load()
    assert np.allclose(velocity[:, 0, 0], (2 * b / 255 - 1) * 0.2)
    assert velocity.dtype == np.float32
    assert recording["ecg"].load().tolist() == [1.5, -2.0]
    assert recording["ecg"].load().dtype == np.float32


def test_other_arrays_are_streams_when_they_have_a_clock(by_hand) -> None:
    arrays = {
        **clocked("respiration", np.array([1, 2, 3], np.int16)),
        **clocked("4ch_ecg", np.array([4, 5, 6], np.float64)),
        **clocked("heat", np.ones((3, 4, 5), np.float32)),
        "data/heat_map_velocity": np.ones((3, 2), np.float32),
        "timestamps/heat_map": TIMES,
        "data/colormap": np.ones((256, 3), np.uint8),
        **clocked("line_x", TIMES),
    }
    manifest = {"sectors": [sector("heat", FAN)]}
    recording = by_hand.read("r", arrays, manifest)
    assert [*recording.streams] == [
        "respiration",
        "4ch_ecg",
        "heat",
        "heat_map_velocity",
    ]
    assert recording["respiration"].load().tolist() == [1, 2, 3]
    assert recording["heat"].dims == ("time", "range", "beam")
    assert recording["heat"].geometry.depth == (0.01, 0.11)
    assert recording["heat_map_velocity"].dims == ("time", "axis_1")
    assert recording["heat_map_velocity"].time.tolist() == TIMES.tolist()
    assert {"respiration", "4ch_ecg"} <= recording.entry.provides


@pytest.mark.parametrize(
    "arrays",
    [
        {"timestamps/ecg_qrs": TIMES, "data/ecg_qrs": np.ones(3, np.float32)},
        {"data/ecg_qrs": TIMES},
        {"timestamps/qrs": TIMES},
    ],
)
def test_qrs_times_have_many_names(by_hand, arrays) -> None:
    recording = by_hand.read("r", {**clocked("ecg", TIMES), **arrays}, {})
    assert recording["qrs"].time.tolist() == TIMES.tolist()
    assert recording["qrs"].load().tolist() == TIMES.tolist()


def test_qrs_times_may_be_where_an_annotation_says(by_hand) -> None:
    annotation = {
        "target": {"type": "sector", "field": "ecg_qrs"},
        "time": ref("timelines/beats"),
        "value": ref("data/none"),
    }
    arrays = {**clocked("ecg", TIMES), "timelines/beats": TIMES + 1}
    recording = by_hand.read("r", arrays, {"annotations": [annotation]})
    assert recording["qrs"].time.tolist() == (TIMES + 1).tolist()


def test_masks_are_label_maps_where_they_name_their_classes(by_hand) -> None:
    codes = np.arange(60, dtype=np.uint8).reshape(3, 4, 5) % 2
    arrays = {
        "data/lv_mask": (codes, {"classes": ["background", "lv_cavity"]}),
        "timestamps/lv_mask": TIMES,
        **clocked("segmentation_mask_1", codes.astype(np.float64) / 2),
    }
    manifest = {"sectors": [sector("lv_mask", FAN)]}
    recording = by_hand.read("r", arrays, manifest)
    mask = recording.annotations["lv_mask"]
    assert (mask.unit, mask.coords["label"]) == ("label", ("background", "lv_cavity"))
    assert np.array_equal(mask.load(), codes)
    assert mask.geometry.angle == (-0.5, 0.75)
    other = recording.annotations["segmentation_mask_1"]
    assert other.unit == ""
    assert np.allclose(other.load(), codes / 2)
    assert not recording.streams


@pytest.mark.parametrize("classes", ["lv", [1, 2], [], {}])
def test_classes_that_are_no_names_are_corrupt(by_hand, classes) -> None:
    arrays = {"data/a_mask": (GREY, {"classes": classes}), "timestamps/a_mask": TIMES}
    recording = by_hand.read("r", arrays, {})
    with pytest.raises(DataCorruptError, match="classes"):
        _ = recording.annotations["a_mask"]


@pytest.mark.parametrize(
    "geometry",
    [
        {},
        [],
        "fan",
        VOLUME | {"Width": "1.0"},
        VOLUME | {"Width": float("nan")},
        VOLUME | {"Width": 10**400},
        VOLUME | {"Width": True},
        VOLUME | {"Width": []},
        VOLUME | {"Width": 4.0},
        VOLUME | {"DepthEnd": 0.01},
        VOLUME | {"DepthStart": -0.01},
    ],
)
def test_an_absurd_fan_is_refused(by_hand, geometry) -> None:
    arrays = clocked("3d_brightness_mode", np.ones((3, 2, 2, 2), np.uint8))
    by_hand.add("r", arrays, {"sectors": [sector("3d_brightness_mode", geometry)]})
    with pytest.raises(GeometryError, match=r"'r'.*b_mode_3d"):
        _ = by_hand.open()["r"]


@pytest.mark.parametrize(
    "manifest",
    [
        {"sectors": "none", "tracks": 3, "annotations": None, "metadata": []},
        {"sectors": [None, 3, "bmode", {"semantic_id": 7, "frames": 3}]},
        {"timelines": "x", "overlays": [], "linked_panels": {}, "documents": 9},
        {"sampling_gate_metadata": [1], "linked_mesh_sequences": ["x"]},
    ],
)
def test_a_manifest_of_the_wrong_types_hides_no_images(by_hand, manifest) -> None:
    recording = by_hand.read("r", clocked("2d_brightness_mode", GREY), manifest)
    assert np.array_equal(recording["b_mode"].load(), GREY)
    assert recording["b_mode"].geometry is None
    assert (*recording.marks,) == (*recording.gates,) == ()
    assert not recording.meshes
    assert not recording.annotations


@pytest.mark.parametrize("path", ["../x", "a/../../x", "//", "data/\0", "data"])
def test_references_that_lead_elsewhere_are_refused_or_unused(by_hand, path) -> None:
    stated = sector("2d_brightness_mode", FAN) | {"timestamps": ref(path)}
    by_hand.add("r", clocked("2d_brightness_mode", GREY), {"sectors": [stated]})
    try:
        recording = by_hand.open()["r"]
    except DataCorruptError:
        return
    assert recording["b_mode"].time.tolist() == TIMES.tolist()


def test_text_is_no_signal(by_hand) -> None:
    by_hand.add("r", clocked("ecg", np.array(["a", "b", "c"])), {})
    with pytest.raises(DataCorruptError, match="expected numbers"):
        _ = by_hand.open()["r"]


def test_text_is_no_time(by_hand) -> None:
    by_hand.add("r", clocked("ecg", TIMES, np.array(["a", "b", "c"])), {})
    with pytest.raises(DataCorruptError, match="expected times"):
        _ = by_hand.open()["r"]
