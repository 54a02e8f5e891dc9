"""How a Doppler spectrum is drawn from the velocities in a sample volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray


@dataclass(frozen=True, slots=True)
class Samples:
    """Velocities along the beam at the points of a sample volume.

    Parameters
    ----------
    velocity : (T, P) [m/s]
        Positive towards the probe; NaN where nothing moves.
    deviation : (T, P) [m/s]
        Turbulence.
    weight : (P,)
        Sensitivity.
    """

    velocity: FloatArray
    deviation: FloatArray
    weight: FloatArray


def draw_lines(
    samples: Samples,
    rows: FloatArray,
    *,
    folds: bool,
    wall_filter: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Draw the lines (T, V) of a spectrum in grey levels.

    Parameters
    ----------
    samples : Samples
        What moves in the sample volume.
    rows : (V,) [m/s]
        Velocities of the rows, descending.
    folds : bool
        Whether velocities beyond the rows come back from the other side.
    wall_filter : float [m/s]
        Slower flow is filtered out; 0 for tissue.
    rng : Generator
        Draws the speckle.
    """
    power = expected_power(samples, rows, folds=folds)
    if wall_filter > 0:
        power *= 1 - np.exp(-((rows / wall_filter) ** 6))
    power /= np.quantile(power.max(axis=1), _BRIGHT)
    power += 10 ** (_NOISE_DB / 10)
    power *= _speckle(power.shape, rng)
    level = _WHITE + 10 * np.log10(power) / _DYNAMIC_RANGE
    return np.asarray(255 * np.clip(level, 0, 1), np.float32)


def expected_power(samples: Samples, rows: FloatArray, *, folds: bool) -> FloatArray:
    """Sum a Gaussian for each point of the sample volume, without speckle, (T, V).

    Velocities are counted in narrow bins, for some widths of turbulence each, and the
    counts are then spread by the band of their bin.
    """
    step = float(rows[0] - rows[1])
    limit = (rows[0] - rows[-1]) / 2
    count = 4 * len(rows)
    fastest = max(float(np.nanmax(abs(samples.velocity), initial=0)), step)
    bins = np.linspace(-1.001 * fastest, 1.001 * fastest, count)
    power = np.zeros((len(samples.velocity), len(rows)))
    nothing = ~np.isfinite(samples.velocity)
    velocity = np.where(nothing, 0.0, samples.velocity)
    weight = np.where(nothing, 0.0, samples.weight)
    level = np.digitize(samples.deviation, _DEVIATIONS)
    lines = np.broadcast_to(np.arange(len(velocity))[:, None], velocity.shape)
    at = (velocity - bins[0]) / (bins[1] - bins[0])
    low = np.floor(at).astype(np.intp)
    for k in range(len(_DEVIATIONS) + 1):
        here = (level == k) & (weight > 0)
        if not here.any():
            continue
        deviation = float(samples.deviation[here].mean())
        counts = np.zeros((len(velocity), count))
        share = (at - low)[here]
        for shift, part in ((0, 1 - share), (1, share)):
            place = lines[here] * count + low[here] + shift
            counts += np.bincount(
                place, weight[here] * part, minlength=counts.size
            ).reshape(counts.shape)
        transit = _TRANSIT["gate" if folds else "beam"] * bins
        width = np.sqrt((_WINDOW * step) ** 2 + transit**2 + deviation**2)
        apart = rows[:, None] - bins
        if folds:
            apart = np.mod(apart + limit, 2 * limit) - limit
        power += counts @ (np.exp(-((apart / width) ** 2) / 2) * (step / width)).T
    return power


_DEVIATIONS = np.array([0.02, 0.06, 0.12, 0.25, 0.5, 1.0])
_WINDOW = 1.2
_TRANSIT = {"gate": 0.04, "beam": 0.02}
_NOISE_DB = -40.0
_DYNAMIC_RANGE = 45.0
_WHITE = 0.97
_BRIGHT = 0.9
_LOOKS = 3
_CORRELATED = (0.7, 0.5)


def _speckle(shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """Mean of independent exponential powers, each correlated within the window."""
    from scipy.ndimage import gaussian_filter

    total = np.zeros(shape)
    for _ in range(2 * _LOOKS):
        wave = gaussian_filter(rng.standard_normal(shape), _CORRELATED, mode="wrap")
        total += wave**2
    return np.asarray(total / total.mean())
