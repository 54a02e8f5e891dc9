"""Predict, score, bootstrap, report: four steps that keep their results as files."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cardium.core import Catalog, Model, OpenDataset, Task
from cardium.errors import InvalidArgumentError, NotProvidedError

if TYPE_CHECKING:
    from cardium.evaluate.bootstrap import Estimate as Estimate
    from cardium.evaluate.bootstrap import bootstrap_intervals as bootstrap_intervals
    from cardium.evaluate.foreign import import_predictions as import_predictions
    from cardium.evaluate.predictions import Progress
    from cardium.evaluate.predictions import predict as predict
    from cardium.evaluate.report import Report as Report
    from cardium.evaluate.report import load_report as load_report
    from cardium.evaluate.scoring import compare as compare
    from cardium.evaluate.scoring import score as score

_WHERE = {
    "Estimate": "cardium.evaluate.bootstrap",
    "Report": "cardium.evaluate.report",
    "bootstrap_intervals": "cardium.evaluate.bootstrap",
    "compare": "cardium.evaluate.scoring",
    "import_predictions": "cardium.evaluate.foreign",
    "load_report": "cardium.evaluate.report",
    "predict": "cardium.evaluate.predictions",
    "score": "cardium.evaluate.scoring",
}
__all__ = ["evaluate", *_WHERE]

_SIDES = ("train", "val", "test")


def evaluate(
    model: Model,
    task: Task | str,
    data: OpenDataset | str,
    *,
    split: str = "test",
    fold: int | None = None,
    folds: int | None = None,
    root: str | Path | None = None,
    out: str | Path | None = None,
    seen: Mapping[str, str] | None = None,
    draws: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Score anybody's model on a task and a dataset: predict, score, report.

    Parameters
    ----------
    model : object with ``predict(sample)`` and ``describe()``
        See `cardium.core.Model`; no base class, no framework.
    task : Task or str
        The task, or the name of one with its default options.
    data : OpenDataset or str
        The dataset, or the name of one.
    split : {"test", "val", "train", "all"}
        Which side is scored; ``"all"`` is every recording the task can use.
    fold, folds : int, optional
        Passed to `cardium.core.split_catalog`: which fold is scored, and how many to
        make.
    root : str or Path, optional
        The dataset's folder, if `data` is a name.
    out : str or Path, optional
        Folder for predictions and scores, which a second call goes on with. If not
        given, they are thrown away and only the report is returned.
    seen : mapping of str to str, optional
        Patients the model was made with, and the side: ``"train"`` or ``"val"``.
    draws : int
        Bootstrap draws of the patients for the intervals.
    seed : int
        Of the bootstrap, and of the folds if they are drawn.
    progress : function (done, total), optional
        Called after each recording, first of predicting, then of scoring.

    Returns
    -------
    Report
        Scores, summary with intervals by patient, and what was skipped and why.

    Raises
    ------
    InvalidArgumentError
        If there is no such split.
    NotProvidedError
        If the dataset does not have what the task needs, or nothing could be scored.
    AnswerError
        If the model does not answer what the task asks.
    SplitLeakError
        If a patient the model was trained on would be scored.

    Examples
    --------
    A coin, on a small fake of PTB-XL; any object with these two methods will do.

    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> from cardium.datasets.ptb_xl import DATASET
    >>> class Coin:
    ...     def predict(self, sample):
    ...         return {"probability": np.full(5, 0.5)}
    ...     def describe(self):
    ...         return {"name": "coin"}
    >>> with TemporaryDirectory() as root:
    ...     _ = DATASET.write_fake(Path(root))
    ...     report = evaluate(
    ...         Coin(), "ecg_superclass", "ptb_xl", root=root, split="all", draws=0
    ...     )
    >>> report.summary["macro_auroc"].value
    0.5
    """
    from tempfile import TemporaryDirectory

    from cardium.datasets import open_dataset
    from cardium.evaluate.predictions import predict
    from cardium.evaluate.scoring import score
    from cardium.tasks import open_task

    task = open_task(task) if isinstance(task, str) else task
    data = open_dataset(data, root) if isinstance(data, str) else data
    catalog, name = choose_side(
        task.usable(data.catalog), split, fold=fold, folds=folds, seed=seed
    )
    with TemporaryDirectory(prefix="cardium-") as temporary:
        folder = Path(out) if out is not None else Path(temporary) / "predictions"
        predict(
            model,
            task,
            data,
            catalog,
            folder,
            split_name=split,
            split_origin=name,
            seen=seen or {},
            progress=progress,
        )
        return score(
            folder, task=task, data=data, draws=draws, seed=seed, progress=progress
        )


def choose_side(
    catalog: Catalog,
    side: str,
    *,
    fold: int | None = None,
    folds: int | None = None,
    seed: int = 0,
) -> tuple[Catalog, str]:
    """Return the recordings of one side, and how the split was made."""
    from cardium.core import split_catalog

    if side == "all":
        return catalog, ""
    if side not in _SIDES:
        raise InvalidArgumentError(
            f"split must be one of {', '.join((*_SIDES, 'all'))}, got '{side}'."
        )
    split = split_catalog(catalog, fold=fold, folds=folds, seed=seed)
    recordings: Catalog = getattr(split, side)
    if not len(recordings):
        raise NotProvidedError(
            f"The side '{side}' of the split '{split.name}' has none of the "
            f"{len(catalog)} usable recordings. Choose another side, or make folds by "
            "patient: folds=5."
        )
    return recordings, split.name


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _WHERE:
        raise AttributeError(f"module 'cardium.evaluate' has no attribute '{name}'")
    return getattr(import_module(_WHERE[name]), name)
