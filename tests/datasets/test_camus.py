"""CAMUS: layout, splits, axes and labels, on hand-made files and on real ones."""

import shutil
from collections import Counter

import nibabel
import numpy as np
import pytest
import SimpleITK

from cardium.core import STRUCTURES
from cardium.datasets import camus
from cardium.errors import DataCorruptError, DataMissingError, SplitLeakError

STILL = np.arange(6 * 4, dtype=np.float32).reshape(6, 4)  # (x, z)
MASK = np.array([[0, 1], [2, 3]], np.float32).repeat(3, 0).repeat(2, 1)
INFO = "ED: 1\nES: 3\nNbFrame: 3\nSex: F\nAge: 56\nImageQuality: Good\nEF: 47\n"


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([-0.308, -0.154, 1, 1])
    nibabel.save(nibabel.Nifti1Image(array.astype(np.float32), affine), path)


@pytest.fixture
def root(tmp_path):
    """One patient, 4CH: ED with its mask, ES without, and a film of three frames."""
    tmp_path = tmp_path / "CAMUS_public"
    folder = tmp_path / "database_nifti" / "patient0007"
    write(folder / "patient0007_4CH_ED.nii.gz", STILL)
    write(folder / "patient0007_4CH_ED_gt.nii.gz", MASK)
    write(folder / "patient0007_4CH_ES.nii.gz", STILL + 100)
    film = STILL[..., None] + np.array([0, 50, 100])
    write(folder / "patient0007_4CH_half_sequence.nii.gz", film)
    write(
        folder / "patient0007_4CH_half_sequence_gt.nii.gz", np.stack([MASK] * 3, axis=2)
    )
    (folder / "Info_4CH.cfg").write_text(INFO + "FrameRate: 62.5\n")
    lists = tmp_path / "database_split"
    lists.mkdir()
    (lists / "subgroup_training.txt").write_text("patient0001\npatient0002\n")
    (lists / "subgroup_validation.txt").write_text("patient0007\n")
    (lists / "subgroup_testing.txt").write_text("patient0009\n")
    return tmp_path


def test_stills_and_films_are_entries(root):
    catalog = camus.index(root)
    assert [entry.id for entry in catalog] == [
        "patient0007_4CH_ED",
        "patient0007_4CH_ES",
        "patient0007_4CH_half_sequence",
    ]
    ed, es, film = catalog.entries
    assert (ed.patient, ed.split) == ("patient0007", "val")
    patient = {"sex", "age", "image_quality", "ef_percent", "frame_rate"}
    assert ed.provides == {"b_mode", "lv_mask", "view", "phase"} | patient
    assert es.provides == {"b_mode", "view", "phase"} | patient
    assert film.provides == patient | {
        "b_mode_sequence",
        "lv_mask_sequence",
        "view",
        "ed_frame",
        "es_frame",
    }
    assert dict(ed.labels) == {
        "view": "4CH",
        "phase": "ED",
        "sex": "female",
        "age": 56.0,
        "image_quality": "good",
        "ef_percent": 47.0,
        "frame_rate": 62.5,
    }
    assert (film.labels["ed_frame"], film.labels["es_frame"]) == (0, 2)


def test_the_catalog_opens_no_image(root):
    for path in root.rglob("*.nii.gz"):
        path.write_bytes(b"no image")
    assert len(camus.index(root)) == 3


def test_a_still_has_z_down_and_x_right(root):
    recording = camus.DATASET.open(root)["patient0007_4CH_ED"]
    stream = recording["b_mode"]
    assert (stream.dims, stream.unit) == (("time", "z", "x"), "grey")
    assert stream.shape == (1, 4, 6)
    values = stream.load()
    assert values.dtype == np.uint8
    assert np.array_equal(values[0], STILL.T)
    assert values[0, 3, 1] == STILL[1, 3] == 7
    assert stream.geometry.x == pytest.approx((0, 5 * 0.308e-3), abs=1e-12)
    assert stream.geometry.z == pytest.approx((0, 3 * 0.154e-3), abs=1e-12)
    assert stream.time.tolist() == [0.0]


def test_labels_are_named(root):
    mask = camus.DATASET.open(root)["patient0007_4CH_ED"].annotations["lv_mask"]
    assert (mask.unit, mask.coords["label"]) == ("label", STRUCTURES)
    names = np.array(STRUCTURES)[mask.load()[0]]
    # the source: 1 LV cavity, 2 myocardium, 3 left atrium
    assert names[0, 0] == "background"
    assert names[-1, 0] == "lv_cavity"
    assert names[0, -1] == "myocardium"
    assert names[-1, -1] == "la_cavity"


