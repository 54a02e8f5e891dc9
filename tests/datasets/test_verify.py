"""Verification: whole data have no finding; each defect has one that names it."""

import json
import shutil
from dataclasses import replace

import nibabel
import numpy as np
import pytest
import zarr

from cardium.core import Stream
from cardium.core.recording import Recording
from cardium.datasets import camus, echoxflow, ptb_xl, verify
from cardium.datasets._echoxflow import fake
from cardium.errors import MissingLibraryError


@pytest.fixture
def ptb(ptb_xl_fake, tmp_path):
    root = tmp_path / "ptb_xl"
    shutil.copytree(ptb_xl_fake[0], root)
    return ptb_xl.DATASET.open(root)


def test_whole_data_have_no_finding(ptb_xl_fake, camus_fake):
    steps = []
    data = ptb_xl.DATASET.open(ptb_xl_fake[0])
    assert verify(data, progress=lambda *step: steps.append(step)) == []
    # 31 recordings, and 31 x 4 files, two tables and the terms
    assert steps == [(n, 31 + 127) for n in range(1, 31 + 128)]
    assert verify(camus.DATASET.open(camus_fake[0]), limit=6) == []


def test_a_limit_reads_that_many(ptb):
    steps = []
    verify(ptb, limit=3, progress=lambda *step: steps.append(step))
    assert steps == [(n, 6) for n in range(1, 7)]


def test_one_broken_recording_does_not_hide_another(ptb):
    for record in ("00002", "00005"):
        path = ptb.root / f"records500/00000/{record}_hr.dat"
        path.write_bytes(path.read_bytes()[:-2])
    findings = verify(ptb)
    assert [(f.severity, f.where) for f in findings] == [
        ("error", "00002"),
        ("error", "00005"),
        ("error", "records500/00000/00002_hr.dat"),
        ("error", "records500/00000/00005_hr.dat"),
    ]
    assert "119998" in findings[0].problem
    assert "120000" in findings[0].problem


def test_a_changed_sample_shows_in_the_checksum(ptb):
    path = ptb.root / "records100/00000/00003_lr.dat"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    (finding,) = verify(ptb)
    assert finding.where == "records100/00000/00003_lr.dat"
    assert "SHA-256" in finding.problem


def test_a_part_of_the_dataset_is_a_warning_a_folder(ptb):
    shutil.rmtree(ptb.root / "records500")
    (finding,) = verify(ptb)
    assert (finding.severity, finding.where) == ("warning", "records500")
    assert finding.problem.startswith("62 listed")


def test_an_unreadable_catalog_is_a_finding_and_files_are_still_checked(ptb):
    (ptb.root / "scp_statements.csv").write_text("no table")
    findings = verify(ptb)
    assert [finding.where for finding in findings] == ["catalog", "scp_statements.csv"]
    assert "no column" in findings[0].problem


def test_a_checksum_list_can_be_absent_or_broken(ptb):
    path = ptb.root / "SHA256SUMS.txt"
    path.write_text("no list\n")
    (finding,) = verify(ptb, limit=1)
    assert (finding.severity, finding.where) == ("error", "SHA256SUMS.txt")
    path.unlink()
    (finding,) = verify(ptb, limit=1)
    assert finding.severity == "warning"


def test_camus_tells_absent_patients_and_broken_masks(camus_fake, tmp_path):
    root = tmp_path / "camus"
    shutil.copytree(camus_fake[0], root)
    images = root / "database_nifti"
    for number in (2, 3, 4, 5, 6):
        shutil.rmtree(images / f"patient{number:04d}")
    path = images / "patient0001/patient0001_2CH_ES_gt.nii.gz"
    mask = nibabel.load(path)
    values = mask.get_fdata(dtype=np.float32)
    values[0, 0] = 1.37
    nibabel.save(nibabel.Nifti1Image(values, mask.affine), path)
    absent, broken = verify(camus.DATASET.open(root))
    assert (absent.severity, absent.where) == ("warning", "source's lists")
    assert absent.problem.startswith(
        "5 listed by the source and not on disk: patient0002"
    )
    assert (broken.severity, broken.where) == ("error", "patient0001_2CH_ES")
    assert "1.37" in broken.problem


def altered(data, change):
    """The same dataset, whose recordings have their first stream changed."""

    def load(root, entry):
        recording = data.dataset.load(root, entry)
        name, stream = next(iter(recording.streams.items()))
        return Recording(entry, {**recording.streams, name: change(stream)})

    return replace(data.dataset, load=load).open(data.root)


