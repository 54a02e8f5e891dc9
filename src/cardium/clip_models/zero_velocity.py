"""Nothing moves: zero everywhere, the answer that costs nothing.

Where velocities are as often towards the probe as away, it is hard to beat by any
single picture; a model that does not beat it sees no motion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cardium.clip_models.temporal_mean import count_moments
from cardium.clip_models.temporal_unet import DOMAINS
from cardium.core import ClipRecipe, Item
from cardium.errors import UnknownNameError

_CHANNELS = {"tissue_velocity": 1, "blood_flow": 3}


class ZeroVelocity:
    """Answers zero: no velocity, no power, no turbulence.

    Parameters
    ----------
    task : str
        What it answers.
    """

    def __init__(self, task: str) -> None:
        self._task = task

    def predict(self, item: Item) -> NDArray[np.float32]:
        """Answer one clip: (channel, time, rows, columns)."""
        moments = count_moments(self._task, item)
        shape = (_CHANNELS[self._task], moments, *item["input"].shape[2:])
        return np.zeros(shape, np.float32)


def build(task: str, domain: str) -> ZeroVelocity:
    """Build the rule for the published items of a task.

    Parameters
    ----------
    task : {"tissue_velocity", "blood_flow"}
        What it answers.
    domain : {"beamspace", "cartesian"}
        What it sees, or would.

    Returns
    -------
    ZeroVelocity
        The rule.

    Raises
    ------
    UnknownNameError
        If it does not know the task.

    Examples
    --------
    >>> item = {"input": np.ones((1, 33, 8, 6), np.float32)}
    >>> build("blood_flow", "cartesian").predict(item).shape
    (3, 64, 8, 6)
    """
    if task not in _CHANNELS:
        raise UnknownNameError("task of the zero velocity", task, _CHANNELS)
    return ZeroVelocity(task)


MODEL = ClipRecipe(
    name="zero_velocity",
    title="Zero velocity everywhere",
    tasks=frozenset(_CHANNELS),
    domains=DOMAINS,
    protocol="published",
    family="rule",
    build=build,
)
