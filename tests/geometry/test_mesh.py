"""Meshes: closed forms, and what trimesh and VTK make of the same surfaces."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardium.core import PlaneGrid, SectorVolume, SlicePlane, VolumeGrid
from cardium.errors import GeometryError, InvalidArgumentError
from cardium.geometry import polygon_area
from cardium.geometry.mesh import (
    close_mesh,
    is_closed,
    mesh_area,
    mesh_mask,
    mesh_section,
    mesh_volume,
)

SPHERICAL = SectorVolume((0.01, 0.14), (-0.7, 0.6), (-0.5, 0.65), (40, 60, 110))
TANGENT = SectorVolume(
    (0.01, 0.14), (-0.7, 0.6), (-0.5, 0.65), (40, 60, 110), "tangent"
)
BOX = VolumeGrid.box(
    x=(-0.06, 0.055), y=(-0.05, 0.06), z=(0.0, 0.13), shape=(66, 56, 60)
)
ASLANT = VolumeGrid(
    (-0.05, -0.04, 0.01),
    ((0.0002, 0.0001, 0.0019), (0.0003, 0.0018, 0.0), (0.0017, 0.0, -0.0004)),
    (60, 50, 62),
)
GEOMETRIES = pytest.mark.parametrize(
    "geometry", [SPHERICAL, TANGENT, BOX, ASLANT], ids=["beams", "tan", "box", "aslant"]
)
CENTRE = np.array([0.008, -0.006, 0.07])


def spheroid(rings=40, spokes=48, semi_axes=(0.02, 0.024, 0.04), centre=CENTRE):
    """A closed spheroid with its poles on the z axis."""
    polar = np.linspace(0, np.pi, rings + 1)[1:-1, None]
    turn = np.arange(spokes) * 2 * np.pi / spokes
    side = np.stack(
        np.broadcast_arrays(
            np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)
        ),
        axis=-1,
    ).reshape(-1, 3)
    points = np.concatenate([side, [(0, 0, 1), (0, 0, -1)]])
    ring, spoke = np.meshgrid(np.arange(rings - 2), np.arange(spokes), indexing="ij")
    a = (ring * spokes + spoke).ravel()
    b = (ring * spokes + (spoke + 1) % spokes).ravel()
    quads = [(a, a + spokes, b), (b, a + spokes, b + spokes)]
    last, around = len(side), np.arange(spokes)
    beside = (around + 1) % spokes
    caps = [
        (np.full(spokes, last), around, beside),
        (np.full(spokes, last + 1), last - spokes + beside, last - spokes + around),
    ]
    faces = np.concatenate([np.stack(f, axis=1) for f in (*quads, *caps)])
    return points * semi_axes + centre, faces


def prism(outline, z0, z1):
    """A closed prism over an outline (N, 2) that its first corner sees whole."""
    n = len(outline)
    points = np.concatenate(
        [np.column_stack([outline, np.full(n, z)]) for z in (z0, z1)]
    )
    faces = []
    for k in range(n):
        m = (k + 1) % n
        faces += [(k, m, n + k), (m, n + m, n + k)]
    for k in range(1, n - 1):
        faces += [(0, k + 1, k), (n, n + k, n + k + 1)]
    return points, np.array(faces)


L_SHAPE = np.array(
    [(0.0, 0.0), (0.04, 0.0), (0.04, 0.01), (0.015, 0.011), (0.015, 0.05), (0.0, 0.05)]
) - (0.02013, 0.02007)


def torus(radius=0.025, tube=0.009):
    trimesh = pytest.importorskip("trimesh")
    made = trimesh.creation.torus(radius, tube, major_sections=48, minor_sections=20)
    return np.array(made.vertices) + CENTRE, np.array(made.faces)


def samples(geometry):
    return np.stack([v.ravel() for v in geometry.points()], axis=1)


def vtk_inside(points, faces, where):
    """Ask VTK which places are inside a mesh."""
    vtk = pytest.importorskip("vtk")
    from vtk.util import numpy_support

    surface, cloud = vtk.vtkPolyData(), vtk.vtkPolyData()
    for data, places in ((surface, points), (cloud, where)):
        held = vtk.vtkPoints()
        held.SetDataTypeToDouble()
        held.SetData(numpy_support.numpy_to_vtk(places.copy(), deep=True))
        data.SetPoints(held)
    cells = vtk.vtkCellArray()
    starts = 3 * np.arange(len(faces) + 1)
    ids = (
        numpy_support.numpy_to_vtkIdTypeArray(v.astype(np.int64), deep=True)
        for v in (starts, faces.ravel())
    )
    cells.SetData(*ids)
    surface.SetPolys(cells)
    select = vtk.vtkSelectEnclosedPoints()
    select.SetInputData(cloud)
    select.SetSurfaceData(surface)
    select.SetTolerance(1e-9)
    select.Update()
    got = select.GetOutput().GetPointData().GetArray("SelectedPoints")
    return numpy_support.vtk_to_numpy(got).astype(bool)


def test_volume_and_area_in_closed_form():
    box = prism(np.array([(0.0, 0), (0.03, 0), (0.03, 0.02), (0, 0.02)]), 0.05, 0.09)
    assert mesh_volume(*box) == pytest.approx(0.03 * 0.02 * 0.04, rel=1e-13)
    expected = 2 * (0.03 * 0.02 + 0.03 * 0.04 + 0.02 * 0.04)
    assert mesh_area(*box) == pytest.approx(expected, rel=1e-13)
    points, faces = prism(L_SHAPE, 0.05003, 0.09003)
    assert mesh_volume(points, faces) == pytest.approx(
        0.04 * polygon_area(L_SHAPE), rel=1e-13
    )
    fine = spheroid(400, 400)
    assert mesh_volume(*fine) == pytest.approx(
        4 / 3 * np.pi * 0.02 * 0.024 * 0.04, rel=1e-4
    )


def test_volume_does_not_depend_on_place_winding_or_split_corners():
    points, faces = spheroid()
    volume = mesh_volume(points, faces)
    assert mesh_volume(points + 5.0, faces) == pytest.approx(volume, rel=1e-11)
    assert mesh_volume(points, faces[:, ::-1]) == pytest.approx(volume, rel=1e-13)
    soup = points[faces].reshape(-1, 3), np.arange(3 * len(faces)).reshape(-1, 3)
    assert mesh_volume(*soup) == pytest.approx(volume, rel=1e-13)
    assert is_closed(*soup)


def test_volume_area_and_closedness_agree_with_trimesh():
    trimesh = pytest.importorskip("trimesh")
    for points, faces in (spheroid(), prism(L_SHAPE, 0.05003, 0.09003), torus()):
        other = trimesh.Trimesh(points, faces, process=False)
        assert other.is_watertight
        assert mesh_volume(points, faces) == pytest.approx(abs(other.volume), rel=1e-12)
        assert mesh_area(points, faces) == pytest.approx(other.area, rel=1e-12)


def test_open_meshes_and_mixed_winding_are_refused():
    points, faces = spheroid()
    with pytest.raises(GeometryError, match="close_mesh"):
        mesh_volume(points, faces[:-1])
    with pytest.raises(GeometryError, match="close_mesh"):
        mesh_mask(points, faces[:-1], BOX)
    mixed = faces.copy()
    mixed[7] = mixed[7, ::-1]
    with pytest.raises(GeometryError, match="wound"):
        mesh_volume(points, mixed)
    with pytest.raises(GeometryError, match="no faces"):
        mesh_volume(points, faces[:0])
    assert not is_closed(points, faces[:0])


def test_wrong_arrays_are_refused():
    points, faces = spheroid()
    for wrong in (points.T, points[None], np.where(points > 0.1, np.nan, points)):
        with pytest.raises(InvalidArgumentError, match="points"):
            mesh_volume(wrong, faces)
    for wrong in (faces.T, faces.astype(float), faces + 2, faces - 1):
        with pytest.raises(InvalidArgumentError, match="faces"):
            mesh_area(points, wrong)
    with pytest.raises(GeometryError, match="PlaneGrid"):
        mesh_mask(points, faces, PlaneGrid((0.0, 0.1), (0.0, 0.1), (3, 3)))


def test_a_cut_off_spheroid_is_closed_by_a_flat_lid():
    points, faces = spheroid(60, 64, semi_axes=(0.02, 0.02, 0.04), centre=(0, 0, 0))
    # Points on the equator come out as 2e-18: without this, some are below.
    kept = (points[:, 2].round(12) <= 0)[faces].all(axis=1)
    cup = faces[kept]
    assert not is_closed(points, cup)
    closed_points, closed = close_mesh(points, cup)
    assert is_closed(closed_points, closed)
    assert len(closed_points) == len(points) + 1
    assert len(closed) == len(cup) + 64
    np.testing.assert_allclose(closed_points[-1], 0, atol=1e-12)
    half = mesh_volume(points, faces) / 2
    assert mesh_volume(closed_points, closed) == pytest.approx(half, rel=1e-12)
    lid = np.arange(64) * 2 * np.pi / 64
    circle = 0.02 * np.stack([np.cos(lid), np.sin(lid)], axis=1)
    assert mesh_area(closed_points, closed) == pytest.approx(
        mesh_area(points, cup) + polygon_area(circle), rel=1e-12
    )
    again = close_mesh(closed_points, closed)
    np.testing.assert_array_equal(again[0], closed_points)
    np.testing.assert_array_equal(again[1], closed)


def test_every_hole_gets_its_own_lid():
    points, faces = spheroid(30, 32)
    top, bottom = len(points) - 2, len(points) - 1
    tube = faces[~np.isin(faces, [top, bottom]).any(axis=1)]
    closed_points, closed = close_mesh(points, tube)
    assert len(closed_points) == len(points) + 2
    assert is_closed(closed_points, closed)
    heights = np.sort(closed_points[-2:, 2])
    np.testing.assert_allclose(
        heights, 0.07 + 0.04 * np.cos(np.pi / 30) * np.array([-1, 1]), rtol=1e-12
    )
    assert mesh_volume(closed_points, closed) < mesh_volume(points, faces)


@GEOMETRIES
def test_mask_of_a_box_is_known_exactly(geometry):
    corner, size = np.array([-0.02034, 0.00512, 0.04023]), (0.05, 0.03, 0.0401)
    outline = corner[:2] + np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * size[:2]
    points, faces = prism(outline, corner[2], corner[2] + size[2])
    where = samples(geometry)
    expected = ((where > corner) & (where < corner + size)).all(axis=1)
    mask = mesh_mask(points, faces, geometry)
    assert mask.shape == geometry.shape
    np.testing.assert_array_equal(mask.ravel(), expected)
    assert 500 < mask.sum() < 0.5 * mask.size


@GEOMETRIES
@pytest.mark.parametrize("shape", ["spheroid", "l", "torus"])
def test_mask_agrees_with_vtk(geometry, shape):
    made = {
        "spheroid": spheroid,
        "l": lambda: prism(L_SHAPE, 0.05003, 0.09003),
        "torus": torus,
    }
    points, faces = made[shape]()
    where = samples(geometry)
    mask = mesh_mask(points, faces, geometry).ravel()
    near = (abs(where - (points.min(0) + points.max(0)) / 2) < np.ptp(points, 0)).all(1)
    assert not mask[~near].any()
    chosen = np.random.default_rng(0).choice(np.flatnonzero(near), 12_000)
    inside = vtk_inside(points, faces, where[chosen])
    assert 500 < inside.sum() < 11_500
    np.testing.assert_array_equal(mask[chosen], inside)


def test_mask_agrees_with_trimesh():
    trimesh = pytest.importorskip("trimesh")
    pytest.importorskip("rtree")
    points, faces = prism(L_SHAPE, 0.05003, 0.09003)
    where = samples(SPHERICAL)
    chosen = np.random.default_rng(1).choice(len(where), 1500)
    solid = trimesh.Trimesh(points, faces, process=False)
    inside = solid.contains(where[chosen])
    mask = mesh_mask(points, faces, SPHERICAL).ravel()
    np.testing.assert_array_equal(mask[chosen], inside)
    assert inside.sum() > 20


@pytest.mark.parametrize("geometry", [SPHERICAL, TANGENT, BOX, ASLANT])
def test_weighted_samples_add_up_to_the_volume(geometry):
    points, faces = spheroid(30, 32, (0.017, 0.02, 0.035), (0.004, 0.006, 0.072))
    mask = mesh_mask(points, faces, geometry)
    volume = (geometry.sample_volumes() * mask).sum()
    tolerance = 2e-3 if geometry is ASLANT else 1e-3
    assert volume == pytest.approx(mesh_volume(points, faces), rel=tolerance)


@pytest.mark.parametrize("convention", ["spherical", "tangent"])
def test_an_apex_inside_the_mesh_and_beams_through_its_corners(convention):
    # Beams run exactly along the corners and edges of this mesh, whose middle is the
    # apex: every beam leaves it once.
    ball = spheroid(16, 16, semi_axes=(0.05, 0.05, 0.05), centre=(0, 0, 0))
    angles = (-np.pi / 4, np.pi / 4)
    fan = SectorVolume((0.0, 0.1), angles, angles, (9, 9, 101), convention)
    mask = mesh_mask(*ball, fan)
    assert mask[:, :, :40].all()
    assert not mask[:, :, 51:].any()
    far = spheroid(16, 16, semi_axes=(0.05, 0.05, 0.05), centre=(0, 0, -0.2))
    assert not mesh_mask(*far, fan).any()


def test_a_large_mesh_around_everything_holds_all():
    points, faces = spheroid(12, 12, semi_axes=(1.0, 1.0, 1.0), centre=(0.1, 0.0, 0.2))
    for geometry in (SPHERICAL, TANGENT, BOX, ASLANT):
        assert mesh_mask(points, faces, geometry).all()


def test_meshes_that_share_a_face_share_no_sample():
    grid = VolumeGrid.box(x=(0.0, 0.1), y=(0.0, 0.1), z=(0.0, 0.1), shape=(11, 11, 11))
    square = np.array([(0.0, 0), (0.1, 0), (0.1, 0.1), (0, 0.1)])
    shares = [
        (prism(square, 0.0, 0.05), prism(square, 0.05, 0.1)),
        (
            prism(square * (0.5, 1), 0, 0.1),
            prism(square * (0.5, 1) + (0.05, 0), 0, 0.1),
        ),
        (
            prism(square * (1, 0.5), 0, 0.1),
            prism(square * (1, 0.5) + (0, 0.05), 0, 0.1),
        ),
    ]
    for one, other in shares:
        count = mesh_mask(*one, grid).astype(int) + mesh_mask(*other, grid)
        assert count.max() == 1
        assert count[:-1, :-1, :-1].sum() == 1000


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["spherical", "tangent", "box"]),
)
@settings(max_examples=40, deadline=None)
def test_any_closed_mesh_has_an_inside_that_ends(seed, kind):
    rng = np.random.default_rng(seed)
    points, faces = spheroid(6, 7, centre=(0, 0, 0))
    # Corners on a coarse lattice make beams through corners and edges likely; the apex
    # may be inside and the mesh may reach behind it and through itself.
    points = np.round(points * rng.uniform(0.5, 2) + rng.normal(0, 0.01, (1, 3)), 2)
    points += np.round(rng.normal(0, 0.004, points.shape), 2)
    points[:, 2] += 0.03
    angles = (-np.pi / 4, np.pi / 4)
    if kind == "box":
        ends = {axis: (-0.2, 0.2) for axis in "xyz"}
        geometry = VolumeGrid.box(**ends, shape=(41, 41, 41))
        rim = np.ones(geometry.shape, bool)
        rim[1:-1, 1:-1, 1:-1] = False
    else:
        geometry = SectorVolume((0.002, 0.3), angles, angles, (13, 11, 61), kind)
        rim = np.zeros(geometry.shape, bool)
        rim[:, :, -1] = True
    mask = mesh_mask(points, faces, geometry)
    assert not mask[rim].any()
    where = samples(geometry)
    chosen = rng.choice(len(where), 40)
    # A place on the surface has another number to each side of it.
    near = where[chosen] + rng.normal(0, 1e-7, (40, 1, 3))
    numbers = np.array([winding_number(points[faces], places) for places in near])
    sure = (numbers == numbers[0]).all(axis=0)
    odd = numbers[0][sure] % 2 == 1
    np.testing.assert_array_equal(mask.ravel()[chosen][sure], odd)


def winding_number(triangles, where):
    """How often a surface winds around places, by the sum of solid angles."""
    a, b, c = (triangles[None, :, k] - where[:, None] for k in range(3))
    la, lb, lc = (np.linalg.norm(v, axis=-1) for v in (a, b, c))
    top = np.einsum("...d,...d->...", a, np.cross(b, c))
    ab, bc, ca = (
        np.einsum("...d,...d->...", u, v) for u, v in ((a, b), (b, c), (c, a))
    )
    bottom = la * lb * lc + ab * lc + bc * la + ca * lb
    return np.rint(np.arctan2(top, bottom).sum(axis=1) / (2 * np.pi)).astype(int)


def test_swapped_axes_give_another_mask():
    points, faces = spheroid()
    mask = mesh_mask(points, faces, SPHERICAL)
    weights = SPHERICAL.sample_volumes() * mask
    middle = [(weights * v).sum() / weights.sum() for v in SPHERICAL.points()]
    np.testing.assert_allclose(middle, CENTRE, atol=3e-4)
    for swapped in (points[:, [1, 0, 2]], points * (-1, 1, 1), points[:, [0, 2, 1]]):
        assert (mesh_mask(swapped, faces, SPHERICAL) != mask).mean() > 0.005


def test_section_of_a_spheroid_is_an_ellipse():
    points, faces = spheroid(120, 160)
    turn = math.radians(30)
    plane = SlicePlane(
        PlaneGrid((-0.1, 0.1), (0.0, 0.1), (9, 9)),
        origin=CENTRE - (0, 0, 0.03),
        right=(math.cos(turn), math.sin(turn), 0),
        down=(0, 0, 1),
    )
    (line,) = mesh_section(points, faces, plane)
    np.testing.assert_array_equal(line[0], line[-1])
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    assert steps.max() < 0.003
    across = 1 / math.hypot(math.cos(turn) / 0.02, math.sin(turn) / 0.024)
    level = np.hypot(line[:, 0] / across, (line[:, 1] - 0.03) / 0.04)
    np.testing.assert_allclose(level, 1, atol=2e-3)
    assert polygon_area(line[:-1]) == pytest.approx(np.pi * across * 0.04, rel=2e-3)


def test_section_agrees_with_trimesh():
    trimesh = pytest.importorskip("trimesh")
    points, faces = torus()
    plane = SlicePlane(
        PlaneGrid((-0.1, 0.1), (0.0, 0.1), (9, 9)), CENTRE + 0.001, (1, 0, 0), (0, 0, 1)
    )
    lines = mesh_section(points, faces, plane)
    assert len(lines) == 2
    other = trimesh.Trimesh(points, faces, process=False).section(
        plane.normal, plane.origin
    )
    length = sum(np.linalg.norm(np.diff(e, axis=0), axis=1).sum() for e in lines)
    assert length == pytest.approx(other.length, rel=1e-9)


def test_section_of_an_open_cup_is_an_open_line():
    points, faces = spheroid(60, 64)
    cup = faces[(points[:, 2] < 0.07)[faces].all(axis=1)]
    plane = SlicePlane(
        PlaneGrid((-0.1, 0.1), (0.0, 0.1), (9, 9)), CENTRE, (0, 1, 0), (0, 0, 1)
    )
    (line,) = mesh_section(points, cup, plane)
    assert line[[0, -1], 1] == pytest.approx([-0.0021, -0.0021], abs=2e-4)
    assert line[:, 1].min() == pytest.approx(-0.04, abs=1e-4)
    assert abs(line[[0, -1], 0]) == pytest.approx([0.024, 0.024], abs=2e-4)
    away = SlicePlane(plane.grid, (0, 0, 1.0), (1, 0, 0), (0, 1, 0))
    assert mesh_section(points, faces, away) == []
