"""How well two label maps agree: overlap, and the distance between outlines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import UNLABELLED, FloatArray
from cardium.errors import InvalidArgumentError

Mask = NDArray[np.bool_]
Code = int | tuple[int, ...]


def dice(
    prediction: NDArray[np.integer[Any]],
    truth: NDArray[np.integer[Any]],
    *,
    code: Code,
) -> float:
    r"""Return the Dice overlap of one structure in two label maps.

    .. math:: D = \frac{2\,|P \cap T|}{|P| + |T|}

    Parameters
    ----------
    prediction : (...) int
        Predicted codes.
    truth : (...) int
        True codes, on the same samples. Where it is 255 (unlabelled) nobody knows
        the truth, and neither map is counted.
    code : int or tuple of int
        The structure; several codes are taken together as one.

    Returns
    -------
    float
        0, disjoint, to 1, equal. NaN if neither map holds the structure: there is
        nothing to agree on, and calling it 1 would reward an empty image.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ.

    Notes
    -----
    Dice, "Measures of the amount of ecologic association between species",
    Ecology 26 (1945). Equal to the F1 score of the pixels.

    Examples
    --------
    >>> truth = np.array([1, 1, 1, 0, 255])
    >>> dice(np.array([0, 1, 1, 1, 1]), truth, code=1)  # 2 * 2 / (3 + 3)
    0.6666666666666666
    """
    mine, theirs = _structure(prediction, truth, code)
    total = int(mine.sum()) + int(theirs.sum())
    return 2 * int((mine & theirs).sum()) / total if total else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceDistances:
    """Distances from every outline sample of one map to the other map's outline.

    Parameters
    ----------
    from_prediction : (P,)
        From the prediction's outline to the truth's, in the unit of the spacing.
        Infinite if only the prediction has an outline.
    from_truth : (Q,)
        The other way round.

    Examples
    --------
    >>> apart = SurfaceDistances(np.array([0.0, 1.0]), np.array([0.0, 3.0]))
    >>> apart.hausdorff(), apart.mean()
    (3.0, 1.0)
    """

    from_prediction: FloatArray
    from_truth: FloatArray

    def hausdorff(self, *, percentile: float = 100.0) -> float:
        """Return the larger of the two directions' percentiles.

        Parameters
        ----------
        percentile : float [%]
            100 is the Hausdorff distance, 95 its usual robust form.

        Returns
        -------
        float
            In the unit of the spacing. NaN without any outline, infinite if one of
            the maps has none.

        Examples
        --------
        >>> apart = SurfaceDistances(np.arange(101.0), np.zeros(50))
        >>> apart.hausdorff(percentile=95)
        95.0
        """
        if self._one_is_missing():
            return float("inf")
        if not self.from_truth.size:
            return float("nan")
        both = (self.from_prediction, self.from_truth)
        return max(float(np.percentile(distance, percentile)) for distance in both)

    def mean(self) -> float:
        """Return the mean over the samples of both outlines.

        Returns
        -------
        float
            In the unit of the spacing. NaN without any outline, infinite if one of
            the maps has none.

        Examples
        --------
        >>> SurfaceDistances(np.array([2.0]), np.array([1.0, 3.0, 2.0])).mean()
        2.0
        """
        if self._one_is_missing():
            return float("inf")
        distances = np.concatenate([self.from_prediction, self.from_truth])
        return float(distances.mean()) if distances.size else float("nan")

    def _one_is_missing(self) -> bool:
        """Say whether exactly one of the maps has an outline."""
        return bool(self.from_prediction.size) != bool(self.from_truth.size)


def surface_distances(
    prediction: NDArray[np.integer[Any]],
    truth: NDArray[np.integer[Any]],
    *,
    code: Code,
    spacing: tuple[float, ...],
) -> SurfaceDistances:
    """Measure how far the outlines of one structure lie apart in two label maps.

    Parameters
    ----------
    prediction : (Z, X) or (Z, Y, X) int
        Predicted codes.
    truth : same shape, int
        True codes; where it is 255 (unlabelled) neither map is counted.
    code : int or tuple of int
        The structure; several codes are taken together as one.
    spacing : one float an axis [m or mm]
        Distance between samples along each axis, first axis first.

    Returns
    -------
    SurfaceDistances
        Both directions, in the unit of `spacing`.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ, or `spacing` does not have one positive number an axis.

    Notes
    -----
    The outline is made of the structure's own samples that have a neighbour along an
    axis outside of it; the edge of the image counts as outside. Distances are exact
    Euclidean ones between sample centres.

    Examples
    --------
    >>> truth = np.zeros((5, 5), int)
    >>> truth[2, 1] = 1
    >>> prediction = np.zeros((5, 5), int)
    >>> prediction[2, 3] = 1
    >>> apart = surface_distances(prediction, truth, code=1, spacing=(1.0, 0.5))
    >>> apart.from_truth
    array([1.])
    """
    mine, theirs = _structure(prediction, truth, code)
    if len(spacing) != mine.ndim or not min(spacing) > 0:
        raise InvalidArgumentError(
            f"spacing must be {mine.ndim} positive numbers, one an axis, got {spacing}."
        )
    mine, theirs = _crop(mine, theirs)
    edge, other = _outline(mine), _outline(theirs)
    return SurfaceDistances(
        _distance_to(other, spacing)[edge], _distance_to(edge, spacing)[other]
    )


def hausdorff_95(
    prediction: NDArray[np.integer[Any]],
    truth: NDArray[np.integer[Any]],
    *,
    code: Code,
    spacing: tuple[float, ...],
) -> float:
    """Return the 95th percentile Hausdorff distance of one structure.

    Parameters
    ----------
    prediction : (Z, X) or (Z, Y, X) int
        Predicted codes.
    truth : same shape, int
        True codes; 255 (unlabelled) is not counted.
    code : int or tuple of int
        The structure; several codes are taken together as one.
    spacing : one float an axis [m or mm]
        Distance between samples along each axis.

    Returns
    -------
    float
        In the unit of `spacing`; NaN if neither map holds the structure, infinite if
        one of them does not.

    Notes
    -----
    The larger of the 95th percentiles of the two directed distances, as in Maier-Hein
    et al., "Metrics reloaded", Nature Methods 21 (2024). Some tools take one
    percentile of both directions thrown together, which is never larger.

    Examples
    --------
    >>> truth = np.pad(np.ones((3, 3), int), 3)
    >>> hausdorff_95(np.roll(truth, 2, axis=0), truth, code=1, spacing=(0.5, 0.5))
    1.0
    """
    apart = surface_distances(prediction, truth, code=code, spacing=spacing)
    return apart.hausdorff(percentile=95.0)


def mean_surface_distance(
    prediction: NDArray[np.integer[Any]],
    truth: NDArray[np.integer[Any]],
    *,
    code: Code,
    spacing: tuple[float, ...],
) -> float:
    """Return the average symmetric surface distance of one structure.

    Parameters
    ----------
    prediction : (Z, X) or (Z, Y, X) int
        Predicted codes.
    truth : same shape, int
        True codes; 255 (unlabelled) is not counted.
    code : int or tuple of int
        The structure; several codes are taken together as one.
    spacing : one float an axis [m or mm]
        Distance between samples along each axis.

    Returns
    -------
    float
        In the unit of `spacing`; NaN if neither map holds the structure, infinite if
        one of them does not.

    Notes
    -----
    The mean over all outline samples of both maps: Heimann et al., "Comparison and
    evaluation of methods for liver segmentation", IEEE TMI 28 (2009).

    Examples
    --------
    >>> truth = np.array([[0, 1, 0, 0]])
    >>> mean_surface_distance(np.array([[0, 0, 0, 1]]), truth, code=1, spacing=(1, 2))
    4.0
    """
    return surface_distances(prediction, truth, code=code, spacing=spacing).mean()


def _structure(
    prediction: NDArray[np.integer[Any]], truth: NDArray[np.integer[Any]], code: Code
) -> tuple[Mask, Mask]:
    """Return where each map holds the structure, among the labelled samples."""
    if prediction.shape != truth.shape:
        raise InvalidArgumentError(
            f"Label maps of shape {prediction.shape} and {truth.shape} cannot be "
            "compared. Resample one onto the other."
        )
    labelled = truth != UNLABELLED
    return np.isin(prediction, code) & labelled, np.isin(truth, code) & labelled


def _crop(mine: Mask, theirs: Mask) -> tuple[Mask, Mask]:
    """Cut both masks to the box around either; distances between them stay."""
    from scipy.ndimage import find_objects

    boxes = find_objects((mine | theirs).astype(np.uint8))
    return (mine[boxes[0]], theirs[boxes[0]]) if boxes else (mine, theirs)


def _outline(mask: Mask) -> Mask:
    """Keep the samples that have a neighbour along an axis outside of the mask."""
    from scipy.ndimage import binary_erosion

    outline: Mask = mask & ~binary_erosion(mask)
    return outline


def _distance_to(outline: Mask, spacing: tuple[float, ...]) -> FloatArray:
    """Return the distance of every sample to an outline; infinite without one."""
    from scipy.ndimage import distance_transform_edt

    if not outline.any():
        return np.full(outline.shape, np.inf)
    distance: FloatArray = distance_transform_edt(~outline, sampling=spacing)
    return distance
