"""How ultrasound images look, in numbers: the same for simulated and for real ones."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, PlaneGrid, need
from cardium.errors import InvalidArgumentError

PERCENTILES = (5, 25, 50, 75, 95)
"""Percentiles of grey levels that `describe_frame` states."""


class Appearance(NamedTuple):
    """How an image of a heart looks.

    Parameters
    ----------
    muscle, cavity, rest : (5,) [grey 0..255]
        The `PERCENTILES` of grey levels in myocardium, in the cavity, and in the fan
        outside both.
    gcnr : float
        Generalised contrast-to-noise ratio of myocardium and cavity: 1 less the overlap
        of their histograms.
    texture : float [grey 0..255]
        Standard deviation of myocardium within squares of 5 mm, the median of them.
    axial, lateral : float [m]
        Lag down and across the image at which the autocorrelation of myocardium, less
        its slow variation, has fallen to a half.
    quarters : (4,) [grey 0..255]
        Median grey level of the fan in each quarter of its depth.
    """

    muscle: FloatArray
    cavity: FloatArray
    rest: FloatArray
    gcnr: float
    texture: float
    axial: float
    lateral: float
    quarters: FloatArray


def describe_frame(
    grey: NDArray[np.uint8],
    plane: PlaneGrid,
    *,
    muscle: NDArray[np.bool_],
    cavity: NDArray[np.bool_],
    fan: NDArray[np.bool_],
) -> Appearance:
    """Describe how a scan-converted frame looks.

    Parameters
    ----------
    grey : (Z, X) uint8 [grey 0..255]
        The frame.
    plane : PlaneGrid
        Where its pixels lie.
    muscle, cavity, fan : (Z, X) bool
        Pixels of the myocardium, of the cavity of the left ventricle, and of the image.

    Returns
    -------
    appearance : Appearance
        Percentiles, contrast and texture.

    Raises
    ------
    InvalidArgumentError
        If one of the regions has no pixel in the fan.

    Examples
    --------
    Muscle of 100 and a cavity of 20 grey levels do not overlap:

    >>> plane = PlaneGrid((0.0, 0.04), (0.0, 0.04), (81, 81))
    >>> grey = np.full((81, 81), 100, np.uint8)
    >>> cavity = np.zeros((81, 81), bool)
    >>> cavity[20:40] = True
    >>> grey[cavity] = 20
    >>> look = describe_frame(
    ...     grey, plane, muscle=~cavity, cavity=cavity, fan=np.ones((81, 81), bool)
    ... )
    >>> look.gcnr, look.texture, look.muscle.tolist()
    (1.0, 0.0, [100.0, 100.0, 100.0, 100.0, 100.0])
    """
    muscle, cavity = muscle & fan, cavity & fan
    if not (muscle.any() and cavity.any()):
        raise InvalidArgumentError(
            f"describe_frame: myocardium and cavity must lie in the fan, got "
            f"{muscle.sum()} and {cavity.sum()} pixels of them there."
        )
    rest = fan & ~muscle & ~cavity
    down, across = _half_widths(grey, muscle, plane.spacing)
    rows = np.flatnonzero(fan.any(axis=1))
    edges = np.linspace(rows[0], rows[-1] + 1, 5).astype(int)
    quarters = [
        np.median(grey[low:high][fan[low:high]])
        for low, high in itertools.pairwise(edges)
    ]
    return Appearance(
        muscle=_percentiles(grey[muscle]),
        cavity=_percentiles(grey[cavity]),
        rest=_percentiles(grey[rest]) if rest.any() else np.full(5, np.nan),
        gcnr=contrast(grey[muscle], grey[cavity]),
        texture=_texture(grey, muscle, plane.spacing),
        axial=down,
        lateral=across,
        quarters=np.array(quarters),
    )


def contrast(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Generalised contrast-to-noise ratio of two sets of grey levels.

    Parameters
    ----------
    first, second : (N,), (M,) uint8 [grey 0..255]
        The grey levels.

    Returns
    -------
    gcnr : float
        1 less the overlap of their normalised histograms: 0 where they are alike, 1
        where no level is in both (Rodriguez-Molares et al. 2020).

    Examples
    --------
    >>> contrast(np.array([1, 2], np.uint8), np.array([2, 3], np.uint8))
    0.5
    """
    one, other = (
        np.bincount(v.ravel(), minlength=256) / v.size for v in (first, second)
    )
    return float(1 - np.minimum(one, other).sum())


