"""Predictions made elsewhere: a table or an array becomes a folder to score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    Answer,
    Catalog,
    Entry,
    FloatArray,
    Kind,
    OpenDataset,
    Sample,
    Stream,
    Task,
    provenance,
)
from cardium.core.files import sha256
from cardium.errors import (
    CardiumError,
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
    NotProvidedError,
    UnknownNameError,
)
from cardium.evaluate._foreign_files import Rows, check_values, read_arrays, read_csv
from cardium.evaluate.groups import group_of
from cardium.evaluate.predictions import COLUMNS, settle, write_answer
from cardium.evaluate.tables import write_table

ENDINGS = (".csv", ".npy", ".npz")
"""What a file of predictions can be."""

_KINDS: frozenset[Kind] = frozenset({"multilabel", "quantity", "event_class", "events"})
_SLACK = 1e-3  # s; times are often written with three decimals
_NOT_THERE = "NotProvidedError: the file has no prediction of it."


def import_predictions(
    file: str | Path,
    task: Task,
    data: OpenDataset,
    out: str | Path,
    *,
    split: str = "test",
    model: str = "",
) -> Path:
    r"""Turn a file of predictions made elsewhere into a folder that `score` reads.

    Parameters
    ----------
    file : str or Path
        ``.csv``, ``.npy`` or ``.npz``; see the notes.
    task : Task
        What was asked; its answers are of the kind ``multilabel``, ``quantity``,
        ``event_class`` or ``events``.
    data : OpenDataset
        Of what.
    out : str or Path
        The predictions folder. One that was made of the same file is made again.
    split : {"test", "val", "train", "all"}
        The side of the split that is to be scored.
    model : str, optional
        A name for what predicted. If not given, that of the file.

    Returns
    -------
    Path
        The folder, laid out as `cardium.evaluate.predict` lays it out. Its provenance
        names the file with its SHA-256.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataCorruptError
        If columns, shapes or values are not those of the task, a recording is there
        twice or unknown to the dataset, or times are not those asked for. The message
        names the line.
    InvalidArgumentError
        If the file's ending, the side, or the kind of the task's answers is another.
    NotProvidedError
        If nothing in the file is on the side to be scored.

    Notes
    -----
    A CSV file has a header and commas. Its columns may stand in any order; all classes
    must be there and no other column.

    - ``multilabel`` and ``quantity``: ``recording`` and one column a class.
    - ``event_class``: ``recording``, ``time`` in s and one column a class; or
      ``recording``, ``time`` and ``class``, the name of one, which becomes a
      probability of 1. A row for each event that the task asks about, at its time to
      half a sample of the recording or a millisecond, whichever is more.
    - ``events``: ``recording`` and ``time`` in s, a row an event.

    An array, ``.npy`` or the only one of an ``.npz`` (or the one named as the task's
    output), is (N, C): a row for each recording of the side in the order of the
    catalogue (of the ids in an array ``recording`` of the ``.npz``, if there is one)
    and a column for each class in the order of the task (of an array ``classes``, if
    there is one). Of ``event_class`` it has a row an event, one recording after the
    other.

    A recording is named by its id. An id of digits alone is also found by its number,
    ``1`` for ``00001``, unless two ids have that number. Recordings of the side that
    the file lacks are not scored, and named with that reason; recordings of the
    dataset that are not on the side, or lack what the task needs, are left out and
    counted in the provenance.

    Which patients the model was made with is not known here, so that a leak between
    training and test cannot be found.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from cardium.datasets.ptb_xl import DATASET
    >>> from cardium.evaluate import score
    >>> from cardium.tasks import open_task
    >>> task = open_task("ecg_superclass")
    >>> with TemporaryDirectory() as folder:
    ...     root = Path(folder) / "ptb_xl"
    ...     _ = DATASET.write_fake(root)
    ...     data = DATASET.open(root)
    ...     side = task.usable(data.catalog)
    ...     table = Path(folder) / "coin.csv"
    ...     head = "recording,NORM,MI,STTC,CD,HYP"
    ...     rows = [f"{entry.id},0.5,0.5,0.5,0.5,0.5" for entry in side]
    ...     _ = table.write_text("\n".join([head, *rows]))
    ...     out = import_predictions(
    ...         table, task, data, Path(folder) / "coin", split="all"
    ...     )
    ...     score(out, task=task, data=data, draws=0).summary["macro_auroc"].value
    0.5
    """
    file, out = Path(file), Path(out)
    _check(file, task)
    from cardium.evaluate import choose_side

    side, origin = choose_side(task.usable(data.catalog), split)
    found, left_out = _read(file, task, data, side)
    if not found:
        raise NotProvidedError(
            f"'{file}' has no prediction of the {len(side)} recordings on the side "
            f"'{split}' that the task '{task.name}' can use. Choose another side."
        )
    settle(
        out,
        provenance(
            task={"name": task.name, "options": dict(task.options)},
            dataset={"name": data.dataset.name, "version": data.dataset.info.version},
            split={"name": split, "origin": origin},
            model={
                "name": model or file.name,
                "file": file.name,
                "sha256": sha256(file),
            },
            seen="unknown",
            root=data.root.absolute(),
            left_out=left_out,
        ),
    )
    rows = []
    for entry in side:
        one = found.get(entry.id, _NOT_THERE)
        if isinstance(one, Answer):
            write_answer(out, entry.id, one)
        rows.append(
            {
                "recording": entry.id,
                "patient": entry.patient,
                "status": "predicted" if isinstance(one, Answer) else "failed",
                "reason": "" if isinstance(one, Answer) else one,
                **group_of(task, entry),
            }
        )
    write_table(out / "recordings.csv", (*COLUMNS, *task.groups), rows)
    return out


Found = Mapping[str, Answer | str]
"""By id: what was predicted, or why the recording cannot be scored."""


def _check(file: Path, task: Task) -> None:
    """Refuse what cannot be read."""
    if task.output.kind not in _KINDS:
        raise InvalidArgumentError(
            f"Task '{task.name}' answers with a {task.output.kind}, which no table "
            "holds. Wrap the model instead: `cardium.evaluate.evaluate` scores any "
            "object with predict and describe."
        )
    ending = file.suffix.lower()
    if ending not in ENDINGS or (task.output.kind == "events" and ending != ".csv"):
        known = ENDINGS if task.output.kind != "events" else ENDINGS[:1]
        raise InvalidArgumentError(
            f"'{file}' ends in '{file.suffix}'; predictions of '{task.name}' are read "
            f"from {', '.join(known)}."
        )
    if not file.is_file():
        raise DataMissingError(f"'{file}' does not exist.")


def _read(
    file: Path, task: Task, data: OpenDataset, side: Catalog
) -> tuple[Found, int]:
    """Read answers by id; also count the recordings that are not on the side."""
    csv = file.suffix.lower() == ".csv"
    rows = read_csv(file, task) if csv else read_arrays(file, task)
    check_values(rows, task)
    on_side = {entry.id for entry in side}
    samples: dict[str, Sample | str] = {}
    if rows.recordings:
        ids = _resolve(rows, data.catalog)
    else:
        counts = [1] * len(side)
        if task.output.kind == "event_class":
            samples = {e.id: _sample(task, data, e) for e in side}
            counts = [_count(samples[e.id]) for e in side]
        _check_count(rows, sum(counts), len(side))
        ids = [e.id for e, n in zip(side, counts, strict=True) for _ in range(n)]
    lines = _group(rows, ids, once=task.output.kind in ("multilabel", "quantity"))
    found: dict[str, Answer | str] = {}
    for entry in side:
        if entry.id in lines:
            sample = samples.get(entry.id) or _sample(task, data, entry)
            found[entry.id] = (
                sample
                if isinstance(sample, str)
                else _answer(rows, lines[entry.id], task, sample)
            )
    return found, len(lines.keys() - on_side)


def _resolve(rows: Rows, catalog: Catalog) -> list[str]:
    """Find the id that each row means: the very one, or the one of that number."""
    ids = {entry.id for entry in catalog}
    count = Counter(int(id) for id in ids if id.isdecimal())
    by_number = {int(id): id for id in ids if id.isdecimal() and count[int(id)] == 1}
    found = []
    for row, name in enumerate(rows.recordings):
        number = int(name) if name.isdecimal() else -1
        if name in ids:
            found.append(name)
        elif number in by_number:
            found.append(by_number[number])
        else:
            known = UnknownNameError("recording", name, sorted(ids))
            where = f"'{rows.file}' {rows.place(row)}"
            raise DataCorruptError(f"{where}: {known}")
    return found


def _group(rows: Rows, ids: Sequence[str], *, once: bool) -> dict[str, list[int]]:
    """List the rows of each recording; there may be only one of some answers."""
    lines: dict[str, list[int]] = {}
    for row, id in enumerate(ids):
        lines.setdefault(id, []).append(row)
        if once and len(lines[id]) > 1:
            raise DataCorruptError(
                f"'{rows.file}' has recording '{id}' twice: {rows.place(lines[id][0])} "
                f"and {rows.place(row)}. Keep one."
            )
    return lines


def _check_count(rows: Rows, expected: int, recordings: int) -> None:
    """Hold the number of rows without names against the side."""
    shape = rows.values.shape
    if len(rows.values) != expected:
        raise DataCorruptError(
            f"'{rows.file}' must hold an array of the shape ({expected}, {shape[1]}) "
            f"for the {recordings} recordings of the side, in the order of the "
            f"catalogue; it holds {shape}. Write a .csv with a column 'recording' if "
            "some are missing."
        )


def _sample(task: Task, data: OpenDataset, entry: Entry) -> Sample | str:
    """Return what was asked of a recording, or why nothing could be."""
    if task.output.kind in ("multilabel", "quantity"):
        # The shape of the answer does not depend on the recording: nothing is read.
        nothing = Stream("none", np.zeros(1), np.zeros(1), ("time",), "")
        return Sample(entry.id, nothing)
    try:
        return task.inputs(data.load(entry))
    except (CardiumError, OSError) as error:
        return f"{type(error).__name__}: {error}"


def _count(sample: Sample | str) -> int:
    """Count the events that are asked for."""
    events = None if isinstance(sample, str) else sample.events
    return 0 if events is None else len(events)


def _answer(rows: Rows, lines: list[int], task: Task, sample: Sample) -> Answer:
    """Turn the rows of one recording into an answer, which the task checks."""
    name, kind = task.output.name, task.output.kind
    if kind == "events":
        return task.answer(sample, {name: _times(rows, lines, sample)})
    if kind != "event_class":
        return task.answer(sample, {name: rows.values[lines[0]]})
    asked = np.zeros(0) if sample.events is None else sample.events
    order = np.arange(len(lines))
    if rows.time is not None:
        order = _match(rows, lines, asked, sample)
    return task.answer(sample, {name: rows.values[np.asarray(lines)[order]]})


def _times(rows: Rows, lines: list[int], sample: Sample) -> FloatArray:
    """Return the times of one recording's events, ascending; an empty one is none."""
    every = np.zeros(0) if rows.time is None else rows.time
    times = every[lines]
    times = np.sort(times[np.isfinite(times)])
    first, last = float(sample.stream.time[0]), float(sample.stream.time[-1])
    if times.size and (times[0] < first or times[-1] > last):
        bad = times[0] if times[0] < first else times[-1]
        row = next(k for k in lines if every[k] == bad)
        raise DataCorruptError(
            f"'{rows.file}' {rows.place(row)}: {bad:g} s is not within recording "
            f"'{sample.recording}', {first:g}..{last:g} s. Are the times in s?"
        )
    if (same := np.flatnonzero(np.diff(times) == 0)).size:
        raise DataCorruptError(
            f"'{rows.file}' has an event of recording '{sample.recording}' twice, at "
            f"{times[same[0]]:g} s. Keep one."
        )
    return times


