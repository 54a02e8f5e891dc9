"""One call for every format: what is chosen, what is refused."""

from dataclasses import replace

import nibabel
import numpy as np
import pytest
import SimpleITK
import vtk

from cardium.core import Entry, Recording
from cardium.errors import InvalidArgumentError, NotProvidedError, UnknownNameError
from cardium.io.dicom import read_dicom
from cardium.io.export import FORMATS, export_recording
from cardium.io.hdf5 import read_hdf5


@pytest.fixture
def one(beams, ecg):
    """A film of beams with an ECG."""
    streams = {"b_mode": beams, "ecg": ecg}
    return Recording(Entry("r0", "p0", "", frozenset(streams)), streams)


@pytest.mark.parametrize("ending", [end for ends in FORMATS.values() for end in ends])
def test_the_ending_chooses_the_format(tmp_path, one, mesh, ending):
    if ending == ".vtp":
        one = replace(one, streams={}, meshes={"lv_mesh": mesh})
    frame = 1 if ending in (".vti", ".vts", ".vtp") else None
    export_recording(one, str(tmp_path / f"a{ending}"), frame=frame)
    assert (tmp_path / f"a{ending}").exists()


def test_the_only_stream_that_fits_is_taken(tmp_path, one, recording):
    export_recording(one, tmp_path / "a.nii.gz")
    assert nibabel.load(tmp_path / "a.nii.gz").shape[3] == 4
    with pytest.raises(NotProvidedError, match=r"3 streams.*b_mode, b_mode_3d, tissue"):
        export_recording(recording, tmp_path / "b.nii.gz")
    export_recording(recording, tmp_path / "b.nii.gz", stream="lv_mask")
    assert nibabel.load(tmp_path / "b.nii.gz").header["intent_code"] == 1002
    alone = Recording(one.entry, {"ecg": one["ecg"]})
    with pytest.raises(NotProvidedError, match="0 streams that fit vtk"):
        export_recording(alone, tmp_path / "a.vti")


def test_one_frame_only(tmp_path, one, beams):
    export_recording(one, tmp_path / "a.dcm", frame=2)
    back = read_dicom(tmp_path / "a.dcm")
    assert back["b_mode"].time.tolist() == pytest.approx([0.3])
    assert len(back["ecg"].time) == 400
    export_recording(one, tmp_path / "a.mha", frame=2)
    image = SimpleITK.ReadImage(str(tmp_path / "a.mha"))
    assert image.GetSize()[2] == 1
    export_recording(one, tmp_path / "a.h5", stream="b_mode", frame=2)
    stored = read_hdf5(tmp_path / "a.h5")
    assert set(stored.streams) == {"b_mode"}
    assert np.array_equal(stored["b_mode"].load(), beams.values[2:3])
    for path in ("a.nii", "a.dcm", "a.vts", "a.pvd"):
        with pytest.raises(InvalidArgumentError, match="no frame 4"):
            export_recording(one, tmp_path / path, stream="b_mode", frame=4)
    with pytest.raises(InvalidArgumentError, match="needs a stream"):
        export_recording(one, tmp_path / "b.h5", frame=0)


def test_beamspace_or_cartesian(tmp_path, one, beams):
    export_recording(one, tmp_path / "a.pvd")
    assert (tmp_path / "a_frames" / "a_0003.vts").is_file()
    export_recording(one, tmp_path / "b.pvd", geometry="cartesian")
    reader = vtk.vtkXMLImageDataReader()
    reader.SetFileName(str(tmp_path / "b_frames" / "b_0003.vti"))
    reader.Update()
    field = reader.GetOutput().GetFieldData()
    assert field.GetArray("TimeValue").GetValue(0) == 0.34
    export_recording(one, tmp_path / "a.h5", geometry="cartesian")
    assert read_hdf5(tmp_path / "a.h5")["b_mode"].dims == ("time", "z", "x")
    export_recording(one, tmp_path / "b.h5")
    assert read_hdf5(tmp_path / "b.h5")["b_mode"].geometry == beams.geometry
    for path in ("c.nii", "c.mha", "c.vti", "c.dcm"):
        with pytest.raises(InvalidArgumentError, match="regular grids"):
            export_recording(one, tmp_path / path, geometry="beamspace")


def test_wrong_words_are_refused(tmp_path, one):
    with pytest.raises(UnknownNameError, match="'nifty'; did you mean 'nifti'"):
        export_recording(one, tmp_path / "a.nii", format="nifty")
    with pytest.raises(InvalidArgumentError, match=r"end in \.nii, \.nii\.gz"):
        export_recording(one, tmp_path / "a.mha", format="nifti")
    with pytest.raises(InvalidArgumentError, match=r"\.png.*\.zarr"):
        export_recording(one, tmp_path / "a.png")
    with pytest.raises(InvalidArgumentError, match="'polar'"):
        export_recording(one, tmp_path / "a.nii", geometry="polar")
    with pytest.raises(NotProvidedError, match="no 'm_mode'"):
        export_recording(one, tmp_path / "a.nii", stream="m_mode")
    assert not list(tmp_path.iterdir())


def test_a_mesh_by_name(tmp_path, recording):
    export_recording(recording, tmp_path / "lv.pvd", stream="lv_mesh")
    assert (tmp_path / "lv_frames" / "lv_0001.vtp").is_file()
    with pytest.raises(InvalidArgumentError, match=r"mesh.*\.vtp"):
        export_recording(recording, tmp_path / "lv.nii", stream="lv_mesh")
    export_recording(recording, tmp_path / "lv.h5", stream="lv_mesh")
    assert set(read_hdf5(tmp_path / "lv.h5").meshes) == {"lv_mesh"}
