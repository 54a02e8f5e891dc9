"""How far predicted velocities are from measured ones, which fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.errors import InvalidArgumentError


@dataclass(frozen=True, slots=True)
class VelocityError:
    """Errors of a velocity field; signs as in *prediction minus truth*.

    Parameters
    ----------
    mean_absolute : float [m/s]
        Mean of the folded difference's size.
    percent_of_limit : float [%]
        The same, as a share of the Nyquist limit: uniform noise gives 50.
    bias : float [m/s]
        Mean of the folded difference.
    samples : int
        How many samples were compared.
    """

    mean_absolute: float
    percent_of_limit: float
    bias: float
    samples: int


def folded_difference(
    prediction: NDArray[Any], truth: NDArray[Any], *, velocity_limit: float
) -> NDArray[Any]:
    r"""Return prediction minus truth, folded into -limit .. limit.

    .. math:: d = ((p - t + L) \bmod 2L) - L

    Parameters
    ----------
    prediction : (...) [m/s]
        Predicted velocities; they may exceed the limit.
    truth : same shape [m/s]
        Measured velocities.
    velocity_limit : float [m/s]
        The Nyquist limit of the measurement.

    Returns
    -------
    (...) [m/s]
        The smallest difference that folding cannot tell from the true one.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ or the limit is not positive.

    Notes
    -----
    A pulsed Doppler measures a phase, which is known up to whole turns; +limit and
    -limit are one velocity (Jensen, *Estimation of Blood Velocities Using
    Ultrasound*, 1996, chapter 6).

    Examples
    --------
    >>> folded_difference(np.array([0.7]), np.array([-0.7]), velocity_limit=0.75)
    array([-0.1])
    """
    if prediction.shape != truth.shape:
        raise InvalidArgumentError(
            f"Velocities of shape {prediction.shape} and {truth.shape} cannot be "
            "compared. Resample one onto the other."
        )
    if not velocity_limit > 0:
        raise InvalidArgumentError(
            f"The velocity limit must be positive, got {velocity_limit}."
        )
    turn = 2 * velocity_limit
    folded: NDArray[Any] = (prediction - truth + velocity_limit) % turn - velocity_limit
    return folded


def velocity_error(
    prediction: NDArray[Any], truth: NDArray[Any], *, velocity_limit: float
) -> VelocityError:
    """Compare two velocity fields where both have a value.

    Parameters
    ----------
    prediction : (...) [m/s]
        Predicted velocities; NaN where there is none.
    truth : same shape [m/s]
        Measured velocities; NaN where nothing was measured.
    velocity_limit : float [m/s]
        The Nyquist limit of the measurement.

    Returns
    -------
    VelocityError
        All NaN, of no samples, if there is none to compare.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ or the limit is not positive.

    Examples
    --------
    >>> error = velocity_error(
    ...     np.array([0.02, 0.06, 0.0]), np.array([0.0, 0.1, np.nan]),
    ...     velocity_limit=0.15,
    ... )
    >>> round(100 * error.mean_absolute, 6), round(100 * error.bias, 6)  # cm/s
    (3.0, -1.0)
    >>> round(error.percent_of_limit, 6), error.samples
    (20.0, 2)
    """
    difference = folded_difference(
        np.asarray(prediction, np.float64),
        np.asarray(truth, np.float64),
        velocity_limit=velocity_limit,
    )
    difference = difference[np.isfinite(difference)]
    if not difference.size:
        return VelocityError(float("nan"), float("nan"), float("nan"), 0)
    size = float(np.abs(difference).mean())
    return VelocityError(
        size, 100 * size / velocity_limit, float(difference.mean()), difference.size
    )
