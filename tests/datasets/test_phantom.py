"""Simulated patients as a dataset: the same by any number of workers, and true."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from cardium.core import STRUCTURES
from cardium.datasets import verify
from cardium.datasets._echoxflow import production
from cardium.datasets._echoxflow.production import Order, write_patients
from cardium.datasets.echoxflow import DATASET, write_phantom
from cardium.errors import CardiumError, InvalidArgumentError, UnknownNameError
from cardium.measure.echo import measure_recording
from cardium.measure.exam import combine
from cardium.phantom.exam import simulate
from cardium.phantom.patient import Patient
from cardium.phantom.population import sample_population


def hashes(root: Path) -> dict[str, str]:
    """SHA-256 of every file, by its name."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def truth_of(root: Path) -> list[dict]:
    return parquet.read_table(root / "truth.parquet").to_pylist()


@pytest.fixture(scope="module")
def brief(tmp_path_factory) -> Path:
    """Three examinations of two patients, a view each."""
    root = tmp_path_factory.mktemp("brief") / "root"
    rows = write_phantom(root, exams=3, visits=2, seed=4, modes="4ch")
    assert rows == [{k: row[k] for k in rows[0]} for row in truth_of(root)]
    return root


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """One examination in every mode, with all that lies beside."""
    root = tmp_path_factory.mktemp("whole") / "root"
    write_phantom(root, exams=1, seed=4)
    return root


def test_the_files_do_not_depend_on_the_number_of_workers(brief, tmp_path) -> None:
    done = []
    write_phantom(
        tmp_path / "root",
        exams=3,
        visits=2,
        seed=4,
        modes="4ch",
        workers=2,
        progress=lambda *counts: done.append(counts),
    )
    assert done == [(1, 3), (2, 3), (3, 3)]
    found = hashes(tmp_path / "root")
    assert found == hashes(brief)
    assert len(found) > 30
    assert {name.partition("/")[0] for name in found} == {
        "croissant.json",
        "splits.csv",
        "truth.parquet",
        "recordings",
    }


def test_visits_of_a_patient_share_the_fold_and_the_anatomy(brief) -> None:
    entries = list(DATASET.open(brief).catalog)
    sides = {(entry.exam, entry.patient, entry.split) for entry in entries}
    assert sides == {
        ("exam0000", "patient4000000", "fold0"),
        ("exam0001", "patient4000000", "fold0"),
        ("exam0002", "patient4000001", "fold1"),
    }
    first, again, other = truth_of(brief)
    assert first["edv_ml"] == again["edv_ml"] != other["edv_ml"]
    assert (first["visit"], again["visit"]) == (0, 1)
    assert first["heart_rate"] != again["heart_rate"]
    images = [DATASET.open(brief)[f"exam000{k}_bmode"]["b_mode"] for k in (0, 1)]
    frames = [stream.samples(slice(0, 1)).values for stream in images]
    assert frames[0].shape != frames[1].shape or (frames[0] != frames[1]).any()
    assert verify(DATASET.open(brief)) == []


def test_the_truth_of_beats_is_that_of_the_patient(brief) -> None:
    for row in truth_of(brief):
        regular = [kind == "sinus" for kind in row["beat_kind"]]
        if all(regular) and row["rhythm"] == "sinus":
            np.testing.assert_allclose(row["beat_edv_ml"], row["edv_ml"], rtol=0.02)
            np.testing.assert_allclose(
                row["beat_ef_percent"], row["ef_percent"], atol=0.8
            )
        assert row["esv_ml"] == pytest.approx(
            row["edv_ml"] * (1 - row["ef_percent"] / 100)
        )
        times = np.array(
            [
                row[f"beat_{name}_s"]
                for name in (
                    "r",
                    "mitral_closure",
                    "aortic_opening",
                    "aortic_closure",
                    "mitral_opening",
                )
            ]
        )
        assert (np.diff(times, axis=0) > 0).all()


def test_an_interrupted_write_leaves_no_catalogue(tmp_path, monkeypatch) -> None:
    examine, seen = production.examine, []

    def stop(visit, order):
        seen.append(visit)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return examine(visit, order)

    monkeypatch.setattr(production, "examine", stop)
    with pytest.raises(KeyboardInterrupt):
        write_phantom(tmp_path, exams=2, modes="4ch")
    assert {path.name for path in tmp_path.iterdir()} == {"recordings"}


class Bomb(Patient):
    """A patient whom no process survives to receive."""

    def __reduce__(self):
        return os._exit, (1,)


