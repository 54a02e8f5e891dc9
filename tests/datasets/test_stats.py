"""Counts of a fake whose content is known."""

import json
import shutil
from dataclasses import replace

import pytest

from cardium.core import Recording
from cardium.datasets import camus, echoxflow, ptb_xl, stats, tables
from cardium.datasets._echoxflow import fake, ramps
from cardium.datasets._echoxflow.table import count_contents, normal_label


def test_ptb_xl_counts(ptb_xl_fake):
    root = ptb_xl_fake[0]
    rows = {(r["split"], r["stream"]): r for r in stats(ptb_xl.DATASET.open(root))}
    assert list(rows) == [
        (split, stream)
        for split in ("test", "train", "val", "all")
        for stream in ("all files", "ecg", "ecg_100hz")
    ]
    assert rows["train", "ecg"] == {
        "split": "train",
        "stream": "ecg",
        "recordings": 25,
        "patients": 24,
        "samples": 25 * 5000,
        "rate_hz": 500.0,
        "duration_s": 250.0,
        "bytes": 25 * 5000 * 12 * 4,
    }
    assert rows["all", "ecg_100hz"]["rate_hz"] == 100.0
    assert rows["all", "ecg_100hz"]["duration_s"] == 310.0
    on_disk = sum(path.stat().st_size for path in root.rglob("records*/*/*"))
    assert rows["all", "all files"]["bytes"] == on_disk
    assert rows["all", "all files"]["recordings"] == 31
    assert rows["all", "all files"]["patients"] == 30


def test_stills_have_no_rate(camus_fake):
    steps = []
    data = camus.DATASET.open(camus_fake[0])
    table = stats(data, progress=lambda *step: steps.append(step))
    rows = {(r["split"], r["stream"]): r for r in table}
    still, film = rows["all", "b_mode"], rows["all", "b_mode_sequence"]
    assert (still["recordings"], still["patients"], still["samples"]) == (24, 6, 24)
    assert (still["rate_hz"], still["duration_s"]) == (None, None)
    assert film["rate_hz"] == 30.0
    assert film["duration_s"] == round(film["samples"] / 30, 6)
    assert rows["val", "lv_mask"]["patients"] == 1
    assert steps[-1] == (36, 36)


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """Recordings whose numbers are known, one of them twice."""
    root = tmp_path_factory.mktemp("release")
    waves, plane = fake._pulsed_wave(0)[0], ramps.plane("b_mode", 1)
    volume = fake._volume(1)[0]
    again = replace(plane, time=plane.time[:5], values=plane.load()[:5])
    with echoxflow.Writer(root) as writer:
        writer.add(waves)
        for name, stream, exam in (
            ("a", plane, "e1"),
            ("same", plane, "e1"),
            ("b", again, "e2"),
        ):
            images = Recording(waves.entry, {"b_mode": stream})
            writer.add(images, recording_id=name, exam=exam)
        writer.add(volume, stitched_beats=4)
        for recording in (fake._mesh_with_volume(2)[0], *fake._atrium(3)):
            writer.add(recording)
    return root


def row_of(table, key, value):
    return next(row for row in table if row[key] == value)


def test_a_release_is_counted_by_content_type(release):
    found = tables(echoxflow.DATASET.open(release))
    contents = found["contents"]
    grey = row_of(contents, "content", "2d_brightness_mode")
    frame = 24 * 12
    assert grey == {
        "content": "2d_brightness_mode",
        "recordings": 3,
        "exams": 3,
        "repeated": 1,
        "frames": 8 + 5 + 8,
        "rate_hz": 32.0,
        "rate_min_hz": 32.0,
        "rate_max_hz": 32.0,
        "duration_s": 8 / 32,
        "total_s": round(21 / 32, 3),
        "frame_min": "24x12",
        "frame_max": "24x12",
        "gb": 21 * frame / 1e9,
    }
    waves = row_of(contents, "content", "1d_pulsed_wave_doppler")
    assert (waves["frames"], waves["frame_max"], waves["rate_hz"]) == (64, "33", 64.0)
    assert waves["gb"] == 64 * 33 * 4 / 1e9
    mesh = row_of(contents, "content", "3d_left_ventricle_mesh")
    assert (mesh["recordings"], mesh["frames"], mesh["frame_max"]) == (1, 4, None)
    atrium = row_of(contents, "content", "2d_left_atrial_strain")
    assert (atrium["recordings"], atrium["frames"]) == (1, 8)
    assert contents[0]["content"] == "2d_brightness_mode"
    assert found["beats"] == [
        {"beats": 1, "recordings": 1},
        {"beats": 4, "recordings": 1},
    ]
    labels = {row["label"]: row["annotations"] for row in found["labels"]}
    assert labels == {"LVOT trace": 1, "A": 1}


def test_stores_are_opened_only_for_what_the_catalogue_lacks(release, tmp_path):
    want = count_contents(release)["contents"]
    root = tmp_path / "bare"
    shutil.copytree(release, root)
    path = root / "croissant.json"
    document = json.loads(path.read_text())
    sets = document["recordSet"]
    document["recordSet"] = [s for s in sets if s["@id"] != "arrays"]
    path.write_text(json.dumps(document))
    grey = row_of(count_contents(root)["contents"], "content", "2d_brightness_mode")
    known = row_of(want, "content", "2d_brightness_mode")
    assert (grey["recordings"], grey["repeated"]) == (4, 0)  # no hash says it is one
    assert grey["gb"] == known["gb"] * 29 / 21
    shutil.rmtree(root / "recordings")
    gone = row_of(count_contents(root)["contents"], "content", "2d_brightness_mode")
    assert (gone["recordings"], gone["frames"], gone["gb"]) == (4, 29, 0)
    path.write_text(json.dumps({**document, "recordSet": sets}))
    assert count_contents(root)["contents"] == want


def test_labels_are_counted_as_the_paper_names_them():
    assert normal_label("Cardiac/SD/LVOT trace/Manual") == "LVOT trace"
    assert normal_label("CAD MV Eprime lateral Velocity") == "MV E' lateral"
    assert normal_label("A") == "A"
    assert normal_label("") == ""


def test_datasets_without_kinds_have_no_tables(camus_fake):
    assert tables(camus.DATASET.open(camus_fake[0])) is None