def test_a_film_has_the_times_of_its_frame_rate(root):
    recording = camus.DATASET.open(root)["patient0007_4CH_half_sequence"]
    film = recording["b_mode_sequence"]
    assert film.time == pytest.approx([0, 0.016, 0.032])
    assert film.load()[:, 0, 0].tolist() == [0, 50, 100]
    mask = recording["lv_mask_sequence"]
    assert mask.load().shape == film.shape == (3, 4, 6)


def test_a_film_without_frame_rate_says_which_file(root):
    info = root / "database_nifti/patient0007/Info_4CH.cfg"
    info.write_text(INFO)
    with pytest.raises(DataCorruptError, match=r"Info_4CH\.cfg' states no FrameRate"):
        camus.DATASET.open(root)["patient0007_4CH_half_sequence"]
    info.unlink()
    data = camus.DATASET.open(root)
    assert dict(data.catalog["patient0007_4CH_ED"].labels) == {
        "view": "4CH",
        "phase": "ED",
    }
    with pytest.raises(DataMissingError, match=r"Info_4CH\.cfg"):
        data["patient0007_4CH_half_sequence"]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [("Sex: F", "Sex: 1"), ("Age: 56", "Age: old"), ("EF: 47", "EF: inf")],
)
def test_an_info_file_that_cannot_be_read_is_named(root, line, wrong):
    info = root / "database_nifti/patient0007/Info_4CH.cfg"
    info.write_text(INFO.replace(line, wrong))
    with pytest.raises(DataCorruptError, match=rf"Info_4CH\.cfg': {line[:2]}"):
        camus.index(root)


def test_an_age_that_is_not_stated_is_not_provided(root):
    info = root / "database_nifti/patient0007/Info_4CH.cfg"
    info.write_text(INFO.replace("Age: 56", "Age: NA"))
    assert "age" not in camus.index(root).entries[0].labels


@pytest.mark.parametrize("value", [1.37, 4])
def test_an_undefined_label_names_file_and_value(root, value):
    path = root / "database_nifti/patient0007/patient0007_4CH_ED_gt.nii.gz"
    wrong = MASK.copy()
    wrong[2, 1] = value
    write(path, wrong)
    mask = camus.DATASET.open(root)["patient0007_4CH_ED"]["lv_mask"]
    with pytest.raises(DataCorruptError, match=rf"patient0007_4CH_ED_gt.*{value}"):
        mask.load()


def test_a_mask_of_another_shape_is_refused(root):
    path = root / "database_nifti/patient0007/patient0007_4CH_ED_gt.nii.gz"
    write(path, MASK.T)
    with pytest.raises(DataCorruptError, match="pixels"):
        camus.DATASET.open(root)["patient0007_4CH_ED"]


def test_a_patient_of_no_list_has_no_split_and_absent_ones_are_named(root):
    assert camus.absent(root) == ("patient0001", "patient0002", "patient0009")
    images = root / "database_nifti"
    shutil.copytree(images / "patient0007", images / "patient0400")
    for path in (images / "patient0400").glob("patient*"):
        path.rename(path.with_name(path.name.replace("0007", "0400")))
    catalog = camus.index(root)
    assert catalog["patient0400_4CH_ED"].split == ""
    assert catalog.splits == ("val",)


def test_a_patient_in_two_lists_is_a_leak(root):
    (root / "database_split/subgroup_testing.txt").write_text("patient0007\n")
    with pytest.raises(SplitLeakError, match="patient0007"):
        camus.index(root)


def test_the_wrong_folder_is_told_the_right_one(root):
    with pytest.raises(DataMissingError, match=f"Give the folder '{root}'"):
        camus.index(root / "database_nifti")
    with pytest.raises(DataMissingError, match=f"Give the folder '{root}'"):
        camus.index(root / "database_nifti" / "patient0007")
    with pytest.raises(DataMissingError, match=f"Give the folder '{root}'"):
        camus.index(root.parent)


def test_missing_lists_are_named(root):
    (root / "database_split/subgroup_testing.txt").unlink()
    with pytest.raises(DataMissingError, match=r"subgroup_testing\.txt"):
        camus.index(root)


