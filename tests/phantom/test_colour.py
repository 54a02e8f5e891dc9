"""Colour Doppler: what is estimated from echoes of blood is the folded truth."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.phantom.acquisition import begin
from cardium.phantom.anatomy import TISSUES
from cardium.phantom.colour import FLOW_VIEWS, FlowExamination, simulate_flow
from cardium.phantom.patient import Patient
from cardium.signal.doppler import fold, unfold

PATIENT, LIMIT = Patient(number=7), 0.4


@pytest.fixture(scope="module")
def exam() -> FlowExamination:
    return simulate_flow(PATIENT, velocity_limit=LIMIT)


@pytest.fixture(scope="module")
def motion():
    return begin(PATIENT, what="colour 4ch", beats=1).motion


def _tissue(exam, motion):
    """Tissue of each sample at each time, (T, R, A)."""
    stream = exam.streams["colour_velocity"]
    x, z = stream.geometry.points()
    image = np.stack([x, np.zeros_like(x), z], axis=-1).reshape(-1, 3)
    places = exam.placement.to_heart(image)
    found = [exam.heart.classify(motion.inverse(places, time)) for time in stream.time]
    return np.stack(found).reshape(exam.velocity.shape)


def test_where_power_is_high_the_estimate_is_the_folded_truth(exam):
    measured = exam.streams["colour_velocity"].load()
    power = exam.streams["colour_power"].load()
    fast = np.isfinite(exam.velocity) & (power > 0.5)
    assert fast.sum() > 2000
    assert np.nanmax(abs(exam.velocity)) > 1.2 * LIMIT
    error = fold(measured[fast] - exam.velocity[fast], LIMIT)
    assert np.median(abs(error)) < 0.05 * LIMIT
    assert abs(np.median(error)) < 0.01 * LIMIT
    # Half again as fast as the limit: seen with the other sign, and a little slower,
    # for a sample holds more than the middle of a jet.
    speed = np.nan_to_num(abs(exam.velocity))
    folded = fast & (speed > 1.05 * LIMIT) & (speed < 1.5 * LIMIT)
    assert folded.sum() > 40
    error = fold(measured[folded] - exam.velocity[folded], LIMIT)
    assert np.median(abs(error)) < 0.15 * LIMIT
    turned = np.sign(measured[folded]) == -np.sign(exam.velocity[folded])
    assert turned.mean() > 0.7
    assert (abs(measured) <= LIMIT).all()
    assert measured.max() < LIMIT


def test_unfolding_gives_the_truth_back(exam):
    stream, power = exam.streams["colour_velocity"], exam.streams["colour_power"]
    flow = unfold(stream.load(), LIMIT, power=power.load(), min_power=0.5)
    both = np.isfinite(flow) & np.isfinite(exam.velocity)
    speed = np.nan_to_num(abs(exam.velocity))
    fast = both & (speed > 1.1 * LIMIT) & (speed < 1.8 * LIMIT)
    wrong = abs(flow - exam.velocity)[fast] > LIMIT
    assert wrong.mean() < 0.3


def test_power_tells_flowing_blood_from_walls(exam, motion):
    power = exam.streams["colour_power"].load()
    tissue = _tissue(exam, motion)
    flowing = np.nan_to_num(abs(exam.velocity)) > 0.4 * LIMIT
    muscle = tissue == TISSUES.index("myocardium")
    assert np.quantile(power[flowing], 0.1) > 0.5
    assert np.quantile(power[muscle], 0.5) < 0.3
    assert 0 <= power.min() <= power.max() <= 1


def test_where_nothing_flows_there_is_noise(exam, motion):
    # Far from blood: the outermost samples of the wall.
    measured = exam.streams["colour_velocity"].load()
    power = exam.streams["colour_power"].load()
    noise = ~np.isfinite(exam.velocity) & (power < 0.2)
    assert noise.mean() > 0.05
    assert measured[noise].std() == pytest.approx(LIMIT / np.sqrt(3), rel=0.1)


def test_the_colour_has_the_right_sign(exam, motion):
    stream = exam.streams["colour_velocity"]
    beat = motion.cycle.beats[0]
    power = exam.streams["colour_power"].load()
    for window, sign in ((beat.ejection, -1), (beat.early, 1)):
        k = int(abs(stream.time - np.mean(window)).argmin())
        assert sign * np.nanmean(exam.velocity[k]) > 0
        seen = unfold(stream.load(), LIMIT, power=power, min_power=0.5)[k]
        assert sign * np.nanmean(seen) > 0


@pytest.mark.parametrize("view", FLOW_VIEWS)
def test_clocks_and_boxes(view):
    exam = simulate_flow(PATIENT, view=view)
    b_mode, velocity = exam.streams["b_mode"], exam.streams["colour_velocity"]
    np.testing.assert_allclose(velocity.time, b_mode.time[:-1] + 0.5 / 13)
    fan, box = b_mode.geometry, velocity.geometry
    assert fan.depth[0] < box.depth[0] < box.depth[1] < fan.depth[1]
    assert fan.angle[0] < box.angle[0] < box.angle[1] < fan.angle[1]
    assert velocity.velocity_limit == 0.6
    assert exam.streams["colour_power"].geometry == box
    assert velocity.shape == exam.velocity.shape


def test_same_bits_again_and_what_is_refused(exam):
    again = simulate_flow(PATIENT, velocity_limit=LIMIT)
    for name, stream in exam.streams.items():
        np.testing.assert_array_equal(stream.load(), again.streams[name].load())
    with pytest.raises(UnknownNameError, match="'tiny'"):
        simulate_flow(PATIENT, preset="tinny")
    with pytest.raises(UnknownNameError, match="plax"):
        simulate_flow(PATIENT, view="2ch")
    with pytest.raises(InvalidArgumentError, match="velocity limit"):
        simulate_flow(PATIENT, velocity_limit=0.0)