def test_values_that_are_not_finite_are_found(ptb):
    def change(value):
        def changed(stream):
            values = stream.load()
            values[3, 4] = value
            return stream.with_values(values)

        return changed

    finding, *_ = verify(altered(ptb, change(np.inf)), limit=1)
    assert "'ecg' is not finite in 1 of 60000 values" in finding.problem
    assert finding.severity == "error"
    gap, *_ = verify(altered(ptb, change(np.nan)), limit=1)
    assert gap.problem == "'ecg' is missing in 1 of 60000 values."
    assert (gap.severity, gap.kind) == ("warning", "missing-samples")


def test_contours_may_have_no_place_but_not_an_infinite_one(ptb):
    def contour(value):
        values = np.full((2, 1, 3, 2), value)
        dims = ("time", "layer", "point", "xz")
        return lambda _: Stream("lv_contour", values, np.arange(2.0), dims, "m")

    assert verify(altered(ptb, contour(np.nan)), limit=1) == []
    (finding,) = verify(altered(ptb, contour(np.inf)), limit=1)
    assert "not finite in 12 of 12" in finding.problem


def test_codes_without_a_name_are_found(ptb):
    def change(_):
        values = np.array([[0, 1, 255, 7]], np.uint8)
        coords = {"label": ("background", "lv_cavity")}
        dims = ("time", "point")
        return Stream("lv_mask", values, np.zeros(1), dims, "label", coords=coords)

    (finding,) = verify(altered(ptb, change), limit=1)
    assert "codes [7]" in finding.problem


def test_what_the_catalog_promises_must_be_there(ptb):
    def load(root, entry):
        return Recording(entry, {})

    data = replace(ptb.dataset, load=load).open(ptb.root)
    findings = verify(data, limit=1)
    assert [f.problem.split("'")[1] for f in findings] == ["ecg", "ecg_100hz"]


def test_a_missing_library_is_not_a_finding(ptb):
    def load(root, entry):
        raise MissingLibraryError("no wfdb")

    with pytest.raises(MissingLibraryError):
        verify(replace(ptb.dataset, load=load).open(ptb.root))


def test_the_real_sample(shared_data):
    """Its LICENSE.txt is not the one of the checksum list; all else is whole."""
    (finding,) = verify(ptb_xl.DATASET.open(shared_data / "ptb_xl"))
    assert (finding.severity, finding.where) == ("error", "LICENSE.txt")
    assert "ceb2e79ebba9" in finding.problem
    assert "9a78e7f22742" in finding.problem


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    """A release of three examinations in two folds, written once."""
    root = tmp_path_factory.mktemp("echo")
    images, analysis = fake._atrium(0)
    with echoxflow.Writer(root, zarr_format=2) as writer:
        for recording in (images, analysis, *fake._colour(1), *fake._volume(2)):
            entry = recording.entry
            writer.add(recording, exam=entry.exam, fold=int(entry.exam[-1]) % 2)
        (tissue,) = fake._raw_tissue(2)
        writer.add(tissue, fold=0)
    return root


IMAGES, ANALYSIS = "exam0000_atrium_plane", "exam0000_atrium"
COLOUR, TISSUE = "exam0001_colour", "exam0002_raw_tissue"
FOLDER = "recordings/exam0001/exam0001_colour.zarr"
PLANE = "recordings/exam0000/exam0000_atrium_plane.zarr"


@pytest.fixture
def copy(echo, tmp_path):
    root = tmp_path / "echo"
    shutil.copytree(echo, root)
    return root


def change_rows(root, name, change):
    """Change the rows of a record set in place."""
    path = root / "croissant.json"
    document = json.loads(path.read_text())
    change(next(s["data"] for s in document["recordSet"] if s["@id"] == name))
    path.write_text(json.dumps(document))


def change_store(root, folder, change):
    """Change a store in place by zarr alone."""
    change(zarr.open_group(str(root / folder), mode="r+"))


def change_manifest(root, folder, change):
    """Change the manifest of a store in place."""

    def changed(group):
        manifest = group.attrs["recording_manifest"]
        change(manifest)
        group.attrs["recording_manifest"] = manifest

    change_store(root, folder, changed)


def found(root, **options):
    """What verification finds: kind and where of each."""
    findings = verify(echoxflow.DATASET.open(root), **options)
    assert all(f.problem and f.remedy for f in findings)
    return [(f.severity, f.kind, f.where) for f in findings]


def test_a_release_that_was_written_has_no_finding(echo):
    steps = []
    data = echoxflow.DATASET.open(echo)
    assert verify(data, progress=lambda *step: steps.append(step)) == []
    assert steps[-1] == (3 + 5 + 5, 3 + 5 + 5)
    steps.clear()
    verify(data, limit=2, progress=lambda *step: steps.append(step))
    assert steps[-1] == (3 + 2 + 2, 3 + 2 + 2)


