"""Time the conversion of volumes and of Doppler boxes against peers, on one thread.

Run ``python benchmarks/volume_conversion.py``; add ``--json`` for a machine. Contenders
take turns in every round, so whatever slows the machine slows them all; each time is
the median of the rounds, output allocated, tables and maps made beforehand. Peers get
the fractional indices ready made, in the form they want them.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from statistics import median
from typing import Any

import cv2
import numpy as np
import SimpleITK as sitk  # noqa: N813 - as its own documentation has it
import torch
import vtk
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from cardium.core import Sector, SectorVolume
from cardium.geometry import (
    apical_plane,
    grid_around,
    inside,
    resample,
    resample_velocity,
    sampling_table,
)

FAN = SectorVolume((0.0, 0.15), (-0.6, 0.6), (-0.5, 0.5), (64, 96, 128))
VOXELS = grid_around(FAN, shape=(128, 128, 128))
COLOUR = Sector((0.02, 0.13), (-0.4, 0.4), (180, 70))
FRAME = Sector((0.0, 0.15), (-0.65, 0.65), (256, 256))
Run = Callable[[], NDArray[Any]]


def gather_by_hand(
    values: NDArray[np.float32], index: tuple[NDArray[Any], ...]
) -> NDArray[np.float32]:
    """Interpolate with numpy, written from the definition."""
    low = [
        np.clip(np.floor(i).astype(np.int64), 0, n - 2)
        for i, n in zip(index, values.shape, strict=True)
    ]
    shares = [(i - k).astype(np.float32) for i, k in zip(index, low, strict=True)]
    out = np.zeros(index[0].shape, np.float32)
    for corner in np.ndindex(*[2] * values.ndim):
        weight = np.ones_like(out)
        for ahead, share in zip(corner, shares, strict=True):
            weight *= share if ahead else 1 - share
        out += weight * values[tuple(k + c for k, c in zip(low, corner, strict=True))]
    return out


def volume_contenders() -> dict[str, Run]:
    """Return what each contender does to one volume."""
    grey = np.random.default_rng(0).integers(0, 256, FAN.shape, np.uint8)
    single = grey.astype(np.float32)
    index = FAN.index_of(*VOXELS.points())
    place = np.stack(index)

    middle = (np.array(FAN.shape)[::-1] - 1) / 2
    places = np.stack([*index[::-1]], axis=-1) / middle - 1
    grid = torch.from_numpy(places[None].astype(np.float32))
    tensor = torch.from_numpy(single)

    def grid_sample() -> NDArray[Any]:
        sample = torch.nn.functional.grid_sample
        return sample(tensor[None, None], grid, align_corners=True)[0, 0].numpy()

    image = sitk.GetImageFromArray(single)
    away = np.stack([*index[::-1]], axis=-1)
    away -= np.moveaxis(np.indices(VOXELS.shape)[::-1], 0, -1)
    field = sitk.GetImageFromArray(away, isVector=True)

    def itk_warp() -> NDArray[Any]:
        warped = sitk.Warp(image, field, outputSize=VOXELS.shape[::-1])
        return sitk.GetArrayFromImage(warped)

    grid_of_beams, cloud = vtk.vtkImageData(), vtk.vtkPolyData()
    grid_of_beams.SetDimensions(*FAN.shape[::-1])
    grid_of_beams.GetPointData().SetScalars(numpy_to_vtk(single.ravel(), deep=True))
    points = vtk.vtkPoints()
    flat = np.stack([i.ravel() for i in index[::-1]], axis=1).astype(np.float32)
    points.SetData(numpy_to_vtk(flat, deep=True))
    cloud.SetPoints(points)

    def vtk_probe() -> NDArray[Any]:
        probe = vtk.vtkProbeFilter()
        probe.SetInputData(cloud)
        probe.SetSourceData(grid_of_beams)
        probe.Update()
        scalars = probe.GetOutput().GetPointData().GetScalars()
        return vtk_to_numpy(scalars).reshape(VOXELS.shape)

    cut = apical_plane(FAN, 0.5)
    return {
        "cardium uint8": partial(resample, grey, FAN, VOXELS),
        "cardium float32": partial(resample, single, FAN, VOXELS),
        "cardium uint8, nearest": partial(
            resample, grey, FAN, VOXELS, method="nearest"
        ),
        "cardium torch float32": lambda: resample(tensor, FAN, VOXELS).numpy(),
        "cardium uint8, one cut": partial(resample, grey, FAN, cut),
        "scipy map_coordinates": partial(map_coordinates, single, place, order=1),
        "torch grid_sample": grid_sample,
        "SimpleITK Warp": itk_warp,
        "VTK vtkProbeFilter": vtk_probe,
        "numpy, by definition": partial(gather_by_hand, single, index),
    }


def colour_contenders() -> dict[str, Run]:
    """Return what each contender does to 64 frames of a colour box."""
    frames = np.random.default_rng(0).uniform(-0.6, 0.6, (64, *COLOUR.shape))
    frames = frames.astype(np.float32)
    row, column = (i.astype(np.float32) for i in COLOUR.index_of(*FRAME.points()))
    place = np.stack([row, column])

    def remap() -> NDArray[Any]:
        out = [cv2.remap(f, column, row, cv2.INTER_LINEAR) for f in frames]
        return np.stack(out)

    def scipy_map() -> NDArray[Any]:
        return np.stack([map_coordinates(f, place, order=1) for f in frames])

    def by_hand() -> NDArray[Any]:
        return np.stack([gather_by_hand(f, (row, column)) for f in frames])

    return {
        "cardium float32": partial(resample, frames, COLOUR, FRAME),
        "cardium float32, phasor": partial(
            resample_velocity, frames, COLOUR, FRAME, velocity_limit=0.6
        ),
        "cv2.remap float32": remap,
        "scipy map_coordinates": scipy_map,
        "numpy, by definition": by_hand,
    }


def measure(contenders: dict[str, Run], peer: str, rounds: int) -> list[dict[str, Any]]:
    """Time all contenders in turn."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for run in contenders.values():
        run()
    for _ in range(rounds):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) * 1000)
    middle = {name: median(values) for name, values in times.items()}
    return [
        {
            "contender": name,
            "ms": middle[name],
            "fastest": min(values),
            "peer": peer,
            "times_as_fast": middle[peer] / middle[name],
        }
        for name, values in times.items()
    ]


