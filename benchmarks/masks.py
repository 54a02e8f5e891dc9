"""Time masks of meshes and of contours against their peers, all in one process.

Run ``python benchmarks/masks.py``; add ``--json`` for a machine. Contenders take turns
in every round, so whatever slows the machine slows them all; each time is the median of
the rounds. A peer that answers for a part of the samples is timed on that part, and the
time is scaled up.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from statistics import median
from typing import Any

import numpy as np
import trimesh
import vtk
from matplotlib.path import Path
from numpy.typing import NDArray
from skimage.draw import polygon2mask
from vtk.util import numpy_support

from cardium.core import Sector, SectorVolume, VolumeGrid
from cardium.geometry.contour import chamber_label_map, contour_mask
from cardium.geometry.mesh import mesh_mask

FAN = SectorVolume((0.0, 0.14), (-0.7, 0.7), (-0.6, 0.6), (64, 96, 128))
GRID = VolumeGrid.box(x=(-0.05, 0.05), y=(-0.05, 0.05), z=(0, 0.14), shape=(128,) * 3)
SECTOR = Sector((0.0, 0.15), (-0.65, 0.65), (400, 150))
POINTS = 256
Contender = tuple[Callable[[], NDArray[Any]], float]
"""What is timed, and how many times as much the whole is."""


def ventricle() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Make an icosphere stretched to a ventricle, 1280 faces."""
    ball = trimesh.creation.icosphere(subdivisions=3)
    points = np.array(ball.vertices) * (0.024, 0.026, 0.045) + (0.006, -0.004, 0.075)
    return points, np.array(ball.faces)


def layers() -> NDArray[np.float64]:
    """Five layers of a wall, (5, 256, 2)."""
    angle = np.linspace(-1.9, 1.9, POINTS)
    grown = np.linspace(0, 0.01, 5)[:, None]
    x = 0.003 + (0.024 + grown) * np.sin(angle)
    return np.stack([x, 0.075 - (0.045 + grown) * np.cos(angle)], axis=-1)


def enclosed(
    points: NDArray[Any], faces: NDArray[Any], places: NDArray[Any]
) -> NDArray[Any]:
    """Ask VTK which places lie inside."""
    surface, cloud = vtk.vtkPolyData(), vtk.vtkPolyData()
    for data, held in ((surface, points), (cloud, places)):
        array = vtk.vtkPoints()
        array.SetData(numpy_support.numpy_to_vtk(np.ascontiguousarray(held), deep=1))
        data.SetPoints(array)
    cells = vtk.vtkCellArray()
    for_vtk = numpy_support.numpy_to_vtkIdTypeArray
    starts = 3 * np.arange(len(faces) + 1)
    cells.SetData(for_vtk(starts, deep=1), for_vtk(faces.ravel(), deep=1))
    surface.SetPolys(cells)
    select = vtk.vtkSelectEnclosedPoints()
    select.SetInputData(cloud)
    select.SetSurfaceData(surface)
    select.Update()
    found = select.GetOutput().GetPointData().GetArray("SelectedPoints")
    return np.asarray(numpy_support.vtk_to_numpy(found))


def contenders() -> dict[str, Contender]:
    """Return what is timed, by name; the first of each group is the project's."""
    points, faces = ventricle()
    places = np.stack([v.ravel() for v in FAN.points()], axis=1)
    few, fewer = places[::50], places[::1000]
    solid = trimesh.Trimesh(points, faces, process=False)
    wall = layers()
    ring = np.stack(SECTOR.index_of(*wall[0].T), axis=1)
    samples = np.stack([v.ravel() for v in SECTOR.points()], axis=1)
    path = Path(wall[0])
    return {
        "mesh, beams: cardium": (lambda: mesh_mask(points, faces, FAN), 1),
        "mesh, beams: VTK": (lambda: enclosed(points, faces, few), 50),
        "mesh, beams: trimesh": (lambda: solid.contains(fewer), 1000),
        "mesh, voxels: cardium": (lambda: mesh_mask(points, faces, GRID), 1),
        "contour: cardium": (lambda: contour_mask(wall[0], SECTOR), 1),
        "contour: skimage": (lambda: polygon2mask(SECTOR.shape, ring), 1),
        "contour: matplotlib": (lambda: path.contains_points(samples), 1),
        "five layers: cardium": (
            lambda: chamber_label_map(wall, SECTOR, chamber="lv"),
            1,
        ),
    }


def measure(rounds: int) -> list[dict[str, Any]]:
    """Time all contenders in turn."""
    running = contenders()
    for run, _ in running.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(rounds):
        for name, (run, whole) in running.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) * 1000 * whole)
    middle = {name: median(values) for name, values in times.items()}
    return [
        {
            "contender": name,
            "ms": middle[name],
            "times_as_long": middle[name] / middle[f"{name.split(':')[0]}: cardium"],
        }
        for name in running
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rounds", type=int, default=9, help="runs of each (9)")
    arguments = parser.parse_args()
    rows = measure(arguments.rounds)
    packages = ("numpy", "numba", "vtk", "trimesh", "scikit-image", "matplotlib")
    about = {
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }
    if arguments.json:
        print(json.dumps({"about": about, "results": rows}, indent=2))
        return
    print(f"mesh of 1280 faces in {FAN.shape} beams and {GRID.shape} voxels; ", end="")
    print(f"contours of {POINTS} points in {SECTOR.shape}")
    print(", ".join(f"{name} {number}" for name, number in about.items()), end="\n\n")
    for row in rows:
        print(f"{row['contender']:24} {row['ms']:12.3f} ms {row['times_as_long']:9.1f}")


if __name__ == "__main__":
    main()
