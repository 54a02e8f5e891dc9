"""The mean of the training volumes: where the cavity is, whatever is seen."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import UNLABELLED, ClipRecipe, FloatArray, Item
from cardium.errors import InvalidArgumentError

_CAVITY = 1


class VolumeMean:
    """How often each place of a fixed grid belongs to the cavity.

    Parameters
    ----------
    shape : (int, int, int)
        The grid. It lies from the first to the last sample of each axis of a volume, so
        that volumes of any size can be averaged and answered.

    Examples
    --------
    >>> model = VolumeMean((3, 2, 2))
    >>> target = np.zeros((1, 3, 2, 2), np.uint8)
    >>> target[0, 2] = 1
    >>> model.update({"target": target})
    >>> seen = {"input": np.zeros((1, 4, 5, 2, 2), np.float32)}
    >>> model.predict(seen)[1, 0, :, 0, 0].tolist()
    [0.0, 0.0, 0.0, 0.5, 1.0]
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self._cavity, self._known = np.zeros(shape), np.zeros(shape)

    def update(self, item: Item) -> None:
        """Count the cavity of a clip that is learnt from."""
        target = item["target"]
        for labels in target:
            known = labels != UNLABELLED
            self._cavity += stretch(labels == _CAVITY, self._cavity.shape)
            self._known += stretch(known, self._known.shape)

    def predict(self, item: Item) -> NDArray[np.float32]:
        """Return the same for each volume: (2, T, E, A, R), probabilities."""
        _, frames, *place = item["input"].shape
        mean = self._cavity / np.maximum(self._known, 1e-9)
        cavity = np.clip(stretch(mean, tuple(place)), 0, 1).astype(np.float32)
        both = np.stack([1 - cavity, cavity])[:, None]
        return np.repeat(both, frames, axis=1)

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return what was counted."""
        return {"cavity": self._cavity, "known": self._known}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take what was counted before."""
        self._cavity = np.asarray(arrays["cavity"], np.float64)
        self._known = np.asarray(arrays["known"], np.float64)


def stretch(values: NDArray[Any], shape: tuple[int, ...]) -> FloatArray:
    """Interpolate linearly to another number of samples; the ends stay the ends.

    Parameters
    ----------
    values : (E, A, R)
        A volume.
    shape : (int, int, int)
        Samples wanted along each axis.

    Returns
    -------
    array
        Of that shape.

    Examples
    --------
    >>> stretch(np.array([[[0.0, 2.0]]]), (1, 1, 3)).tolist()
    [[[0.0, 1.0, 2.0]]]
    """
    out = np.asarray(values, np.float64)
    for axis, count in enumerate(shape):
        there = out.shape[axis]
        place = np.linspace(0, there - 1, count)
        below = np.minimum(place.astype(np.intp), max(there - 2, 0))
        above = np.minimum(below + 1, there - 1)
        share = (place - below).reshape([-1 if d == axis else 1 for d in range(3)])
        first, second = out.take(below, axis), out.take(above, axis)
        out = first + share * (second - first)
    return out


def build(
    task: str, domain: str, *, first: int = 32, second: int = 32, third: int = 64
) -> VolumeMean:
    """Build the baseline.

    Parameters
    ----------
    task : {"lv_volume_3d"}
        What is asked.
    domain : {"beamspace", "cartesian"}
        What it sees; each has its own mean.
    first, second, third : int
        Samples of the fixed grid along each axis of a volume.

    Returns
    -------
    VolumeMean
        With nothing counted.

    Raises
    ------
    InvalidArgumentError
        If the task is another, or an axis has fewer than two samples.
    """
    if task != "lv_volume_3d":
        raise InvalidArgumentError(
            f"volume_mean answers lv_volume_3d, not {task} in {domain}."
        )
    if min(first, second, third) < 2:
        raise InvalidArgumentError(
            "volume_mean: each axis needs two samples at least, got "
            f"{first}, {second} and {third}."
        )
    return VolumeMean((first, second, third))


MODEL = ClipRecipe(
    name="volume_mean",
    title="Mean of the training volumes",
    tasks=frozenset({"lv_volume_3d"}),
    domains=frozenset({"beamspace", "cartesian"}),
    protocol="corrected",
    family="baseline",
    build=build,
    settings=MappingProxyType({"first": 32, "second": 32, "third": 64}),
)
