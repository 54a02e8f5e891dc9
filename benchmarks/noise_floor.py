"""How near models of a benchmark come to the truth that a phantom knows.

Tissue Doppler holds noise that nobody can predict; in blood there is nothing else, and
the folded error is half the Nyquist limit whatever the answer. So next to the error of
the task this looks at the heart's tissue alone, where the phantom states the velocity:
how far the truth itself is from what was measured (the floor), how far above that each
model is (the excess), and how far from the truth. Intervals are by patient; ratios to
the reference are paired.

Run `python benchmarks/noise_floor.py SPEC OUT ROOT [REFERENCE]`: the specification and
the output folder of a `cardium bench run` that kept its predictions, on a phantom that
was written with ``cardium phantom ROOT --dense``.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from cardium.bench import load_spec, open_bench
from cardium.bench.cells import Cell
from cardium.bench.work import open_protocols
from cardium.clip_models import CLIP_MODELS
from cardium.core import Answer, FloatArray, OpenDataset, Recording
from cardium.core.files import write_text
from cardium.datasets import DATASETS
from cardium.evaluate import bootstrap_intervals
from cardium.geometry import inside, resample_labels, resample_velocity
from cardium.io.zarr import open_store
from cardium.metrics import folded_difference, mean_over_patients
from cardium.protocols import cut_recording
from cardium.tasks import open_task

LUMEN = frozenset(
    ("background", "lv_cavity", "la_cavity", "rv_cavity", "ra_cavity", "aorta")
) | {"pulmonary_artery", "vein"}
COLUMNS = ("error", "tissue", "floor", "excess", "truth")
TITLES = {
    "error": "folded error of the task [% of Nyquist]",
    "tissue": "folded error in tissue [% of Nyquist]",
    "floor": "the same of the true velocity: the noise floor [% of Nyquist]",
    "excess": "above the floor [% of Nyquist]",
    "truth": "error in tissue against the true velocity [cm/s]",
}


def main() -> None:
    """Print and write the table of one benchmark."""
    spec, out, root, *rest = sys.argv[1:]
    reference = rest[0] if rest else "temporal_unet"
    opened = open_bench(load_spec(spec), root=Path(root), out=Path(out))
    data = DATASETS.find("echoxflow").open(root)
    rows: dict[str, dict[str, tuple[str, list[float]]]] = {}
    for cell in opened.plan.cells:
        if cell.task == "tissue_velocity":
            name = f"{cell.model} {cell.domain}"
            folder = Path(out) / "cells" / cell.name
            for recording, patient, values in score_cell(cell, folder, data):
                rows.setdefault(name, {})[f"{recording} {cell.seed}"] = (
                    patient,
                    values,
                )
    lines = [line for name in rows for line in summarise(name, rows, reference)]
    write_csv(Path(out) / "noise_floor.csv", lines)
    print_table(lines)


def score_cell(
    cell: Cell, folder: Path, data: OpenDataset
) -> Iterator[tuple[str, str, list[float]]]:
    """Score the kept predictions of a cell, a recording at a time."""
    protocols = open_protocols(cell.facts)
    recipe = CLIP_MODELS.find(cell.facts["model"]["recipe"])
    learning = protocols[recipe.protocol]
    for path in sorted((folder / "predictions").glob("*.npz")):
        entry = data.catalog[path.stem]
        case = learning.open(data.load(entry))
        with np.load(path) as kept:
            answer = learning.answer(case, kept["prediction"].astype(np.float32))
        values = score(cut_recording(case), answer, data.root)
        yield entry.id, entry.patient, values


def score(recording: Recording, answer: Answer, root: Path) -> list[float]:
    """Return the numbers of `COLUMNS` for one recording."""
    task = open_task("tissue_velocity")
    measured = task.target(recording, None)
    plane, limit = measured.geometry, measured.velocity_limit
    true, tissue = true_velocity(recording, measured, root)
    error = task.score(answer, measured)["velocity_error_percent"]
    given = answer.values["velocity"]
    if answer.geometry != plane:
        given = resample_velocity(
            given, answer.geometry, plane, velocity_limit=limit, outside=np.nan
        )

    def apart(a: FloatArray, b: FloatArray) -> float:
        away = abs(folded_difference(a[tissue], b[tissue], velocity_limit=limit))
        return float(np.nanmean(away))

    seen = measured.values["velocity"]
    in_tissue, floor = (100 * apart(a, seen) / limit for a in (given, true))
    return [error, in_tissue, floor, in_tissue - floor, 100 * apart(given, true)]


def true_velocity(
    recording: Recording, measured: Answer, root: Path
) -> tuple[FloatArray, FloatArray]:
    """Return the true velocity where the measured one lies, and where tissue is."""
    doppler = recording["tissue_velocity"]
    store = open_store(root / "truth" / f"{recording.entry.id}.zarr")
    velocity = store.open_array("beam_velocity")[:]
    labels = store.open_array("tissue")
    names = labels.attributes["coords"]["label"]
    found = np.array([abs(doppler.time - t).argmin() for t in measured.time])
    hollow = [code for code, name in enumerate(names) if name in LUMEN]
    solid = ~np.isin(labels[:], hollow) & np.isfinite(velocity)
    limit = measured.velocity_limit
    true = resample_velocity(
        np.nan_to_num(velocity[found]),
        doppler.geometry,
        measured.geometry,
        velocity_limit=limit,
        outside=0,
    )
    tissue = resample_labels(
        solid[found].astype(np.uint8), doppler.geometry, measured.geometry
    )
    known = np.isfinite(measured.values["velocity"])
    return true, (tissue == 1) & known & inside(doppler.geometry, measured.geometry)


def summarise(
    name: str,
    rows: Mapping[str, Mapping[str, tuple[str, list[float]]]],
    reference: str,
) -> Iterator[dict[str, object]]:
    """Yield a model's means with intervals, and what is left of the reference's."""
    mine = rows[name]
    against = rows.get(f"{reference} beamspace", {})
    both = [key for key in mine if key in against]
    columns = {
        column: np.array([values[k] for _, values in mine.values()])
        for k, column in enumerate(COLUMNS)
    }
    patients = [patient for patient, _ in mine.values()]
    for column, estimate in bootstrap_intervals(
        columns, patients, mean_over_patients
    ).items():
        yield {
            "model": name,
            "number": column,
            "value": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "patients": estimate.n_patients,
        }
    if not both or not against:
        return
    pairs = {
        f"{side} {column}": np.array([source[key][1][k] for key in both])
        for side, source in (("a", mine), ("b", against))
        for k, column in enumerate(COLUMNS)
    }

    def ratio(columns: Mapping[str, FloatArray], who: FloatArray) -> dict[str, float]:
        means = mean_over_patients(columns, who)
        return {
            f"{c} of {reference}": means[f"a {c}"] / means[f"b {c}"]
            for c in ("error", "excess", "truth")
        }

    whose = [mine[key][0] for key in both]
    for column, estimate in bootstrap_intervals(pairs, whose, ratio).items():
        yield {
            "model": name,
            "number": column,
            "value": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "patients": estimate.n_patients,
        }


def write_csv(path: Path, lines: list[dict[str, object]]) -> None:
    """Write the table as data."""
    import io

    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    write_text(path, text.getvalue())


def print_table(lines: list[dict[str, object]]) -> None:
    """Print a block a number, a line a model."""
    numbers = dict.fromkeys(str(line["number"]) for line in lines)
    for number in numbers:
        print(f"\n{TITLES.get(number, number)}")
        for line in lines:
            if line["number"] == number:
                print(
                    f"  {line['model']:34} {line['value']:7.3f} "
                    f"[{line['low']:.3f}, {line['high']:.3f}]"
                )


if __name__ == "__main__":
    main()
