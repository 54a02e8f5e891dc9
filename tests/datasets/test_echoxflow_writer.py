"""EchoXFlow's writer: what json and zarr alone see of it, and what it refuses."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr

from cardium.core import Entry, Gate, Mark, PlaneGrid, Recording, Sector, Stream
from cardium.core import SectorVolume as Fan
from cardium.datasets import verify
from cardium.datasets._echoxflow import fake, ramps
from cardium.datasets.echoxflow import DATASET, Writer, write_recordings
from cardium.errors import (
    CardiumError,
    GeometryError,
    InvalidArgumentError,
    RunConflictError,
    UnknownNameError,
)

BEAMSPACE = ("time", "range", "beam")
SECTOR = Sector((0.0, 0.1), (-0.5, 0.6), (6, 5))
STORES = [(2, False, "blosc"), (3, True, "gzip"), (3, False, None), (2, True, "zstd")]


def recording(name: str, *streams: Stream, exam: str = "e1", **more) -> Recording:
    """A recording of some streams; without any, of images and an ECG."""
    given = streams or (ramps.plane("b_mode", 3), ramps.trace())
    entry = Entry(name, exam, "", frozenset(), exam=exam)
    return Recording(entry, {s.name: s for s in given}, **more)


def opened(root: Path, name: str, exam: str = "e1") -> zarr.Group:
    """Open a store with zarr alone."""
    path = root / f"recordings/{exam}/{name}.zarr"
    store = zarr.storage.ZipStore(path) if path.is_file() else str(path)
    return zarr.open_group(store, mode="r")


def rows(root: Path, name: str) -> list[dict]:
    """Rows of a record set without their prefix, by json alone."""
    sets = json.loads((root / "croissant.json").read_text())["recordSet"]
    found = [s["data"] for s in sets if s["@id"] == name]
    plain = found[0] if found else []
    return [{k.partition("/")[2]: v for k, v in row.items()} for row in plain]


def manifest(root: Path, name: str) -> dict:
    return opened(root, name).attrs["recording_manifest"]


@pytest.mark.parametrize(("zarr_format", "zipped", "compressor"), STORES)
def test_a_store_is_what_its_rows_say(
    tmp_path, zarr_format, zipped, compressor
) -> None:
    kind = {"zarr_format": zarr_format, "zipped": zipped, "compressor": compressor}
    with Writer(tmp_path, name="mine", **kind) as writer:
        assert writer.add(recording("r1"), fold=3) == "r1"
    group = opened(tmp_path, "r1")
    assert group.metadata.zarr_format == zarr_format
    (row,) = rows(tmp_path, "recordings")
    assert row["zarr_path"] == "recordings/e1/r1.zarr"
    assert (tmp_path / row["zarr_path"]).is_file() == zipped
    assert row["content_types"] == row["modes"] == ["2d_brightness_mode"]
    assert row["frame_counts_by_content_type"] == {"2d_brightness_mode": 8, "ecg": 128}
    steps = row["median_delta_time_by_content_type"]
    assert steps == {"2d_brightness_mode": 1 / 32, "ecg": 1 / 256}
    held = {f"{f}/{name}" for f, part in group.groups() for name in part}
    assert held == set(row["array_paths"])
    described = {r["array_path"]: r for r in rows(tmp_path, "arrays")}
    assert set(described) == held
    for path, stated in described.items():
        values = group[path][:]
        assert stated["shape"] == list(values.shape)
        assert stated["dtype"] == str(values.dtype)
        assert stated["data_sha256"] == hashlib.sha256(values.tobytes()).hexdigest()
    assert described["data/2d_brightness_mode"]["role"] == "frames"
    assert described["timestamps/ecg"]["role"] == "timestamps"
    assert (tmp_path / "splits.csv").read_text() == "exam_id,five_fold_split\ne1,3\n"
    assert group.attrs["exam_id"] == "e1"
    assert group.attrs["source_recording_id"] is None


def test_the_manifest_says_where_samples_lie(tmp_path) -> None:
    """2D first, each by its exact path, volumes in CamelCase with their system."""
    write_recordings(
        tmp_path,
        [recording("r1", ramps.fan(2), ramps.plane("b_mode", 3), ramps.trace())],
    )
    found = manifest(tmp_path, "r1")
    assert found["manifest_type"] == "2d+3d"
    flat, volume = found["sectors"]
    assert flat["semantic_id"] == "bmode"
    for sector, name in ((flat, "2d_brightness_mode"), (volume, "3d_brightness_mode")):
        for key in ("array_path", "zarr_path"):
            assert sector["frames"][key] == f"data/{name}"
            assert sector["timestamps"][key] == f"timestamps/{name}"
    assert flat["geometry"] == {
        "depth_start_m": 0.0,
        "depth_end_m": 0.125,
        "angle_start_rad": -0.625,
        "angle_end_rad": 0.5,
        "grid_shape": [24, 12],
    }
    assert volume["geometry"] == {
        "coordinate_system": "spherical_sector_3d",
        "DepthStart": 0.03125,
        "DepthEnd": 0.15625,
        "Width": 1.0,
        "ElevationWidth": 0.75,
    }
    timeline = found["timelines"]["frame_timestamps"]["array_path"]
    assert timeline == "timestamps/3d_brightness_mode"


def test_tissue_velocities_in_each_encoding(tmp_path) -> None:
    tissue = ramps.tissue()
    with Writer(tmp_path) as writer:
        for encoding in ("linear", "raw", "float"):
            writer.add(recording("r1", tissue), recording_id=encoding, tissue=encoding)
    want, limit = tissue.load(), tissue.velocity_limit
    code = opened(tmp_path, "linear")["data/tissue_doppler"][:]
    assert code.dtype == np.uint8
    assert np.abs((2.0 * code / 255 - 1) * limit - want).max() <= limit / 255 * (
        1 + 1e-6
    )
    raw = opened(tmp_path, "raw")
    (sector,) = raw.attrs["recording_manifest"]["sectors"]
    assert sector["storage_encoding"] == "ge_tdi_raw_u16"
    path = sector["native_tdi_lookup_tables"]["fenc_lookup_table"]["array_path"]
    q = raw[path][:].reshape(-1, 4)[:65536, 0].astype(int)
    codes = raw["data/tissue_doppler"][:]
    assert codes.dtype == np.uint16
    bucket = 255 - (q[codes] + 128) % 256
    assert np.array_equal(bucket, code)
    plain = opened(tmp_path, "float")
    assert np.array_equal(plain["data/tissue_doppler"][:], want)
    assert "storage_encoding" not in manifest(tmp_path, "float")["sectors"][0]


def test_spectra_state_the_velocity_of_each_row(tmp_path) -> None:
    wave = fake._continuous_wave(0)[0]
    writer = Writer(tmp_path)
    writer.add(wave)
    writer.close()
    group = opened(tmp_path, "exam0000_cw", "exam0000")
    found = group.attrs["recording_manifest"]
    spectrum = found["spectral_metadata"]
    assert spectrum["row_velocity_mps"][:2] == [1.5, 1.375]
    # the format's own formula gives the same rows where the range is symmetrical
    assert spectrum["baseline_row"] == 12.0
    assert spectrum["nyquist_mps"] == 4.5
    assert found["tracks"][0]["semantic_id"] == "1d_continuous_wave_doppler"
    assert found["sampling_line_metadata"] == {"gate_tilt_rad": 0.125}
    labels = [a["label"] for a in found["annotations"]]
    paths = [a["value"]["zarr_path"] for a in found["annotations"]]
    assert labels == ["TR Vmax", "TR Vmax"]
    assert paths[0] == "data/1d_continuous_wave_doppler_annotation_tr_vmax"
    assert paths[1] == f"{paths[0]}_01"
    assert group[paths[1]][:].tolist() == [[0.75, -3.25]]
    assert all(a["y_unit"] == "m/s" for a in found["annotations"])


def test_a_mesh_is_stored_in_the_axes_of_the_format(tmp_path) -> None:
    """(x, y, z) of a volume are (-x, z, y) of a mesh, so stored y is depth."""
    (both,) = fake._mesh_with_volume(0)
    writer = Writer(tmp_path)
    writer.add(both)
    writer.close()
    group = opened(tmp_path, "exam0000_fourd", "exam0000")
    mesh = group["data/3d_left_ventricle_mesh"]
    points, want = mesh["point_values"][:], both.meshes["lv_mesh"].points
    assert np.allclose(np.c_[-points[:, 0], points[:, 2], points[:, 1]], want)
    assert points[:, 1].min() > 0.05
    assert mesh["point_frame_offsets"][:].tolist() == [0, 6, 13, 19, 26]
    assert mesh["face_frame_offsets"][:].tolist() == [0, 8, 16, 24, 32]
    found = group.attrs["recording_manifest"]
    (sequence,) = found["linked_mesh_sequences"]
    assert sequence["mesh_key"] == "LV"
    assert sequence["mesh_data"]["zarr_path"] == "data/3d_left_ventricle_mesh"
    assert found["linked_volume"]["recording_id"] == "exam0000_fourd"


def test_a_strain_analysis_leads_to_its_images(tmp_path) -> None:
    first, second, *views = fake._views(1)
    with Writer(tmp_path) as writer:
        writer.add(first)
        writer.add(second)
        assert writer.add(views) == "exam0001_views"
    group = opened(tmp_path, "exam0001_views", "exam0001")
    assert {*group["data"]} == {
        f"{view}_{what}"
        for view in ("2ch", "4ch")
        for what in ("contour", "curve", "ecg_qrs")
    }
    found = group.attrs["recording_manifest"]
    assert found["manifest_type"] == "strain"
    assert found["annotation_type"] == "left_ventricular_strain"
    for panel, view in zip(found["linked_panels"], ("2ch", "4ch"), strict=True):
        linked = panel["linked_recording"]
        assert panel["role_id"] == view
        assert linked["recording_id"] == f"exam0001_plane_{view}"
        path = f"recordings/exam0001/exam0001_plane_{view}.zarr"
        assert linked["recording_zarr_path"] == path
        assert linked["relative_zarr_path"] == f"exam0001_plane_{view}.zarr"
    link = rows(tmp_path, "recording_links")[1]
    assert link["source_recording_id"] == "exam0001_views"
    assert link["linked_recording_id"] == "exam0001_plane_4ch"
    assert link["panel_role_id"] == "4ch"
    frames = "exam0001_plane_4ch/data/2d_brightness_mode"
    assert link["linked_frame_array_id"] == frames
    (row,) = (r for r in rows(tmp_path, "recordings") if "views" in r["recording_id"])
    assert row["source_recording_id"] == "exam0001_plane_2ch"


def test_images_that_no_recording_holds_are_stored_with_the_analysis(tmp_path) -> None:
    images, analysis = fake._atrium(0)
    other = replace(
        images, streams={**images.streams, "b_mode": ramps.plane("b_mode", 1)}
    )
    with Writer(tmp_path) as writer:
        writer.add(other)
        writer.add(analysis)
    group = opened(tmp_path, "exam0000_atrium", "exam0000")
    assert "2d_brightness_mode" in group["data"]
    assert "ecg" not in group["data"]
    (panel,) = group.attrs["recording_manifest"]["linked_panels"]
    assert panel["linked_recording"]["recording_id"] == "exam0000_atrium"


def test_the_origin_moves_to_the_apex_of_a_curved_probe(tmp_path) -> None:
    curved = Sector((0.0, 0.1), (-0.5, 0.5), (24, 12), apex_offset=0.03)
    mark = Mark("LVIDd", "b_mode", ("x", "z"), np.array([(0.0, 0.05)]))
    one = recording(
        "r1",
        replace(ramps.plane("b_mode", 1), geometry=curved),
        marks=(mark,),
        gates=(Gate("pulsed_wave", 0.1, 0.05, 0.004),),
    )
    write_recordings(tmp_path, [one])
    found = manifest(tmp_path, "r1")
    assert found["sectors"][0]["geometry"]["depth_start_m"] == pytest.approx(0.03)
    assert found["sectors"][0]["geometry"]["depth_end_m"] == pytest.approx(0.13)
    assert found["sampling_gate_metadata"]["gate_center_depth_m"] == pytest.approx(0.08)
    path = found["annotations"][0]["value"]["array_path"]
    assert opened(tmp_path, "r1")[path][:] == pytest.approx(np.array([[0.0, 0.08]]))


def test_velocity_and_power_share_a_clock_only_if_they_have_one(tmp_path) -> None:
    (flow,) = fake._colour(0)
    power = flow.streams["colour_power"]
    late = replace(power, time=power.time + 1 / 128)
    writer = Writer(tmp_path)
    writer.add(flow)
    two = replace(flow, streams={**flow.streams, "colour_power": late})
    writer.add(two, recording_id="two")
    writer.close()
    one = opened(tmp_path, "exam0000_colour", "exam0000")
    assert {"2d_color_doppler"} == {n for n in one["timestamps"] if "color" in n}
    apart = opened(tmp_path, "two", "exam0000")["timestamps"]
    assert apart["2d_color_doppler_power"][0] == apart["2d_color_doppler"][0] + 1 / 128


def test_a_dataset_grows_and_nothing_is_rewritten(tmp_path) -> None:
    write_recordings(tmp_path, [recording("r1")], name="mine", license="https://l")
    document = json.loads((tmp_path / "croissant.json").read_text())
    document["creator"] = "somebody"
    document["recordSet"][0]["data"][0]["recordings/note"] = "kept"
    (tmp_path / "croissant.json").write_text(json.dumps(document))
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.zarr/**/*")}
    write_recordings(tmp_path, [recording("r2", exam="e2")], name="other")
    after = json.loads((tmp_path / "croissant.json").read_text())
    assert (after["name"], after["creator"]) == ("mine", "somebody")
    assert after["recordSet"][0]["data"][0]["recordings/note"] == "kept"
    assert [r["recording_id"] for r in rows(tmp_path, "recordings")] == ["r1", "r2"]
    assert before == {p: p.stat().st_mtime_ns for p in before}


def test_a_catalogue_of_others_grows(tmp_path) -> None:
    """Record sets by name, keys without a prefix, and folds in the other file."""
    row = {"exam_id": "e0", "recording_id": "r0", "zarr_path": "r0.zarr"}
    sets = [{"name": "recordings", "data": [row]}]
    (tmp_path / "croissant.json").write_text(json.dumps({"recordSet": sets}))
    (tmp_path / "five_fold_split.csv").write_text("exam_id,fold\ne0,1\n")
    with Writer(tmp_path) as writer:
        writer.add(recording("r1"), fold=2)
        with pytest.raises(InvalidArgumentError, match="'r0' already"):
            writer.add(recording("r0"))
    document = json.loads((tmp_path / "croissant.json").read_text())
    assert document["recordSet"][0]["data"][0] == row
    assert document["recordSet"][0]["data"][1]["recordings/recording_id"] == "r1"
    text = (tmp_path / "five_fold_split.csv").read_text()
    assert text == "exam_id,five_fold_split\ne0,1\ne1,2\n"
    assert not (tmp_path / "splits.csv").exists()


def test_what_is_not_closed_is_not_listed(tmp_path) -> None:
    write_recordings(tmp_path, [recording("r1")])
    before = (tmp_path / "croissant.json").read_bytes()

    def interrupted():
        yield recording("r2")
        yield recording("r3")
        assert (tmp_path / "recordings/e1/r2.zarr").exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_recordings(tmp_path, interrupted())
    assert (tmp_path / "croissant.json").read_bytes() == before
    write_recordings(tmp_path, [recording("r2", ramps.plane("b_mode", 7))])
    assert opened(tmp_path, "r2")["data/2d_brightness_mode"][0, 0, 0] == 7
    assert not [p for p in tmp_path.rglob(".part*")]


def test_a_recording_that_fails_leaves_no_trace(tmp_path) -> None:
    with Writer(tmp_path) as writer:
        writer.add(recording("r1"), fold=0)
        flow = replace(
            fake._colour(0)[0].streams["colour_velocity"], velocity_limit=None
        )
        with pytest.raises(InvalidArgumentError, match="no velocity limit"):
            writer.add(recording("r2", flow, exam="e2"), fold=1)
    assert [r["recording_id"] for r in rows(tmp_path, "recordings")] == ["r1"]
    assert "e2" not in (tmp_path / "splits.csv").read_text()
    assert not (tmp_path / "recordings/e2").exists()


def test_two_writers_do_not_lose_each_other_s_rows(tmp_path) -> None:
    one, other = Writer(tmp_path), Writer(tmp_path)
    one.add(recording("r1"))
    other.add(recording("r2"))
    one.close()
    with pytest.raises(RunConflictError, match="another writer"):
        other.close()
    assert [r["recording_id"] for r in rows(tmp_path, "recordings")] == ["r1"]
    one.add(recording("r3"))
    one.close()
    assert len(rows(tmp_path, "recordings")) == 2


def test_names_and_folds_are_held_to_rules(tmp_path) -> None:
    writer = Writer(tmp_path)
    writer.add(recording("r1"), fold=1)
    for call, said in (
        ({"recording": recording("r1")}, "'r1' already"),
        ({"recording": recording("../r")}, r"'\.\./r': an id has letters"),
        ({"recording": recording("r2"), "exam": "a/b"}, "'a/b': an id"),
        (
            {"recording": recording("r2"), "fold": 2},
            "in fold 1 and cannot be in fold 2",
        ),
        ({"recording": recording("r2", exam="e2"), "fold": 5}, r"0\.\.4, got 5"),
        ({"recording": recording("r2", exam="e2")}, "has no fold, unlike"),
        ({"recording": []}, "no recording to add"),
        ({"recording": [recording("r2"), recording("r3")]}, "views of a strain"),
    ):
        with pytest.raises(InvalidArgumentError, match=said):
            writer.add(**call)
    assert writer.add(recording("r2")) == "r2"
    assert writer.add(recording("r4"), source="r3") == "r4"
    with pytest.raises(InvalidArgumentError, match="'r4' is derived from 'r3'"):
        writer.close()
    writer.add(recording("r3"))
    writer.close()
    assert rows(tmp_path, "recordings")[2]["source_recording_id"] == "r3"
    with pytest.raises(InvalidArgumentError, match=r"drawn on 'exam.*Add that first"):
        writer.add(fake._atrium(0)[1], fold=0)
    bare = Writer(tmp_path / "bare")
    bare.add(recording("r1"))
    with pytest.raises(InvalidArgumentError, match="has a fold, unlike"):
        bare.add(recording("r2", exam="e2"), fold=0)


def wrong(name: str, **change) -> Stream:
    """A stream of the fake with something wrong."""
    made = {
        "b_mode": ramps.plane("b_mode", 0),
        "tissue_velocity": ramps.tissue(),
        "b_mode_3d": ramps.fan(0),
        "m_mode": fake._m_mode(0)[0].streams["m_mode"],
        "pulsed_wave": fake._pulsed_wave(0)[0].streams["pulsed_wave"],
    }
    return replace(made[name], **change)


GRID = PlaneGrid((-0.1, 0.1), (0.0, 0.1), (24, 12))
LATE = 2.0**20 + np.arange(8) / 64


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (wrong("b_mode", values=np.full((8, 24, 12), 256.0)), "within 0 and 255"),
        (wrong("b_mode", values=np.full((8, 24, 12), np.nan)), "within 0 and 255"),
        (wrong("b_mode", time=LATE), "float32 do not ascend"),
        (wrong("tissue_velocity", velocity_limit=None), "no velocity limit"),
        (wrong("tissue_velocity", velocity_limit=0.01), "not within -0.01 and 0.01"),
        (wrong("m_mode", axes={}), "no places along 'range'"),
        (wrong("m_mode", axes={"range": np.arange(32.0) ** 2}), "equal steps"),
        (wrong("pulsed_wave", axes={"velocity": np.arange(33.0)}), "must descend"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(tmp_path, stream, said) -> None:
    with pytest.raises(InvalidArgumentError, match=said):
        Writer(tmp_path).add(recording("r1", stream))


@pytest.mark.parametrize(
    "geometry",
    [
        replace(ramps.FAN, azimuth=(-0.4, 0.6)),
        replace(ramps.FAN, convention="tangent"),
    ],
)
def test_a_fan_that_the_format_cannot_describe_is_refused(tmp_path, geometry) -> None:
    assert isinstance(geometry, Fan)
    volume = wrong("b_mode_3d", geometry=geometry)
    with pytest.raises(GeometryError, match="centred on the z axis"):
        Writer(tmp_path).add(recording("r1", volume))
    plane = replace(ramps.plane("b_mode", 0), geometry=GRID, dims=("time", "z", "x"))
    with pytest.raises(GeometryError, match="resample it"):
        Writer(tmp_path).add(recording("r1", plane))


def test_marks_gates_and_annotations_need_a_place(tmp_path) -> None:
    point = np.zeros((1, 2))
    for more in (
        {"marks": (Mark("a", "b_mode", ("time", "velocity"), point),)},
        {"marks": (Mark("a", "somewhere", ("x", "z"), point),)},
        {"gates": (Gate("ecg", 0.0),)},
        {"gates": (Gate("m_mode", 0.0), Gate("m_mode", 0.1))},
        {"annotations": {"aorta_contour": ramps.contour("aorta", ("a",), 0)}},
        {"meshes": {"rv_mesh": ramps.surface()}},
    ):
        with pytest.raises((InvalidArgumentError, UnknownNameError)):
            Writer(tmp_path).add(recording("r1", **more))
    two = {
        "lv_contour": ramps.contour("lv", tuple("abcde"), 0),
        "la_contour": ramps.contour("la", tuple("abcde"), 0),
    }
    with pytest.raises(InvalidArgumentError, match="one chamber a recording"):
        Writer(tmp_path).add(recording("r1", annotations=two))
    three = {"lv_contour": ramps.contour("lv", tuple("abc"), 0)}
    with pytest.raises(CardiumError, match="needs the label"):
        Writer(tmp_path).add(recording("r1", annotations=three))
    with pytest.raises(InvalidArgumentError, match="with 5 layers"):
        Writer(tmp_path).add(recording("r1.4ch", annotations=three))


def test_a_stream_of_another_name_is_kept_under_it(tmp_path) -> None:
    breath = replace(ramps.trace(), name="respiration")
    write_recordings(tmp_path, [recording("r1", breath, ramps.trace())])
    group = opened(tmp_path, "r1")
    assert np.array_equal(group["data/respiration"][:], breath.load())
    assert "timestamps/respiration" in group


def test_predictions_say_so(tmp_path) -> None:
    with Writer(tmp_path) as writer:
        writer.add(recording("r1", ramps.tissue()))
        predicted = recording("p1", ramps.tissue(), links=("r1",))
        writer.add(predicted, prediction={"model": "mine"})
    group = opened(tmp_path, "p1")
    assert group.attrs["prediction_manifest"] == {"model": "mine"}
    (sector,) = group.attrs["recording_manifest"]["sectors"]
    assert sector["semantic_id"] == "predicted_tissue_doppler"
    assert rows(tmp_path, "recordings")[1]["prediction_manifest"] == {"model": "mine"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_catalogue_that_grew_is_valid_croissant(tmp_path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    for name in ("r1", "r2"):
        write_recordings(tmp_path, [recording(name)], name="mine")
    dataset = mlcroissant.Dataset(str(tmp_path / "croissant.json"))
    report = dataset.metadata.issues.report()
    assert "error" not in report
    assert report.count("is recommended") == 2  # the licence and the citation
    found = [*dataset.records("recordings")]
    assert [row["recordings/recording_id"] for row in found] == ["r1", "r2"]


def test_what_is_read_is_written_as_it_was(tmp_path) -> None:
    """Read from one root and written to another, every array has the same hash."""
    first, second = tmp_path / "first", tmp_path / "second"
    made = [r for number in range(5) for r in fake.analytic_recordings(number)]
    # of one recording with B-mode in an examination, readers infer links
    more = [
        recording(f"{exam}_more", ramps.plane("b_mode", 30 + n), exam=exam)
        for n, exam in enumerate(("exam0002", "exam0003", "exam0004"))
    ]
    more = [
        replace(r, entry=replace(r.entry, split=f"fold{r.entry.exam[-1]}"))
        for r in more
    ]
    names = write_recordings(first, [*made, *more])
    assert len(names) == len(set(names)) == 25
    with Writer(second, zarr_format=2, zipped=True, compressor="gzip") as writer:
        groups: dict[str, list[Recording]] = {}
        for one in DATASET.open(first):
            groups.setdefault(str(one.entry.files[0]), []).append(one)
        assert [writer.add(views) for views in groups.values()] == names
    assert rows(first, "arrays") == rows(second, "arrays")
    assert rows(first, "recording_links") == rows(second, "recording_links")
    assert rows(first, "recordings") == rows(second, "recordings")
    for name in names:
        exam = name.partition("_")[0]
        one, other = (
            opened(root, name, exam).attrs["recording_manifest"]
            for root in (first, second)
        )
        assert one == other
    assert verify(DATASET.open(second)) == []
