"""NIfTI planes against SimpleITK, an independent reader, and against known pixels."""

import contextlib
import gzip
import warnings

import nibabel
import numpy as np
import pytest
import SimpleITK

from cardium.core import PlaneGrid, Stream
from cardium.errors import (
    CardiumError,
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
    NotProvidedError,
)
from cardium.geometry import plane_around, resample
from cardium.geometry.volume import grid_around
from cardium.io.nifti import open_planes, read_nifti, write_nifti, write_planes

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


def test_a_film_reads_the_same_in_nibabel(tmp_path, film):
    write_nifti(tmp_path / "a.nii.gz", film)
    image = nibabel.load(tmp_path / "a.nii.gz")
    assert image.shape == (5, 7, 1, 4)
    assert image.get_data_dtype() == np.uint8
    stored = np.asarray(image.dataobj)
    assert np.array_equal(stored[:, :, 0].T, film.values)
    assert image.header.get_xyzt_units() == ("mm", "sec")
    assert image.header.get_zooms() == pytest.approx((2.5, 2.0, 1.0, 0.03))
    assert float(image.header["toffset"]) == 0.25
    assert bytes(image.header["descrip"]).startswith(b"b_mode [grey]")
    # column 1, row 2: x = -1.5 mm, z = 6 mm; right and anterior are minus x and y
    assert image.affine @ (1, 2, 0, 1) == pytest.approx((1.5, 0, 6, 1), abs=1e-5)
    assert np.allclose(image.get_qform(), image.affine, atol=1e-5)


def test_every_voxel_of_an_aslant_volume_lies_where_it_was(tmp_path, volumes):
    write_nifti(tmp_path / "a.nii", volumes)
    image = nibabel.load(tmp_path / "a.nii")
    assert np.array_equal(np.asarray(image.dataobj).T, volumes.values)
    x, y, z = volumes.geometry.points()
    for k, j, i in ((0, 0, 0), (3, 0, 0), (0, 2, 0), (0, 0, 4), (3, 2, 4)):
        place = (image.affine @ (i, j, k, 1))[:3]
        ras = np.array([-x[k, j, i], -y[k, j, i], z[k, j, i]]) * 1e3
        assert place == pytest.approx(ras, abs=1e-4)


def test_simpleitk_lays_volumes_in_the_frame_of_the_probe(tmp_path, volumes):
    write_nifti(tmp_path / "a.nii.gz", volumes)
    image = SimpleITK.ReadImage(str(tmp_path / "a.nii.gz"))
    assert np.array_equal(SimpleITK.GetArrayFromImage(image), volumes.values)
    place = image.TransformIndexToPhysicalPoint((4, 2, 3, 0))[:3]
    probe = [float(p[3, 2, 4]) * 1e3 for p in volumes.geometry.points()]
    assert place == pytest.approx(probe, abs=1e-4)
    assert image.GetSpacing() == pytest.approx((1, 2, 3, 0.03), rel=1e-6)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("name", ["film", "volumes", "velocities", "labels"])
def test_streams_come_back_as_they_were(tmp_path, request, same_stream, name, ending):
    stream = request.getfixturevalue(name)
    write_nifti(tmp_path / f"a{ending}", stream)
    same_stream(stream, read_nifti(tmp_path / f"a{ending}"))


def test_beamspace_is_scan_converted(tmp_path, beams, cone):
    write_nifti(tmp_path / "a.nii", beams)
    plane = plane_around(beams.geometry)
    back = read_nifti(tmp_path / "a.nii")
    assert back.geometry == plane
    assert np.array_equal(back.load(), resample(beams.values, beams.geometry, plane))
    write_nifti(tmp_path / "b.nii", cone)
    back = read_nifti(tmp_path / "b.nii")
    grid = grid_around(cone.geometry)
    assert back.geometry == grid
    assert np.array_equal(back.load(), resample(cone.values, cone.geometry, grid))


def test_outside_the_sector_nothing_is_claimed(tmp_path, beams):
    fan = beams.geometry
    for unit, limit, dtype in (("label", None, np.uint8), ("m/s", 0.5, np.float32)):
        values = np.zeros(beams.shape, dtype)
        stream = Stream("s", values, beams.time, beams.dims, unit, fan, limit)
        write_nifti(tmp_path / "a.nii", stream)
        corner = np.asarray(nibabel.load(tmp_path / "a.nii").dataobj)[0, -1, 0, 0]
        assert corner == 255 if unit == "label" else np.isnan(corner)


def test_labels_are_said_to_be_labels(tmp_path, labels):
    write_nifti(tmp_path / "a.nii", labels)
    assert nibabel.load(tmp_path / "a.nii").header.get_intent()[0] == "label"


