"""How near models of a benchmark come to the truth that a phantom knows.

Tissue Doppler holds noise that nobody can predict; in blood there is nothing else, and
the folded error is half the Nyquist limit whatever the answer. So next to the error of
the task this looks at the heart's tissue alone, where the phantom states the velocity:
how far the truth itself is from what was measured (the floor), how far above that each
model is (the excess), and how far from the truth. Intervals are by patient; ratios to
the reference are paired.

Run `python benchmarks/noise_floor.py SPEC OUT ROOT`: the specification and the output
folder of a `cardium bench run` that kept its predictions, on a phantom that was written
with ``cardium phantom ROOT --dense``. ``--on OTHER`` lets the trained models answer
another phantom: other patients, another frame rate, another coherence.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from cardium.bench import load_spec, open_bench
from cardium.bench.cells import Cell
from cardium.bench.work import open_protocols
from cardium.clip_models import CLIP_MODELS
from cardium.core import Answer, Entry, FloatArray, OpenDataset, Recording
from cardium.core.files import write_text
from cardium.datasets import DATASETS
from cardium.evaluate import bootstrap_intervals
from cardium.fit.clips import load_clip_model
from cardium.geometry import inside, resample_labels, resample_velocity
from cardium.io.zarr import open_store
from cardium.metrics import folded_difference, mean_over_patients
from cardium.protocols import cut_recording, open_protocol
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


Rows = dict[str, dict[str, tuple[str, list[float]]]]


def main() -> None:
    """Print and write the table of one benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("spec")
    parser.add_argument("out", type=Path)
    parser.add_argument("root", type=Path)
    parser.add_argument("--on", type=Path, help="another phantom, written --dense")
    parser.add_argument("--model", action="append", help="default: every model")
    parser.add_argument("--reference", default="temporal_unet")
    asked = parser.parse_args()
    opened = open_bench(load_spec(asked.spec), root=asked.root, out=asked.out)
    data = DATASETS.find("echoxflow").open(asked.on or asked.root)
    rows: Rows = {}
    for cell in opened.plan.cells:
        wanted = asked.model is None or cell.model in asked.model
        if not wanted or not (opened.folder(cell) / "done.json").is_file():
            continue
        found = rows.setdefault(f"{cell.model} {cell.domain}", {})
        for entry, answer, recording in answers(cell, opened.folder(cell), data, asked):
            values = score(recording, answer, data.root)
            found[f"{entry.id} {cell.seed}"] = entry.patient, values
    lines = [line for name in rows for line in summarise(name, rows, asked.reference)]
    where = f"-{asked.on.name}" if asked.on else ""
    write_csv(asked.out / f"noise_floor{where}.csv", lines)
    print_table(lines)


def answers(
    cell: Cell, folder: Path, data: OpenDataset, asked: argparse.Namespace
) -> Iterator[tuple[Entry, Answer, Recording]]:
    """Yield the kept predictions of a cell, or new ones on another phantom."""
    recipe = CLIP_MODELS.find(cell.facts["model"]["recipe"])
    if asked.on is None:
        learning = open_protocols(cell.facts)[recipe.protocol]
        for path in sorted((folder / "predictions").glob("*.npz")):
            case = learning.open(data.load(data.catalog[path.stem]))
            with np.load(path) as kept:
                prediction = kept["prediction"].astype(np.float32)
            answer = learning.answer(case, prediction)
            yield case.recording.entry, answer, cut_recording(case)
        return
    options = dict(cell.facts["protocols"][recipe.protocol])
    options |= {"min_rate_hz": 1.0, "max_rate_hz": 1000.0}
    learning = open_protocol(cell.task, recipe.protocol, **options)
    trained = open_protocols(cell.facts)[recipe.protocol]
    model = load_clip_model(folder / "run", recipe, trained, device="cpu")
    for entry in learning.task.usable(data.catalog):
        case = learning.open(data.load(entry))
        (prediction,) = model.predict([learning.item(case, case.scored)])
        yield entry, learning.answer(case, prediction), cut_recording(case)


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
    rows: Rows,
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
