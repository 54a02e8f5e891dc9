"""Tissue Doppler: velocities estimated from the echoes of moving tissue."""

from __future__ import annotations

import numpy as np

from cardium.core import FloatArray, Sector, Stream
from cardium.phantom.doppler import doppler_probe, kasai, pulse_rate
from cardium.phantom.motion import Floats
from cardium.phantom.receive import receive_packet, white_noise
from cardium.phantom.scatterers import Scatterers


def record_tissue_velocity(
    cloud: Scatterers,
    times: FloatArray,
    *,
    sector: Sector,
    velocity_limit: float,
    seed: int,
) -> Stream:
    """Record tissue Doppler of a cloud of scatterers.

    Parameters
    ----------
    cloud : Scatterers
        The tissue; that of the B-mode it is interleaved with.
    times : (T,) [s]
        When the packets are in their middle; all beams of a frame are taken at once.
    sector : Sector
        Where the samples lie.
    velocity_limit : float [m/s]
        Nyquist limit at which velocities fold.
    seed : int
        Seed of the noise.

    Returns
    -------
    stream : Stream
        ``tissue_velocity`` (time, range, beam) float32 [m/s], positive towards the
        probe, folded.

    Raises
    ------
    InvalidArgumentError
        If the limit is not positive, or too high for the depth.

    Notes
    -----
    Each frame is a packet of five pulses at the repetition frequency that belongs to
    the limit, estimated by `kasai` with no wall filter and averaged over three samples
    in range. In blood there is noise alone, 36 dB below myocardium, whose velocity is
    anything between the limits.

    Examples
    --------
    >>> from cardium.phantom.acquisition import begin
    >>> from cardium.phantom.patient import Patient
    >>> from cardium.phantom.probe import Placement, Probe
    >>> from cardium.phantom.scatterers import draw_scatterers
    >>> scene = begin(Patient(), what="b_mode 4ch", beats=1)
    >>> fan = Sector((0.01, 0.13), (-0.5, 0.5), (96, 24))
    >>> cloud = draw_scatterers(
    ...     scene.heart, scene.motion, probe=Probe.matched_to(fan), seed=0,
    ...     placement=Placement.apical(apex=(0.0, 0.03), tilt=0.0),
    ... )

    In systole, most of the wall comes towards the probe:

    >>> stream = record_tissue_velocity(
    ...     cloud, np.array([0.25]), sector=fan, velocity_limit=0.16, seed=0
    ... )
    >>> stream.shape, bool(np.median(stream.load()) > 0.01)
    ((1, 96, 24), True)
    """
    probe = doppler_probe(sector)
    prf = pulse_rate(velocity_limit, frequency=probe.frequency, depth=sector.depth[1])
    rng = np.random.default_rng(seed)
    velocity = np.empty((len(times), *sector.shape), np.float32)
    for frame, time in zip(velocity, times, strict=True):
        points, moving = move(cloud, float(time), duration=(_PULSES - 1) / prf)
        iq = receive_packet(
            points,
            moving,
            cloud.amplitude,
            probe=probe,
            interval=1 / prf,
            pulses=_PULSES,
        )
        iq += np.float32(10 ** (_NOISE_DB / 20)) * white_noise(rng, iq.shape)
        frame[...] = kasai(
            iq, prf=prf, frequency=probe.frequency, average=_AVERAGE
        ).velocity
    # Rounding may reach the limit itself, which is -limit.
    velocity[velocity >= velocity_limit] = -velocity_limit
    return Stream(
        "tissue_velocity",
        velocity,
        times,
        ("time", "range", "beam"),
        "m/s",
        geometry=sector,
        velocity_limit=velocity_limit,
    )


def move(cloud: Scatterers, time: float, *, duration: float) -> tuple[Floats, Floats]:
    """Tell where scatterers are and how they move in a packet.

    Parameters
    ----------
    cloud : Scatterers
        The tissue.
    time : float [s]
        The middle of the packet.
    duration : float [s]
        Time from its first to its last pulse.

    Returns
    -------
    points : (N, 3) [m]
        The middle between where they are at the first and at the last pulse.
    velocity : (N, 3) [m/s]
        Their way from the first to the last pulse by its duration.
    """
    first, last = (cloud.at(time + side * duration / 2) for side in (-1, 1))
    return (first + last) / 2, (last - first) / duration


_PULSES = 5
_AVERAGE = (3, 1)
_NOISE_DB = -36.0