def test_the_header_wins_over_a_stale_extension(tmp_path, film):
    write_nifti(tmp_path / "a.nii", film)
    image = nibabel.load(tmp_path / "a.nii")
    header = image.header.copy()
    header["pixdim"][4], header["toffset"] = 0.5, 1.0
    affine = image.affine.copy()
    affine[0, 3] += 3
    moved = nibabel.Nifti1Image(np.asarray(image.dataobj), affine, header)
    nibabel.save(moved, tmp_path / "b.nii")
    back = read_nifti(tmp_path / "b.nii")
    assert back.time.tolist() == [1.0, 1.5, 2.0, 2.5]
    assert back.geometry.x == pytest.approx((-0.007, 0.003))
    assert np.array_equal(back.load(), film.load())


def test_an_image_of_another_tool_is_read_by_its_affine(tmp_path):
    array = np.arange(120, dtype=np.int16).reshape(5, 4, 3, 2)
    affine = np.array([[0, -2.0, 0, 7], [1, 0, 0, 8], [0, 0, 3, 9], [0, 0, 0, 1]])
    image = nibabel.Nifti1Image(array, affine)
    image.header.set_zooms((1, 2, 3, 40))
    image.header.set_xyzt_units("mm", "msec")
    nibabel.save(image, tmp_path / "a.nii")
    back = read_nifti(tmp_path / "a.nii")
    assert (back.name, back.unit, back.dims) == ("image", "", ("time", "z", "y", "x"))
    assert back.time.tolist() == pytest.approx([0, 0.04])
    assert np.array_equal(back.load(), array.T)
    places = [float(p[2, 3, 4]) * 1e3 for p in back.geometry.points()]
    x, y, z, _ = affine @ (4, 3, 2, 1)
    assert places == pytest.approx((-x, -y, z))


def test_scaled_pixels_are_floats(tmp_path):
    image = nibabel.Nifti1Image(np.arange(24, dtype=np.int16).reshape(4, 3, 2), None)
    image.header.set_slope_inter(0.5, 1)
    nibabel.save(image, tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[112:120] = np.array([0.5, 1.0], "<f4").tobytes()
    (tmp_path / "a.nii").write_bytes(raw)
    back = read_nifti(tmp_path / "a.nii")
    assert back.values.dtype == back.load().dtype == np.float64
    assert back.load().max() == 23 * 0.5 + 1


def test_the_same_stream_makes_the_same_file(tmp_path, film):
    for name in ("a.nii.gz", "b.nii.gz"):
        write_nifti(tmp_path / name, film)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_what_nifti_cannot_hold_is_refused(tmp_path, film, ecg):
    with pytest.raises(InvalidArgumentError, match=r"\.nii or \.nii\.gz"):
        write_nifti(tmp_path / "a.img", film)
    with pytest.raises(NotProvidedError, match=r"'ecg'.*no geometry"):
        write_nifti(tmp_path / "a.nii", ecg)
    grid = PlaneGrid((0, 1), (0, 1), (40000, 2))
    dims = ("time", "z", "x")
    tall = Stream("b", np.zeros((1, 40000, 2), np.uint8), np.zeros(1), dims, "", grid)
    with pytest.raises(InvalidArgumentError, match="32767"):
        write_nifti(tmp_path / "a.nii", tall)
    with pytest.raises(InvalidArgumentError, match="no frame"):
        write_nifti(tmp_path / "a.nii", film.samples(slice(0, 0)))
    assert not list(tmp_path.iterdir())


def test_a_header_that_promises_too_much_is_refused_before_reading(tmp_path, film):
    for ending in (".nii", ".nii.gz"):
        path = tmp_path / f"a{ending}"
        write_nifti(path, film)
        raw = path.read_bytes()
        raw = bytearray(gzip.decompress(raw) if ending == ".nii.gz" else raw)
        raw[42:50] = np.array([30000, 30000, 1, 3000], "<i2").tobytes()
        path.write_bytes(gzip.compress(raw) if ending == ".nii.gz" else raw)
        with pytest.raises(DataCorruptError, match="promises pixels of shape"):
            read_nifti(path)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_damaged_files_raise_typed_errors_only(tmp_path, volumes, ending):
    path = tmp_path / f"a{ending}"
    write_nifti(path, volumes)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(150):
        broken = bytearray(whole[: random.integers(1, len(whole) + 1)])
        for at in random.integers(0, min(len(broken), 400), 3):
            broken[at] = random.integers(256)
        path.write_bytes(broken)
        with contextlib.suppress(CardiumError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read_nifti(path).load()
