"""R peaks against other detectors, on the records of a WFDB folder, in one process.

Run ``python benchmarks/r_peaks.py FOLDER``; add ``--xqrs`` for wfdb's detector, which
takes seconds a record, ``--lead 1`` for the second lead, and ``--json`` for a machine.
Beats match one to one within 150 ms, over whole records. Contenders take turns in every
round, so whatever slows the machine slows them all; each time is the median.
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
from typing import Any

import neurokit2
import numpy as np
import wfdb
from numpy.typing import NDArray
from wfdb.processing import xqrs_detect

from cardium.core import Stream
from cardium.signal.beat_classes import BEAT_SYMBOLS
from cardium.signal.ecg import find_r_peaks

WINDOW = 0.15
Detector = Callable[[NDArray[Any], float], NDArray[Any]]


def by_cardium(trace: NDArray[Any], rate: float) -> NDArray[Any]:
    """R peaks of this project [s]."""
    at = np.arange(len(trace)) / rate
    return find_r_peaks(Stream("ecg", trace, at, ("time",), "mV"))


def by_neurokit(trace: NDArray[Any], rate: float) -> NDArray[Any]:
    """R peaks of neurokit2's default on the raw trace [s]."""
    found = neurokit2.ecg_findpeaks(trace, sampling_rate=rate)
    return np.asarray(found["ECG_R_Peaks"]) / rate


def by_xqrs(trace: NDArray[Any], rate: float) -> NDArray[Any]:
    """QRS complexes of wfdb's XQRS [s]."""
    return np.asarray(xqrs_detect(trace, rate, verbose=False)) / rate


def count_matches(true: NDArray[Any], found: NDArray[Any]) -> int:
    """Count the beats that match one to one, in the order of time."""
    i = j = matched = 0
    while i < len(true) and j < len(found):
        gap = found[j] - true[i]
        if abs(gap) <= WINDOW:
            i, j, matched = i + 1, j + 1, matched + 1
        elif gap < 0:
            j += 1
        else:
            i += 1
    return matched


def read(stem: Path, lead: int) -> tuple[NDArray[Any], float, NDArray[Any]]:
    """Read a lead, its rate, and the times of the beats that readers marked."""
    record = wfdb.rdrecord(str(stem), channels=[lead])
    marks = wfdb.rdann(str(stem), "atr")
    beats = np.isin(marks.symbol, BEAT_SYMBOLS)
    return record.p_signal[:, 0], record.fs, marks.sample[beats] / record.fs


def measure(
    folder: Path, detectors: dict[str, Detector], *, lead: int, rounds: int
) -> list[dict[str, Any]]:
    """Run all detectors on all records."""
    stems = sorted(p.with_suffix("") for p in folder.rglob("*.atr"))
    rows: list[dict[str, Any]] = []
    if stems:
        # The first call compiles.
        trace, rate, _ = read(stems[0], lead)
        by_cardium(trace[:10_000], rate)
    for stem in stems:
        trace, rate, true = read(stem, lead)
        times: dict[str, list[float]] = {name: [] for name in detectors}
        found = {}
        for _ in range(rounds):
            for name, detect in detectors.items():
                start = time.perf_counter()
                found[name] = detect(trace, rate)
                times[name].append((time.perf_counter() - start) * 1000)
        for name, peaks in found.items():
            matched = count_matches(true, peaks)
            rows.append(
                {
                    "record": stem.name,
                    "detector": name,
                    "beats": len(true),
                    "found": len(peaks),
                    "matched": matched,
                    "ms": median(times[name]),
                }
            )
    return rows


def gross(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Pool the records of a detector."""
    own = [row for row in rows if row["detector"] == name]
    sums = {key: sum(row[key] for row in own) for key in ("beats", "found", "matched")}
    middle = median(row["ms"] for row in own)
    return {"record": "gross", "detector": name, **sums, "ms": middle}


def show(row: dict[str, Any]) -> str:
    sensitivity = 100 * row["matched"] / max(row["beats"], 1)
    predictive = 100 * row["matched"] / max(row["found"], 1)
    return (
        f"{row['record']:8} {row['detector']:10} {row['beats']:7d} beats"
        f"  Se {sensitivity:6.2f}  +P {predictive:6.2f}  {row['ms']:9.1f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="records with .atr annotations")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--xqrs", action="store_true", help="wfdb's XQRS too (slow)")
    parser.add_argument("--lead", type=int, default=0, help="which lead (0)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each (5)")
    arguments = parser.parse_args()
    detectors = {"cardium": by_cardium, "neurokit2": by_neurokit}
    if arguments.xqrs:
        detectors["xqrs"] = by_xqrs
    rows = measure(
        arguments.folder, detectors, lead=arguments.lead, rounds=arguments.rounds
    )
    if not rows:
        parser.error(f"'{arguments.folder}' holds no .atr file")
    rows += [gross(rows, name) for name in detectors]
    packages = ("numpy", "scipy", "numba", "neurokit2", "wfdb")
    about = {
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }
    if arguments.json:
        print(json.dumps({"about": about, "results": rows}, indent=2))
        return
    print(", ".join(f"{name} {number}" for name, number in about.items()), end="\n\n")
    print("\n".join(show(row) for row in rows))


if __name__ == "__main__":
    main()
