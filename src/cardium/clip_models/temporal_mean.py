"""The temporal mean of the EchoXFlow benchmark: one picture, whatever the clip.

Each pixel's mean over all training clips and their moments, repeated in time. A model
that does not beat it has learnt nothing from the images.

References
----------
The paper on EchoXFlow, arXiv 2605.05447. In its code the mean runs over the training
side; in the text, over the recording that is asked for, which would be the truth's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.clip_models.temporal_unet import DOMAINS, PAPER, TASKS
from cardium.core import ClipRecipe, FloatArray, Item
from cardium.errors import DataCorruptError, NotProvidedError, UnknownNameError

_LEAST = 1e-4


class TemporalMean:
    """Counts targets pixel by pixel, and answers with their mean.

    Values that are not finite are left out; a pixel that never had one is 0. Folded
    velocities are averaged as numbers, as in the paper's code.

    Parameters
    ----------
    task : str
        What it answers.
    """

    def __init__(self, task: str) -> None:
        self._task = task
        self._total: FloatArray = np.zeros(0)
        self._count: FloatArray = np.zeros(0)

    def update(self, item: Item) -> None:
        """Take in the targets of one training clip."""
        target = np.asarray(item["target"])
        known = np.isfinite(target)
        total = np.where(known, target, 0).sum(1, dtype=np.float64)
        count = known.sum(1, dtype=np.float64)
        if self._total.size:
            self._total += total
            self._count += count
        else:
            self._total, self._count = total, count

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return what was counted: the sums (C, H, W) and of how many."""
        return {"total": self._total, "count": self._count}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` returned.

        Raises
        ------
        DataCorruptError
            If it is not what a temporal mean counts.
        """
        try:
            self._total, self._count = arrays["total"], arrays["count"]
        except KeyError as error:
            raise DataCorruptError(
                f"A temporal mean needs the arrays 'total' and 'count'; there are "
                f"{sorted(arrays)}. Fit it again."
            ) from error

    def predict(self, item: Item) -> NDArray[np.float32]:
        """Answer one clip: (channel, time, rows, columns), each moment alike.

        Raises
        ------
        NotProvidedError
            If no target was seen before.
        """
        if not self._total.size:
            raise NotProvidedError("The temporal mean has seen no target yet.")
        mean = (self._total / np.maximum(self._count, 1)).astype(np.float32)
        if self._task == "lv_segmentation":
            mean = np.clip(mean, _LEAST, 1 - _LEAST)
            mean = np.concatenate([1 - mean.sum(0, keepdims=True), mean])
        moments = count_moments(self._task, item)
        return np.repeat(mean[:, None], moments, axis=1)


def count_moments(task: str, item: Item) -> int:
    """Return how many moments of a clip of T frames are asked for.

    Parameters
    ----------
    task : {"tissue_velocity", "blood_flow", "lv_segmentation"}
        One between every two frames; two; or one at each frame.
    item : Item
        The clip.

    Returns
    -------
    int
        T - 1, 2 (T - 1) or T.

    Examples
    --------
    >>> item = {"input": np.zeros((1, 33, 4, 4), np.float32)}
    >>> [count_moments(task, item) for task in sorted(TASKS)]
    [64, 33, 32]
    """
    frames = int(item["input"].shape[1])
    asked = {
        "tissue_velocity": frames - 1,
        "blood_flow": 2 * (frames - 1),
        "lv_segmentation": frames,
    }
    return asked[task]


def build(task: str, domain: str) -> TemporalMean:
    """Build the baseline for the published items of a task.

    Parameters
    ----------
    task : {"tissue_velocity", "blood_flow", "lv_segmentation"}
        What it answers.
    domain : {"beamspace", "cartesian"}
        What it sees, or would.

    Returns
    -------
    TemporalMean
        With nothing counted.

    Raises
    ------
    UnknownNameError
        If it does not know the task.

    Examples
    --------
    Velocities of 0.1 and 0.3 m/s, one of them in two clips:

    >>> mean = build("tissue_velocity", "beamspace")
    >>> frames = np.zeros((1, 3, 1, 1), np.float32)
    >>> for velocity in (0.1, 0.3, 0.3):
    ...     mean.update({"input": frames, "target": frames[:, 1:] + velocity})
    >>> mean.predict({"input": frames}).ravel().round(4).tolist()
    [0.23330000042915344, 0.23330000042915344]
    """
    if task not in TASKS:
        raise UnknownNameError("task of the temporal mean", task, TASKS)
    return TemporalMean(task)


MODEL = ClipRecipe(
    name="temporal_mean",
    title="Mean of the training targets over clips and time",
    tasks=TASKS,
    domains=DOMAINS,
    protocol="published",
    family="baseline",
    build=build,
    reference=PAPER,
)
