"""Validate the docstrings of every public name, as numpydoc defines it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
import tomllib
from pathlib import Path

from numpydoc.validate import validate

import cardium

CHECKS = set(
    tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["tool"][
        "numpydoc_validation"
    ]["checks"]
)
# commands are documented by their help, protocols' methods by one line
ONE_LINE = ("cardium.cli", "cardium.core.model", "cardium.core.stream.Array")
# Functions show what they do in an example; classes are shown by the functions that make
# and take them. The functions below need a simulated release, a fitted model or its
# predictions, which take seconds to make: the example of `cardium.evaluate.evaluate` goes the whole
# way once, and the tests run each of them, some by their command. What reads a file is shown by
# what writes it, `combine` by `measure_examination`, `film` by `b_mode` and `move` by
# `record_tissue_velocity`.
NO_EXAMPLE = (
    "cardium.bench.cells.plan_cells",
    "cardium.bench.engines",
    "cardium.bench.jobs.perform",
    "cardium.bench.report.report_bench",
    "cardium.bench.run",
    "cardium.bench.work",
    "cardium.datasets.echoxflow.load",
    "cardium.datasets.echoxflow.write_fake",
    "cardium.datasets.echoxflow.write_phantom",
    "cardium.entries.challenge.export_challenge_2021",
    "cardium.evaluate.predictions.predict",
    "cardium.evaluate.predictions.read_answer",
    "cardium.evaluate.report.load_report",
    "cardium.evaluate.scoring",
    "cardium.fit.clips",
    "cardium.fit.packs.open_pack",
    "cardium.fit.packs.write_pack",
    "cardium.fit.run",
    "cardium.protocols.published.blood_flow.answer",
    "cardium.protocols.published.lv_segmentation.answer",
    "cardium.protocols.published.tissue_velocity.answer",
    "cardium.tasks.blood_flow.measured_flow",
    "cardium.io.dicom.read_dicom",
    "cardium.io.hdf5.read_hdf5",
    "cardium.io.metaimage.read_metaimage",
    "cardium.io.nifti.read_nifti",
    "cardium.io.xarray.recording_from_xarray",
    "cardium.io.signal_packs",
    "cardium.live.model.open_model",
    "cardium.measure.exam.combine",
    "cardium.phantom.imaging.film",
    "cardium.phantom.scatterers.solid_tissue",
    "cardium.phantom.tissue.move",
    "cardium.plot.cases",
    "cardium.plot.page",
    "cardium.testing",
)


def public_names() -> list[str]:
    """Dotted names of the public functions, classes and methods, where they live."""
    found = []
    for info in pkgutil.walk_packages(cardium.__path__, "cardium."):
        if any(part.startswith("_") for part in info.name.split(".")):
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", "") != info.name:
                continue
            if inspect.isfunction(value) or inspect.isclass(value):
                found.append(f"{info.name}.{name}")
    return found


def main() -> int:
    """Print what is wrong, a line each."""
    problems = []
    names = public_names()
    for name in names:
        if name.startswith(ONE_LINE):
            continue
        result = validate(name)
        one_line = "\n" not in (result["docstring"] or "\n").strip()
        is_shown_elsewhere = result["type"] == "type" or name.startswith(NO_EXAMPLE)
        waived = {"EX01"} if is_shown_elsewhere else set()
        # a one-line docstring is enough where the signature says the rest
        waived |= {"PR01", "RT01", "YD01", "EX01"} if one_line else set()
        for code, text in result["errors"]:
            if code in CHECKS - waived:
                problems.append(f"{name}: {code} {text}")
    print("\n".join(problems) or f"{len(names)} public names, all documented.")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
