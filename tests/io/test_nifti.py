"""NIfTI planes against SimpleITK, an independent reader, and against known pixels."""

import nibabel
import numpy as np
import pytest
import SimpleITK

from cardium.core import PlaneGrid
from cardium.errors import DataCorruptError, DataMissingError
from cardium.io.nifti import open_planes, write_planes

GRID = PlaneGrid(x=(0.0, 4 * 0.5e-3), z=(0.0, 6 * 0.308e-3), shape=(7, 5))
# value = 10 * row + column, + 100 a frame: no axis can be swapped or flipped unseen
FILM = (
    100 * np.arange(2)[:, None, None]
    + 10 * np.arange(7)[:, None]
    + np.arange(5)[None, None, :]
).astype(np.uint8)


def stored(tmp_path, array, zooms=(0.5, 0.308)):
    """Write an (x, z[, t]) array with nibabel alone."""
    path = tmp_path / "a.nii.gz"
    image = nibabel.Nifti1Image(array, np.diag([-zooms[0], -zooms[1], 1, 1]))
    nibabel.save(image, path)
    return path


def test_rows_are_z_and_columns_are_x(tmp_path):
    path = stored(tmp_path, FILM[0].T.astype(np.float32))
    planes = open_planes(path)
    assert planes.shape == (1, 7, 5)
    assert planes.dtype == np.uint8
    frame = planes[:]
    assert frame.dtype == np.uint8
    assert np.array_equal(frame, FILM[:1])
    assert frame[0, 3, 1] == 31


def test_pixel_size_is_that_of_each_axis_in_metres(tmp_path):
    grid = open_planes(stored(tmp_path, FILM[0].T.astype(np.float32))).grid
    assert grid == GRID
    assert grid.spacing == pytest.approx((0.308e-3, 0.5e-3), abs=1e-12)


@pytest.mark.parametrize(
    ("unit", "metres"), [("mm", 1e-3), ("meter", 1.0), ("micron", 1e-6)]
)
def test_pixel_size_follows_the_unit_of_the_header(tmp_path, unit, metres):
    image = nibabel.Nifti1Image(FILM[0].T.astype(np.float32), np.diag([2, 3, 1, 1]))
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "a.nii")
    spacing = open_planes(tmp_path / "a.nii").grid.spacing
    assert spacing == pytest.approx((3 * metres, 2 * metres))


def test_films_have_time_first_and_are_read_by_slice(tmp_path):
    planes = open_planes(stored(tmp_path, FILM.transpose(2, 1, 0).astype(np.float32)))
    assert planes.shape == (2, 7, 5)
    assert np.array_equal(planes[:], FILM)
    assert np.array_equal(planes[1:2], FILM[1:])
    assert planes[1:1].shape == planes[5:9].shape == (0, 7, 5)
    assert np.array_equal(planes[::-1], FILM[::-1])


def test_a_still_can_be_sliced_like_a_film(tmp_path):
    planes = open_planes(stored(tmp_path, FILM[0].T.astype(np.float32)))
    assert planes[1:3].shape == (0, 7, 5)
    assert planes[-1:].shape == (1, 7, 5)


@pytest.mark.parametrize("frames", [FILM[:1], FILM])
def test_written_planes_read_the_same_in_simpleitk(tmp_path, frames):
    write_planes(tmp_path / "a.nii.gz", frames, GRID)
    image = SimpleITK.ReadImage(str(tmp_path / "a.nii.gz"))
    array = SimpleITK.GetArrayFromImage(image)
    assert image.GetPixelIDTypeAsString() == "32-bit float"
    assert np.array_equal(array.reshape(frames.shape), frames)
    assert image.GetSpacing()[:2] == pytest.approx((0.5, 0.308))
    planes = open_planes(tmp_path / "a.nii.gz")
    assert np.array_equal(planes[:], frames)
    assert planes.grid == GRID


@pytest.mark.parametrize("wrong", [1.37, 256.0, -1.0, np.nan])
def test_what_is_no_grey_level_is_refused_by_value(tmp_path, wrong):
    pixels = FILM[0].T.astype(np.float32)
    pixels[2, 3] = wrong
    with pytest.raises(DataCorruptError, match=rf"a\.nii\.gz.*{wrong:g}"):
        open_planes(stored(tmp_path, pixels))[:]


def test_labels_are_translated_and_others_refused(tmp_path):
    labels = np.array([[0, 1, 2], [3, 1, 0]], np.float32)
    codes = {0: 0, 1: 4, 2: 2, 3: 9}
    path = stored(tmp_path, labels)
    assert open_planes(path, codes=codes)[:].tolist() == [[[0, 9], [4, 4], [2, 0]]]
    labels[0, 1], labels[1, 1] = 1.37, 4
    path = stored(tmp_path, labels)
    with pytest.raises(DataCorruptError, match=r"a\.nii\.gz.*\[0, 1, 2, 3\].*1\.37, 4"):
        open_planes(path, codes=codes)[:]


def test_missing_is_not_corrupt(tmp_path):
    with pytest.raises(DataMissingError, match=r"a\.nii\.gz"):
        open_planes(tmp_path / "a.nii.gz")
    (tmp_path / "a.nii.gz").write_bytes(b"no image")
    with pytest.raises(DataCorruptError, match=r"a\.nii\.gz"):
        open_planes(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_corrupt(tmp_path, suffix, part):
    path = tmp_path / f"a{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (1, 60, 50))
    write_planes(path, noise, PlaneGrid((0, 0.049), (0, 0.059), (60, 50)))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(DataCorruptError, match=r"a\.nii"):
        open_planes(path)[:]


def test_volumes_and_empty_pixels_are_refused(tmp_path):
    with pytest.raises(DataCorruptError, match=r"shape \(2, 2, 2, 2\)"):
        open_planes(stored(tmp_path, np.zeros((2, 2, 2, 2), np.float32)))
    with pytest.raises(DataCorruptError, match="image of 1 x 7"):
        open_planes(stored(tmp_path, np.zeros((1, 7), np.float32)))
