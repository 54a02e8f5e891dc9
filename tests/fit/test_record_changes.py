from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline

from cardium.fit._record_changes import (
    change_amplitude,
    change_records,
    crop_records,
    drop_chest_lead,
    electrode_matrix,
    electrode_steps,
    powerline,
    sample_at,
    stretch_around_middle,
)
from cardium.signal.leads import LEADS

RATE = 500.0


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def twelve(count: int, samples: int = 1000) -> torch.Tensor:
    """Records that come from electrodes, so that what holds of leads holds of them."""
    electrodes = torch.randn(count, 9, samples, generator=chance(8))
    return electrode_matrix(LEADS) @ electrodes


def hold_identities(records: torch.Tensor) -> None:
    """Einthoven and Goldberger, of leads by name."""
    lead = {name: records[:, k] for k, name in enumerate(LEADS)}
    close = {"atol": 1e-5, "rtol": 0}
    torch.testing.assert_close(lead["III"], lead["II"] - lead["I"], **close)
    torch.testing.assert_close(lead["aVR"], -(lead["I"] + lead["II"]) / 2, **close)
    torch.testing.assert_close(lead["aVL"], lead["I"] - lead["II"] / 2, **close)
    torch.testing.assert_close(lead["aVF"], lead["II"] - lead["I"] / 2, **close)


def test_what_holds_between_limb_leads_still_holds() -> None:
    records = twelve(64)
    hold_identities(records)
    changed = change_records(records, chance(), leads=LEADS, rate=RATE)
    assert (changed != records).any()
    hold_identities(changed)
    lengths = torch.full((64,), 1000)
    hold_identities(
        crop_records(records, lengths, chance(), length=400, stretched=True)
    )


def test_amplitude_is_one_factor_for_all_leads_and_never_turns_one_over() -> None:
    records = twelve(200)
    ratio = change_amplitude(records, chance()) / records
    first = ratio[:, :1, :1]
    torch.testing.assert_close(ratio, first.expand_as(ratio), atol=1e-3, rtol=1e-3)
    assert first.min() > math.exp(-0.2501)
    assert first.max() < math.exp(0.2501)


def test_amplitude_stays_where_it_may_be_the_answer() -> None:
    flat = torch.zeros(1, 1, 100)
    high = torch.full((1, 1, 100), 1e6)
    moved = change_records(high, chance(), scaled=False) - high
    assert moved.abs().max() < 1
    assert change_records(flat, chance(), scaled=False).abs().max() < 0.4


def test_the_places_of_a_stretched_pulse() -> None:
    time = torch.arange(1000.0)
    pulses = sum(torch.exp(-(((time - at) / 6) ** 2)) for at in (300, 500, 700))
    changed = stretch_around_middle(pulses.expand(300, 1, -1), chance())
    middle = changed[:, 0, 480:520].argmax(1) + 480
    assert (middle == 500).all()
    before = changed[:, 0, :400].argmax(1)
    after = changed[:, 0, 600:].argmax(1) + 600
    # Alike on both sides: 200 samples, over 0.9..1.1, and for half of them exactly.
    assert ((after - 500) - (500 - before)).abs().max() <= 1
    assert before.min() >= 500 - math.ceil(200 / 0.9)
    assert before.max() <= 500 - math.floor(200 / 1.1)
    assert 0.35 < (before == 300).float().mean() < 0.65


def test_a_stretched_crop_is_the_record_at_another_pace() -> None:
    ramp = torch.arange(1001.0).expand(400, 2, -1)
    lengths = torch.full((400,), 1001)
    cut = crop_records(ramp, lengths, chance(), length=501, stretched=True)
    pace = (cut[..., -1] - cut[..., 0]) / 500
    assert pace.min() >= 0.9 - 1e-4
    assert pace.max() <= 1.1 + 1e-4
    assert pace.std() > 0.02
    torch.testing.assert_close(cut[:, 0], cut[:, 1])
    straight = cut[:, 0, :1] + pace[:, :1] * torch.arange(501.0)
    torch.testing.assert_close(cut[:, 0], straight, atol=0.01, rtol=0)
    assert cut.min() >= 0
    assert cut.max() <= 1000


