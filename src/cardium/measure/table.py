"""Clinical tables of a whole dataset: one row a recording, or one an examination."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from cardium.core import Catalog, Entry, OpenDataset, Progress, Recording
from cardium.core.files import written_aside
from cardium.errors import CardiumError, InvalidArgumentError
from cardium.measure import echo, rhythm
from cardium.measure.echo import Measurements, measure_recording
from cardium.measure.exam import combine

Row = dict[str, float | str | None]
_TEXTS = echo.TEXTS | rhythm.TEXTS
_ECG_COLUMNS = tuple(name for name in rhythm.COLUMNS if name != "reason")
_Load = Callable[[Path, Entry], Recording]
_Measure = Callable[[Recording], Measurements]
_Map = Callable[
    [Callable[[Sequence[Entry]], Measurements], Iterable[Sequence[Entry]]],
    Iterable[Measurements],
]


def measure_dataset(
    data: OpenDataset,
    catalog: Catalog | None = None,
    *,
    by: str = "recording",
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Measurements]:
    """Measure the recordings of a dataset.

    Parameters
    ----------
    data : OpenDataset
        The dataset.
    catalog : Catalog, optional
        The recordings to measure; all if not given.
    by : {"recording", "exam"}
        One row a recording, or one an examination; where a dataset names no
        examinations, one a patient.
    workers : int
        Processes that work at once.
    progress : function (done, total), optional
        Called after each row.

    Returns
    -------
    list of Measurements
        In the order of the catalog. A recording that cannot be opened or read has a row
        with the reason.

    Raises
    ------
    InvalidArgumentError
        If `by` is neither, or ECGs are to be measured by examination, or there is not
        one worker at least.

    Notes
    -----
    A recording of a dataset of ECGs, which has no images, is measured by
    `cardium.measure.rhythm.measure_ecg`; all others by
    `cardium.measure.echo.measure_recording`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from cardium.datasets.echoxflow import DATASET, write_phantom
    >>> with TemporaryDirectory() as folder:
    ...     truth = write_phantom(Path(folder), exams=1, modes="4ch")
    ...     rows = measure_dataset(DATASET.open(folder), by="exam")
    >>> error = float(rows[0].values["ef_percent"]) - truth[0]["ef_percent"]
    >>> len(rows), abs(error) < 0.1
    (1, True)
    """
    if by not in ("recording", "exam") or workers < 1:
        raise InvalidArgumentError(
            f"Measuring by '{by}' with {workers} workers; it is by 'recording' or by "
            "'exam', with one worker at least."
        )
    provided = data.dataset.provides
    is_ecg = "ecg" in provided and "b_mode" not in provided
    if is_ecg and by == "exam":
        raise InvalidArgumentError(
            f"{data.dataset.info.title} holds ECGs, which are measured by 'recording'; "
            "an 'exam' puts views of the heart together."
        )
    entries = data.catalog if catalog is None else catalog
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        key = entry.id if by == "recording" else f"{entry.patient}/{entry.exam}"
        groups.setdefault(key, []).append(entry)
    # A catalog's labels are read-only views, which do not travel between processes.
    jobs = [
        [replace(entry, labels=dict(entry.labels)) for entry in group]
        for group in groups.values()
    ]
    one = _ecg if is_ecg else measure_recording
    measure = partial(_measure_group, data.dataset.load, data.root, by, one)
    rows = []
    with _mapping(min(workers, len(jobs))) as each:
        for row in each(measure, jobs):
            rows.append(row)
            if progress is not None:
                progress(len(rows), len(jobs))
    return rows


def write_table(path: Path, rows: Sequence[Measurements]) -> None:
    """Write measurements as a table with every column, whole or not at all.

    Parameters
    ----------
    path : Path
        A ``.csv`` or a ``.parquet``.
    rows : sequence of Measurements
        One row each; empty cells where nothing was measured.

    Raises
    ------
    InvalidArgumentError
        If the suffix is another one.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> row = Measurements("r1", "p1", values={"ef_percent": 61.25})
    >>> with TemporaryDirectory() as folder:
    ...     write_table(Path(folder) / "a.csv", [row])
    ...     line = (Path(folder) / "a.csv").read_text().splitlines()[1]
    >>> line.split(",")[:8]
    ['r1', 'p1', '', '', '', '', '', '61.25']
    """
    check_table(path)
    write = _write_csv if path.suffix.lower() == ".csv" else _write_parquet
    columns = rows[0].columns if rows else echo.COLUMNS
    header = Measurements("", "", columns=columns).row()
    write(path, header, [row.row() for row in rows])


def check_table(path: Path) -> None:
    """Refuse a table that cannot be written, before anything is measured.

    Parameters
    ----------
    path : Path
        A ``.csv`` or a ``.parquet``.

    Raises
    ------
    InvalidArgumentError
        If the suffix is another one.

    Examples
    --------
    >>> check_table(Path("a.xlsx"))
    Traceback (most recent call last):
    cardium.errors.InvalidArgumentError: 'a.xlsx': tables are written as .csv or \
    .parquet, not as '.xlsx'.
    """
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise InvalidArgumentError(
            f"'{path}': tables are written as .csv or .parquet, not as '{suffix}'."
        )


def _measure_group(
    load: _Load, root: Path, by: str, measure: _Measure, group: Sequence[Entry]
) -> Measurements:
    """Open and measure one recording, or all of an examination."""
    opened, rows = [], []
    for entry in group:
        try:
            opened.append(load(root, entry))
            rows.append(measure(opened[-1]))
        except (CardiumError, OSError) as error:
            rows.append(_unreadable(entry, error, measure))
    row = rows[0] if by == "recording" else combine(opened, rows)
    return replace(row, values=dict(row.values))


def _ecg(recording: Recording) -> Measurements:
    """Measure an electrocardiogram; what could not be is left out."""
    found = rhythm.measure_ecg(recording)
    reason = str(found.pop("reason"))
    values = {k: v for k, v in found.items() if v != "" and v == v}
    entry = recording.entry
    return Measurements(
        entry.id,
        entry.patient,
        entry.exam,
        values=values,
        reasons=(reason,) if reason else (),
        columns=_ECG_COLUMNS,
    )


def _unreadable(entry: Entry, error: Exception, measure: _Measure) -> Measurements:
    """Make the row of a recording that cannot be opened."""
    view = str(entry.labels.get("view") or "").upper()
    reason = f"{type(error).__name__}: {error}"
    columns = _ECG_COLUMNS if measure is _ecg else echo.COLUMNS
    return Measurements(
        entry.id,
        entry.patient,
        entry.exam,
        view,
        reasons=(reason,),
        columns=columns,
    )


@contextmanager
def _mapping(workers: int) -> Iterator[_Map]:
    """Yield what maps a function over jobs in order: here, or in other processes."""
    if workers < 2:
        yield map
        return
    # Forking a process with threads, which numba and zarr start, may hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield pool.map
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _write_csv(path: Path, header: Row, rows: Sequence[Row]) -> None:
    """Write rows as CSV, numbers with six digits."""
    with (
        written_aside(path) as aside,
        aside.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, list(header))
        writer.writeheader()
        for row in rows:
            writer.writerow({k: _cell(v) for k, v in row.items()})


def _cell(value: float | str | None) -> str:
    """Write one cell of a CSV file."""
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:.6g}"


def _write_parquet(path: Path, header: Row, rows: Sequence[Row]) -> None:
    """Write rows as Parquet, numbers as float64."""
    import pyarrow as pa
    from pyarrow import parquet

    texts = {k for k, v in header.items() if v is not None} | _TEXTS
    columns = {
        name: pa.array(
            [row[name] for row in rows], pa.string() if name in texts else pa.float64()
        )
        for name in header
    }
    with written_aside(path) as aside:
        parquet.write_table(pa.table(columns), aside)
