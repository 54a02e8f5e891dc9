"""Tissue velocity without learning: find the speckle of one frame in the next.

Tissue Doppler shows how fast tissue moves along the beam, and so does its speckle,
which moves with it. Around each sample a patch is looked for in the next frame, above
and below on the same beam; the way it went, by the time between the frames, is the
velocity. A patch that is found clearly counts for more when neighbours are averaged.

References
----------
Bohs and Trahey: A Novel Method for Angle Independent Ultrasonic Imaging of Blood Flow
and Tissue Motion. IEEE Trans. Biomed. Eng. 38(3), 1991.
"""

from __future__ import annotations

from math import ceil
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cardium.core import ClipRecipe, Item
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.signal.doppler import fold

_TASK, _DOMAIN = "tissue_velocity", "beamspace"


class BlockMatching:
    """Follows patches of speckle along the beams.

    Parameters
    ----------
    height : float [m]
        How far a patch reaches along the beam.
    breadth : float [rad]
        How far it reaches across.
    smoothing : float
        Width (standard deviation) of the average over neighbours, in parts of a patch.
    smoothing_time : float [s]
        The same over time.
    """

    def __init__(
        self, *, height: float, breadth: float, smoothing: float, smoothing_time: float
    ) -> None:
        self._patch = (height, breadth)
        self._smoothing = smoothing
        self._smoothing_time = smoothing_time

    def predict(self, item: Item) -> NDArray[np.float32]:
        """Answer one clip: velocities (1, T - 1, rows, beams) [m/s], folded."""
        from scipy.ndimage import gaussian_filter

        from cardium.clip_models._matching_kernels import match_rows

        frames = np.ascontiguousarray(item["input"][0], np.float32)
        interval = np.asarray(item["interval"], np.float64)
        spacing, limit = float(item["row_spacing"]), float(item["limit"])
        height, breadth = self._patch
        turn = float(np.ptp(item["angle"])) / max(1, frames.shape[2] - 1)
        half = round(height / spacing / 2), round(breadth / turn / 2) if turn else 0
        reach = min(ceil(limit * interval.max() / spacing) + 1, frames.shape[1] - 1)
        shift = np.empty((len(frames) - 1, *frames.shape[1:]), np.float32)
        weight = np.empty_like(shift)
        for n in range(len(shift)):
            match_rows(frames[n], frames[n + 1], *half, reach, shift[n], weight[n])
        # What goes deeper moves away from the probe.
        velocity = -shift * (spacing / interval[:, None, None]).astype(np.float32)
        width = (
            self._smoothing_time / interval.mean(),
            self._smoothing * (2 * half[0] + 1),
            self._smoothing * (2 * half[1] + 1),
        )
        weight **= _SHARPNESS
        around = gaussian_filter(velocity * weight, width, truncate=_TRUNCATE)
        seen = gaussian_filter(weight, width, truncate=_TRUNCATE)
        mean = np.divide(around, seen, out=np.zeros_like(seen), where=seen > _LEAST)
        return np.asarray(fold(mean, limit), np.float32)[None]


def build(
    task: str,
    domain: str,
    *,
    height: float = 0.014,
    breadth: float = 0.12,
    smoothing: float = 0.7,
    smoothing_time: float = 0.01,
) -> BlockMatching:
    """Build the rule for the corrected items of tissue velocity.

    Parameters
    ----------
    task : {"tissue_velocity"}
        What it answers.
    domain : {"beamspace"}
        What it sees; beams are needed to follow speckle along them.
    height : float [m]
        How far a patch reaches along the beam; rounded to an odd number of samples.
    breadth : float [rad]
        How far it reaches across; the same.
    smoothing : float
        Width (standard deviation) of the average over neighbours, in parts of a patch.
    smoothing_time : float [s]
        The same over time.

    Returns
    -------
    BlockMatching
        The rule.

    Raises
    ------
    UnknownNameError
        If it does not know the task or the domain.
    InvalidArgumentError
        If an extent is negative.

    Notes
    -----
    A patch is looked for as far as tissue can go at the velocity limit; what moves
    faster is not found. Small patches err by chance, large ones blur what moves side by
    side; the defaults were chosen on a phantom, whose motion is known.
    """
    if task != _TASK:
        raise UnknownNameError("task of block matching", task, (_TASK,))
    if domain != _DOMAIN:
        raise UnknownNameError("domain of block matching", domain, (_DOMAIN,))
    extents = (height, breadth, smoothing, smoothing_time)
    if not min(extents) >= 0:
        raise InvalidArgumentError(
            f"Patches and averages must not be smaller than 0, got {extents}."
        )
    return BlockMatching(
        height=height,
        breadth=breadth,
        smoothing=smoothing,
        smoothing_time=smoothing_time,
    )


_SHARPNESS = 4
_TRUNCATE = 3.0
_LEAST = 1e-6

MODEL = ClipRecipe(
    name="block_matching",
    title="Speckle followed along the beams, nothing learnt",
    tasks=frozenset({_TASK}),
    domains=frozenset({_DOMAIN}),
    protocol="corrected",
    family="rule",
    build=build,
    settings=MappingProxyType(
        {"height": 0.014, "breadth": 0.12, "smoothing": 0.7, "smoothing_time": 0.01}
    ),
    reference="Bohs and Trahey, IEEE TBME 38(3), 1991, doi:10.1109/10.133210",
)