def test_a_process_that_dies_is_told(tmp_path) -> None:
    order = Order(modes="4ch")
    with pytest.raises(CardiumError, match=r"ended before its work.*0 of 2"):
        write_patients(tmp_path, [Bomb(), Bomb(number=1)], order, workers=2)
    assert not (tmp_path / "croissant.json").exists()
    assert not (tmp_path / production.UNFINISHED).exists()


def test_diseases_can_be_asked_for(tmp_path) -> None:
    asked = ("aortic_stenosis",)
    (row,) = write_phantom(tmp_path, exams=1, conditions=asked, modes="4ch")
    assert row["conditions"] == ["aortic_stenosis"]
    assert row["aortic_stenosis_severity"] in ("mild", "moderate", "severe")
    assert row["aortic_valve_area_cm2"] <= 2


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"exams": 0}, InvalidArgumentError, "must be positive"),
        ({"workers": 0}, InvalidArgumentError, "must be positive"),
        ({"visits": 0}, InvalidArgumentError, "must be positive"),
        ({"seed": -1}, InvalidArgumentError, "seed not negative"),
        ({"preset": "tinny"}, UnknownNameError, "did you mean 'tiny'"),
        ({"modes": "benchmarks"}, UnknownNameError, "did you mean 'benchmark'"),
        ({"coherence": 95.0}, InvalidArgumentError, "coherence must be in 0..1"),
        ({"frame_rate": 0.5}, InvalidArgumentError, "1 to 1000 a second"),
        ({"conditions": ("flu",)}, UnknownNameError, "condition 'flu'"),
    ],
)
def test_senseless_orders_are_refused(tmp_path, options, error, message) -> None:
    with pytest.raises(error, match=message):
        write_phantom(tmp_path / "root", **options)
    assert not (tmp_path / "root").exists()


def test_a_folder_with_something_in_it_is_refused(brief) -> None:
    with pytest.raises(InvalidArgumentError, match="not an empty folder"):
        write_phantom(brief)


def test_a_whole_examination_has_every_mode_and_no_finding(whole) -> None:
    data = DATASET.open(whole)
    assert verify(data) == []
    names = {entry.id.removeprefix("exam0000_") for entry in data.catalog}
    apical = {"tissue", "bmode"}
    for view in ("2ch", "3ch"):
        apical |= {f"tissue_{view}", f"bmode_{view}"}
    assert names >= apical | {"strain.4ch", "strain.2ch", "strain.3ch"}
    assert names >= {"bmode_plax", "bmode_psax_base", "bmode_psax_mid"}
    assert names >= {"colour", "mmode", "biplane", "triplane"}
    assert names >= {"pw_mitral", "pw_lvot", "pw_annulus", "pw_annulus_septal"}
    assert "cw_lvot" in names
    assert names >= {"volume", "mesh", "volume_stitched", "mesh_stitched"}
    assert data.catalog["exam0000_volume_stitched"].labels["stitched_beats"] == 4
    assert data.catalog["exam0000_tissue"].patient == "patient4000000"


def test_recordings_for_a_benchmark_are_long_enough(tmp_path) -> None:
    write_phantom(tmp_path, exams=1, seed=4, preset="bench", modes="benchmark")
    data = DATASET.open(tmp_path)
    assert verify(data) == []
    views = ("4ch", "2ch", "3ch")
    names = {entry.id.removeprefix("exam0000_") for entry in data.catalog}
    films = {
        "tissue",
        "bmode",
        *(f"{n}_{v}" for n in ("tissue", "bmode") for v in views[1:]),
    }
    assert names == films | {f"strain.{v}" for v in views} | {
        "colour",
        "volume",
        "mesh",
    }
    tissue = data["exam0000_tissue_2ch"]
    frames = len(tissue["b_mode"].time)
    assert frames >= 36
    assert len(tissue["tissue_velocity"].time) == frames - 1
    assert 26 <= tissue["b_mode"].rate <= 33
    assert len(data["exam0000_strain.3ch"]["lv_contour"].time) >= 36
    colour = data["exam0000_colour"]
    assert len(colour["b_mode"].time) >= 36
    assert 9 < colour["b_mode"].rate < 13
    assert 0.60 <= colour["colour_velocity"].velocity_limit <= 0.61
    mesh = data["exam0000_mesh"]
    np.testing.assert_allclose(mesh.meshes["lv_mesh"].time, mesh["b_mode_3d"].time)
    first, last = mesh["qrs"].time
    assert mesh["b_mode_3d"].time[0] <= first < last <= mesh["b_mode_3d"].time[-1]


