"""MetaImage against SimpleITK, an independent reader and writer."""

import numpy as np
import pytest
import SimpleITK

from cardium.core import PlaneGrid, Stream, VolumeGrid
from cardium.errors import (
    CardiumError,
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
    NotProvidedError,
)
from cardium.geometry import plane_around, resample
from cardium.io.metaimage import read_metaimage, write_metaimage


def in_itk(path):
    image = SimpleITK.ReadImage(str(path))
    return image, SimpleITK.GetArrayFromImage(image)


@pytest.mark.parametrize("ending", [".mha", ".mhd"])
def test_a_film_reads_the_same_in_simpleitk(tmp_path, film, ending):
    write_metaimage(tmp_path / f"a{ending}", film)
    image, array = in_itk(tmp_path / f"a{ending}")
    assert array.dtype == np.uint8
    assert np.array_equal(array, film.values)
    assert image.GetSpacing() == pytest.approx((2.5, 2.0, 30.0e-3))
    assert image.GetOrigin() == pytest.approx((-4.0, 2.0, 0.25))
    assert image.GetMetaData("StreamName") == "b_mode"
    assert image.GetMetaData("StreamUnit") == "grey"
    times = [float(t) for t in image.GetMetaData("FrameTimes0").split()]
    assert times == film.time.tolist()


def test_every_voxel_of_an_aslant_volume_lies_where_it_was(tmp_path, volumes):
    write_metaimage(tmp_path / "a.mha", volumes)
    image, array = in_itk(tmp_path / "a.mha")
    assert np.array_equal(array, volumes.values)
    x, y, z = volumes.geometry.points()
    for k, j, i in ((0, 0, 0), (3, 0, 0), (0, 2, 0), (0, 0, 4), (3, 2, 4)):
        place = image.TransformIndexToPhysicalPoint((i, j, k, 1))
        probe = np.array([x[k, j, i], y[k, j, i], z[k, j, i]]) * 1e3
        assert place[:3] == pytest.approx(probe, abs=1e-9)
        assert place[3] == pytest.approx(0.25 + 0.03)


def test_beamspace_is_scan_converted(tmp_path, beams):
    write_metaimage(tmp_path / "a.mha", beams)
    plane = plane_around(beams.geometry)
    _, array = in_itk(tmp_path / "a.mha")
    assert np.array_equal(array, resample(beams.values, beams.geometry, plane))
    assert read_metaimage(tmp_path / "a.mha").geometry.shape == plane.shape


def test_streams_come_back_as_they_were(tmp_path, film, volumes, velocities):
    for stream in (film, volumes, velocities):
        write_metaimage(tmp_path / "a.mha", stream)
        back = read_metaimage(tmp_path / "a.mha")
        assert (back.name, back.dims, back.unit) == (
            stream.name,
            stream.dims,
            stream.unit,
        )
        assert back.values.dtype == stream.values.dtype
        assert np.array_equal(back.load(), stream.load())
        assert np.array_equal(back.time, stream.time)
        assert back.velocity_limit == stream.velocity_limit
        ours, theirs = stream.geometry.points(), back.geometry.points()
        np.testing.assert_allclose(theirs, ours, atol=1e-12)


def test_a_film_of_many_frames_keeps_every_time(tmp_path):
    time = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.05, 2500))
    grid = PlaneGrid((0, 0.001), (0, 0.001), (2, 2))
    values = np.zeros((2500, 2, 2), np.uint8)
    stream = Stream("b", values, time, ("time", "z", "x"), "", grid)
    write_metaimage(tmp_path / "a.mha", stream)
    assert np.array_equal(read_metaimage(tmp_path / "a.mha").time, time)
    image, array = in_itk(tmp_path / "a.mha")
    assert array.shape == (2500, 2, 2)
    assert float(image.GetMetaData("FrameTimes4").split()[-1]) == time[-1]


