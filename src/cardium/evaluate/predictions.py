"""Predictions are files: made once, resumed, and scored without the model."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from cardium.core import (
    Answer,
    Catalog,
    Entry,
    Model,
    OpenDataset,
    Task,
    geometry_from_dict,
    geometry_to_dict,
    provenance,
)
from cardium.core.files import (
    plain,
    read_json,
    write_json,
    write_text,
    written_aside,
)
from cardium.errors import (
    AnswerError,
    CardiumError,
    DataCorruptError,
    DataMissingError,
    RunConflictError,
    SplitLeakError,
)
from cardium.evaluate.groups import group_of
from cardium.evaluate.tables import write_table

Progress = Callable[[int, int], None]
"""Called with how many recordings are done and how many there are."""

NOTHING_SEEN: Mapping[str, str] = MappingProxyType({})
"""For a model that was made without any patient of the dataset."""

COLUMNS = ("recording", "patient", "status", "reason", "seen")
"""What ``recordings.csv`` says of each recording, before the labels of groups."""

_UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
)
_SETTINGS = ("task", "dataset", "split", "model", "seen")


def predict(
    model: Model,
    task: Task,
    data: OpenDataset,
    catalog: Catalog,
    out: Path,
    *,
    split_name: str = "",
    split_origin: str = "",
    seen: Mapping[str, str] = NOTHING_SEEN,
    run: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Predict the recordings of a catalog into a folder; go on where it was left.

    Parameters
    ----------
    model : Model
        What predicts.
    task : Task
        What is asked.
    data : OpenDataset
        Where the recordings come from.
    catalog : Catalog
        The recordings to predict.
    out : Path
        The predictions folder. One that holds predictions of the same settings is
        completed: recordings that are there and readable are not predicted again.
    split_name : str
        The side of the split the catalog is: ``"test"``, ``"val"``, ``"train"``.
    split_origin : str
        How the split was made: ``"official"``, ``"fold 0 of 5, …"``.
    seen : mapping of str to str
        Patients the model was made with, and the side they were on: ``"train"`` or
        ``"val"``.
    run : Path, optional
        The run folder of the model; its ``metrics.csv`` is copied, so that the report
        can show the training.
    progress : function (done, total), optional
        Called after each recording.

    Returns
    -------
    Path
        The folder: ``provenance.json`` (written first), ``arrays/<recording>.npz``,
        ``recordings.csv`` (written last), ``training.csv``.

    Raises
    ------
    RunConflictError
        If the folder holds predictions made with other settings.
    SplitLeakError
        If a patient the model was trained on would be predicted as unseen.
    AnswerError
        If the model does not answer what the task asks.

    Notes
    -----
    A recording that cannot be read, or does not have what the task needs, becomes a
    row with its reason and the rest goes on. A wrong answer stops at once: it is the
    model's fault and not the recording's, and leaving such recordings out would
    flatter the model. What was predicted before stays.
    """
    _check_leak(catalog, split_name, seen)
    settle(
        out,
        provenance(
            task={"name": task.name, "options": dict(task.options)},
            dataset={
                "name": data.dataset.name,
                "version": data.dataset.info.version,
            },
            split={"name": split_name, "origin": split_origin},
            model=dict(model.describe()),
            seen=dict(Counter(seen.values())),
            root=data.root.absolute(),
        ),
    )
    if run is not None and (run / "metrics.csv").is_file():
        write_text(out / "training.csv", (run / "metrics.csv").read_text("utf-8"))
    rows = []
    for done, entry in enumerate(catalog, start=1):
        reason = _predict_one(model, task, data, entry, out)
        rows.append(
            {
                "recording": entry.id,
                "patient": entry.patient,
                "status": "failed" if reason else "predicted",
                "reason": reason,
                "seen": seen.get(entry.patient, ""),
                **group_of(task, entry),
            }
        )
        if progress is not None:
            progress(done, len(catalog))
    write_table(out / "recordings.csv", (*COLUMNS, *task.groups), rows)
    return out


def read_answer(predictions: Path, recording: str) -> Answer:
    """Read one prediction.

    Parameters
    ----------
    predictions : Path
        A predictions folder.
    recording : str
        The recording's id.

    Returns
    -------
    Answer
        As the task accepted it.

    Raises
    ------
    DataMissingError
        If it was not predicted.
    DataCorruptError
        If its file cannot be read.
    """
    path = _array_path(predictions, recording)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        where = json.loads(str(arrays.pop("geometry")))
        limit = float(arrays.pop("velocity_limit"))
        time = arrays.pop("time")
    except FileNotFoundError as error:
        raise DataMissingError(
            f"Recording '{recording}' has no prediction at '{path}'."
        ) from error
    except _UNREADABLE as error:
        raise DataCorruptError(
            f"The prediction '{path}' cannot be read ({error}). Delete it and predict "
            "again: the others are kept."
        ) from error
    return Answer(
        arrays,
        geometry_from_dict(where),
        time if time.size else None,
        None if np.isnan(limit) else limit,
    )