def test_windows_lie_everywhere_and_within_the_record() -> None:
    ramp = torch.arange(1000.0).expand(600, 1, -1).clone()
    ramp[300:, :, 400:] = -1e6  # padding of the second half
    lengths = torch.tensor([1000] * 300 + [400] * 300)
    cut = crop_records(ramp, lengths, chance(), length=250, stretched=False)[:, 0]
    start = cut[:, :1]
    assert (cut == start + torch.arange(250)).all()
    assert start[:300].min() < 15
    assert 735 < start[:300].max() <= 750
    assert start[300:].min() < 5
    assert 145 < start[300:].max() <= 150


def test_a_record_shorter_than_the_window_is_taken_from_its_start() -> None:
    ramp = torch.arange(1000.0).expand(3, 1, -1)
    lengths = torch.full((3,), 100)
    cut = crop_records(ramp, lengths, chance(), length=250, stretched=False)
    assert (cut == torch.arange(250.0)).all()


def test_reading_between_samples_is_exact_on_them_and_close_elsewhere() -> None:
    time = np.arange(60) / 60
    wave = np.sin(2 * np.pi * 4 * time)
    records = torch.from_numpy(wave)[None, None]
    places = torch.linspace(5, 54, 491, dtype=torch.float64)[None]
    read = sample_at(records, places)[0, 0].numpy()
    np.testing.assert_allclose(read[::10], wave[5:55], atol=1e-12)
    spline = CubicSpline(np.arange(60), wave)(places[0].numpy())
    np.testing.assert_allclose(read, spline, atol=0.01)
    outside = sample_at(records, torch.tensor([[-5.0, 70.0]], dtype=torch.float64))
    assert outside[0, 0].tolist() == [wave[0], wave[-1]]


def test_hum_is_at_the_frequency_of_the_mains() -> None:
    hum = powerline((400, 3, 1000), chance(), rate=RATE)
    heard = hum.abs().amax((1, 2)) > 0
    assert 0.12 < heard.float().mean() < 0.28
    assert hum.abs().max() <= 0.05
    spectrum = torch.fft.rfft(hum[heard][:, 0]).abs()
    tops = spectrum.argmax(1) * RATE / 1000
    assert set(tops.tolist()) == {50.0, 60.0}
    # All but the line itself is rounding: whole turns fit.
    assert (spectrum.sum(1) / spectrum.amax(1)).max() < 1.01


@pytest.mark.parametrize(("rate", "heard"), [(100.0, False), (110.0, True)])
def test_hum_that_cannot_be_sampled_is_left_out(rate: float, heard: bool) -> None:
    assert (powerline((100, 1, 200), chance(), rate=rate) != 0).any() == heard


def test_a_jolt_is_of_one_electrode_and_dies_away() -> None:
    jolts = electrode_steps((800, 9, 1000), chance(), rate=100.0)
    moved = (jolts != 0).any(2)
    assert (moved.sum(1) <= 1).all()
    assert 0.05 < moved.any(1).float().mean() < 0.15
    for jolt in jolts[moved]:
        first = int((jolt != 0).nonzero()[0])
        rest = jolt[first:]
        assert (rest.abs().diff() < 0).all()
        torch.testing.assert_close(
            rest[50:], rest[:-50] * math.exp(-1.0), rtol=1e-3, atol=1e-6
        )
        assert rest.abs().max() <= 0.3


def test_a_chest_lead_is_silent_now_and_then_and_a_limb_lead_never() -> None:
    records = torch.ones(1000, 12, 4)
    silent = (drop_chest_lead(records, chance(), leads=LEADS) == 0).all(2)
    assert (silent.sum(1) <= 1).all()
    assert 0.06 < silent.any(1).float().mean() < 0.14
    assert not silent[:, :6].any()
    assert silent[:, 6:].any(0).all()
    few = drop_chest_lead(torch.ones(1000, 2, 4), chance(), leads=("MLII", "V1"))
    assert (few == 1).all()


def test_each_limb_electrode_reaches_the_chest_by_a_third() -> None:
    matrix = electrode_matrix(("V3", "aVF"))
    third = -1 / 3
    want = [[third, third, third, 0, 0, 1, 0, 0, 0], [-0.5, -0.5, 1, *[0] * 6]]
    torch.testing.assert_close(matrix, torch.tensor(want))
    # Moving all electrodes alike moves no lead.
    assert electrode_matrix(LEADS).sum(1).abs().max() < 1e-6
