"""VTK files against VTK's own readers."""

import xml.etree.ElementTree

import numpy as np
import pytest
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.geometry import plane_around, resample
from cardium.io.vtk import write_vtk

READERS = {
    ".vti": vtk.vtkXMLImageDataReader,
    ".vts": vtk.vtkXMLStructuredGridReader,
    ".vtp": vtk.vtkXMLPolyDataReader,
}


def read(path):
    reader = READERS[path.suffix]()
    problems = []
    reader.AddObserver("ErrorEvent", lambda *_: problems.append(path))
    reader.SetFileName(str(path))
    reader.Update()
    assert not problems
    return reader.GetOutput()


def points_of(data):
    if hasattr(data, "GetPoints") and data.GetPoints() is not None:
        return vtk_to_numpy(data.GetPoints().GetData())
    return np.array([data.GetPoint(n) for n in range(data.GetNumberOfPoints())])


def assert_holds(data, stream, frame, places, *, abs_mm):
    """Values, places in millimetres, time and units of a data set."""
    array = data.GetPointData().GetArray(stream.name)
    values = vtk_to_numpy(array)
    assert values.dtype == stream.values.dtype
    assert np.array_equal(values, stream.values[frame].ravel())
    assert array.GetInformation().Get(vtk.vtkDataArray.UNITS_LABEL()) == stream.unit
    millimetres = np.stack(places, -1).reshape(-1, 3) * 1e3
    np.testing.assert_allclose(points_of(data), millimetres, atol=abs_mm)
    field = data.GetFieldData()
    assert field.GetArray("TimeValue").GetValue(0) == stream.time[frame]
    assert field.GetAbstractArray("LengthUnit").GetValue(0) == "mm"


def test_an_aslant_volume(tmp_path, volumes):
    write_vtk(tmp_path / "a.vti", volumes, frame=2)
    data = read(tmp_path / "a.vti")
    assert_holds(data, volumes, 2, volumes.geometry.points(), abs_mm=1e-9)


def test_a_plane_lies_at_y_zero(tmp_path, velocities):
    write_vtk(tmp_path / "a.vti", velocities, frame=0)
    x, z = velocities.geometry.points()
    data = read(tmp_path / "a.vti")
    assert_holds(data, velocities, 0, (x, 0 * x, z), abs_mm=1e-9)
    assert data.GetDimensions() == (5, 1, 7)


def test_beamspace_keeps_its_samples_at_their_places(tmp_path, beams, cone):
    x, z = beams.geometry.points()
    write_vtk(tmp_path / "a.vts", beams, frame=3)
    assert_holds(read(tmp_path / "a.vts"), beams, 3, (x, 0 * x, z), abs_mm=1e-5)
    write_vtk(tmp_path / "b.vts", cone, frame=1)
    data = read(tmp_path / "b.vts")
    assert_holds(data, cone, 1, cone.geometry.points(), abs_mm=1e-5)
    assert data.GetExtent() == (0, 4, 0, 3, 0, 2)


def test_beamspace_in_a_regular_grid_is_scan_converted(tmp_path, beams):
    write_vtk(tmp_path / "a.vti", beams, frame=1)
    plane = plane_around(beams.geometry)
    values = vtk_to_numpy(read(tmp_path / "a.vti").GetPointData().GetArray("b_mode"))
    expected = resample(beams.values[1], beams.geometry, plane)
    assert np.array_equal(values, expected.ravel())


def test_a_mesh(tmp_path, mesh):
    write_vtk(tmp_path / "a.vtp", mesh, frame=0)
    data = read(tmp_path / "a.vtp")
    points, faces = mesh.frame(0)
    np.testing.assert_allclose(points_of(data), points * 1e3, rtol=1e-6)
    cells = vtk_to_numpy(data.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    assert np.array_equal(cells, faces)
    volume = vtk.vtkMassProperties()
    volume.SetInputData(data)
    # a tetrahedron of edges 10, 20 and 30 mm
    assert volume.GetVolume() == pytest.approx(10 * 20 * 30 / 6)


def test_contours_are_lines_without_their_missing_points(tmp_path, contour):
    write_vtk(tmp_path / "a.vtp", contour, frame=1)
    data = read(tmp_path / "a.vtp")
    assert data.GetNumberOfLines() == 2
    kept = contour.values[1][np.isfinite(contour.values[1]).all(-1)]
    np.testing.assert_allclose(points_of(data)[:, [0, 2]], kept * 1e3, rtol=1e-6)
    assert not points_of(data)[:, 1].any()
    sizes = [data.GetCell(n).GetNumberOfPoints() for n in range(2)]
    assert sizes == [3, 4]
    assert vtk_to_numpy(data.GetCellData().GetArray("layer")).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("name", "ending"),
    [("film", ".vti"), ("beams", ".vts"), ("cone", ".vts"), ("mesh", ".vtp")],
)
def test_a_collection_names_every_time(tmp_path, request, name, ending):
    what = request.getfixturevalue(name)
    write_vtk(tmp_path / "beat.pvd", what)
    root = xml.etree.ElementTree.parse(tmp_path / "beat.pvd").getroot()
    assert root.attrib["type"] == "Collection"
    sets = root.findall("Collection/DataSet")
    assert [float(s.attrib["timestep"]) for s in sets] == what.time.tolist()
    for at, item in enumerate(sets):
        assert item.attrib["file"] == f"beat_frames/beat_{at:04d}{ending}"
        data = read(tmp_path / item.attrib["file"])
        time = data.GetFieldData().GetArray("TimeValue").GetValue(0)
        assert time == what.time[at]


def test_what_does_not_fit_is_refused(tmp_path, film, beams, mesh, ecg, contour):
    for what, ending, match in (
        (film, ".vti", "4 frames"),
        (film.samples(slice(0, 1)), ".vtp", r"\.vti or \.vts"),
        (mesh, ".vti", "2 frames"),
        (film, ".vtk", r"\.vti or \.vts"),
    ):
        with pytest.raises(InvalidArgumentError, match=match):
            write_vtk(tmp_path / f"a{ending}", what)
    with pytest.raises(InvalidArgumentError, match=r"goes to \.vtp"):
        write_vtk(tmp_path / "a.vts", mesh, frame=0)
    with pytest.raises(InvalidArgumentError, match=r"goes to \.vtp"):
        write_vtk(tmp_path / "a.vti", contour, frame=0)
    with pytest.raises(InvalidArgumentError, match="no frame 4"):
        write_vtk(tmp_path / "a.vts", beams, frame=4)
    with pytest.raises(NotProvidedError, match="no geometry"):
        write_vtk(tmp_path / "a.vts", ecg, frame=0)
    halves = film.with_values(film.values.astype(np.float16))
    with pytest.raises(InvalidArgumentError, match="float16"):
        write_vtk(tmp_path / "a.vti", halves, frame=0)
    assert not list(tmp_path.iterdir())


def test_names_and_units_are_text(tmp_path, film):
    from dataclasses import replace

    odd = replace(film, name='a<b>"c', unit="m/s & <more>")
    write_vtk(tmp_path / "a.vti", odd, frame=0)
    array = read(tmp_path / "a.vti").GetPointData().GetArray(0)
    assert array.GetName() == 'a<b>"c'
    assert array.GetInformation().Get(vtk.vtkDataArray.UNITS_LABEL()) == "m/s & <more>"