def set_values(path, index, value):
    def change(group):
        values = group[path][:]
        values[index] = value
        group[path][...] = values

    return change


STORE_DEFECTS = {
    "wrong-hash": set_values("data/2d_brightness_mode", (0, 0, 0), 200),
    "missing-array": lambda group: group.__delitem__("data/2d_color_doppler_power"),
    "unlisted-array": lambda group: group.create_array("data/new", data=np.ones(3)),
    "bad-times": set_values("timestamps/2d_brightness_mode", 3, 0.0),
    "other-recording": lambda group: group.attrs.update({"recording_id": "another"}),
}


@pytest.mark.parametrize("kind", STORE_DEFECTS)
def test_a_defect_of_a_store_is_one_finding(copy, kind):
    change_store(copy, FOLDER, STORE_DEFECTS[kind])
    kinds = found(copy)
    if kind == "bad-times":  # their values are not what the catalogue says, either
        kinds.remove(("error", "wrong-hash", COLOUR))
    severity = "warning" if kind == "unlisted-array" else "error"
    assert kinds == [(severity, kind, COLOUR)]


def test_times_that_are_not_finite_or_too_few_are_found(copy):
    path = "timestamps/2d_brightness_mode"
    change_store(copy, FOLDER, set_values(path, 3, np.nan))
    assert ("error", "bad-times", COLOUR) in found(copy)

    def shorten(group):
        values = group[path][:-1]
        del group[path]
        group.create_array(path, data=values)

    change_store(copy, FOLDER, shorten)
    kinds = found(copy)
    assert ("error", "wrong-shape", COLOUR) in kinds
    assert ("error", "bad-times", COLOUR) in kinds


def sector_of(manifest, name):
    return next(s for s in manifest["sectors"] if s["frames"]["zarr_path"] == name)


VELOCITY = "data/2d_color_doppler_velocity"


@pytest.mark.parametrize("limit", [None, 0, -1.0, "fast", True])
def test_a_velocity_without_a_limit_is_found(copy, limit):
    def change(manifest):
        sector_of(manifest, VELOCITY)["velocity_limit_mps"] = limit

    change_manifest(copy, FOLDER, change)
    assert found(copy) == [("error", "no-velocity-limit", COLOUR)]


@pytest.mark.parametrize(
    "geometry",
    [
        {"depth_start_m": 0.2},
        {"angle_end_rad": -3.0},
        {"depth_end_m": "deep"},
        {"angle_start_rad": None},
    ],
)
def test_an_impossible_geometry_is_found(copy, geometry):
    def change(manifest):
        sector_of(manifest, VELOCITY)["geometry"].update(geometry)

    change_manifest(copy, FOLDER, change)
    assert found(copy) == [("error", "bad-geometry", COLOUR)]


def test_a_store_that_is_gone_or_no_store_is_found_once(copy):
    shutil.rmtree(copy / FOLDER)
    assert found(copy) == [("error", "missing-store", COLOUR)]
    (copy / FOLDER).write_text("no store")
    assert found(copy) == [("error", "unreadable-store", COLOUR)]


def test_images_that_are_gone_are_not_told_again_by_their_analysis(copy):
    shutil.rmtree(copy / PLANE)
    assert found(copy) == [("error", "missing-store", IMAGES)]


def test_a_chunk_that_is_gone_is_found_once(copy):
    next((copy / FOLDER / "data/2d_brightness_mode").glob("0*")).unlink()
    assert found(copy) == [("error", "unreadable-array", COLOUR)]


def test_a_store_without_a_manifest_is_found(copy):
    change_store(copy, FOLDER, lambda group: group.attrs.pop("recording_manifest"))
    kinds = found(copy)
    assert ("error", "no-manifest", COLOUR) in kinds
    assert {where for _, _, where in kinds} == {COLOUR}


def set_row(number, key, value):
    return lambda rows: rows[number].__setitem__(key, value)


