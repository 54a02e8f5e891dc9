"""Doppler velocities: folding, unfolding, turbulence; and spectra, by `spectrum`."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardium.core import FloatArray, need
from cardium.errors import InvalidArgumentError
from cardium.signal.spectrum import mean_velocity, shift_baseline, trace_envelope

__all__ = [
    "fold",
    "mean_velocity",
    "shift_baseline",
    "trace_envelope",
    "turbulence",
    "unfold",
]

Border = Literal["published", "corrected"]


def fold(velocity: ArrayLike, limit: float) -> NDArray[Any]:
    r"""Fold velocities into -limit <= v < limit, as a pulsed Doppler shows them.

    .. math:: w = ((v + L) \bmod 2L) - L

    Parameters
    ----------
    velocity : (...) [m/s]
        True velocities, or differences of folded ones.
    limit : float [m/s]
        The Nyquist limit, ``c * PRF / (4 * f0)``.

    Returns
    -------
    (...) [m/s]
        float32 stays float32, all else is float64. The limit itself becomes -limit:
        the interval is closed below and open above. NaN stays NaN.

    Raises
    ------
    InvalidArgumentError
        If the limit is not positive.

    Notes
    -----
    A pulsed Doppler measures a phase, ``pi * v / limit``, up to whole turns (Jensen,
    *Estimation of Blood Velocities Using Ultrasound*, 1996, chapter 6).

    Examples
    --------
    >>> fold([0.25, 0.5, 0.75, -0.5, 2.25], 0.5)
    array([ 0.25, -0.5 , -0.25, -0.5 ,  0.25])
    """
    if not limit > 0:
        raise InvalidArgumentError(
            f"fold: the velocity limit must be positive, got {limit} m/s."
        )
    true = np.asarray(velocity)
    kind = np.float32 if true.dtype == np.float32 else np.float64
    folded = (np.mod(true.astype(np.float64) + limit, 2 * limit) - limit).astype(kind)
    # Rounding may reach the limit itself, which is -limit.
    return np.asarray(np.where(folded >= kind(limit), kind(-limit), folded))


def unfold(
    velocity: NDArray[Any],
    limit: float,
    *,
    power: NDArray[Any] | None = None,
    min_power: float = 0.3,
    over_time: bool = False,
) -> FloatArray:
    """Unfold the velocities of colour Doppler frames: dealiasing.

    Parameters
    ----------
    velocity : (R, A) or (T, R, A) [m/s]
        Folded velocities; NaN where there is none.
    limit : float [m/s]
        The Nyquist limit.
    power : same shape [0..1], optional
        Doppler power. Where it is below `min_power` velocities are noise; they are not
        unfolded and become NaN.
    min_power : float
        The paper on EchoXFlow calls a velocity reliable above 0.3.
    over_time : bool
        Unfold all frames as one block, with time as a third axis. Only sound where the
        flow changes by less than the limit from frame to frame; without it, each frame
        stands alone.

    Returns
    -------
    same shape [m/s]
        What `fold` takes back to `velocity`, to rounding.

    Raises
    ------
    InvalidArgumentError
        If shapes do not fit or the limit is not positive.

    Notes
    -----
    The phase ``pi * v / limit`` is unwrapped along the most reliable path, that of the
    smallest second differences (Herraez et al., Applied Optics 41(35), 2002, by
    scikit-image). That leaves each connected region uncertain by whole turns. Blood is
    slow at a wall, so the turns are set such that most of the region's rim, the samples
    beside a masked one, are not folded. A region without rim takes the turn that leaves
    most of its samples as they were. A region that is folded everywhere stays folded.

    Examples
    --------
    A jet of 1 m/s seen with a limit of 0.6 m/s:

    >>> across = np.linspace(-1, 1, 41)
    >>> jet = np.maximum(1 - across[:, None] ** 2 - across**2, 0)
    >>> seen = fold(jet, 0.6)
    >>> float(seen.max().round(2)), float(abs(unfold(seen, 0.6) - jet).max().round(6))
    (0.6, 0.0)
    """
    values = np.asarray(velocity, np.float64)
    fits = values.ndim in (2, 3) and min(values.shape[-2:]) > 1
    if not fits or (power is not None and power.shape != values.shape):
        other = "no power" if power is None else f"a power of {power.shape}"
        raise InvalidArgumentError(
            f"unfold: velocities must be (R, A) or (T, R, A), of two samples and two "
            f"beams at least, and the power alike, got {values.shape} and {other}."
        )
    folded = fold(values, limit)
    reliable = np.isfinite(folded)
    if power is not None:
        reliable &= np.asarray(power) >= min_power
    out = np.full(values.shape, np.nan)
    if values.ndim == 2 or (over_time and len(values) > 1):
        _unfold_block(folded, reliable, limit, out)
        return out
    for frame, mask, target in zip(folded, reliable, out, strict=True):
        _unfold_block(frame, mask, limit, target)
    return out


def turbulence(
    velocity: NDArray[Any],
    size: int = 3,
    *,
    border: Border = "published",
    velocity_limit: float | None = None,
) -> FloatArray:
    """Local standard deviation of the velocity: a proxy for turbulence.

    Parameters
    ----------
    velocity : (..., R, A) [m/s]
        Velocities.
    size : int
        Samples along each side of the neighbourhood; odd.
    border : {"published", "corrected"}
        Beyond the edge of a frame, the paper on EchoXFlow counts zeros, which makes
        steady flow turbulent there. ``"corrected"`` takes only samples that there are,
        and leaves out NaN.
    velocity_limit : float [m/s], optional
        Count differences to the middle sample along the shorter arc, so that a fold
        is not taken for turbulence. The paper does not.

    Returns
    -------
    (..., R, A) [m/s]
        Square root of ``E[v^2] - E[v]^2`` over the neighbourhood. NaN where the sample
        has no velocity; with the published border also where a neighbour has none.

    Raises
    ------
    InvalidArgumentError
        If `size` is not odd and positive, or the border is not known.

    Notes
    -----
    The proxy of the EchoXFlow benchmark, task 2 (arXiv 2605.05447). Values are taken
    from their middle one first, which changes no standard deviation and keeps digits.

    Examples
    --------
    Steady flow; at a corner of the frame 5 of 9 neighbours are padding:

    >>> steady = np.full((3, 3), 0.9)
    >>> turbulence(steady)[0, 0].round(4), round(0.9 * np.sqrt(4 / 9 - 16 / 81), 4)
    (np.float64(0.4472), np.float64(0.4472))
    >>> float(turbulence(steady, border="corrected").max())
    0.0
    """
    if size < 1 or size % 2 == 0 or border not in ("published", "corrected"):
        raise InvalidArgumentError(
            f"turbulence: the size must be odd and positive and the border 'published' "
            f"or 'corrected', got {size} and '{border}'."
        )
    values = np.asarray(velocity, np.float64)
    half, (rows, beams) = size // 2, values.shape[-2:]
    frame = [(0, 0)] * (values.ndim - 2) + [(half, half)] * 2
    beyond = 0.0 if border == "published" else np.nan
    padded = np.pad(values, frame, constant_values=beyond)
    count, total, squares = (np.zeros(values.shape) for _ in range(3))
    for i in range(size):
        for j in range(size):
            apart = padded[..., i : i + rows, j : j + beams] - values
            if velocity_limit is not None:
                apart = fold(apart, velocity_limit)
            there = np.isfinite(apart) | (border == "published")
            count += there
            total += np.where(there, apart, 0)
            squares += np.where(there, apart, 0) ** 2
    count[~np.isfinite(values)] = np.nan
    return np.sqrt(np.maximum(squares / count - (total / count) ** 2, 0))


def _unfold_block(
    folded: FloatArray, reliable: NDArray[np.bool_], limit: float, out: FloatArray
) -> None:
    """Unfold the reliable samples of a frame, or of a block of frames, into `out`."""
    need("skimage", extra="echo")
    from scipy import ndimage
    from skimage.restoration import unwrap_phase

    if not reliable.any():
        return
    phase = np.ma.masked_array(
        np.where(reliable, folded, 0.0) * (np.pi / limit), ~reliable
    )
    turn = 2 * limit
    unwrapped = np.ma.getdata(unwrap_phase(phase, rng=0))  # type: ignore[no-untyped-call]
    turns = np.zeros(folded.shape, np.int64)
    turns[reliable] = np.rint((unwrapped / np.pi * limit - folded)[reliable] / turn)
    # A border of True: the edge of a frame cuts flow, it is not its rim.
    rim = reliable & ~ndimage.binary_erosion(reliable, border_value=1)
    regions, _ = ndimage.label(reliable)
    for k, part in enumerate(ndimage.find_objects(regions), start=1):
        region = regions[part] == k
        edge = region & rim[part]
        voters = turns[part][edge if edge.any() else region]
        base = voters.min()
        turns[part][region] -= base + np.bincount(voters - base).argmax()
    out[reliable] = folded[reliable] + turn * turns[reliable]