def test_the_fake_has_three_splits_and_films_both_ways(camus_fake):
    root, known = camus_fake
    catalog = camus.index(root)
    assert Counter(entry.split for entry in catalog) == {
        "train": 24,
        "val": 6,
        "test": 6,
    }
    assert len(catalog.patients) == 6
    films = [entry for entry in catalog if "b_mode_sequence" in entry.provides]
    forward = {e.labels["ed_frame"] < e.labels["es_frame"] for e in films}
    assert forward == {True, False}
    assert all(answer.tolerance == {} for answer in known)


def test_the_fake_shows_a_heart_that_contracts(camus_fake):
    """The cavity is darker than its wall, lies in it, and is smaller at end-systole."""
    data = camus.DATASET.open(camus_fake[0])
    for patient in data.catalog.patients:
        area = {}
        for phase in ("ED", "ES"):
            recording = data[f"{patient}_4CH_{phase}"]
            mask, image = recording["lv_mask"].load(), recording["b_mode"].load()
            cavity, wall = (mask == STRUCTURES.index(n) for n in STRUCTURES[1:3])
            area[phase] = cavity.sum()
            assert image[cavity].mean() < image[wall].mean() - 20
            assert np.argwhere(wall)[:, 1].min() < np.argwhere(cavity)[:, 1].min()
        assert area["ES"] < 0.95 * area["ED"]


def test_the_fake_has_the_left_atrium_behind_the_ventricle(camus_fake):
    data = camus.DATASET.open(camus_fake[0])
    atrium, cavity = (STRUCTURES.index(n) for n in ("la_cavity", "lv_cavity"))
    for entry in data.catalog:
        if "lv_mask" not in entry.provides:
            continue
        mask = data.load(entry)["lv_mask"].load()[0]
        depth = {code: np.argwhere(mask == code)[:, 0] for code in (atrium, cavity)}
        # The valve is where both meet; a pixel of the one may lie beside the other.
        assert depth[atrium].min() > np.percentile(depth[cavity], 80)
        assert len(depth[atrium]) > 0.1 * len(depth[cavity])


def test_real_catalog(shared_data):
    root = shared_data / "camus"
    catalog = camus.index(root)
    assert len(catalog) == 128
    assert Counter(entry.split for entry in catalog) == {"train": 124, "val": 4}
    assert catalog.entries[0].provides == {"b_mode", "lv_mask", "view", "phase"}
    lists = camus.read_splits(root)
    assert Counter(lists.values()) == {"train": 400, "val": 50, "test": 50}
    assert len(camus.absent(root)) == 436


def test_real_pixels_are_those_of_simpleitk(shared_data):
    root = shared_data / "camus"
    recording = camus.DATASET.open(root)["patient0001_4CH_ED"]
    path = root / "database_nifti/patient0001/patient0001_4CH_ED.nii.gz"
    image = SimpleITK.ReadImage(str(path))
    stream = recording["b_mode"]
    assert stream.shape == (1, 389, 549)
    assert np.array_equal(stream.load()[0], SimpleITK.GetArrayFromImage(image))
    dz, dx = stream.geometry.spacing
    assert (1e3 * dx, 1e3 * dz) == pytest.approx(image.GetSpacing(), rel=1e-7)
    assert dz == pytest.approx(0.308e-3, abs=1e-12)


def test_real_masks_have_the_anatomy_of_an_apical_view(shared_data):
    """Apex up: cavity above atrium; the wall surrounds the cavity from above.

    The cavity of patient 1 has 31.68 cm² at end-diastole and 17.33 cm² at end-systole.
    """
    data = camus.DATASET.open(shared_data / "camus")
    areas = {}
    for phase in ("ED", "ES"):
        mask = data[f"patient0001_4CH_{phase}"]["lv_mask"]
        labels = mask.load()[0]
        assert set(np.unique(labels)) == {0, 1, 2, 3}
        depth = {
            name: np.argwhere(labels == STRUCTURES.index(name))[:, 0].mean()
            for name in ("lv_cavity", "la_cavity")
        }
        assert depth["lv_cavity"] < depth["la_cavity"]
        wall, cavity = (np.argwhere(labels == code) for code in (2, 1))
        assert wall[:, 0].min() < cavity[:, 0].min()
        dz, dx = mask.geometry.spacing
        areas[phase] = 1e4 * dz * dx * len(cavity)
    assert areas == pytest.approx({"ED": 31.68, "ES": 17.33}, abs=0.01)
