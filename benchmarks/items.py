"""Time one item to learn from: read from the recordings, and from a pack of them.

Run ``python benchmarks/items.py``; add ``--json`` for a machine. A dataset of three
recordings is written and packed in a temporary folder. Contenders take turns in every
round, so whatever slows the machine slows them all; each time is the median of the
processor time over the rounds, all threads together, files in the system's cache.

``reference`` is the processor time of the released code of the EchoXFlow paper for the
same sizes, measured once, elsewhere: on another day, on a machine with other work. Only
the peers here, written plainly with PyTorch, are of the same run.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cardium import open_dataset
from cardium.core import Entry, OpenDataset, Recording, Sector, Stream
from cardium.datasets.echoxflow import Writer
from cardium.fit.packs import PackSource, RawSource, write_pack
from cardium.protocols import open_protocol, tasks_of

FAN = (0.0, 0.15), (-0.65, 0.65)
BOX = (0.02, 0.13), (-0.4, 0.4)
BEAMS = ("time", "range", "beam")
SIZE = 256
REFERENCE_MS = {
    ("tissue_velocity", "beamspace"): 78,
    ("tissue_velocity", "cartesian"): 264,
    ("blood_flow", "beamspace"): 519,
    ("blood_flow", "cartesian"): 875,
    ("lv_segmentation", "beamspace"): 2001,
    ("lv_segmentation", "cartesian"): 1783,
}
RECORDINGS = {
    "tissue_velocity": "tissue",
    "blood_flow": "colour",
    "lv_segmentation": "strain",
}
Run = Callable[[], Any]


def waves(frames: int, shape: tuple[int, int], limit: float) -> NDArray[np.float32]:
    """Make values from minus to plus a limit that differ everywhere and move."""
    t, r, a = np.ogrid[:frames, : shape[0], : shape[1]]
    grain = np.random.default_rng(0).uniform(-0.3, 0.3, (frames, *shape))
    smooth = 0.6 * np.sin(0.3 * t + 0.05 * r) * np.cos(0.08 * a - 0.2 * t)
    return (limit * (smooth + grain)).astype(np.float32)


def film(
    name: str,
    values: NDArray[Any],
    time: NDArray[np.float64],
    unit: str,
    *,
    box: bool = False,
    limit: float | None = None,
) -> Stream:
    """Make a stream on the fan, or on a box in it."""
    rows, beams = values.shape[1:]
    place = Sector(*(BOX if box else FAN), (rows, beams))
    return Stream(name, values, time, BEAMS, unit, place, velocity_limit=limit)


def grey(frames: int, shape: tuple[int, int], rate: float) -> Stream:
    """Make a B-mode film."""
    values = np.rint(127.5 + waves(frames, shape, 127)).astype(np.uint8)
    return film("b_mode", values, np.arange(frames) / rate, "grey")


def contours(time: NDArray[np.float64]) -> Stream:
    """Make five layers of a beating wall, 31 points each."""
    angle = np.linspace(-1.9, 1.9, 31)
    layer = np.linspace(0, 0.01, 5)[:, None]
    radius = 0.022 + 0.003 * np.cos(2 * np.pi * time)[:, None, None] + layer
    values = [radius * np.sin(angle), 0.075 - 1.9 * radius * np.cos(angle)]
    names = tuple(f"layer{k}" for k in range(5))
    dims = ("time", "layer", "point", "xz")
    return Stream(
        "lv_contour",
        np.stack(values, axis=-1).astype(np.float32),
        time,
        dims,
        "m",
        coords={"layer": names},
    )


def write_data(root: Path) -> OpenDataset:
    """Write a recording for each task."""
    images = grey(33, (300, 120), 30.0)
    middle = (images.time[1:] + images.time[:-1]) / 2
    velocity = waves(32, (256, 100), 0.16)
    tissue = film("tissue_velocity", velocity, middle, "m/s", box=True, limit=0.16)
    slow, often = grey(33, (300, 120), 11.0), np.arange(64) / 22
    flow, limit = waves(64, (180, 70), 0.605), 0.605
    colour = film("colour_velocity", flow, often, "m/s", box=True, limit=limit)
    power = film("colour_power", np.abs(flow) / 0.605, often, "", box=True)
    plane = grey(32, (400, 150), 50.0)
    qrs = Stream("qrs", np.ones(2), np.array([0.05, 0.55]), ("time",), "")
    with Writer(root, name="items") as writer:
        for name, streams in (
            ("tissue", (images, tissue)),
            ("colour", (slow, colour, power)),
            ("plane", (plane,)),
        ):
            writer.add(recording(name, streams), exam="exam", fold=0)
        drawn = recording("strain.4ch", (plane,), (qrs, contours(plane.time)))
        writer.add([drawn], exam="exam", fold=0, source="plane")
    return open_dataset("echoxflow", root=root)


def recording(
    name: str, streams: tuple[Stream, ...], drawn: tuple[Stream, ...] = ()
) -> Recording:
    """Put streams together."""
    there = frozenset(one.name for one in (*streams, *drawn))
    entry = Entry(name, "exam", "fold0", there, labels={"view": "4ch"})
    return Recording(
        entry,
        {one.name: one for one in streams},
        {one.name: one for one in drawn},
    )


def plain_tissue_item(found: Recording) -> dict[str, torch.Tensor]:
    """Make the tissue item in beamspace as one would write it down."""
    images, tissue = found["b_mode"], found["tissue_velocity"]
    frames = torch.from_numpy(images.values[0:33]).float()[None] / 255
    frames = torch.nn.functional.interpolate(
        frames, (SIZE, SIZE), mode="bilinear", align_corners=False
    )
    low, high = frames.min(), frames.max()
    fan, box = images.geometry, tissue.geometry
    depth = torch.linspace(*fan.depth, SIZE, dtype=torch.float64)
    angle = torch.linspace(*fan.angle, SIZE, dtype=torch.float64)
    (z0, z1), (a0, a1) = box.depth, box.angle
    y, x = 2 * (depth - z0) / (z1 - z0) - 1, 2 * (angle - a0) / (a1 - a0) - 1
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    grid = torch.stack([columns, rows], dim=-1)[None].float()
    values = torch.from_numpy(tissue.values[0:32])[None]
    target = torch.nn.functional.grid_sample(
        values, grid, mode="nearest", padding_mode="zeros", align_corners=True
    )
    return {"input": (frames - low) / (high - low), "target": target}


def contenders(folder: Path) -> dict[str, Run]:
    """Return what is timed, by name: task, domain, and where it is read."""
    data, found = write_data(folder / "data"), dict[str, Run]()
    for task, start in RECORDINGS.items():
        if task not in tasks_of("published"):
            continue
        entry = next(e for e in data.catalog if e.id.startswith(start))
        for domain in ("beamspace", "cartesian"):
            protocol = open_protocol(task, "published", domain=domain)
            raw = RawSource(protocol, data)
            pack = write_pack(folder / f"{task}-{domain}", raw, [entry])
            for name, source in (
                ("recordings", raw),
                ("pack", PackSource(pack, protocol)),
            ):
                found[f"{task} {domain} {name}"] = reader(source, entry)
    tissue = data["tissue"]
    found["tissue_velocity beamspace peer"] = lambda: plain_tissue_item(tissue)
    return found


def reader(source: RawSource | PackSource, entry: Entry) -> Run:
    """Return what reads the first clip of a recording."""
    case = source.open(entry)
    return lambda: source.item(case, case.train[0])


def measure(rounds: int, folder: Path) -> list[dict[str, Any]]:
    """Time all contenders in turn."""
    running = contenders(folder)
    check_peer(running)
    times: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(rounds):
        for name, run in running.items():
            run()
            start = time.process_time()
            run()
            times[name].append((time.process_time() - start) * 1000)
    rows = []
    for name, values in times.items():
        task, domain, where = name.split()
        ms, reference = median(values), REFERENCE_MS[task, domain]
        rows.append(
            {
                "task": task,
                "domain": domain,
                "read from": where,
                "ms": ms,
                "reference_ms": reference,
                "reference_times_as_long": reference / ms,
            }
        )
    return rows


def check_peer(running: dict[str, Run]) -> None:
    """Hold the peer and the project's item against each other, as both run."""
    item = running["tissue_velocity beamspace recordings"]()
    peer = running["tissue_velocity beamspace peer"]()
    np.testing.assert_allclose(item["input"], peer["input"], atol=1e-5)
    # of samples that lie halfway, one or the other may be taken
    other = np.mean(np.abs(item["target"] - peer["target"].numpy()) > 1e-6)
    assert other < 0.05, other


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rounds", type=int, default=15, help="runs of each (15)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        rows = measure(arguments.rounds, Path(folder))
    packages = ("numpy", "numba", "zarr", "torch")
    about = {
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }
    if arguments.json:
        print(json.dumps({"about": about, "results": rows}, indent=2))
        return
    print("One item of 32 intervals or frames, 256 x 256; processor time, median.")
    print("The reference was measured elsewhere, the peer in this run.")
    print(", ".join(f"{name} {number}" for name, number in about.items()), end="\n\n")
    for row in rows:
        print(
            f"{row['task']:16} {row['domain']:10} {row['read from']:11}"
            f"{row['ms']:9.2f} ms   reference {row['reference_ms']:5d} ms"
            f"{row['reference_times_as_long']:8.1f} times as long"
        )


if __name__ == "__main__":
    main()
