"""From point scatterers to demodulated (IQ) signals on the beams of a probe."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError
from cardium.phantom.probe import SPEED_OF_SOUND, Probe

Complex = NDArray[np.complex64]
Floats = NDArray[np.floating[Any]]


def receive(points: Floats, amplitude: NDArray[np.float32], *, probe: Probe) -> Complex:
    """Receive the demodulated (IQ) signal of point scatterers.

    Parameters
    ----------
    points : (N, 3) [m]
        Where the scatterers are, in the probe's frame.
    amplitude : (N,)
        Their echo amplitudes.
    probe : Probe
        Its fan, carrier and resolution.

    Returns
    -------
    iq : (R, A) complex64
        A scatterer of amplitude 1 at a sample has magnitude 1 there.

    Notes
    -----
    A scatterer at distance r adds ``exp(-i 4 pi f r / c)`` times the Gaussian pulse
    and the beam's profile, the COLE model of Gao et al. 2009: the carrier's phase is
    exact, the envelope is placed to a quarter of a sample, which keeps moving speckle
    from flickering (Storve et al. 2017). In beamspace the profile is the same along an
    arc, so two one-dimensional convolutions make the image, the second with the
    profile of each depth.

    Examples
    --------
    >>> from cardium.core import Sector
    >>> sector = Sector(depth=(0.02, 0.06), angle=(-0.2, 0.2), shape=(81, 21))
    >>> probe = Probe(sector, range_width=0.0005, beam_width=0.02)
    >>> iq = receive(np.array([[0.0, 0.0, 0.04]]), np.ones(1, np.float32), probe=probe)
    >>> np.unravel_index(abs(iq).argmax(), iq.shape), round(float(abs(iq).max()), 3)
    ((np.int64(40), np.int64(10)), 1.0)
    """
    return blur(splat(points, amplitude, probe), probe)


def receive_packet(
    points: Floats,
    velocity: Floats,
    amplitude: NDArray[np.float32],
    *,
    probe: Probe,
    interval: float,
    pulses: int,
) -> Complex:
    """Receive the signals of moving scatterers for each pulse of a Doppler packet.

    Parameters
    ----------
    points : (N, 3) [m]
        Where the scatterers are in the middle of the packet, in the probe's frame.
    velocity : (N, 3) [m/s]
        How they move, straight on during the packet.
    amplitude : (N,)
        Their echo amplitudes.
    probe : Probe
        Its fan, carrier and resolution.
    interval : float [s]
        Time from pulse to pulse, 1 / PRF.
    pulses : int
        Number of pulses.

    Returns
    -------
    iq : (P, R, A) complex64
        Pulse p meets the scatterers at ``points + velocity * interval * (p - (P - 1) /
        2)``.

    Raises
    ------
    InvalidArgumentError
        If there are fewer than two pulses or the interval is not positive.

    Notes
    -----
    The distance and with it the phase of each echo is exact at each pulse. The envelope
    moves along: each echo is shared out to the four cells around it, in proportion, for
    an envelope that jumped from cell to cell would be heard as noise. Sharing widens
    the profiles by 1/6 cell squared, in variance.

    Examples
    --------
    Between two pulses, a scatterer that comes 0.02 mm nearer turns the phase by
    ``4 pi f / c`` times that, 0.55 rad:

    >>> from cardium.core import Sector
    >>> sector = Sector(depth=(0.02, 0.06), angle=(-0.2, 0.2), shape=(81, 21))
    >>> probe = Probe(sector, range_width=0.0005, beam_width=0.02)
    >>> place, towards = np.array([[0.0, 0.0, 0.04]]), np.array([[0.0, 0.0, -0.02]])
    >>> first, second = receive_packet(
    ...     place, towards, np.ones(1, np.float32), probe=probe, interval=1e-3, pulses=2
    ... )[:, 40, 10]
    >>> round(float(np.angle(second * np.conj(first))), 2)
    0.55
    """
    from cardium.phantom._receive_kernels import add_packets

    if pulses < 2 or not interval > 0:
        raise InvalidArgumentError(
            "receive_packet: a packet needs two pulses at least and a positive "
            f"interval, got {pulses} pulses every {interval} s."
        )
    grid = np.zeros((*grid_shape(probe), pulses), np.complex64)
    steps = np.ascontiguousarray(velocity, float) * interval
    places = np.ascontiguousarray(points, float)
    add_packets(places, steps, _single(amplitude), *_scales(probe), grid)
    return np.ascontiguousarray(np.moveaxis(_convolve(grid, probe), -1, 0))


_OVERSAMPLING = 2
_PULSE_WIDTHS = 3.0


def _spacing(probe: Probe) -> tuple[float, float]:
    """Size of a cell of the oversampled grid, [m] and [rad]."""
    sector = probe.sector
    return sector.range_spacing / _OVERSAMPLING, sector.beam_spacing / _OVERSAMPLING


def _margins(probe: Probe) -> tuple[int, int]:
    """Cells around the sector whose scatterers reach into it."""
    down, across = _spacing(probe)
    return (
        math.ceil(_PULSE_WIDTHS * probe.range_width / down),
        math.ceil(probe.beam_reach / across),
    )


def grid_shape(probe: Probe) -> tuple[int, int]:
    """Size of the oversampled grid with its margins."""
    (rows, columns), (down, across) = probe.sector.shape, _margins(probe)
    return (
        _OVERSAMPLING * (rows - 1) + 1 + 2 * down,
        _OVERSAMPLING * (columns - 1) + 1 + 2 * across,
    )


def splat(points: Floats, amplitude: NDArray[np.float32], probe: Probe) -> Complex:
    """Add the scatterers, with their carrier's phase, to the oversampled grid."""
    from cardium.phantom._receive_kernels import add_echoes

    grid = np.zeros(grid_shape(probe), np.complex64)
    places = np.ascontiguousarray(points)
    add_echoes(places, _single(amplitude), *_scales(probe), grid)
    return grid


