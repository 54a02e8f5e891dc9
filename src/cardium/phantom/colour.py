"""Colour Doppler of the blood, estimated from its echoes, with its unfolded truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from cardium.core import FloatArray, Sector, Stream
from cardium.errors import UnknownNameError
from cardium.phantom.acquisition import (
    Acquisition,
    Truth,
    begin,
    ecg_stream,
    image_times,
    reach,
    state_truth,
)
from cardium.phantom.anatomy import Heart
from cardium.phantom.doppler import (
    doppler_probe,
    filtered_noise,
    kasai,
    pulse_rate,
    wall_filter,
)
from cardium.phantom.flow import Flow
from cardium.phantom.imaging import b_mode
from cardium.phantom.motion import Motion
from cardium.phantom.patient import Patient
from cardium.phantom.probe import Placement, Probe
from cardium.phantom.receive import Complex, receive_packet, white_noise
from cardium.phantom.scatterers import Scatterers, draw_scatterers
from cardium.phantom.tissue import move
from cardium.phantom.views import hold_probe, outline, turn_about_axis

FLOW_VIEWS = ("4ch", "3ch", "plax")
"""Views that show how blood comes into the left ventricle or goes out of it."""


@dataclass(frozen=True, slots=True)
class FlowExamination:
    """A simulated recording of colour Doppler.

    Parameters
    ----------
    view : {"4ch", "3ch", "plax"}
        How the probe was held.
    heart : Heart
        The patient's heart.
    placement : Placement
        Where it lies under the probe.
    streams : mapping of str to Stream
        ``b_mode`` (grey), ``colour_velocity`` (m/s), ``colour_power`` (0..1) in a box
        of its own, midway between the images, and ``ecg``.
    velocity : (T, R, A) [m/s]
        The true velocity of blood along the beam, unfolded, positive towards the probe;
        NaN where no blood moves.
    qrs_times : (K,) [s]
        Times of the R peaks.
    truth : Truth
        What is exactly known of the ventricle, at the times of ``b_mode``.
    motion : Motion
        How the heart moves.
    """

    view: str
    heart: Heart
    placement: Placement
    streams: Mapping[str, Stream]
    velocity: FloatArray
    qrs_times: FloatArray
    truth: Truth
    motion: Motion


def simulate_flow(
    patient: Patient,
    *,
    view: str = "4ch",
    preset: str = "tiny",
    velocity_limit: float = 0.6,
) -> FlowExamination:
    """Simulate colour Doppler of the left heart.

    Parameters
    ----------
    patient : Patient
        Who is examined; the same patient gives the same samples, bit for bit.
    view : {"4ch", "3ch", "plax"}
        Apical four-chamber or long-axis view, or parasternal long-axis view.
    preset : {"tiny", "bench", "full"}
        ``"tiny"``: one beat, a box of 64 x 28 samples, 13 frames a second. ``"bench"``:
        the same at 12 frames a second, of as many beats as 36 frames take. ``"full"``:
        two beats, 180 x 70 samples, 13 frames a second.
    velocity_limit : float [m/s]
        Nyquist limit at which velocities fold.

    Returns
    -------
    examination : FlowExamination
        Streams in memory and truth.

    Raises
    ------
    UnknownNameError
        If there is no such preset or view.
    InvalidArgumentError
        If the limit is not positive, or too high for the depth of the box.

    Notes
    -----
    Each frame is a packet of ten pulses. Walls send echoes that move with `Motion`,
    blood sends echoes 26 dB weaker that move with `Flow` and its turbulence: its
    scatterers are drawn anew in each frame. `wall_filter` takes straight lines along
    the packet out of all echoes, and cubic ones out of those that only a wall can send;
    echoes of walls are first brought to a stop. Then follows `kasai`, over three
    samples in range. What seems slower than a seventh of the limit is rejected, as
    scanners do: its power is 0.15 at most.

    Power is 0.7 where it is that of blood, and 0.025 more or less for each decibel.
    Where there is noise alone the velocity is anything between the limits and the power
    below 0.3. All beams of a frame are taken at once.

    Examples
    --------
    >>> from cardium.phantom.patient import Patient
    >>> exam = simulate_flow(Patient(number=3))
    >>> velocity, power = (exam.streams[f"colour_{n}"] for n in ("velocity", "power"))
    >>> velocity.shape[1:], velocity.velocity_limit
    ((64, 28), 0.6)
    >>> fast = abs(np.nan_to_num(exam.velocity)) > 0.3
    >>> bool(np.median(power.load()[fast]) > 0.6)
    True
    """
    if preset not in _PRESETS:
        raise UnknownNameError("preset", preset, _PRESETS)
    if view not in FLOW_VIEWS:
        raise UnknownNameError("view", view, FLOW_VIEWS)
    size = _PRESETS[preset]
    scene = begin(
        patient,
        what=f"colour {view}",
        beats=size.beats,
        seconds=size.least_frames / size.rate,
    )
    placement = hold_probe(scene, view)
    times = image_times(scene.rhythm.r_times, size.rate)
    between = (times[:-1] + times[1:]) / 2
    wall = outline(scene.motion, placement, times, layers=2)
    box = _box(view, wall[:, 0], size.box)
    flow = Flow.of(scene.heart, scene.motion)
    streams = {
        "b_mode": _film(scene, times, _fan(wall, size.b_mode), placement, size.density),
        **_record(scene, flow, between, box, placement, velocity_limit),
        "ecg": ecg_stream(scene.rhythm),
    }
    return FlowExamination(
        view,
        scene.heart,
        placement,
        streams,
        _along_beams(flow, between, box, placement),
        scene.rhythm.r_times,
        state_truth(scene.motion, times, rotation=turn_about_axis(placement)),
        scene.motion,
    )


@dataclass(frozen=True, slots=True)
class _Preset:
    """Size of a recording."""

    beats: int
    b_mode: tuple[int, int]
    box: tuple[int, int]
    density: float
    rate: float = 13.0
    least_frames: int = 0


_PRESETS = {
    "tiny": _Preset(1, (192, 64), (64, 28), 2.0),
    "bench": _Preset(1, (192, 64), (64, 28), 2.0, 12.0, 36),
    "full": _Preset(2, (512, 160), (180, 70), 4.0),
}
_BELOW = 0.04
_AROUND = 0.08
_LEAST_HALF_ANGLE = 0.6
_PULSES = 10
_ORDERS = (1, 3)
_AVERAGE = (3, 1)
_CLUTTER_AVERAGE = (5, 3)
_BLOOD_DB = -26.0
_NOISE_DB = -48.0
_SLOW = 1 / 7
_MIXED_DB = -20.0
_WALL_DB = -12.0
_BLOOD_POWER = 0.7
_POWER_PER_DB = 1 / 40
_REJECTED_POWER = 0.15
_SLICE_WIDTHS = 2.5
_SIGNS = np.array([-1, 1], np.float32)
_MARGIN_WIDTHS = 3.5


def _fan(wall: FloatArray, shape: tuple[int, int]) -> Sector:
    """Fan of the B-mode, its depth in whole centimetres."""
    (_, deepest), angles = reach(wall)
    depth = math.ceil(100 * (deepest + _BELOW)) / 100
    half = max(abs(angles).max() + 0.06, _LEAST_HALF_ANGLE)
    return Sector((0.0, depth), (-half, half), shape)


def _box(view: str, endocardium: FloatArray, shape: tuple[int, int]) -> Sector:
    """Box of the colour: ventricle and inflow, or from beside both valves."""
    if view == "plax":
        beside = endocardium[..., 0] > np.median(endocardium[..., 0])
        (near, far), (left, right) = reach(endocardium[beside])
        return Sector((near, far), (left, right + _AROUND), shape)
    (near, far), (left, right) = reach(endocardium)
    return Sector((near, far + _BELOW / 2), (left - _AROUND, right + _AROUND), shape)


def _film(
    scene: Acquisition,
    times: FloatArray,
    fan: Sector,
    placement: Placement,
    density: float,
) -> Stream:
    """Record the B-mode."""
    grey = b_mode(
        scene.heart,
        scene.motion,
        times,
        probe=replace(Probe.matched_to(fan), density=density),
        placement=placement,
        seed=int(scene.rng.integers(2**32)),
    )
    return Stream(
        "b_mode", grey, times, ("time", "range", "beam"), "grey", geometry=fan
    )


def _record(
    scene: Acquisition,
    flow: Flow,
    times: FloatArray,
    box: Sector,
    placement: Placement,
    limit: float,
) -> dict[str, Stream]:
    """Record velocity and power."""
    probe = doppler_probe(box)
    prf = pulse_rate(limit, frequency=probe.frequency, depth=box.depth[1])
    cloud = draw_scatterers(
        scene.heart,
        scene.motion,
        probe=probe,
        placement=placement,
        seed=int(scene.rng.integers(2**32)),
    )
    shape = (len(times), *box.shape)
    velocity, power = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for k, time in enumerate(times.tolist()):
        iq = _tissue(cloud, time, probe, prf)
        iq += _blood(flow, time, probe, placement, prf, scene.rng)
        iq += np.float32(_amplitude(_NOISE_DB)) * white_noise(scene.rng, iq.shape)
        velocity[k], power[k] = _estimate(iq, prf, probe.frequency, limit)
    # Rounding may reach the limit itself, which is -limit.
    velocity[velocity >= limit] = -limit
    dims = ("time", "range", "beam")
    return {
        "colour_velocity": Stream(
            "colour_velocity",
            velocity,
            times,
            dims,
            "m/s",
            geometry=box,
            velocity_limit=limit,
        ),
        "colour_power": Stream("colour_power", power, times, dims, "", geometry=box),
    }


def _tissue(cloud: Scatterers, time: float, probe: Probe, prf: float) -> Complex:
    """Receive a packet of what is not blood."""
    points, moving = move(cloud, time, duration=(_PULSES - 1) / prf)
    return receive_packet(
        points, moving, cloud.amplitude, probe=probe, interval=1 / prf, pulses=_PULSES
    )


def _blood(
    flow: Flow,
    time: float,
    probe: Probe,
    placement: Placement,
    prf: float,
    rng: np.random.Generator,
) -> Complex:
    """Receive a packet of blood, whose scatterers are drawn anew."""
    points = _draw_in_slice(probe, rng)
    places = placement.to_heart(points)
    velocity = flow.velocity(places, time)
    moves = np.isfinite(velocity).all(axis=-1)
    points, places, velocity = points[moves], places[moves], velocity[moves]
    deviation = flow.turbulence(places, time)
    velocity = velocity + deviation[:, None] * rng.standard_normal(velocity.shape)
    amplitude = _amplitude(_BLOOD_DB) / math.sqrt(probe.density)
    return receive_packet(
        points,
        placement.turn_to_image(velocity),
        np.float32(amplitude) * rng.choice(_SIGNS, len(points)),
        probe=probe,
        interval=1 / prf,
        pulses=_PULSES,
    )


def _draw_in_slice(probe: Probe, rng: np.random.Generator) -> FloatArray:
    """Draw points of the slice around the box, equally many in each cell, (N, 3)."""
    sector = probe.sector
    down = _MARGIN_WIDTHS * probe.range_width
    across = _MARGIN_WIDTHS * probe.beam_width
    (near, far), (left, right) = sector.depth, sector.angle
    near, far, left, right = near - down, far + down, left - across, right + across
    cell = math.pi**1.5 * probe.range_width * probe.beam_width
    count = probe.density * 2 * _SLICE_WIDTHS * (far - near) * (right - left) / cell
    reach, angle, aside = rng.random((3, int(count)))
    reach, angle = near + (far - near) * reach, left + (right - left) * angle
    y = _SLICE_WIDTHS * (2 * aside - 1) * probe.elevation(reach)
    return np.stack([reach * np.sin(angle), y, reach * np.cos(angle)], axis=-1)


def _estimate(
    iq: Complex, prf: float, frequency: float, limit: float
) -> tuple[FloatArray, FloatArray]:
    """Estimate velocity [m/s] and power (0..1) of what flows."""
    raw = kasai(iq, prf=prf, frequency=frequency, average=_CLUTTER_AVERAGE)
    mixed, wall = (raw.power > _amplitude(2 * level) for level in (_MIXED_DB, _WALL_DB))
    halted = mixed | (abs(raw.velocity) < _SLOW * limit)
    turn = np.where(halted, raw.velocity * (math.pi / limit), 0.0)
    low, high = (wall_filter(iq, order, turn=turn) for order in _ORDERS)
    noise = np.where(wall, *(filtered_noise(_PULSES, order) for order in _ORDERS[::-1]))
    seen = kasai(
        np.where(wall, high, low),
        prf=prf,
        frequency=frequency,
        average=_AVERAGE,
        offset=np.asarray(
            _amplitude(2 * _NOISE_DB) * noise * np.exp(1j * turn), complex
        ),
    )
    level = 10 * np.log10(seen.power) - _BLOOD_DB
    power = np.clip(_BLOOD_POWER + level * _POWER_PER_DB, 0, 1)
    slow = abs(seen.velocity) < _SLOW * limit
    return seen.velocity, np.where(slow, np.minimum(power, _REJECTED_POWER), power)


def _amplitude(level: float) -> float:
    """Amplitude of a level [dB]."""
    return float(10 ** (level / 20))


def _along_beams(
    flow: Flow, times: FloatArray, box: Sector, placement: Placement
) -> FloatArray:
    """Velocity of blood towards the probe at every sample, NaN where none moves."""
    x, z = box.points()
    places = placement.to_heart(np.stack([x, np.zeros_like(x), z], axis=-1))
    angle = box.angles
    beams = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=-1)
    away = placement.turn_to_heart(beams)
    moving = [
        flow.velocity(places.reshape(-1, 3), float(time)).reshape(places.shape)
        for time in times
    ]
    return np.asarray(-np.sum(np.stack(moving) * away, axis=-1))
