from __future__ import annotations

import numpy as np
import pytest

from cardium.phantom.anatomy import sample_heart
from cardium.phantom.motion import Motion
from cardium.phantom.valve import MitralValve


@pytest.fixture(params=[0, 3, 9])
def valve(request) -> MitralValve:
    return MitralValve(Motion.of(sample_heart(request.param)))


def leaflet(valve: MitralValve, side: int, time: float) -> np.ndarray:
    along = np.linspace(0, 1, 401)
    return np.stack(valve.position(np.full(401, side), along, time), axis=-1)


def test_leaflets_are_shut_in_systole_and_open_in_early_diastole(valve):
    cycle = valve.motion.cycle
    systole = np.linspace(0, cycle.end_systole, 20)
    assert max(valve.opening(float(t)) for t in systole) == 0
    assert valve.opening(cycle.early[0] + 0.075) == pytest.approx(1)
    assert valve.opening(cycle.period - 1e-9) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("part", [0.0, 0.5, 1.0])
def test_shut_leaflets_meet(valve, part):
    time = part * valve.motion.cycle.end_systole
    septal, lateral = (leaflet(valve, side, time) for side in (0, 1))
    gaps = np.linalg.norm(septal[:, None] - lateral, axis=-1)
    assert gaps.min() < 0.0005
    assert septal[:, 0].max() <= lateral[:, 0].min() + 1e-12


@pytest.mark.parametrize("time", [0.0, 0.3, 0.5])
def test_leaflets_hang_on_the_ring(valve, time):
    ring = valve.motion.contour(np.array([time]), layers=2, count=3)[0, 0, [0, -1]]
    hinges = [leaflet(valve, side, time)[0] for side in (0, 1)]
    np.testing.assert_allclose(hinges, ring, atol=1e-12)


def test_open_leaflets_point_to_the_apex_and_leave_the_middle_free(valve):
    time = valve.motion.cycle.early[0] + 0.075
    septal, lateral = (leaflet(valve, side, time) for side in (0, 1))
    assert lateral[:, 0].min() - septal[:, 0].max() > 0.01
    assert septal[-1, 1] < septal[0, 1] - 0.015


@pytest.mark.parametrize("side", [0, 1])
def test_leaflets_keep_their_length(valve, side):
    lengths = []
    for time in (0.0, 0.3, 0.5):
        steps = np.diff(leaflet(valve, side, time), axis=0)
        lengths.append(np.linalg.norm(steps, axis=-1).sum())
    np.testing.assert_allclose(lengths, lengths[0], rtol=0.005)
