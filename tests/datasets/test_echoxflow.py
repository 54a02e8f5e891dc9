"""EchoXFlow: what is written, read by zarr and json alone, and what must be refused."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import zarr

from cardium.core import KnownAnswer, OpenDataset, Sector, Stream
from cardium.datasets._echoxflow.strain import role_of
from cardium.datasets.echoxflow import DATASET, write_examinations
from cardium.datasets.echoxflow import links as find_links
from cardium.errors import (
    DataCorruptError,
    DataMissingError,
    GeometryError,
    NotProvidedError,
    SplitLeakError,
)
from cardium.io.zarr import ZarrArray

B_MODE, TISSUE = "data/2d_brightness_mode", "data/tissue_doppler"
VELOCITY, POWER = "data/2d_color_doppler_velocity", "data/2d_color_doppler_power"
GEOMETRY = {
    "depth_start_m": 0.01,
    "depth_end_m": 0.11,
    "angle_start_rad": -0.5,
    "angle_end_rad": 0.7,
}
FRAMES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
TIMES = np.array([0.0, 0.5, 1.0], np.float32)


@pytest.fixture(scope="module")
def fake(tmp_path_factory) -> tuple[Path, dict[str, KnownAnswer]]:
    """The whole fake, written once; tests do not change it."""
    root = tmp_path_factory.mktemp("echoxflow")
    known = DATASET.write_fake(root)
    return root, {answer.recording.entry.id: answer for answer in known}


def opened(root: Path, path: str) -> zarr.Group:
    """Open a store with zarr alone."""
    place = root / path
    store = zarr.storage.ZipStore(place) if place.is_file() else str(place)
    return zarr.open_group(store, mode="r")


def rows(root: Path, name: str) -> list[dict]:
    """Rows of a record set, by json alone."""
    sets = json.loads((root / "croissant.json").read_text())["recordSet"]
    return next(s["data"] for s in sets if s["@id"] == name)


def ref(path: str) -> dict[str, str]:
    return {"zarr_path": path}


def one_recording(
    root: Path,
    arrays: dict[str, np.ndarray],
    sectors: list[dict] | None = None,
    *,
    name: str = "r1",
    listed: list[str] | None = None,
    links: list[dict] | None = None,
    more: list[dict] | None = None,
    content_types: list[str] | None = None,
    manifest: dict | None = None,
) -> OpenDataset:
    """A root with one recording, written with zarr and json alone."""
    group = zarr.open_group(str(root / f"{name}.zarr"), mode="w", zarr_format=2)
    group.attrs["recording_manifest"] = {
        "manifest_type": "2d",
        "sectors": [{"frames": ref(B_MODE), "geometry": GEOMETRY}]
        if sectors is None
        else sectors,
        **(manifest or {}),
    }
    for path, values in arrays.items():
        array = group.create_array(
            path,
            shape=values.shape,
            dtype=values.dtype,
            config={"write_empty_chunks": True},
        )
        array[...] = values
    row = {
        "recordings/exam_id": "ex1",
        "recordings/recording_id": name,
        "recordings/zarr_path": f"{name}.zarr",
        "recordings/content_types": content_types or [],
        "recordings/array_paths": [*arrays] if listed is None else listed,
    }
    sets = [
        {"@id": "recordings", "data": [row, *(more or [])]},
        {"@id": "recording_links", "data": links or []},
    ]
    (root / "croissant.json").write_text(json.dumps({"recordSet": sets}))
    return DATASET.open(root)


def images(**more: np.ndarray) -> dict[str, np.ndarray]:
    return {B_MODE: FRAMES, "timestamps/2d_brightness_mode": TIMES, **more}


def tissue(codes: np.ndarray) -> dict[str, np.ndarray]:
    return images(**{TISSUE: codes, "timestamps/tissue_doppler": TIMES})


def test_the_fake_is_mixed_and_complete(fake) -> None:
    root, known = fake
    catalog = DATASET.index(root)
    assert [entry.id for entry in catalog] == [*known]
    assert len(catalog.patients) == 5
    assert catalog.splits == ("fold0", "fold1", "fold2", "fold3", "fold4")
    stores = [root / row["recordings/zarr_path"] for row in rows(root, "recordings")]
    formats = {
        (store.is_file(), opened(root, str(store)).metadata.zarr_format)
        for store in stores
    }
    assert formats == {(False, 2), (False, 3), (True, 3), (True, 2)}


def test_the_catalogue_says_what_the_stores_hold(fake) -> None:
    root, _ = fake
    described = {}
    for row in rows(root, "arrays"):
        key = row["arrays/recording_id"], row["arrays/array_path"]
        described[key] = row
    for row in rows(root, "recordings"):
        group = opened(root, row["recordings/zarr_path"])
        members = group.members(max_depth=None)
        held = {path for path, member in members if isinstance(member, zarr.Array)}
        assert held == set(row["recordings/array_paths"])
        for path in held:
            values = group[path][:]
            stated = described.pop((row["recordings/recording_id"], path))
            assert stated["arrays/shape"] == list(values.shape)
            assert stated["arrays/dtype"] == str(values.dtype)
            digest = hashlib.sha256(values.tobytes()).hexdigest()
            assert stated["arrays/data_sha256"] == digest
            if path.startswith("timestamps/"):
                assert values.dtype == np.float32
    assert not described


def test_images_and_tissue_velocity_as_zarr_alone_reads_them(fake) -> None:
    root, known = fake
    for exam in range(5):
        answer = known[f"exam{exam:04d}_tissue"].recording
        group = opened(root, str(answer.entry.files[0]))
        sectors = group.attrs["recording_manifest"]["sectors"]
        assert [s["semantic_id"] for s in sectors] == ["bmode", "tissue_doppler"]
        for sector, name in zip(sectors, ("b_mode", "tissue_velocity"), strict=True):
            stream = answer[name]
            assert sector["frames"]["zarr_path"] == sector["frames"]["array_path"]
            times = group[sector["timestamps"]["zarr_path"]][:]
            assert np.array_equal(times.astype(np.float64), stream.time)
            assert tuple(group[sector["frames"]["zarr_path"]].shape) == stream.shape
            assert sector["geometry"]["depth_end_m"] == stream.geometry.depth[1]
            assert sector["geometry"]["angle_start_rad"] == stream.geometry.angle[0]
        assert np.array_equal(group[B_MODE][:], answer["b_mode"].load())
        assert np.array_equal(group["data/ecg"][:], answer["ecg"].load())
        limit = sectors[1]["velocity_limit_mps"]
        assert sectors[1]["storage_encoding"] == "linear_velocity_uint8_mps_v1"
        decoded = (2.0 * group[TISSUE][:] / 255 - 1) * limit
        off = np.abs(decoded - answer["tissue_velocity"].load())
        assert off.max() <= limit / 255 * 1.00001
        read = DATASET.load(root, answer.entry)["tissue_velocity"].load()
        assert np.allclose(read, decoded, rtol=0, atol=1e-7)


def test_contours_are_stored_by_row_then_layer(fake) -> None:
    root, known = fake
    answer = known["exam0002_strain.4ch"].recording
    group = opened(root, str(answer.entry.files[0]))
    stored = group["data/4ch_contour"][:]
    contour = answer["lv_contour"].load()
    frames, layers, points, _ = contour.shape
    assert layers == 5
    assert stored.shape == (frames, 5 * points, 2)
    for k in (0, 1, 4, 5, 7, 5 * points - 1):
        assert np.array_equal(stored[:, k], contour[:, k % 5, k // 5])
    read = DATASET.load(root, answer.entry)["lv_contour"]
    assert read.dims == ("time", "layer", "point", "xz")
    assert np.array_equal(read.load(), contour)
    assert read.coords["layer"][0] == "endocardium"
    middle = read.load()[0, :, points // 2, 1]
    assert np.all(np.diff(middle) < 0), "the epicardial apex is nearest to the probe"


def test_a_panel_shows_the_images_it_was_drawn_on(fake) -> None:
    root, known = fake
    catalog = DATASET.index(root)
    entry = catalog["exam0001_strain.4ch"]
    recording = DATASET.load(root, entry)
    images_ = DATASET.load(root, catalog["exam0001_bmode"])
    assert entry.labels["view"] == images_.entry.labels["view"] == "4CH"
    assert recording.links == ("exam0001_bmode",)
    for name in ("b_mode", "ecg", "qrs"):
        assert np.array_equal(recording[name].load(), images_[name].load())
    assert recording["b_mode"].geometry == images_["b_mode"].geometry
    assert {"b_mode", "ecg", "lv_contour", "qrs", "view"} <= entry.provides
    assert "tissue_velocity" not in entry.provides
    assert known[entry.id].recording.links == recording.links


def test_colour_doppler_is_the_folded_known_flow(fake) -> None:
    """Linear in time, depth and angle, computed here again from the indices."""
    root, _ = fake
    recording = DATASET.load(root, DATASET.index(root)["exam0000_colour"])
    velocity, power = recording["colour_velocity"], recording["colour_power"]
    frames, rows_, beams = velocity.shape
    k, i, j = np.ogrid[:frames, :rows_, :beams]
    moving = 0.6 * (
        3 * i / (rows_ - 1) - 1.5 + 0.3 * k / (frames - 1) + 0.2 * j / (beams - 1)
    )
    turns = (velocity.load() - moving) / 1.2
    assert np.allclose(turns, np.round(turns), atol=1e-5)
    assert np.abs(velocity.load()).max() <= 0.6 + 1e-6
    assert velocity.velocity_limit == 0.6
    assert power.velocity_limit is None
    want = 0.5 * j / (beams - 1) + 0.3 * i / (rows_ - 1) + 0.2 * k / (frames - 1)
    assert np.allclose(power.load(), want, atol=1e-6)
    assert velocity.geometry == power.geometry
    assert np.array_equal(velocity.time, power.time)
    outer = recording["b_mode"].geometry
    assert outer.depth[0] < velocity.geometry.depth[0]
    assert velocity.geometry.angle[1] < outer.angle[1]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_written_catalogue_is_valid_croissant(fake) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    dataset = mlcroissant.Dataset(str(fake[0] / "croissant.json"))
    assert dataset.metadata.issues.report() == ""
    assert len(list(dataset.records("recordings"))) == len(rows(fake[0], "recordings"))


def test_opening_reads_no_samples(fake, monkeypatch) -> None:
    root, known = fake
    read = ZarrArray.__getitem__

    def refuse(self: ZarrArray, time: slice) -> np.ndarray:
        if "'data/" in self.where:
            raise AssertionError(f"{self.where} was read")
        return read(self, time)

    monkeypatch.setattr(ZarrArray, "__getitem__", refuse)
    for name in known:
        recording = DATASET.open(root)[name]
        for stream in known[name].recording.streams.values():
            assert recording[stream.name].shape == stream.shape
    with pytest.raises(AssertionError, match="was read"):
        recording["b_mode"].samples(slice(0, 1))


def examination(seed: int) -> SimpleNamespace:
    """An examination made by hand, small and different along every axis."""
    sector = Sector((0.0, 0.1), (-0.5, 0.6), (6, 5))
    time = np.arange(4) / 30
    grey = (np.arange(4 * 6 * 5) + seed).reshape(4, 6, 5).astype(np.uint8)
    dims = ("time", "range", "beam")
    speed = np.linspace(-0.1, 0.1, 3 * 6 * 5, dtype=np.float32).reshape(3, 6, 5)
    shape = ("time", "layer", "point", "xz")
    points = np.arange(4 * 5 * 7 * 2, dtype=np.float32).reshape(4, 5, 7, 2) / 1000
    streams = {
        "b_mode": Stream("b_mode", grey, time, dims, "grey", geometry=sector),
        "tissue_velocity": Stream(
            "tissue_velocity", speed, time[:3], dims, "m/s", sector, 0.1
        ),
        "ecg": Stream(
            "ecg", np.ones(60, np.float32), np.arange(60) / 500, ("time",), ""
        ),
    }
    return SimpleNamespace(
        view="4ch",
        streams=streams,
        annotations={"lv_contour": Stream("lv_contour", points, time, shape, "m")},
        qrs_times=np.array([0.01, 0.1]),
        truth=SimpleNamespace(edv_ml=120.0, esv_ml=48.0, ef_percent=60.0),
    )


@pytest.mark.parametrize(("zarr_format", "zipped"), [(2, False), (3, True)])
def test_examinations_are_written_one_by_one(tmp_path, zarr_format, zipped) -> None:
    done = []

    def source():
        for seed in range(6):
            # What came before is on disk before the next one is made.
            assert len(list(tmp_path.rglob("*_strain.zarr"))) == seed
            assert not (tmp_path / "croissant.json").exists()
            yield examination(seed)

    truths = write_examinations(
        tmp_path,
        source(),
        zarr_format=zarr_format,
        zipped=zipped,
        progress=done.append,
    )
    assert done == [1, 2, 3, 4, 5, 6]
    catalog = DATASET.index(tmp_path)
    assert len(catalog) == 18
    assert catalog["exam0005_tissue"].split == "fold0"
    assert truths[0] == {
        "exam_id": "exam0000",
        "edv_ml": 120.0,
        "esv_ml": 48.0,
        "ef_percent": 60.0,
    }
    group = opened(tmp_path, "recordings/exam0003/exam0003_bmode.zarr")
    assert group.metadata.zarr_format == zarr_format
    assert np.array_equal(group[B_MODE][:], examination(3).streams["b_mode"].values)


def test_a_write_that_stops_leaves_no_catalogue(tmp_path) -> None:
    def source():
        yield examination(0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_examinations(tmp_path, source())
    with pytest.raises(DataMissingError, match=r"croissant\.json"):
        DATASET.index(tmp_path)


@pytest.mark.parametrize(
    ("geometry", "angle"),
    [
        (GEOMETRY, (-0.5, 0.7)),
        (
            {"DepthStart": 0.01, "DepthEnd": 0.11, "AngleStart": -0.5, "AngleEnd": 0.7},
            (-0.5, 0.7),
        ),
        ({"DepthStart": 0.01, "DepthEnd": 0.11, "Width": 1.2}, (-0.6, 0.6)),
        (
            {"DepthStart": 0.01, "DepthEnd": 0.11, "Width": 1.2, "Tilt": 0.1},
            (-0.5, 0.7),
        ),
        (
            {"DepthStart": 0.01, "DepthEnd": 0.11, "Width": 1.2, "Angle": 0.1},
            (-0.5, 0.7),
        ),
        (
            {
                "depth_start_m": 0.01,
                "depth_end_m": 0.11,
                "width_rad": 1.2,
                "tilt_rad": 0.1,
            },
            (-0.5, 0.7),
        ),
    ],
)
def test_geometry_has_its_aliases(tmp_path, geometry, angle) -> None:
    sector = {"frames": ref(B_MODE), "geometry": geometry}
    data = one_recording(tmp_path, images(), [sector])
    found = data["r1"]["b_mode"].geometry
    assert found.depth == (0.01, 0.11)
    assert found.angle == pytest.approx(angle)
    assert found.shape == (4, 5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"depth_start_m": 0.11, "depth_end_m": 0.01}, "swapped"),
        ({"angle_start_rad": 0.7, "angle_end_rad": -0.5}, "swapped"),
        ({"depth_end_m": None}, "depth_end_m or DepthEnd is None"),
        ({"angle_start_rad": None}, "angle_start_rad or AngleStart is None"),
        ({"depth_end_m": "deep"}, "'deep'"),
        ({"angle_end_rad": math.nan}, "nan"),
    ],
)
def test_a_degenerate_geometry_names_the_recording(tmp_path, change, said) -> None:
    sector = {"frames": ref(B_MODE), "geometry": GEOMETRY | change}
    data = one_recording(tmp_path, images(), [sector])
    with pytest.raises(GeometryError, match=f"'r1', b_mode.*{said}"):
        _ = data["r1"]


def test_a_sector_that_names_the_array_wins(tmp_path) -> None:
    volume = {
        "semantic_id": "bmode",
        "frames": ref("data/3d_brightness_mode"),
        "geometry": {"coordinate_system": "spherical_sector_3d", "Width": 1.0},
    }
    by_id = {"sector_role_id": "bmode", "geometry": GEOMETRY | {"depth_end_m": 0.2}}
    by_path = {"frames": {"path": f"/{B_MODE}"}, "geometry": GEOMETRY}
    for number, (sectors, deepest) in enumerate(
        [([volume, by_id, by_path], 0.11), ([volume, by_id], 0.2)]
    ):
        root = tmp_path / str(number)
        root.mkdir()
        data = one_recording(root, images(), sectors)
        assert data["r1"]["b_mode"].geometry.depth[1] == deepest


def test_one_colour_sector_and_clock_serve_velocity_and_power(tmp_path) -> None:
    values = np.linspace(-1, 1, 60).reshape(3, 4, 5)
    arrays = images(
        **{
            VELOCITY: values,
            POWER: np.abs(values),
            "timestamps/2d_color_doppler": TIMES,
        }
    )
    sector = {
        "semantic_id": "2d_color_doppler",
        "frames": ref(VELOCITY),
        "geometry": GEOMETRY,
        "velocity_scale_mps": 1.5,
    }
    recording = one_recording(tmp_path, arrays, [sector])["r1"]
    assert recording["colour_velocity"].velocity_limit == 1.5
    assert recording["colour_velocity"].load().dtype == np.float32
    assert np.allclose(recording["colour_velocity"].load(), values)
    assert recording["colour_power"].geometry == recording["colour_velocity"].geometry
    assert recording["colour_power"].time.tolist() == [0.0, 0.5, 1.0]
    assert recording["b_mode"].geometry is None


def test_a_sector_s_own_times_come_first(tmp_path) -> None:
    arrays = images(**{"timelines/frames": TIMES + 7})
    sector = {
        "frames": ref(B_MODE),
        "timestamps": ref("timelines/frames"),
        "geometry": GEOMETRY,
    }
    data = one_recording(tmp_path, arrays, [sector])
    assert data["r1"]["b_mode"].time.tolist() == [7.0, 7.5, 8.0]


def test_linear_codes_are_the_published_velocities(tmp_path) -> None:
    codes = np.array([0, 127, 128, 255], np.uint8).repeat(15).reshape(4, 3, 5)
    sector = {
        "semantic_id": "tissue_doppler",
        "storage_encoding": "linear_velocity_uint8_mps_v1",
        "velocity_limit_mps": 0.255,
        "geometry": GEOMETRY,
    }
    arrays = tissue(codes) | {
        "timestamps/tissue_doppler": np.arange(4, dtype=np.float32)
    }
    stream = one_recording(tmp_path, arrays, [sector])["r1"]["tissue_velocity"]
    assert stream.unit == "m/s"
    assert stream.velocity_limit == 0.255
    assert np.allclose(stream.load()[:, 0, 0], [-0.255, -0.001, 0.001, 0.255])


def test_raw_codes_go_through_the_table_in_the_store(tmp_path) -> None:
    """Column 0 holds q; b = 255 - (q + 128) mod 256; v = (2b/255 - 1) limit."""
    table = np.zeros((65536, 4), np.uint8)
    table[:, 0] = np.arange(65536) % 256
    table[:, 1] = 77
    codes = np.zeros((3, 4, 5), np.uint16)
    codes[0, 0, :4] = [128, 127, 0, 40_000]
    sector = {
        "frames": ref(TISSUE),
        "storage_encoding": "ge_tdi_raw_u16",
        "velocity_limit_mps": 0.2,
        "tdi_tables": {"fenc_table": ref("data/tissue_doppler_fenc_table")},
    }
    arrays = tissue(codes) | {"data/tissue_doppler_fenc_table": table}
    stream = one_recording(tmp_path, arrays, [sector])["r1"]["tissue_velocity"]
    got = stream.samples(slice(0, 1)).load()[0, 0, :4]
    b = np.array([255, 0, 127, 255 - (40_000 % 256 + 128) % 256])
    assert np.allclose(got, (2 * b / 255 - 1) * 0.2)


def test_float_tissue_velocity_is_taken_as_it_is(tmp_path) -> None:
    speed = np.linspace(-0.1, 0.1, 60).reshape(3, 4, 5)
    recording = one_recording(tmp_path, tissue(speed), [])["r1"]
    assert np.allclose(recording["tissue_velocity"].load(), speed)
    assert recording["tissue_velocity"].velocity_limit is None


@pytest.mark.parametrize(
    ("sector", "dtype", "said"),
    [
        (
            {"storage_encoding": "linear_velocity_uint8_mps_v1"},
            "u1",
            "no velocity limit",
        ),
        ({"storage_encoding": "secret", "velocity_limit_mps": 0.2}, "u1", "'secret'"),
        ({"velocity_limit_mps": 0.2}, "u1", "encoding None"),
        (
            {"storage_encoding": "ge_tdi_raw_u16", "velocity_limit_mps": 1},
            "u2",
            "no table",
        ),
    ],
)
def test_what_cannot_be_decoded_fails_alone(tmp_path, sector, dtype, said) -> None:
    sectors = [
        {"frames": ref(B_MODE), "geometry": GEOMETRY},
        {"frames": ref(TISSUE), "geometry": GEOMETRY, **sector},
    ]
    recording = one_recording(tmp_path, tissue(FRAMES.astype(dtype)), sectors)["r1"]
    assert np.array_equal(recording["b_mode"].load(), FRAMES)
    assert recording["tissue_velocity"].geometry is not None
    with pytest.raises(NotProvidedError, match=f"'r1'.*{said}"):
        recording["tissue_velocity"].samples(slice(0, 1))


@pytest.mark.parametrize("limit", [0, -0.2, "fast"])
def test_a_limit_that_is_no_limit_is_corrupt(tmp_path, limit) -> None:
    sector = {
        "frames": ref(TISSUE),
        "velocity_limit_mps": limit,
        "storage_encoding": "linear_velocity_uint8_mps_v1",
    }
    data = one_recording(tmp_path, tissue(FRAMES), [sector])
    with pytest.raises(DataCorruptError, match=r"'r1'.*velocity limit.* expected a"):
        _ = data["r1"]


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([0.0, 0.5], r"shape \(2,\).*3 samples"),
        ([0.0, 0.5, 0.5], "0.500000 s is followed by 0.500000 s at sample 2"),
        ([0.0, 1.0, 0.5], "does not ascend"),
        ([0.0, math.nan, 1.0], "not finite"),
    ],
)
def test_times_that_are_wrong_are_corrupt(tmp_path, times, said) -> None:
    arrays = images() | {"timestamps/2d_brightness_mode": np.array(times, np.float32)}
    data = one_recording(tmp_path, arrays)
    with pytest.raises(DataCorruptError, match=said):
        _ = data["r1"]


def test_no_times_are_missing_data(tmp_path) -> None:
    data = one_recording(tmp_path, {B_MODE: FRAMES})
    with pytest.raises(DataMissingError, match=r"'r1'.*no times"):
        _ = data["r1"]


@pytest.mark.parametrize(
    "values", [FRAMES.astype(np.float32), FRAMES[0], FRAMES[..., None]]
)
def test_b_mode_of_another_kind_is_corrupt(tmp_path, values) -> None:
    arrays = {
        B_MODE: values,
        "timestamps/2d_brightness_mode": np.arange(len(values), dtype=np.float32),
    }
    data = one_recording(tmp_path, arrays, [])
    with pytest.raises(DataCorruptError, match="expected"):
        _ = data["r1"]


def test_an_array_that_only_the_catalogue_has_is_missing(tmp_path) -> None:
    data = one_recording(tmp_path, images(), listed=[B_MODE, "data/ecg"])
    assert data.catalog["r1"].provides >= {"b_mode", "ecg"}
    with pytest.raises(DataMissingError, match="'data/ecg'"):
        _ = data["r1"]


def test_a_missing_store_is_missing_and_no_manifest_is_corrupt(tmp_path) -> None:
    data = one_recording(tmp_path, images())
    (tmp_path / "r1.zarr" / ".zattrs").unlink()
    with pytest.raises(DataCorruptError, match="recording_manifest"):
        _ = data["r1"]
    shutil.rmtree(tmp_path / "r1.zarr")
    with pytest.raises(DataMissingError, match=r"r1\.zarr"):
        _ = data["r1"]


def test_qrs_times_may_be_in_the_manifest_alone(tmp_path) -> None:
    metadata = {"metadata": {"qrs_trigger_times": [0.25, 0.75]}}
    data = one_recording(tmp_path, images(), manifest=metadata)
    assert data["r1"]["qrs"].time.tolist() == [0.25, 0.75]
    assert data["r1"]["qrs"].load().tolist() == [0.25, 0.75]


@pytest.mark.parametrize("path", ["../out.zarr", "/etc/out.zarr", "a/../../out.zarr"])
def test_a_store_outside_the_root_is_refused(tmp_path, path) -> None:
    row = {"exam_id": "ex2", "recording_id": "r2", "zarr_path": path}
    data = one_recording(tmp_path, images(), more=[row])
    with pytest.raises(DataCorruptError, match="leads out"):
        _ = data.catalog


def strain(root: Path, linked: dict, panel: dict | None = None) -> OpenDataset:
    """A strain recording drawn on the recording r1, by hand."""
    one_recording(root, images(**{"timestamps/later": TIMES + 5}))
    points = np.arange(2 * 10 * 2, dtype=np.float32).reshape(2, 10, 2)
    arrays = {"data/2ch_contour": points, "timestamps/2ch_contour": TIMES[:2]}
    stated = {"view_code": "2-CH", "linked_recording": linked, **(panel or {})}
    images_row = {
        "exam_id": "ex1",
        "recording_id": "r1",
        "zarr_path": "r1.zarr",
        "array_paths": [B_MODE],
    }
    link = {
        "source_recording_id": "s1",
        "linked_recording_id": "r1",
        "panel_role_id": "2ch",
    }
    return one_recording(
        root,
        arrays,
        name="s1",
        content_types=["2d_left_ventricular_strain"],
        manifest={"linked_panels": [stated]},
        links=[link],
        more=[images_row],
    )


@pytest.mark.parametrize(
    "linked",
    [
        {"recording_id": "r1", "recording_zarr_path": "r1.zarr"},
        {"recording_id": "r1", "relative_zarr_path": "r1.zarr"},
        {"recording_id": "r1", "relative_zarr_path": "a/../r1.zarr"},
    ],
)
def test_a_panel_s_images_are_found_by_either_path(tmp_path, linked) -> None:
    data = strain(tmp_path, linked)
    assert [entry.id for entry in data.catalog] == ["s1.2ch", "r1"]
    recording = data["s1.2ch"]
    assert recording["b_mode"].geometry.depth == (0.01, 0.11)
    assert recording["b_mode"].time.tolist() == [0.0, 0.5, 1.0]
    contour = recording["lv_contour"]
    assert contour.shape == (2, 5, 2, 2)
    assert contour.load()[1, 3, 1].tolist() == [20 + 2 * 8, 20 + 2 * 8 + 1]
    assert data.catalog["r1"].labels["view"] == "2CH"
    assert "b_mode" in data.catalog["s1.2ch"].provides


def test_a_panel_s_geometry_and_times_win(tmp_path) -> None:
    panel = {
        "geometry": GEOMETRY | {"depth_end_m": 0.3},
        "frame_timestamps": ref("timestamps/later"),
    }
    linked = {"recording_id": "r1", "recording_zarr_path": "r1.zarr"}
    b_mode = strain(tmp_path, linked, panel)["s1.2ch"]["b_mode"]
    assert b_mode.geometry.depth == (0.01, 0.3)
    assert b_mode.time.tolist() == [5.0, 5.5, 6.0]


@pytest.mark.parametrize(
    ("linked", "panel", "said"),
    [
        ({"recording_id": "r1"}, {}, "no path"),
        ({"recording_zarr_path": "../r1.zarr"}, {}, "leads out"),
        ({"relative_zarr_path": "../r1.zarr"}, {}, "leads out"),
        (
            {"recording_zarr_path": "r1.zarr"},
            {"view_code": "4ch"},
            "no panel '2ch'.*4ch",
        ),
    ],
)
def test_a_panel_that_leads_nowhere_is_corrupt(tmp_path, linked, panel, said) -> None:
    data = strain(tmp_path, linked, panel)
    with pytest.raises(DataCorruptError, match=said):
        _ = data["s1.2ch"]


def test_contours_of_another_chamber_are_not_the_ventricle_s(tmp_path) -> None:
    points = np.zeros((3, 10, 2), np.float32)
    arrays = {"data/4ch_contour": points, "timestamps/4ch_contour": TIMES}
    data = one_recording(
        tmp_path, arrays, content_types=["2d_left_atrial_strain"], name="la"
    )
    (entry,) = data.catalog
    assert entry.id == "la.4ch"
    assert "la_contour" in entry.provides
    assert "lv_contour" not in entry.provides
    assert [*data["la.4ch"].annotations] == ["la_contour"]


def test_points_that_are_no_five_layers_are_corrupt(tmp_path) -> None:
    data = strain(tmp_path, {"recording_zarr_path": "r1.zarr"})
    group = zarr.open_group(str(tmp_path / "s1.zarr"), mode="a")
    del group["data/2ch_contour"]
    group.create_array("data/2ch_contour", data=np.ones((2, 9, 2), np.float32))
    recording = data["s1.2ch"]
    assert np.array_equal(recording["b_mode"].load(), FRAMES)
    with pytest.raises(DataCorruptError, match="5 layers"):
        _ = recording["lv_contour"]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("4CH", "4ch"),
        ("apical_two_chamber", "2ch"),
        ("3_chamber", "3ch"),
        ("2ch_contour_points", "2ch"),
        ("4-ch_strain_curve", "4ch"),
        ("rv", "rv"),
    ],
)
def test_roles_have_their_spellings(name, role) -> None:
    assert role_of({"role_id": name}) == role


def test_folds_are_read_by_either_name(tmp_path) -> None:
    data = one_recording(tmp_path, images())
    assert data.catalog["r1"].split == ""
    (tmp_path / "five_fold_split.csv").write_text("exam_id,fold\nex1,3\nex1,3\n")
    assert DATASET.index(tmp_path)["r1"].split == "fold3"
    (tmp_path / "splits.csv").write_text("exam_id,five_fold_split\nex1,0\n")
    assert DATASET.index(tmp_path)["r1"].split == "fold0"
    assert DATASET.index(tmp_path)["r1"].patient == "ex1"


def test_an_examination_in_two_folds_is_a_leak(tmp_path) -> None:
    one_recording(tmp_path, images())
    (tmp_path / "splits.csv").write_text(
        "exam_id,five_fold_split\nex1,0\nex2,1\nex1,4\n"
    )
    with pytest.raises(SplitLeakError, match=r"line 4: examination 'ex1'.*0.*4"):
        DATASET.index(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("exam_id,five_fold_split\nex2,0\n", "'ex1'.*none of the folds"),
        ("exam_id,five_fold_split\nex1,5\n", "line 2"),
        ("exam_id,five_fold_split\nex1,1.0\n", "line 2"),
        ("exam_id,five_fold_split\n,1\n", "line 2"),
        ("exam_id,five_fold_split\nex1\n", "line 2"),
        ("exam,fold\nex1,1\n", "columns"),
        ("", "columns"),
    ],
)
def test_a_fold_file_that_is_wrong_is_corrupt(tmp_path, text, said) -> None:
    one_recording(tmp_path, images())
    (tmp_path / "splits.csv").write_text(text)
    with pytest.raises(DataCorruptError, match=said):
        DATASET.index(tmp_path)


def test_a_link_to_nowhere_leaves_the_rest(tmp_path) -> None:
    link = {"source_recording_id": "r1", "linked_recording_id": "r9"}
    data = one_recording(tmp_path, images(), links=[link])
    assert np.array_equal(data["r1"]["b_mode"].load(), FRAMES)
    assert data["r1"].links == ("r9",)
    assert [(k.source, k.derived) for k in find_links(tmp_path)] == [("r9", "r1")]
