"""Tissue velocity at a gate against the phantom's analytic velocity."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import Gate, PlaneGrid, Sector, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.measure.velocity import gate_velocity, jumps, tissue_peaks
from cardium.phantom.imaging import beam_velocity
from cardium.phantom.probe import Placement
from cardium.signal.doppler import fold
from measure.conftest import beating_heart, plane_to_image

SECTOR = Sector((0.02, 0.16), (-0.6, 0.6), (141, 61))
HELD = Placement.apical(apex=(0.004, 0.035), tilt=0.05)
DIMS = ("time", "range", "beam")


def annular_gate(beating, side: int) -> Gate:
    """A sample volume 6 mm above the base, in the middle of the wall."""
    base = beating.heart.ventricle.layer_points(0.5, 61)[side] - (0, 0.006)
    depth, angle = SECTOR.polar_of(*plane_to_image(HELD, base))
    return Gate("tissue_velocity", float(angle), float(depth), 0.004)


def film(beating, *, limit: float = 0.16) -> Stream:
    time = np.arange(0, beating.time[-1], 1 / 120)
    exact = beam_velocity(beating.motion, time, sector=SECTOR, placement=HELD)
    values = fold(exact, limit)
    return Stream(
        "tissue_velocity", values, time, DIMS, "m/s", SECTOR, velocity_limit=limit
    )


def true_velocity(beating, gate: Gate, times) -> np.ndarray:
    """Velocity towards the probe of the tissue at the middle of a gate [m/s]."""
    beam = np.array([np.sin(gate.angle), 0, np.cos(gate.angle)])
    place = HELD.to_heart(gate.depth * beam[None])
    ahead = HELD.to_heart((gate.depth - 1e-3) * beam[None]) - place
    towards = ahead[0] / np.linalg.norm(ahead)
    return np.array(
        [beating.motion.velocity(place, float(t))[0] @ towards for t in times]
    )


@pytest.mark.parametrize("side", [0, -1])
@pytest.mark.parametrize("seed", [0, 4])
def test_peaks_are_those_of_the_analytic_velocity(seed: int, side: int) -> None:
    beating = beating_heart(seed)
    gate = annular_gate(beating, side)
    start, stop = beating.r_peaks
    fine = np.linspace(start, stop, 700)
    true = 100 * true_velocity(beating, gate, fine)
    late = fine > beating.motion.cycle.beats[0].late[0]
    found = tissue_peaks(gate_velocity(film(beating), gate), (start, stop))
    assert found.s_prime_cm_s == pytest.approx(true.max(), abs=0.07)
    assert found.e_prime_cm_s == pytest.approx(-true[~late].min(), abs=0.07)
    assert found.a_prime_cm_s == pytest.approx(-true[late].min(), abs=0.07)
    assert start < found.s_time < beating.es_time < found.e_time < found.a_time < stop
    assert 3 < found.s_prime_cm_s < 15


def test_folded_velocities_are_averaged_as_phasors() -> None:
    """15 and 17 cm/s seen with a limit of 16 cm/s: their mean is 16, not -1 cm/s."""
    values = np.full((1, *SECTOR.shape), 0.15)
    values[:, 1::2] = 0.17 - 0.32
    velocity = Stream(
        "tissue_velocity",
        values,
        np.zeros(1),
        DIMS,
        "m/s",
        SECTOR,
        velocity_limit=0.16,
    )
    # An even number of samples: half of either.
    gate = Gate("tissue_velocity", 0.0, 0.0805, 0.007)
    found = gate_velocity(velocity, gate).load()
    assert abs(found) == pytest.approx([0.16], abs=1e-9)


def test_a_gate_is_placed_by_depth_and_angle() -> None:
    depth = np.broadcast_to(SECTOR.depths[:, None], SECTOR.shape)
    angle = np.broadcast_to(SECTOR.angles, SECTOR.shape)
    field = (depth + 0.1 * angle)[None]
    velocity = Stream("tissue_velocity", field, np.zeros(1), DIMS, "m/s", SECTOR)
    for at in [(0.1, 0.071), (-0.33, 0.12), (0.6, 0.16 - 0.003)]:
        gate = Gate("tissue_velocity", *at, 0.006)
        assert gate_velocity(velocity, gate).load() == pytest.approx(
            [at[1] + 0.1 * at[0]], abs=1e-9
        )
    short = Gate("tissue_velocity", 0.0, 0.0703, 1e-5)
    assert gate_velocity(velocity, short).load() == pytest.approx([0.070])


@pytest.mark.parametrize(
    ("gate", "problem"),
    [
        (Gate("tissue_velocity", 0.7, 0.08), "outside"),
        (Gate("tissue_velocity", 0.0, 0.30), "outside"),
        (Gate("tissue_velocity", 0.0), "no depth"),
    ],
)
def test_a_gate_elsewhere_is_refused(gate: Gate, problem: str) -> None:
    velocity = Stream(
        "tissue_velocity",
        np.zeros((1, *SECTOR.shape)),
        np.zeros(1),
        DIMS,
        "m/s",
        SECTOR,
    )
    with pytest.raises(NotProvidedError, match=problem):
        gate_velocity(velocity, gate)


def test_a_gate_needs_a_sector() -> None:
    plane = PlaneGrid((0, 0.1), (0, 0.1), (3, 3))
    values = np.zeros((1, 3, 3))
    gate = Gate("tissue_velocity", 0.0, 0.05)
    for stream in (
        Stream("v", values, np.zeros(1), DIMS, "m/s"),
        Stream("v", values, np.zeros(1), ("time", "z", "x"), "m/s", plane),
    ):
        with pytest.raises(InvalidArgumentError, match="sector"):
            gate_velocity(stream, gate)


def trace(values) -> Stream:
    values = np.asarray(values, float) / 100
    return Stream("v", values, np.arange(len(values)) / 10, ("time",), "m/s")


def test_the_flank_of_a_fused_wave_is_no_peak() -> None:
    """One wave that rises to its peak late in diastole leaves no e'."""
    fused = trace([0, 4, 8, 3, 0, -1, -3, -5, -9, -2, 0])
    found = tissue_peaks(fused, (0.0, 1.0))
    assert np.isnan(found.e_prime_cm_s)
    assert found.a_prime_cm_s == 9
    early = trace([0, 4, 8, 3, 0, -2, -9, -5, -3, -1, 0])
    found = tissue_peaks(early, (0.0, 1.0))
    assert found.e_prime_cm_s == 9
    assert np.isnan(found.a_prime_cm_s)


def test_isovolumic_spikes_are_not_s() -> None:
    spiky = trace([12, 4, 8, 3, 0, -2, -9, -1, -3, -1, 11])
    assert tissue_peaks(spiky, (0.0, 1.0)).s_prime_cm_s == 8


def test_windows_need_samples_and_order() -> None:
    with pytest.raises(NotProvidedError, match="no finite sample"):
        tissue_peaks(trace([0, 1, 2]), (5.0, 6.0))
    with pytest.raises(InvalidArgumentError, match="outside"):
        tissue_peaks(trace([0] * 11), (0.0, 1.0), es_time=1.2)


def test_folds_in_time_are_counted() -> None:
    beating = beating_heart(4)
    gate = annular_gate(beating, 0)
    assert jumps(gate_velocity(film(beating), gate)) == 0
    assert jumps(gate_velocity(film(beating, limit=0.06), gate)) > 0
    assert jumps(trace([0, 50, -50])) == 0
