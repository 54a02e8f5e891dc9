"""Time scan conversion against its peers, all in one process and on one thread.

Run ``python benchmarks/scan_conversion.py``; add ``--json`` for a machine. Contenders
take turns in every round, so whatever slows the machine slows them all; each time is
the median of the rounds, output allocated, tables and maps made beforehand.
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
import torch
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from cardium.core import PlaneGrid, Sector
from cardium.geometry import inside, resample

SECTOR = Sector(depth=(0.0, 0.15), angle=(-0.65, 0.65), shape=(512, 192))
HALF_WIDTH = 0.15 * np.sin(0.65)
PLANE = PlaneGrid(x=(-HALF_WIDTH, HALF_WIDTH), z=(0.0, 0.15), shape=(512, 512))
FRAMES = 64
PEERS = {"uint8": "cv2.remap uint8", "float32": "cv2.remap float32"}
Contender = tuple[Callable[[NDArray[Any]], NDArray[Any]], NDArray[Any]]


def make_contenders() -> dict[str, Contender]:
    """Return each contender's name, what it does to a stack, and its stack."""
    row, column = SECTOR.index_of(*PLANE.points())
    maps = column.astype(np.float32), row.astype(np.float32)
    grey = np.random.default_rng(0).integers(0, 256, (FRAMES, *SECTOR.shape), np.uint8)
    single = grey.astype(np.float32)

    def remap(stack: NDArray[Any]) -> NDArray[Any]:
        out = np.empty((len(stack), *PLANE.shape), stack.dtype)
        for frame, image in zip(stack, out, strict=True):
            cv2.remap(frame, *maps, cv2.INTER_LINEAR, dst=image)
        return out

    def scipy_map(stack: NDArray[Any]) -> NDArray[Any]:
        place = np.stack([row, column])
        return np.stack([map_coordinates(f, place, order=1) for f in stack])

    def torch_resample(stack: NDArray[Any]) -> NDArray[Any]:
        return resample(torch.from_numpy(stack), SECTOR, PLANE).numpy()

    middle = (np.array(SECTOR.shape)[::-1] - 1) / 2
    grid = np.stack([column, row], axis=-1) / middle - 1
    places = torch.from_numpy(grid[None].astype(np.float32))

    def grid_sample(stack: NDArray[Any]) -> NDArray[Any]:
        frames = torch.from_numpy(stack)[None]
        sample = torch.nn.functional.grid_sample
        return sample(frames, places, align_corners=True)[0].numpy()

    convert = partial(resample, source=SECTOR, target=PLANE)
    return {
        "cardium uint8": (convert, grey),
        "cardium float32": (convert, single),
        "cardium torch uint8": (torch_resample, grey),
        "cardium torch float32": (torch_resample, single),
        "torch grid_sample float32": (grid_sample, single),
        "cv2.remap uint8": (remap, grey),
        "cv2.remap float32": (remap, single),
        "scipy map_coordinates float32": (scipy_map, single),
    }


def reference(stack: NDArray[Any]) -> NDArray[np.float64]:
    """Interpolate in double precision with numpy, written from the definition."""
    row, column = SECTOR.index_of(*PLANE.points())
    i = np.clip(np.floor(row).astype(int), 0, SECTOR.shape[0] - 2)
    j = np.clip(np.floor(column).astype(int), 0, SECTOR.shape[1] - 2)
    u, v = row - i, column - j
    a, b = stack[:, i, j], stack[:, i, j + 1]
    c, d = stack[:, i + 1, j], stack[:, i + 1, j + 1]
    return (1 - u) * ((1 - v) * a + v * b) + u * ((1 - v) * c + v * d)


def measure(rounds: int) -> list[dict[str, Any]]:
    """Time all contenders in turn, and compare each with the reference."""
    contenders = make_contenders()
    # A sample off the rim is left out: peers blend it with what lies outside.
    within = inside(SECTOR, PLANE)
    within[1:-1, 1:-1] &= within[:-2, 1:-1] & within[1:-1, :-2] & within[1:-1, 2:]
    exact = reference(contenders["cardium uint8"][1][:8].astype(np.float64))[:, within]
    errors = {
        name: float(abs(run(stack[:8])[:, within] - exact).max())
        for name, (run, stack) in contenders.items()
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, (run, stack) in contenders.items():
            start = time.perf_counter()
            run(stack)
            times[name].append((time.perf_counter() - start) * 1000 / len(stack))
    middle = {name: median(values) for name, values in times.items()}
    return [
        {
            "contender": name,
            "ms_per_frame": middle[name],
            "fastest": min(times[name]),
            "peer": (peer := PEERS[str(stack.dtype)]),
            "times_as_fast": middle[peer] / middle[name],
            "max_difference": errors[name],
        }
        for name, (_, stack) in contenders.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rounds", type=int, default=9, help="runs of each (9)")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rows = measure(arguments.rounds)
    packages = ("numpy", "numba", "scipy", "torch", "opencv-python-headless")
    about = {
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }
    if arguments.json:
        print(json.dumps({"about": about, "results": rows}, indent=2))
        return
    print(f"{FRAMES} frames {SECTOR.shape} -> {PLANE.shape}, one thread, ", end="")
    print(f"median of {arguments.rounds} rounds, allocation included")
    print(", ".join(f"{name} {number}" for name, number in about.items()), end="\n\n")
    print(
        f"{'contender':30} {'ms/frame':>9} {'fastest':>9} {'x cv2':>7} {'max diff':>10}"
    )
    for row in rows:
        print(
            f"{row['contender']:30} {row['ms_per_frame']:9.3f} {row['fastest']:9.3f} "
            f"{row['times_as_fast']:7.2f} {row['max_difference']:10.3g}"
        )


if __name__ == "__main__":
    main()