def test_frame_rate_and_coherence_are_those_asked_for(tmp_path) -> None:
    asked = {"frame_rate": 15.0, "coherence": 0.2}
    write_phantom(tmp_path, exams=1, seed=4, modes="4ch", **asked)
    (patient,) = sample_population(1, seed=4)
    made = simulate(patient, **asked).streams["b_mode"]
    stored = DATASET.open(tmp_path)["exam0000_bmode"]["b_mode"]
    assert stored.rate == pytest.approx(15)
    np.testing.assert_array_equal(stored.load(), made.load())


def test_the_mesh_has_the_true_volumes(whole) -> None:
    (row,) = truth_of(whole)
    mesh = DATASET.open(whole)["exam0000_mesh"].meshes["lv_mesh"]
    volumes = []
    for k in range(len(mesh.time)):
        points, faces = mesh.frame(k)
        a, b, c = (points[faces[:, i]].astype(float) for i in range(3))
        volumes.append(1e6 * abs(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6))
    edv, esv = max(volumes), min(volumes)
    assert edv == pytest.approx(row["edv_ml"], rel=0.01)
    # The smallest volume that was taken is not quite the smallest that there was.
    assert 100 * (1 - esv / edv) == pytest.approx(row["ef_percent"], abs=1.0)


def test_what_is_measured_in_the_views_is_true(whole) -> None:
    (row,) = truth_of(whole)
    data = DATASET.open(whole)
    views = [data[f"exam0000_strain.{view}"] for view in ("4ch", "2ch")]
    found = combine(views, [measure_recording(view) for view in views]).values
    assert float(found["edv_ml"]) == pytest.approx(row["edv_ml"], rel=0.015)
    assert float(found["ef_percent"]) == pytest.approx(row["ef_percent"], abs=1.0)


def test_strain_of_the_three_views_is_that_of_the_patient(whole) -> None:
    (row,) = truth_of(whole)
    mean = np.mean(
        [row[f"strain_midwall_{view}_percent"] for view in ("4ch", "2ch", "3ch")]
    )
    assert mean == pytest.approx(row["gls_percent"], abs=0.5)


def test_the_labels_of_the_cine_have_the_true_volume(whole) -> None:
    from cardium.io.nifti import read_nifti

    (row,) = truth_of(whole)
    images = read_nifti(whole / "cine_mri" / "exam0000.nii.gz")
    labels = read_nifti(whole / "cine_mri" / "exam0000_labels.nii.gz")
    assert images.shape == labels.shape
    cavity = labels.load() == STRUCTURES.index("lv_cavity")
    voxel = 1e6 * float(np.prod(labels.geometry.spacing))
    volumes = voxel * cavity.reshape(len(cavity), -1).sum(axis=1)
    assert volumes[row["cine_ed_frame"]] == pytest.approx(row["edv_ml"], rel=0.1)
    assert volumes.argmin() == pytest.approx(row["cine_es_frame"], abs=1)


def test_the_leads_beat_when_the_truth_says(whole) -> None:
    from cardium.io.wfdb import open_signal

    (row,) = truth_of(whole)
    signal = open_signal(whole / "ecg_12_lead" / "exam0000.hea")
    assert len(signal.channels) == 12
    rate = 60 / np.diff(row["ecg_r_s"]).mean()
    assert rate == pytest.approx(row["heart_rate"], rel=0.1)


def test_dense_truth_lies_apart_from_the_release(tmp_path) -> None:
    zarr = pytest.importorskip("zarr")
    write_phantom(tmp_path, exams=1, seed=4, modes="4ch", dense=True)
    stores = {store.name for store in (tmp_path / "truth").iterdir()}
    assert stores == {"exam0000_tissue.zarr", "exam0000_bmode.zarr"}
    assert "truth/" not in (tmp_path / "croissant.json").read_text()
    assert verify(DATASET.open(tmp_path)) == []
    dense = zarr.open_group(str(tmp_path / "truth" / "exam0000_tissue.zarr"))
    seen = DATASET.open(tmp_path)["exam0000_tissue"]["tissue_velocity"]
    np.testing.assert_allclose(dense["time"][:], seen.time, atol=1e-6)
    true, found = dense["beam_velocity"][:], seen.load()
    assert true.shape == found.shape
    # What was estimated from echoes is near what is true of the tissue.
    muscle = dense["tissue"][:] == STRUCTURES.index("myocardium")
    off = true[muscle] - found[muscle]
    assert np.median(abs(off)) < 0.004
    blood = dense["blood_velocity"][:]
    assert np.isfinite(blood[:, 0]).any()
