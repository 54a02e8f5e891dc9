"""Verification: whole data have no finding; each defect has one that names it."""

import shutil
from dataclasses import replace

import nibabel
import numpy as np
import pytest

from cardium.core import Stream
from cardium.core.recording import Recording
from cardium.datasets import camus, ptb_xl, verify
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
    def change(stream):
        values = stream.load()
        values[3, 4] = np.nan
        return stream.with_values(values)

    finding, *_ = verify(altered(ptb, change), limit=1)
    assert "'ecg' is not finite in 1 of 60000 values" in finding.problem


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