def greatest_difference(contenders: dict[str, Run]) -> dict[str, float]:
    """Compare whole volumes with numpy, a voxel off the rim of the fan left out."""
    index = FAN.index_of(*VOXELS.points())
    within = inside(FAN, VOXELS)
    for i, n in zip(index, FAN.shape, strict=True):
        within &= (i > 1) & (i < n - 2)
    exact = contenders["numpy, by definition"]()[within]
    names = [n for n in contenders if "nearest" not in n and "cut" not in n]
    return {
        n: float(abs(contenders[n]()[within].astype(np.float32) - exact).max())
        for n in names
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each (5)")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    vtk.vtkSMPTools.Initialize(1)
    start = time.perf_counter()
    table = sampling_table(FAN, VOXELS)
    making = (time.perf_counter() - start) * 1000
    volumes, colours = volume_contenders(), colour_contenders()
    differences = greatest_difference(volumes)
    peer = "numpy, by definition"
    results = {
        f"one volume {FAN.shape} -> {VOXELS.shape}": measure(
            volumes, peer, arguments.rounds
        ),
        f"64 frames {COLOUR.shape} -> {FRAME.shape}": measure(
            colours, peer, arguments.rounds
        ),
    }
    packages = ("numpy", "numba", "scipy", "torch", "vtk", "SimpleITK")
    about = {
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
        "table_ms": round(making, 1),
        "table_mib": round(table.nbytes / 2**20, 1),
    }
    if arguments.json:
        print(json.dumps({"about": about, "results": results}, indent=2))
        return
    print(", ".join(f"{name} {number}" for name, number in about.items()))
    for title, rows in results.items():
        print(f"\n{title}, one thread, median of {arguments.rounds} rounds")
        print(f"{'contender':30} {'ms':>9} {'fastest':>9} {'x numpy':>8} max diff")
        for row in rows:
            name = row["contender"]
            difference = differences.get(name) if title.startswith("one") else None
            shown = "" if difference is None else f"{difference:8.2g}"
            print(
                f"{name:30} {row['ms']:9.2f} {row['fastest']:9.2f} "
                f"{row['times_as_fast']:8.1f} {shown}"
            )


if __name__ == "__main__":
    main()