def _match(
    rows: Rows, lines: list[int], asked: FloatArray, sample: Sample
) -> NDArray[np.intp]:
    """Return which of a recording's rows is of each event that is asked for."""
    from cardium.signal.clock import nearest

    given = np.zeros(0) if rows.time is None else rows.time[lines]
    rate = sample.stream.rate
    slack = max(_SLACK, 0.5 / rate) if rate > 0 else _SLACK
    slack += 1e-9  # of rounding
    to = nearest(asked, given) if len(asked) else np.zeros(len(given), np.intp)
    off = np.abs(asked[to] - given) > slack if len(asked) else np.ones(len(given), bool)
    off |= ~np.isfinite(given)
    who = f"recording '{sample.recording}'"
    if off.any():
        k = int(np.flatnonzero(off)[0])
        raise DataCorruptError(
            f"'{rows.file}' {rows.place(lines[k])}: the task asks for no event of "
            f"{who} at {given[k]:g} s"
            + (f"; the nearest is at {asked[to[k]]:.6g} s." if len(asked) else ".")
        )
    order = np.full(len(asked), -1, np.intp)
    for k, event in enumerate(to):
        if order[event] >= 0:
            raise DataCorruptError(
                f"'{rows.file}' has the event of {who} at {asked[event]:.6g} s twice: "
                f"{rows.place(lines[order[event]])} and {rows.place(lines[k])}."
            )
        order[event] = k
    if (lacking := np.flatnonzero(order < 0)).size:
        first = ", ".join(f"{t:.6g}" for t in asked[lacking[:3]])
        raise DataCorruptError(
            f"'{rows.file}' lacks {lacking.size} of the {len(asked)} events of {who}: "
            f"{first}{' …' if lacking.size > 3 else ''} s. Predict them, or leave the "
            "recording out."
        )
    return order
