"""The command that turns recordings into a clinical table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cardium.cli.options import Json, Limit, Root, Where, select
from cardium.cli.output import print_json, print_rows, progress

if TYPE_CHECKING:
    from cardium.measure.echo import Measurements

_SHOWN: Mapping[str, tuple[str, str]] = {
    "edv_ml": ("EDV", "mL"),
    "esv_ml": ("ESV", "mL"),
    "ef_percent": ("EF", "%"),
    "gls_percent": ("GLS", "%"),
    "mapse_mm": ("MAPSE", "mm"),
    "s_prime_cm_s": ("s'", "cm/s"),
    "e_prime_cm_s": ("e'", "cm/s"),
    "a_prime_cm_s": ("a'", "cm/s"),
    "peak_velocity_cm_s": ("peak", "cm/s"),
    "vti_cm": ("VTI", "cm"),
    "mean_gradient_mmhg": ("mean", "mmHg"),
    "heart_rate_bpm": ("HR", "/min"),
    "pr_ms": ("PR", "ms"),
    "qrs_ms": ("QRS", "ms"),
    "qt_ms": ("QT", "ms"),
    "qtc_fridericia_ms": ("QTcF", "ms"),
    "sdnn_ms": ("SDNN", "ms"),
    "rmssd_ms": ("RMSSD", "ms"),
}
"""What a terminal has room for: what it is called there, and its unit."""

_NO_MEASURES = {"lead", "r_peak_method", "n_beats", "timing_method"}
"""What says of a row how it was measured."""

_REASONS = 5
"""How many reasons are printed; files and JSON hold all."""


def measure(
    name: Annotated[str, typer.Argument(help="A dataset's name; `cardium datasets`.")],
    root: Root = None,
    where: Where = None,
    limit: Limit = None,
    by: Annotated[
        str,
        typer.Option(
            help="One row a 'recording', or one an 'exam', with biplane volumes."
        ),
    ] = "recording",
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A .csv or .parquet with every column."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that work at once.")
    ] = 1,
    as_json: Json = False,
) -> None:
    """Measure volumes, strain, velocities, flows, or an ECG's rate and intervals.

    One row a recording or exam.

    What cannot be measured is empty, with the reason, in the file and in JSON. Exit
    status 1 if nothing but heart rates could be measured.
    """
    from cardium.datasets import open_dataset
    from cardium.measure.table import check_table, measure_dataset, write_table

    if out is not None:
        check_table(out)
    data = open_dataset(name, root)
    catalog = select(data.catalog, where, limit)
    with progress(f"Measuring {name}") as report:
        found = measure_dataset(data, catalog, by=by, workers=workers, progress=report)
    if out is not None:
        write_table(out, found)
    measured = [one for one in found if _is_measured(one)]
    if as_json:
        print_json([one.row() for one in found])
    else:
        if shown := [_short(one, by) for one in measured]:
            print_rows(shown)
        typer.echo(f"{len(shown)} of {len(found)} rows have a measure.")
        for reason, count in _reasons(found).most_common(_REASONS):
            typer.echo(f"{count} x {reason}")
        if out is not None:
            typer.echo(out)
    raise typer.Exit(0 if measured else 1)


def _is_measured(one: Measurements) -> bool:
    """Say whether a row has a measure: more than which beats there are, and where."""
    return one.measured and bool(one.values.keys() - _NO_MEASURES)


def _short(one: Measurements, by: str) -> dict[str, object]:
    """Keep of a row what fits a terminal."""
    first = "recording" if by == "recording" else "exam_id"
    key = one.recording if by == "recording" else one.exam or one.patient
    texts = [
        f"{title} {_rounded(one.values[column])} {unit}"
        for column, (title, unit) in _SHOWN.items()
        if column in one.values
    ]
    # A recording has few of all measures: a column each would not fit, nor be read.
    return {
        first: key,
        "view": one.view,
        "measures": ", ".join(texts),
        "flags": ", ".join(one.flags),
    }


def _reasons(found: Sequence[Measurements]) -> Counter[str]:
    """Count why rows have no measure; what they hold instead is left to the file."""
    from cardium.measure.echo import NOTHING

    return Counter(
        NOTHING if reason.startswith(NOTHING) else reason
        for one in found
        if not _is_measured(one)
        for reason in one.reasons[:1]
    )


def _rounded(value: float | str) -> str:
    """Write a number as a clinician would."""
    if isinstance(value, str):
        return value
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"
