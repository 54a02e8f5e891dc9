"""Predict the recordings of a fold in batches, and score each by both protocols."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from cardium.bench._sides import Sides
from cardium.bench.jobs import Job
from cardium.bench.rows import Row, Skipped, write_rows, write_skipped
from cardium.core import Case, ClipRecipe, Entry, Item, Protocol
from cardium.core.files import read_json, write_json, written_aside
from cardium.errors import CardiumError, NotProvidedError
from cardium.fit.packs import RawSource

_UNREADABLE = (CardiumError, OSError)


class Scoring:
    """Predicts batches of recordings and scores each by both protocols.

    Parameters
    ----------
    job : Job
        The cell and its folder, in which ``run/`` is finished.
    recipe : ClipRecipe
        The model.
    protocols : mapping of str to Protocol
        Those that the task has.
    source : RawSource
        Where clips are read.
    """

    def __init__(
        self,
        job: Job,
        recipe: ClipRecipe,
        protocols: Mapping[str, Protocol],
        source: RawSource,
    ) -> None:
        from cardium.fit.clips import load_clip_model

        self._job = job
        self._folder = Path(job.folder)
        self._learning = protocols[recipe.protocol]
        self._published = protocols.get("published")
        self._source = source
        device = {"gpu": "cuda"}.get(job.machine.accelerator, job.machine.accelerator)
        run = self._folder / "run"
        self._model = load_clip_model(run, recipe, self._learning, device=device)

    def run(self, sides: Sides) -> None:
        """Score all batches; those that were scored before are read."""
        skipped = [*sides.refused, *self._skipped_in_training(sides)]
        cases = []
        for entry in sides.scored:
            try:
                cases.append(self._source.open(entry))
            except _UNREADABLE as error:
                skipped.append(_skip(entry, "predict", error))
        size = self._published.batch_size if self._published else 1
        rows, seconds = list[Row](), 0.0
        for number, group in enumerate(_chunks(cases, size)):
            batch = self._batch(number, group)
            rows += msgspec.convert(batch["rows"], list[Row])
            skipped += msgspec.convert(batch["skipped"], list[Skipped])
            seconds += batch["seconds"]
        if not rows:
            first = f" The first: {skipped[0].reason}" if skipped else ""
            raise NotProvidedError(
                f"None of the {len(sides.scored)} recordings of fold "
                f"{self._job.cell.fold} could be scored.{first}"
            )
        write_skipped(self._folder, skipped)
        write_json(
            self._folder / "predict.json",
            {"seconds": seconds, "model": self._model.describe(), **peak_memory()},
        )
        write_rows(self._folder, rows)

    def _skipped_in_training(self, sides: Sides) -> Iterator[Skipped]:
        """Read what the training left out."""
        path = self._folder / "run" / "skipped.csv"
        patients = {entry.id: entry.patient for entry in sides.train}
        if not path.is_file():
            return
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                name = row["recording"]
                yield Skipped(name, patients.get(name, ""), "train", row["reason"])

    def _batch(self, number: int, cases: Sequence[Case]) -> dict[str, Any]:
        """Predict and score one batch, or read what it came to before."""
        path = self._folder / "batches" / f"{number:05d}.json"
        names = [case.recording.entry.id for case in cases]
        if path.is_file() and (found := read_json(path))["recordings"] == names:
            return _with_nan(found)
        begun = time.perf_counter()
        there, items, skipped = list[Case](), list[Item](), list[Skipped]()
        for case in cases:
            try:
                items.append(self._source.item(case, case.scored))
                there.append(case)
            except _UNREADABLE as error:
                skipped.append(_skip(case.recording.entry, "predict", error))
        rows = list[Row]()
        if there:
            answers = self._model.predict(items)
            self._keep(there, answers)
            rows += self._score_published(number, there, answers, skipped)
            rows += self._score_corrected(number, there, answers, skipped)
        batch = {
            "recordings": names,
            "rows": [asdict(row) for row in rows],
            "skipped": [asdict(one) for one in skipped],
            "seconds": time.perf_counter() - begun,
        }
        write_json(path, batch)
        return batch

    def _keep(self, cases: Sequence[Case], answers: Sequence[NDArray[Any]]) -> None:
        """Write predictions down, if they are wanted."""
        for case, answer in zip(cases, answers, strict=True):
            if self._job.keep:
                name = f"{case.recording.entry.id}.npz"
                with written_aside(self._folder / "predictions" / name) as aside:
                    np.savez(aside, prediction=answer.astype(np.float16))

    def _score_published(
        self,
        number: int,
        cases: Sequence[Case],
        answers: Sequence[NDArray[Any]],
        skipped: list[Skipped],
    ) -> list[Row]:
        """Score a batch as the paper's code does."""
        if self._published is None:
            return []
        used, chosen, truths = list[Case](), list[NDArray[Any]](), list[Item]()
        for case, answer in zip(cases, answers, strict=True):
            try:
                truths.append(self._published.truth(case))
            except _UNREADABLE as error:
                skipped.append(_skip(case.recording.entry, "published", error))
                continue
            used.append(case)
            chosen.append(answer)
        if not used:
            return []
        scores = self._published.score(chosen, truths)
        return self._rows("published", number, used, scores)

    def _score_corrected(
        self,
        number: int,
        cases: Sequence[Case],
        answers: Sequence[NDArray[Any]],
        skipped: list[Skipped],
    ) -> list[Row]:
        """Score each recording of a batch by the task itself."""
        from cardium.protocols import cut_recording

        task, rows = self._learning.task, list[Row]()
        for case, answer in zip(cases, answers, strict=True):
            try:
                truth = task.target(cut_recording(case), None)
                scores = task.score(self._learning.answer(case, answer), truth)
            except _UNREADABLE as error:
                skipped.append(_skip(case.recording.entry, "corrected", error))
                continue
            rows += self._rows("corrected", number, [case], scores)
        return rows

    def _rows(
        self,
        protocol: str,
        number: int,
        cases: Sequence[Case],
        scores: Mapping[str, float],
    ) -> list[Row]:
        """Make one row a score."""
        cell, entries = self._job.cell, [case.recording.entry for case in cases]
        recordings = tuple(entry.id for entry in entries)
        patients = tuple(entry.patient for entry in entries)
        return [
            Row(
                cell.task,
                cell.model,
                cell.domain,
                cell.fold,
                cell.seed,
                protocol,
                number,
                recordings,
                patients,
                metric,
                float(value),
            )
            for metric, value in scores.items()
        ]


def peak_memory() -> dict[str, int]:
    """Return the most memory that this process and its device have held [bytes]."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = {"memory": peak * (1 if sys.platform == "darwin" else 1024)}
    found["device_memory"] = 0
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        found["device_memory"] = torch.cuda.max_memory_allocated()
    return found


def _skip(entry: Entry, step: str, error: Exception) -> Skipped:
    """Say why a recording was left out."""
    return Skipped(entry.id, entry.patient, step, str(error))


def _chunks(cases: Sequence[Case], size: int) -> Iterator[Sequence[Case]]:
    """Cut a list in pieces."""
    for start in range(0, len(cases), size):
        yield cases[start : start + size]


def _with_nan(batch: dict[str, Any]) -> dict[str, Any]:
    """Turn the nulls that JSON holds for NaN back into NaN."""
    for row in batch["rows"]:
        if row["value"] is None:
            row["value"] = float("nan")
    return batch