ROW_DEFECTS = [
    ("recordings", set_row(2, "recordings/exam_id", ""), "broken-row", COLOUR),
    ("recordings", set_row(2, "recordings/zarr_path", 7), "broken-row", COLOUR),
    ("recordings", set_row(2, "recordings/array_paths", "all"), "broken-row", COLOUR),
    ("recordings", set_row(2, "recordings/zarr_path", "../x"), "path-outside", COLOUR),
    ("recordings", set_row(2, "recordings/zarr_path", "/x"), "path-outside", COLOUR),
    (
        "recordings",
        set_row(2, "recordings/frame_counts_by_content_type", {"2d_color_doppler": 9}),
        "wrong-count",
        COLOUR,
    ),
    ("arrays", set_row(0, "arrays/shape", [1, 2, 3]), "wrong-shape", IMAGES),
    ("arrays", set_row(0, "arrays/dtype", "int16"), "wrong-dtype", IMAGES),
    ("arrays", set_row(0, "arrays/data_sha256", "ab"), "wrong-hash", IMAGES),
    (
        "recording_links",
        set_row(0, "recording_links/linked_recording_id", "nobody"),
        "broken-link",
        ANALYSIS,
    ),
    (
        "recordings",
        set_row(2, "recordings/derived_from_recording_id", "nobody"),
        "broken-link",
        COLOUR,
    ),
    (
        "recordings",
        set_row(2, "recordings/relationships", [{"from": "nobody"}]),
        "broken-link",
        COLOUR,
    ),
]


@pytest.mark.parametrize(("name", "change", "kind", "where"), ROW_DEFECTS)
def test_a_defect_of_a_row_does_not_hide_the_rest(copy, name, change, kind, where):
    change_rows(copy, name, change)
    change_store(
        copy,
        "recordings/exam0002/exam0002_volume.zarr",
        set_values("data/3d_brightness_mode", (0, 0, 0, 0), 99),
    )
    kinds = found(copy)
    assert ("error", kind, where) in kinds
    assert ("error", "wrong-hash", "exam0002_volume") in kinds


def test_ids_and_stores_are_of_one_recording(copy):
    change_rows(copy, "recordings", lambda rows: rows.append({**rows[0]}))
    assert ("error", "duplicate-id", IMAGES) in found(copy)
    change_rows(copy, "recordings", set_row(-1, "recordings/recording_id", "r9"))
    assert ("error", "duplicate-store", "r9") in found(copy)


def test_links_in_a_circle_are_found_once(copy):
    def turn(rows):
        back = {k: v for k, v in rows[0].items()}
        back["recording_links/source_recording_id"] = IMAGES
        back["recording_links/linked_recording_id"] = ANALYSIS
        rows.append(back)

    change_rows(copy, "recording_links", turn)
    circular = [kind for kind in found(copy) if kind[1] == "circular-link"]
    assert circular == [("error", "circular-link", ANALYSIS)]


def test_examinations_have_one_fold(copy):
    path = copy / "splits.csv"
    whole = path.read_text()
    path.write_text(whole.replace("exam0001,1\n", ""))
    assert found(copy) == [("error", "exam-without-fold", "splits.csv")]
    path.write_text(whole + "exam0001,0\n")
    assert found(copy) == [("error", "exam-on-two-sides", "splits.csv")]
    path.write_text(whole.replace("exam0001,1", "exam0001,one"))
    assert found(copy) == [("error", "unreadable-folds", "splits.csv")]
    path.write_bytes(b"\xff\xfe\x00")
    assert found(copy) == [("error", "unreadable-folds", "splits.csv")]


def test_what_crosses_two_folds_is_found(copy):
    def move(rows):
        rows[1]["recordings/exam_id"] = "exam0001"

    change_rows(copy, "recordings", move)
    kinds = found(copy)
    assert ("error", "exam-on-two-sides", ANALYSIS) in kinds

    def share(rows):
        images = [r for r in rows if r["arrays/array_path"].endswith("brightness_mode")]
        frames = [r for r in images if "data/2d" in r["arrays/array_path"]]
        frames[1]["arrays/data_sha256"] = frames[0]["arrays/data_sha256"]

    change_rows(copy, "arrays", share)
    assert ("warning", "content-on-two-sides", COLOUR) in found(copy)


def test_panels_lead_to_the_catalogue(copy):
    def change(manifest):
        linked = manifest["linked_panels"][0]["linked_recording"]
        linked["recording_zarr_path"] = FOLDER

    change_manifest(copy, "recordings/exam0000/exam0000_atrium.zarr", change)
    assert ("error", "broken-link", ANALYSIS) in found(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"recordSet": 3}', "\x00", "[[[["])
def test_a_catalogue_that_is_none_is_a_finding(copy, text):
    (copy / "croissant.json").write_text(text)
    findings = found(copy)
    assert len(findings) == 1
    assert findings[0][0] == "error"


def test_hashes_that_are_made_in_another_way_are_one_warning(copy):
    def change(rows):
        for number, row in enumerate(rows):
            row["arrays/data_sha256"] = f"{number:064x}"

    change_rows(copy, "arrays", change)
    kinds = found(copy)
    assert {kind[:2] for kind in kinds} == {("warning", "wrong-hash")}
    assert len(kinds) == 5
