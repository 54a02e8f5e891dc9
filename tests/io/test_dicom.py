"""DICOM ultrasound against pydicom, and pydicom's own example files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.pixels import pixel_array
from pydicom.waveforms import multiplex_array

from cardium.core import PlaneGrid, Stream
from cardium.errors import (
    CardiumError,
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
    NotProvidedError,
)
from cardium.geometry import plane_around, resample
from cardium.io.dicom import read_dicom, write_dicom


@pytest.fixture
def written(tmp_path, recording):
    write_dicom(tmp_path / "a.dcm", recording, stream="b_mode")
    return tmp_path / "a.dcm"


def test_a_film_reads_the_same_in_pydicom(written, film):
    data = pydicom.dcmread(written)
    assert data.SOPClassUID.name == "Ultrasound Multi-frame Image Storage"
    assert data.file_meta.MediaStorageSOPInstanceUID == data.SOPInstanceUID
    assert np.array_equal(data.pixel_array, film.values)
    assert data.PhotometricInterpretation == "MONOCHROME2"
    assert float(data.FrameDelay) == 250
    assert data["FrameIncrementPointer"].value == 0x00181065
    assert [float(ms) for ms in data.FrameTimeVector] == [0, 20, 30, 40]
    assert (data.CineRate, data.NumberOfFrames) == (33, 4)


def test_the_region_says_where_every_pixel_is(written, film):
    (region,) = pydicom.dcmread(written).SequenceOfUltrasoundRegions
    assert (region.RegionSpatialFormat, region.RegionDataType) == (1, 1)
    assert (region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection) == (3, 3)
    assert region[0x0018, 0x602C].value == pytest.approx(0.25)
    assert region[0x0018, 0x602E].value == pytest.approx(0.2)
    bounds = [region[0x0018, 0x6018 + 2 * n].value for n in range(4)]
    assert bounds == [0, 0, 4, 6]
    # column 1, row 2 lies at x = -1.5 mm, z = 6 mm
    x = region[0x0018, 0x6028].value + (1 - region[0x0018, 0x6020].value) * 0.25
    z = region[0x0018, 0x602A].value + (2 - region[0x0018, 0x6022].value) * 0.2
    assert (x, z) == pytest.approx((-0.15, 0.6))


def test_nobody_is_named(written):
    data = pydicom.dcmread(written)
    assert (data.PatientName, data.PatientID) == ("Anonymous", "p0")
    assert data.PatientIdentityRemoved == "YES"
    assert data.BurnedInAnnotation == "NO"
    for key in ("PatientBirthDate", "StudyDate", "ReferringPhysicianName"):
        assert not data[key].value


def test_identifiers_are_valid_and_follow_from_the_recording(tmp_path, recording):
    def uids(name, stream, one):
        write_dicom(tmp_path / name, one, stream=stream)
        data = pydicom.dcmread(tmp_path / name)
        keys = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
        assert all(data[key].value.is_valid for key in keys)
        return [data[key].value for key in keys]

    first = uids("a.dcm", "b_mode", recording)
    assert uids("b.dcm", "b_mode", recording) == first
    spectrum = uids("c.dcm", "pulsed_wave", recording)
    assert spectrum[:2] == first[:2]
    assert spectrum[2] != first[2]
    other = replace(recording, entry=replace(recording.entry, patient="p1", exam="e1"))
    assert not set(uids("d.dcm", "b_mode", other)) & set(first)


def test_the_ecg_and_the_r_waves_go_along(written, recording, ecg):
    data = pydicom.dcmread(written)
    item = data.WaveformSequence[0]
    assert item.SamplingFrequency == pytest.approx(250)
    assert item.MultiplexGroupTimeOffset == pytest.approx(50)
    channel = item.ChannelDefinitionSequence[0]
    assert channel.ChannelSensitivityUnitsSequence[0].CodeValue == "mV"
    volts = multiplex_array(data, 0, as_raw=False)[:, 0]
    np.testing.assert_allclose(volts, ecg.values, atol=0.9 / 32000)
    # 0.2 s is 50 ms before the first frame; the median RR of 0.8 and 0.85 s
    assert data.RWaveTimeVector == pytest.approx([-50, 750, 1600], abs=1e-3)
    assert data.HeartRate == 73
    back = read_dicom(written)
    np.testing.assert_allclose(back["ecg"].time, ecg.time, atol=1e-9)
    np.testing.assert_allclose(back["ecg"].load()[:, 0], ecg.values, atol=1.5e-5)
    assert back["ecg"].unit == "mV"
    np.testing.assert_allclose(back["qrs"].load(), [0.2, 1.0, 1.85], atol=1e-6)


def test_a_film_comes_back_as_it_was(written, film):
    back = read_dicom(written)
    assert back.entry.patient == "p0"
    stream = back["b_mode"]
    assert stream.dims == ("time", "z", "x")
    np.testing.assert_allclose(stream.time, film.time, atol=1e-12)
    assert stream.geometry.x == pytest.approx(film.geometry.x)
    assert stream.geometry.z == pytest.approx(film.geometry.z)
    for part in (slice(None), slice(1, 3), slice(None, None, -1), slice(9, 12)):
        assert np.array_equal(stream.values[part], film.values[part])


def test_beamspace_is_scan_converted_and_clocks_stay_even(tmp_path, recording, beams):
    even = replace(beams, time=0.1 + np.arange(4) / 30)
    one = replace(recording, streams={"b_mode": even})
    write_dicom(tmp_path / "a.dcm", one, stream="b_mode")
    plane = plane_around(beams.geometry)
    expected = resample(beams.values, beams.geometry, plane)
    assert np.array_equal(pixel_array(tmp_path / "a.dcm"), expected)
    data = pydicom.dcmread(tmp_path / "a.dcm")
    assert data["FrameIncrementPointer"].value == 0x00181063
    assert float(data.FrameTime) == pytest.approx(1000 / 30)
    back = read_dicom(tmp_path / "a.dcm")["b_mode"]
    np.testing.assert_allclose(back.time, even.time, atol=1e-9)


def test_a_spectrum_is_a_still_with_seconds_and_velocities(tmp_path, recording):
    write_dicom(tmp_path / "a.dcm", recording, stream="pulsed_wave")
    data = pydicom.dcmread(tmp_path / "a.dcm")
    spectrum = recording["pulsed_wave"]
    assert data.SOPClassUID.name == "Ultrasound Image Storage"
    assert np.array_equal(data.pixel_array, spectrum.values.T)
    (region,) = data.SequenceOfUltrasoundRegions
    assert (region.RegionSpatialFormat, region.RegionDataType) == (3, 3)
    assert (region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection) == (4, 7)
    assert region.PhysicalDeltaX == pytest.approx(0.005)
    assert region.PhysicalDeltaY == pytest.approx(-20)
    assert region.ReferencePixelPhysicalValueY == pytest.approx(120)
    back = read_dicom(tmp_path / "a.dcm")["pulsed_wave"]
    assert back.dims == ("time", "velocity")
    assert np.array_equal(back.load(), spectrum.values)
    np.testing.assert_allclose(back.time, spectrum.time)
    np.testing.assert_allclose(
        back.axes["velocity"], spectrum.axes["velocity"], atol=1e-12
    )


def test_an_m_mode_is_a_still_with_seconds_and_centimetres(tmp_path, recording):
    depth = np.linspace(0.01, 0.05, 5)
    values = np.arange(30, dtype=np.uint8).reshape(6, 5)
    time = 0.1 + 0.004 * np.arange(6)
    dims = ("time", "range")
    m_mode = Stream("m_mode", values, time, dims, "grey", axes={"range": depth})
    one = replace(recording, streams={"m_mode": m_mode})
    write_dicom(tmp_path / "a.dcm", one, stream="m_mode")
    (region,) = pydicom.dcmread(tmp_path / "a.dcm").SequenceOfUltrasoundRegions
    assert (region.RegionSpatialFormat, region.RegionDataType) == (2, 1)
    assert (region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection) == (4, 3)
    assert region.PhysicalDeltaY == pytest.approx(1.0)
    back = read_dicom(tmp_path / "a.dcm")["m_mode"]
    assert np.array_equal(back.load(), values)
    np.testing.assert_allclose(back.axes["range"], depth)
    np.testing.assert_allclose(back.time, time)


@pytest.mark.parametrize("frames", [1, 3])
def test_colours_stay_what_they_are(tmp_path, recording, film, frames):
    values = np.arange(frames * 3 * 35, dtype=np.uint8).reshape(frames, 3, 7, 5)
    dims = ("time", "colour", "z", "x")
    time = film.time[:frames]
    colour = Stream("colour", values, time, dims, "rgb", film.geometry)
    one = replace(recording, streams={"colour": colour})
    write_dicom(tmp_path / "a.dcm", one, stream="colour")
    data = pydicom.dcmread(tmp_path / "a.dcm")
    assert data.PhotometricInterpretation == "RGB"
    array = data.pixel_array.reshape(frames, 7, 5, 3)
    assert np.array_equal(np.moveaxis(array, -1, 1), values)
    back = read_dicom(tmp_path / "a.dcm")["colour_flow"]
    assert np.array_equal(back.load(), values)


def test_what_is_no_picture_is_refused(tmp_path, recording, film):
    path = tmp_path / "a.dcm"
    for name, match in (
        ("tissue_velocity", "would lose the numbers"),
        ("lv_mask", "would lose the numbers"),
        ("b_mode_3d", "Cut a plane"),
    ):
        with pytest.raises(InvalidArgumentError, match=match):
            write_dicom(path, recording, stream=name)
    with pytest.raises(NotProvidedError, match="m_mode"):
        write_dicom(path, recording, stream="m_mode")
    with pytest.raises(InvalidArgumentError, match=r"\.dcm"):
        write_dicom(tmp_path / "a.nii", recording, stream="b_mode")
    bright = film.with_values(film.values.astype(np.float32) * 2)
    one = replace(recording, streams={"b_mode": bright})
    with pytest.raises(InvalidArgumentError, match=r"0\.\.255"):
        write_dicom(path, one, stream="b_mode")
    spectrum = recording["pulsed_wave"]
    jump = replace(spectrum, time=spectrum.time + np.repeat([0, 0.003], 3))
    one = replace(recording, streams={"pulsed_wave": jump})
    with pytest.raises(InvalidArgumentError, match="even steps along time"):
        write_dicom(path, one, stream="pulsed_wave")
    assert not list(tmp_path.iterdir())


def edited(path, change):
    data = pydicom.dcmread(path)
    change(data, data.SequenceOfUltrasoundRegions[0])
    data.save_as(path)
    return path


def no_regions(data, region):
    del data.SequenceOfUltrasoundRegions


def other_unit(data, region):
    region.PhysicalUnitsXDirection = 4


def outside(data, region):
    region.RegionLocationMaxX1 = 5


def zero_step(data, region):
    region.PhysicalDeltaX = 0.0


def upside_down(data, region):
    region.PhysicalDeltaY = -0.2


def unknown_kind(data, region):
    region.RegionSpatialFormat = 5


def no_times(data, region):
    del data.FrameTimeVector


def fewer_times(data, region):
    data.FrameTimeVector = [0, 20, 30]


def standing_clock(data, region):
    data.FrameTimeVector = [0, 20, 0, 30]


def more_frames(data, region):
    data.NumberOfFrames = 4000


def wide_pixels(data, region):
    data.BitsAllocated = 16


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (no_regions, NotProvidedError, "no sequence of ultrasound regions"),
        (other_unit, NotProvidedError, "units s, cm; expected cm, cm"),
        (unknown_kind, NotProvidedError, r"\(5, 1\)"),
        (no_times, NotProvidedError, "neither frame time"),
        (wide_pixels, NotProvidedError, "16-bit"),
        (outside, DataCorruptError, "outside of its picture of 5 x 7"),
        (zero_step, DataCorruptError, "not zero"),
        (upside_down, DataCorruptError, "must be positive"),
        (fewer_times, DataCorruptError, "4 frames and 3 frame times"),
        (standing_clock, DataCorruptError, "ascending"),
        (more_frames, DataCorruptError, "4000 frames"),
    ],
)
def test_what_cannot_be_trusted_is_named(written, change, error, match):
    with pytest.raises(error, match=match):
        read_dicom(edited(written, change))


def test_places_count_from_the_reference_pixel(written):
    def move(data, region):
        region.RegionLocationMinX0, region.RegionLocationMinY0 = 1, 2
        region.ReferencePixelX0, region.ReferencePixelY0 = 2, -1
        del region.ReferencePixelPhysicalValueX
        region.ReferencePixelPhysicalValueY = 0.5

    back = read_dicom(edited(written, move))["b_mode"]
    # the region begins at pixel (1, 2); x = 0 at its column 2, z = 5 mm at its row -1
    assert back.shape == (4, 5, 4)
    assert back.geometry.x == pytest.approx((-0.005, 0.0025))
    assert back.geometry.z == pytest.approx((0.007, 0.015))
    assert back.values[:1][0, 0, 0] == 2 * 5 + 1


def test_without_a_reference_x_counts_from_the_middle(written):
    def forget(data, region):
        for axis in "XY":
            del region[f"ReferencePixel{axis}0"]
            del region[f"ReferencePixelPhysicalValue{axis}"]

    geometry = read_dicom(edited(written, forget))["b_mode"].geometry
    assert geometry.x == pytest.approx((-0.005, 0.005))
    assert geometry.z == pytest.approx((0, 0.012))


def test_overlapping_regions_come_by_priority(written):
    def second(data, region):
        other = pydicom.Dataset()
        other.update(region)
        other.RegionLocationMaxX1 = 2
        region.RegionFlags = 1
        data.SequenceOfUltrasoundRegions.append(other)

    back = read_dicom(edited(written, second))
    assert back["b_mode_0"].shape == (4, 7, 3)
    assert back["b_mode_1"].shape == (4, 7, 5)


def example(name):
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"pydicom has no {name} here")
    return Path(path)


def test_a_scaled_example_is_refused_because_its_region_does_not_fit():
    """Its pixels were shrunk to 320 x 240, its region was left as acquired."""
    with pytest.raises(DataCorruptError, match=r"\(595, 414\) outside.*320 x 240"):
        read_dicom(example("examples_ybr_color.dcm"))


def test_a_compressed_film_of_a_scanner_is_read(tmp_path):
    pytest.importorskip("PIL")
    data = pydicom.dcmread(example("examples_ybr_color.dcm"))
    region = data.SequenceOfUltrasoundRegions[0]
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 42, 15
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 297, 206
    data.save_as(tmp_path / "a.dcm")
    stream = read_dicom(tmp_path / "a.dcm")["b_mode"]
    assert stream.shape == (30, 3, 192, 256)
    assert stream.geometry.spacing == pytest.approx([0.05104970559477806e-2] * 2)
    assert stream.geometry.x == pytest.approx((-0.0650884, 0.0650884), abs=1e-6)
    assert np.diff(stream.time) == pytest.approx(0.033333)
    expected = pixel_array(tmp_path / "a.dcm", index=7)[15:207, 42:298]
    assert np.array_equal(np.moveaxis(stream.values[7:8][0], 0, -1), expected)


def test_an_example_without_regions_teaches():
    with pytest.raises(NotProvidedError, match=r"\(0018,6011\)"):
        read_dicom(example("examples_rgb_color.dcm"))
    with pytest.raises(NotProvidedError, match="without pictures"):
        read_dicom(example("waveform_ecg.dcm"))


def test_missing_is_not_corrupt(tmp_path):
    with pytest.raises(DataMissingError):
        read_dicom(tmp_path / "a.dcm")
    (tmp_path / "a.dcm").write_bytes(b"no DICOM")
    with pytest.raises(DataCorruptError, match=r"a\.dcm"):
        read_dicom(tmp_path / "a.dcm")


@pytest.mark.filterwarnings("ignore")
def test_damaged_files_raise_typed_errors_only(written):
    whole = written.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(150):
        broken = bytearray(whole)
        for at in random.integers(128, 2200, 2):
            broken[at] = random.integers(256)
        written.write_bytes(broken[: random.integers(1, 2 * len(whole))])
        try:
            stream = next(iter(read_dicom(written).streams.values()))
            stream.load()
        except CardiumError:
            continue
        assert stream.geometry is None or isinstance(stream.geometry, PlaneGrid)