@pytest.mark.parametrize("compressed", [False, True])
def test_a_volume_that_itk_wrote_is_read(tmp_path, compressed):
    array = np.arange(60, dtype=np.float32).reshape(4, 3, 5)
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing((1.0, 2.0, 3.0))
    image.SetOrigin((4.0, 5.0, 6.0))
    image.SetDirection((0, 1, 0, -1, 0, 0, 0, 0, 1))
    SimpleITK.WriteImage(image, str(tmp_path / "a.mhd"), compressed)
    back = read_metaimage(tmp_path / "a.mhd")
    assert (back.shape, back.time.tolist()) == ((1, 4, 3, 5), [0.0])
    assert np.array_equal(back.load()[0], array)
    x, y, z = (p[1, 2, 3] for p in back.geometry.points())
    place = image.TransformIndexToPhysicalPoint((3, 2, 1))
    assert np.array([x, y, z]) * 1e3 == pytest.approx(place)


def test_what_the_format_cannot_hold_is_refused(tmp_path, film, ecg):
    with pytest.raises(InvalidArgumentError, match=r"a\.png.*\.mha or \.mhd"):
        write_metaimage(tmp_path / "a.png", film)
    with pytest.raises(NotProvidedError, match=r"'ecg'.*no geometry"):
        write_metaimage(tmp_path / "a.mha", ecg)
    wide = film.with_values(film.values.astype(np.int64))
    with pytest.raises(InvalidArgumentError, match="int64"):
        write_metaimage(tmp_path / "a.mha", wide)
    many = Stream(
        "planes",
        np.zeros((4, 3, 7, 5), np.uint8),
        film.time,
        ("time", "plane", "z", "x"),
        "grey",
        film.geometry,
    )
    with pytest.raises(InvalidArgumentError, match="Take one of plane"):
        write_metaimage(tmp_path / "a.mha", many)
    assert not list(tmp_path.iterdir())


def changed(path, old, new):
    whole = path.read_bytes()
    assert old in whole
    path.write_bytes(whole.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        (b"DimSize = 5 7 4", b"DimSize = 5 7 40000", "140 bytes.*promises 1400000"),
        (b"DimSize = 5 7 4", b"DimSize = 5 7 -4", "no sizes"),
        (b"DimSize = 5 7 4", b"DimSize = 5 7", "2 axes"),
        (b"ElementSpacing = 2.5", b"ElementSpacing = nan", "'nan', no number"),
        (b"ObjectType = Image", b"ObjectType   Image", "not a MetaImage"),
        (b"FrameTimes0 = 0.25 0.27", b"FrameTimes0 = 0.25 0.25", "ascending"),
        (b"FrameTimes0 = 0.25", b"FrameTimes0 =", "3 frame times"),
        (b"AxisNames = x z time", b"AxisNames = x q time", "x q time"),
    ],
)
def test_damage_is_named(tmp_path, film, old, new, match):
    write_metaimage(tmp_path / "a.mha", film)
    with pytest.raises(DataCorruptError, match=match):
        read_metaimage(changed(tmp_path / "a.mha", old, new))


def test_pixels_elsewhere_are_not_followed(tmp_path, film):
    write_metaimage(tmp_path / "a.mhd", film)
    path = changed(tmp_path / "a.mhd", b"= a.raw", b"= ../secret.raw")
    with pytest.raises(NotProvidedError, match=r"secret\.raw"):
        read_metaimage(path)
    path = changed(path, b"../secret.raw", b"b.raw")
    with pytest.raises(DataMissingError, match=r"b\.raw"):
        read_metaimage(path)
    with pytest.raises(DataMissingError):
        read_metaimage(tmp_path / "none.mha")


def test_damaged_files_raise_typed_errors_only(tmp_path, volumes):
    write_metaimage(tmp_path / "a.mha", volumes)
    whole = (tmp_path / "a.mha").read_bytes()
    random = np.random.default_rng(0)
    for _ in range(200):
        broken = bytearray(whole[: random.integers(1, len(whole) + 1)])
        for at in random.integers(0, len(broken), 3):
            broken[at] = random.integers(256)
        (tmp_path / "a.mha").write_bytes(broken)
        try:
            stream = read_metaimage(tmp_path / "a.mha")
            stream.load()
        except CardiumError:
            continue
        assert isinstance(stream.geometry, (VolumeGrid, PlaneGrid))
