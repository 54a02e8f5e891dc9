"""How fast clips become videos, and that memory does not grow with their length.

The colour video is the reference tooling's own job: a colour Doppler clip of 78 frames,
both views side by side, about 1440 pixels wide. Its tooling was measured once, at 0.47
frames a second on one thread of such a machine.

    python benchmarks/rendering.py [--json] [--rounds N]
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Entry, Recording, Sector, SectorVolume, Stream
from cardium.plot import write_picture
from cardium.plot._film.film import open_film

REFERENCE = 0.47  # frames a second of the reference tooling
SECTOR = Sector((0.0, 0.16), (-0.7, 0.7), (400, 150))
BOX = Sector((0.04, 0.13), (-0.35, 0.35), (180, 70))
FAN = SectorVolume((0.0, 0.14), (-0.6, 0.6), (-0.5, 0.5), (48, 64, 128))
BEAMS = ("time", "range", "beam")
FRAMES = 78


def clip(name: str, frames: int = FRAMES, rate: float = 22.0) -> dict[str, Stream]:
    """Return speckle, with flow in a box where `name` says colour."""
    rng = np.random.default_rng(0)
    time_axis = np.arange(frames) / rate
    speckle = np.clip(rng.gamma(2, 30, (frames // 2, *SECTOR.shape)), 0, 255)
    grey = Stream(
        "b_mode", speckle.astype(np.uint8), time_axis[::2], BEAMS, "grey", SECTOR
    )
    ecg_time = np.arange(round(500 * time_axis[-1])) / 500
    trace = np.exp(-(((ecg_time % 0.9) - 0.2) ** 2) / 2e-4).astype(np.float32)
    streams = [grey, Stream("ecg", trace, ecg_time, ("time",), "")]
    if name == "colour":
        _, angle = SECTOR.polar_of(*BOX.points())
        phase = np.sin(2 * np.pi * time_axis / 0.9)[:, None, None]
        velocity = (0.6 * phase * np.cos(8 * angle)).astype(np.float32)
        velocity += rng.normal(0, 0.03, velocity.shape).astype(np.float32)
        power = (0.7 + 0.3 * rng.random(velocity.shape)).astype(np.float32)
        streams += [
            Stream("colour_velocity", velocity, time_axis, BEAMS, "m/s", BOX, 0.8),
            Stream("colour_power", power, time_axis, BEAMS, "", BOX),
        ]
    return {stream.name: stream for stream in streams}


class Made:
    """Volumes that are made when they are read, as from a store."""

    def __init__(self, frames: int) -> None:
        self.shape, self.dtype = (frames, *FAN.shape), np.dtype(np.uint8)

    def __getitem__(self, part: slice) -> NDArray[np.uint8]:
        chosen = range(*part.indices(self.shape[0]))
        return np.stack([np.full(FAN.shape, 40 + k % 200, np.uint8) for k in chosen])


def recording(streams: dict[str, Stream]) -> Recording:
    return Recording(Entry("benchmark", "p0", "", frozenset(streams)), streams)


def frames_per_second(
    name: str, *, view: str, size: int, rounds: int
) -> dict[str, Any]:
    """Time a video whole, and its drawing alone."""
    shown = recording(clip(name))
    film = open_film(shown, view=view, size=size)
    drawn, written, busy = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.mp4"
        for _ in range(rounds + 1):  # the first compiles
            start = time.perf_counter()
            for moment in film.clock:
                film.draw(float(moment))
            drawn.append(len(film.clock) / (time.perf_counter() - start))
            start, cpu = time.perf_counter(), time.process_time()
            write_picture(shown, path, view=view, size=size)
            written.append(len(film.clock) / (time.perf_counter() - start))
            busy.append(len(film.clock) / (time.process_time() - cpu))
    rows, columns = film.size
    return {
        "job": f"{name}, {view}, {columns} x {rows}, {len(film.clock)} frames",
        "frames_per_second": median(written[1:]),
        "per_cpu_second": median(busy[1:]),
        "drawing_alone": median(drawn[1:]),
    }


def peak_of_volumes(frames: int) -> float:
    """Return the most memory that a process takes for a video of volumes [MB]."""
    line = [sys.executable, __file__, "--volumes", str(frames)]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    return float(done.stdout)


def write_volumes(frames: int) -> None:
    """Write a video of volumes, and print the most memory that it took."""
    dims = ("time", "elevation", "azimuth", "range")
    times = np.arange(frames) / 20
    volume = Stream("b_mode_3d", Made(frames), times, dims, "grey", FAN)
    with tempfile.TemporaryDirectory() as folder:
        write_picture(
            recording({"b_mode_3d": volume}), Path(folder) / "a.mp4", size=240
        )
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each (3)")
    parser.add_argument("--volumes", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.volumes:
        write_volumes(arguments.volumes)
        return
    rows = [
        frames_per_second("colour", view="both", size=800, rounds=arguments.rounds),
        frames_per_second(
            "b-mode", view="cartesian", size=640, rounds=arguments.rounds
        ),
    ]
    rows[0]["times_the_reference"] = rows[0]["frames_per_second"] / REFERENCE
    memory = {frames: peak_of_volumes(frames) for frames in (100, 1000)}
    about = {
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "numba", "pillow", "av")},
    }
    if arguments.json:
        print(
            json.dumps({"about": about, "results": rows, "peak_mb": memory}, indent=2)
        )
        return
    print(", ".join(f"{name} {number}" for name, number in about.items()), end="\n\n")
    for row in rows:
        print(row["job"])
        print(f"  {row['frames_per_second']:8.1f} frames/s written as H.264")
        print(f"  {row['per_cpu_second']:8.1f} frames a second of processor time")
        print(f"  {row['drawing_alone']:8.1f} frames/s drawn")
        if "times_the_reference" in row:
            print(f"  {row['times_the_reference']:8.1f} times the reference tooling")
    for frames, peak in memory.items():
        print(f"{frames:5d} volumes {FAN.shape}: at most {peak:.0f} MB")


if __name__ == "__main__":
    main()