def blur(grid: Complex, probe: Probe) -> Complex:
    """Convolve with pulse and beam profiles, and keep the samples of the sector."""
    return np.ascontiguousarray(_convolve(grid[..., None], probe)[..., 0])


def white_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Complex:
    """Draw complex white noise of mean power 1.

    Parameters
    ----------
    rng : Generator
        Draws it.
    shape : tuple of int
        Shape of the array, of any number of dimensions.

    Returns
    -------
    noise : (*shape) complex64
        Independent numbers of mean 0; the mean of ``|noise|^2`` is 1.

    Notes
    -----
    Real and imaginary parts are Gaussian in steps: each is one of 65536 equally likely
    numbers, 4.2 standard deviations at most, which is fast to look up.

    Examples
    --------
    >>> noise = white_noise(np.random.default_rng(0), (100, 100))
    >>> noise.shape, round(float(np.mean(abs(noise) ** 2)), 1)
    ((100, 100), 1.0)
    """
    from cardium.phantom._receive_kernels import look_up

    noise = np.empty(shape, np.complex64)
    codes = np.frombuffer(rng.bytes(4 * noise.size), "<u2")
    look_up(codes, _gaussian_steps(), noise.reshape(-1).view(np.float32))
    return noise


@lru_cache(maxsize=1)
def _gaussian_steps() -> NDArray[np.float32]:
    """Numbers that are equally likely under a Gaussian of variance 1/2, (65536,)."""
    from scipy.special import ndtri

    steps = ndtri((np.arange(65536) + 0.5) / 65536)
    return np.asarray(steps * math.sqrt(0.5 / np.mean(steps**2)), np.float32)


def _single(amplitude: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Lay out amplitudes as the kernels want them."""
    return np.ascontiguousarray(amplitude, np.float32)


def _scales(
    probe: Probe,
) -> tuple[tuple[float, float], tuple[float, float], FloatArray, float]:
    """Rows of distances, columns of angles, slice of each row, turns per metre."""
    sector, (cell, turn), (down, across) = (
        probe.sector,
        _spacing(probe),
        _margins(probe),
    )
    first = sector.depth[0] - down * cell
    depth = first + np.arange(grid_shape(probe)[0]) * cell
    return (
        (first, 1 / cell),
        (sector.angle[0] - across * turn, 1 / turn),
        np.ascontiguousarray(probe.elevation(np.maximum(depth, 0.0))),
        2 * probe.frequency / SPEED_OF_SOUND,
    )


def _convolve(grid: Complex, probe: Probe) -> Complex:
    """Convolve (rows, columns, P) with the profiles, to the sector's (R, A, P)."""
    from cardium.phantom._receive_kernels import convolve

    (down, across), (rows, columns) = _spacing(probe), _margins(probe)
    pulse = np.exp(-((np.arange(-rows, rows + 1) * down / probe.range_width) ** 2) / 2)
    angle = np.arange(-columns, columns + 1, dtype=float) * across
    beams = probe.beam_profile(probe.sector.depths[:, None], angle)
    out = np.empty((*probe.sector.shape, grid.shape[2]), np.complex64)
    convolve(
        np.ascontiguousarray(grid).view(np.float32),
        pulse.astype(np.float32),
        beams.astype(np.float32),
        out.view(np.float32),
    )
    return out