def speckle_statistics(envelope: FloatArray) -> tuple[float, float]:
    """Tell how developed speckle is.

    Parameters
    ----------
    envelope : (...)
        Magnitudes of echo signals of homogeneous tissue, not zero.

    Returns
    -------
    snr : float
        Mean by standard deviation: 1.913 for Rayleigh's distribution, less for fewer
        scatterers.
    log_deviation : float [dB]
        Standard deviation of the level: 5.57 dB for Rayleigh's distribution.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> noise = abs(rng.normal(size=10**6) + 1j * rng.normal(size=10**6))
    >>> [round(v, 2) for v in speckle_statistics(noise)]
    [1.91, 5.57]
    """
    return (
        float(envelope.mean() / envelope.std()),
        float(np.std(20 * np.log10(envelope))),
    )


def match_frames(
    frames: NDArray[np.uint8],
    block: tuple[slice, slice],
    *,
    lags: tuple[int, ...] = (1, 2, 4, 8),
    search: int = 8,
) -> FloatArray:
    """Correlate a block with its best match in later frames.

    Parameters
    ----------
    frames : (T, Z, X) [grey 0..255]
        A film.
    block : (rows, columns)
        The block in the frames that are matched.
    lags : tuple of int
        How many frames later.
    search : int [pixel]
        How far the match may have moved either way, within the frame.

    Returns
    -------
    correlation : (len(lags),)
        The greatest normalised cross-correlation, the mean over all frames that have a
        later one.

    Examples
    --------
    A film that stands still matches itself:

    >>> frame = np.random.default_rng(0).integers(0, 255, (40, 40))
    >>> match_frames(np.stack([frame] * 4), np.s_[10:30, 10:30], lags=(1,)).round(6)
    array([1.])
    """
    need("skimage", extra="echo")

    from skimage.feature import match_template

    values = frames.astype(float)
    rows, columns = block
    around = (
        slice(max(rows.start - search, 0), rows.stop + search),
        slice(max(columns.start - search, 0), columns.stop + search),
    )
    return np.array(
        [
            np.mean(
                [
                    match_template(  # type: ignore[no-untyped-call]
                        later[around], frame[block]
                    ).max()
                    for frame, later in zip(values[:-lag], values[lag:], strict=True)
                ]
            )
            for lag in lags
        ]
    )


_SQUARE = 0.005
_SLOW = 0.003
_MOST_LAG = 0.006


def _percentiles(grey: NDArray[np.uint8]) -> FloatArray:
    """Return the `PERCENTILES` of grey levels."""
    return np.percentile(grey, PERCENTILES)


def _local_mean(
    values: FloatArray, mask: NDArray[np.bool_], size: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    """Mean of the masked values in a box around each pixel, and the part masked."""
    from scipy.ndimage import uniform_filter

    part = uniform_filter(mask.astype(float), size)
    total = uniform_filter(np.where(mask, values, 0.0), size)
    return total / np.maximum(part, 1e-9), part


def _texture(
    grey: NDArray[np.uint8], mask: NDArray[np.bool_], spacing: tuple[float, float]
) -> float:
    """Median standard deviation of masked grey levels in squares."""
    size = (round(_SQUARE / spacing[0]), round(_SQUARE / spacing[1]))
    size = (max(size[0], 2), max(size[1], 2))
    values = grey.astype(float)
    mean, _ = _local_mean(values, mask, size)
    square, _ = _local_mean(values**2, mask, size)
    return float(np.median(np.sqrt(np.maximum(square - mean**2, 0))[mask]))


def _half_widths(
    grey: NDArray[np.uint8], mask: NDArray[np.bool_], spacing: tuple[float, float]
) -> tuple[float, float]:
    """Lags [m], down and across, at which the autocorrelation falls to a half."""
    size = tuple(max(round(2 * _SLOW / step), 3) for step in spacing)
    values = grey.astype(float)
    mean, _ = _local_mean(values, mask, (size[0], size[1]))
    fast = np.where(mask, values - mean, 0.0)
    widths = []
    for axis, step in enumerate(spacing):
        moved, both = np.moveaxis(fast, axis, 0), np.moveaxis(mask, axis, 0)
        curve = []
        for lag in range(max(round(_MOST_LAG / step), 2)):
            end = len(moved) - lag
            pair = both[:end] & both[lag:]
            product = (moved[:end] * moved[lag:])[pair]
            curve.append(product.mean() if product.size else 0.0)
        widths.append(step * _half_lag(np.array(curve)))
    return widths[0], widths[1]


def _half_lag(curve: FloatArray) -> float:
    """Lag [sample] at which a curve has fallen to a half of its first value."""
    if not curve[0] > 0:
        return float("nan")
    part = curve / curve[0]
    below = np.flatnonzero(part < 0.5)
    if not below.size:
        return float("nan")
    k = int(below[0])
    return float(k - 1 + (part[k - 1] - 0.5) / (part[k - 1] - part[k]))
