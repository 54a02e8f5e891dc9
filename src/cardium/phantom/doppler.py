"""Doppler estimates from packets of pulses: autocorrelation and wall filter."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Sector
from cardium.errors import InvalidArgumentError
from cardium.phantom.probe import SPEED_OF_SOUND, Probe

ComplexArray = NDArray[np.complexfloating[Any, Any]]


class Estimate(NamedTuple):
    """What a packet of pulses tells of each sample.

    Parameters
    ----------
    velocity : (...) [m/s]
        Mean velocity along the beam, positive towards the probe, folded into -v_N <= v
        < v_N.
    power : (...)
        Mean power of the pulses.
    variance : (...) [m^2/s^2]
        Variance of the velocities in the sample.
    """

    velocity: FloatArray
    power: FloatArray
    variance: FloatArray


def kasai(
    iq: ComplexArray,
    *,
    prf: float,
    frequency: float,
    average: tuple[int, int] = (1, 1),
    offset: ComplexArray | complex = 0.0,
) -> Estimate:
    """Estimate velocity, power and variance by the autocorrelation at one pulse's lag.

    Parameters
    ----------
    iq : (P, R, A) complex
        The signals of P pulses.
    prf : float [Hz]
        Pulse repetition frequency.
    frequency : float [Hz]
        Frequency of the carrier.
    average : (rows, columns)
        Samples in range and beams that the correlations are averaged over.
    offset : complex or (R, A) complex
        Correlation that is known to come from noise and is taken off; see
        `filtered_noise`.

    Returns
    -------
    estimate : Estimate
        Three arrays (R, A).

    Raises
    ------
    InvalidArgumentError
        If there are fewer than two pulses, or a frequency is not positive.

    Notes
    -----
    Kasai et al., IEEE Trans. Sonics Ultrason. 32(3), 1985. With the carrier's phase
    ``-4 pi f r / c``, what comes nearer turns it forwards, so that

        R1 = mean of I[p + 1] conj(I[p]),   v = c PRF / (4 pi f) arg R1,

    positive towards the probe. The Nyquist limit ``v_N = c PRF / (4 f)`` belongs to
    half a turn. The variance is ``(v_N / pi)^2 2 (1 - |R1| / R0)``, R0 being the mean
    power of the same pairs of pulses, which is never less than ``|R1|``.

    Examples
    --------
    A quarter of a turn from pulse to pulse is half the limit, 0.25 m/s here:

    >>> iq = np.exp(0.5j * np.pi * np.arange(4))[:, None, None]
    >>> estimate = kasai(iq, prf=1e4 / 1.54, frequency=5e6)
    >>> estimate.velocity.round(9), estimate.power.round(9)
    (array([[0.25]]), array([[1.]]))
    """
    if len(iq) < 2 or not min(prf, frequency) > 0:
        raise InvalidArgumentError(
            "kasai: needs two pulses at least and positive frequencies, got "
            f"{len(iq)} pulses, a PRF of {prf} Hz and a carrier of {frequency} Hz."
        )
    power = np.square(iq.real, dtype=float) + np.square(iq.imag, dtype=float)
    turned = np.mean(iq[1:] * np.conj(iq[:-1]), axis=0) - offset
    turned = _averaged(turned, average)
    pairs = _averaged((power[1:] + power[:-1]).mean(axis=0) / 2, average)
    limit = SPEED_OF_SOUND * prf / (4 * frequency)
    velocity = np.angle(turned) * (limit / math.pi)
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = np.where(pairs > 0, np.abs(turned) / pairs, 1.0)
    return Estimate(
        np.where(velocity >= limit, -limit, velocity),
        _averaged(power.mean(axis=0), average),
        (limit / math.pi) ** 2 * 2 * np.maximum(1 - alike, 0),
    )


def wall_filter(
    iq: ComplexArray, order: int, *, turn: FloatArray | None = None
) -> ComplexArray:
    """Take slow echoes out of packets: regression of a polynomial along the pulses.

    Parameters
    ----------
    iq : (P, ...) complex
        The signals of P pulses.
    order : int
        Order of the polynomial: 0 takes out what stands still, higher orders more.
    turn : (...) [rad], optional
        Phase from pulse to pulse of what shall be taken out, where it does not stand
        still: walls that move.

    Returns
    -------
    (P, ...) complex
        What the polynomials leave.

    Raises
    ------
    InvalidArgumentError
        If so few pulses would leave nothing.

    Notes
    -----
    Unlike a recursive filter it has no transient, and no pulse is lost (Bjaerum, Torp
    and Kristoffersen, IEEE UFFC 49(2), 2002). With `turn` the echoes of the wall are
    first brought to a stop, as Thomas and Hall do it (IEEE Ultrason. Symp. 1994), and
    what is left is set going again.

    Examples
    --------
    >>> ramp = np.arange(5.0)[:, None] + 1j
    >>> [round(float(abs(wall_filter(ramp, order)).max()), 9) for order in (0, 1)]
    [2.0, 0.0]
    """
    pulses = len(iq)
    if not 0 <= order < pulses - 1:
        raise InvalidArgumentError(
            f"wall_filter: order {order} needs more than {order + 1} pulses, got "
            f"{pulses}. Take a longer packet or a lower order."
        )
    kept, count = _remainder(pulses, order).astype(iq.real.dtype), _count(pulses)
    if turn is None:
        return np.asarray(np.tensordot(kept, iq, axes=1))
    going = np.exp(1j * np.multiply.outer(count, turn)).astype(iq.dtype)
    return np.asarray(going * np.tensordot(kept, iq * going.conj(), axes=1))


def filtered_noise(pulses: int, order: int) -> float:
    """Autocorrelation that a wall filter gives to white noise.

    Parameters
    ----------
    pulses : int
        Number of pulses of the packet.
    order : int
        Order of the polynomial that is taken out.

    Returns
    -------
    correlation : float
        Mean of ``I[p + 1] conj(I[p])`` for noise of power 1 before the filter. It is
        negative: what has lost its slow part seems to be as fast as can be.

    Examples
    --------
    Two pulses without their mean are opposite numbers:

    >>> round(filtered_noise(2, 0), 9)
    -0.5
    """
    kept = _remainder(pulses, order)
    return float(np.mean(np.sum(kept[1:] * kept[:-1], axis=1)))


def doppler_probe(sector: Sector) -> Probe:
    """Build a probe for Doppler pulses, whose resolution suits a sector.

    Parameters
    ----------
    sector : Sector
        Where the samples lie.

    Returns
    -------
    probe : Probe
        Its carrier of 2.2 MHz is below that of the B-mode, for a higher limit, and its
        beams have weaker side lobes, for walls would drown the blood beside them.

    Examples
    --------
    >>> doppler_probe(Sector((0.02, 0.12), (-0.4, 0.4), (101, 33))).frequency
    2200000.0
    """
    return replace(Probe.matched_to(sector), frequency=2.2e6, side_lobes=-46.0)


def pulse_rate(velocity_limit: float, *, frequency: float, depth: float) -> float:
    """Choose the pulse repetition frequency of a Nyquist limit.

    Parameters
    ----------
    velocity_limit : float [m/s]
        The Nyquist limit.
    frequency : float [Hz]
        Frequency of the carrier.
    depth : float [m]
        Greatest depth that echoes come from.

    Returns
    -------
    prf : float [Hz]
        ``4 f v_N / c``.

    Raises
    ------
    InvalidArgumentError
        If the limit is not positive, or the echo of a pulse from that depth would come
        after the next pulse: ``v_N depth <= c^2 / (8 f)``.

    Examples
    --------
    >>> round(pulse_rate(0.5, frequency=2e6, depth=0.15))
    2597
    """
    most = SPEED_OF_SOUND**2 / (8 * frequency * depth)
    if not 0 < velocity_limit <= most:
        raise InvalidArgumentError(
            f"pulse_rate: at a depth of {100 * depth:.1f} cm and {frequency / 1e6:.1f} "
            f"MHz the velocity limit can be 0 to {most:.2f} m/s, got {velocity_limit}. "
            "A higher limit needs pulses faster than echoes come back."
        )
    return 4 * frequency * velocity_limit / SPEED_OF_SOUND


def _count(pulses: int) -> FloatArray:
    """Return the numbers of the pulses, counted from the middle of the packet."""
    return np.arange(pulses, dtype=float) - (pulses - 1) / 2


def _remainder(pulses: int, order: int) -> FloatArray:
    """Matrix (P, P) that takes a polynomial's best fit out of a packet."""
    basis, _ = np.linalg.qr(np.vander(_count(pulses), order + 1))
    return np.asarray(np.eye(pulses) - basis @ basis.T)


def _averaged(values: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Average over a neighbourhood in range and beam."""
    if size == (1, 1):
        return values
    from scipy.ndimage import uniform_filter

    return np.asarray(uniform_filter(values, size, mode="nearest", axes=(-2, -1)))