def write_answer(predictions: Path, recording: str, answer: Answer) -> None:
    """Write one prediction, whole; `read_answer` is its inverse.

    Parameters
    ----------
    predictions : Path
        A predictions folder.
    recording : str
        The recording's id.
    answer : Answer
        As the task accepted it.

    Raises
    ------
    DataCorruptError
        If the id is not fit for a file name.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     answer = Answer({"probability": np.array([0.25, 0.75])})
    ...     write_answer(Path(folder), "r0", answer)
    ...     read_answer(Path(folder), "r0").values["probability"].tolist()
    [0.25, 0.75]
    """
    time, limit = answer.time, answer.velocity_limit
    with written_aside(_array_path(predictions, recording)) as aside:
        np.savez_compressed(
            aside,
            allow_pickle=False,
            time=np.empty(0) if time is None else time,
            velocity_limit=np.array(np.nan if limit is None else limit),
            geometry=np.array(json.dumps(geometry_to_dict(answer.geometry))),
            **dict(answer.values),
        )


def _predict_one(
    model: Model, task: Task, data: OpenDataset, entry: Entry, out: Path
) -> str:
    """Predict one recording unless it is there; return why it failed, if it did."""
    try:
        _array_path(out, entry.id)
        if _is_there(out, entry.id):
            return ""
        sample = task.inputs(data.load(entry))
        answer = task.answer(sample, model.predict(sample))
    except AnswerError:
        raise
    except (CardiumError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    write_answer(out, entry.id, answer)
    return ""


def _is_there(out: Path, recording: str) -> bool:
    """Say whether a recording was predicted, and whole."""
    try:
        read_answer(out, recording)
    except (DataMissingError, DataCorruptError):
        return False
    return True


def _array_path(folder: Path, recording: str) -> Path:
    """Return where a recording's arrays lie; an id may not lead out of the folder."""
    bad = {"/", "\\", ":", "\0"} & set(recording)
    if bad or recording.strip(". ") == "":
        raise DataCorruptError(
            f"The recording id {recording!r} is not fit for a file name. Mend the "
            "catalog: no slash, backslash or colon, and not only dots."
        )
    return folder / "arrays" / f"{recording}.npz"


def _check_leak(catalog: Catalog, split_name: str, seen: Mapping[str, str]) -> None:
    """Refuse to predict as unseen whom the model was trained on."""
    if split_name == "train":
        return
    trained = [p for p in catalog.patients if seen.get(p) == "train"]
    if trained:
        raise SplitLeakError(
            f"Patient '{trained[0]}' ({len(trained)} such patients) is to be predicted "
            f"as '{split_name or 'no split'}', but the model was trained on them. "
            "Choose the side the run kept unseen, or predict the split 'train'."
        )


def settle(out: Path, facts: Mapping[str, Any]) -> None:
    """Write provenance into a new folder of predictions.

    Parameters
    ----------
    out : Path
        The folder.
    facts : mapping
        What `cardium.core.provenance` returned, with task, dataset, split, model and
        seen.

    Raises
    ------
    RunConflictError
        If the folder holds predictions made with other settings, or something else.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> facts = dict.fromkeys(("task", "dataset", "split", "model", "seen"), "x")
    >>> with TemporaryDirectory() as folder:
    ...     settle(Path(folder) / "new", facts)
    ...     settle(Path(folder) / "new", facts | {"split": "val"})
    Traceback (most recent call last):
    ...
    cardium.errors.RunConflictError: ...
    """
    path = out / "provenance.json"
    if not path.is_file():
        if out.is_dir() and any(not p.name.startswith(".") for p in out.iterdir()):
            raise RunConflictError(
                f"'{out}' is not empty and holds no predictions. Choose another folder."
            )
        write_json(path, facts)
        return
    before = read_json(path)
    differing = [
        line
        for key in _SETTINGS
        for line in _differences(key, before.get(key), plain(facts[key]))
    ]
    if differing:
        raise RunConflictError(
            f"'{out}' holds predictions made with other settings: "
            f"{'; '.join(differing)}. Choose another folder, or delete that one."
        )


def _differences(key: str, before: object, now: object) -> list[str]:
    """Name what differs between two settings, with both values."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            line
            for name in sorted({*before, *now})
            for line in _differences(f"{key}.{name}", before.get(name), now.get(name))
        ]
    return [] if before == now else [f"{key} was {before!r}, is {now!r}"]
