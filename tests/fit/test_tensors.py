import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from cardium.core import PlaneGrid, Sample, Sector, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError, UnknownNameError
from cardium.fit._tensors import (
    InputFormat,
    describe_format,
    event_places,
    input_tensor,
    pad,
    resize,
    standardise,
    target_tensor,
    usable_frames,
    velocity_scale,
    windows_around,
)
from cardium.models import MODELS

LEADS = ("I", "II", "III")


def ecg(seconds: float, *, rate: float = 100.0, leads=LEADS) -> Sample:
    time = np.arange(round(seconds * rate)) / rate
    values = np.outer(time, np.arange(1, len(leads) + 1)).astype(np.float32)
    stream = Stream("ecg", values, time, ("time", "lead"), "mV", coords={"lead": leads})
    return Sample("r1", stream)


@pytest.fixture
def record_format() -> InputFormat:
    return describe_format(MODELS.find("resnet_1d"), {"seconds": 4.0}, ecg(4))


def test_growing_is_what_torch_calls_aligned_corners() -> None:
    images = torch.rand(2, 3, 9, 14)
    want = torch.nn.functional.interpolate(
        images, (17, 40), mode="bilinear", align_corners=True
    )
    torch.testing.assert_close(resize(images, (17, 40)), want)


def test_shrinking_keeps_every_place_to_a_few_hundredths_of_a_sample() -> None:
    rows = torch.arange(50.0)[:, None].expand(-1, 30)
    columns = torch.arange(30.0).expand(50, -1)
    for plane, places in (
        (rows, torch.linspace(0, 49, 8)[:, None]),
        (columns, torch.linspace(0, 29, 6)),
    ):
        small = resize(plane, (8, 6))
        assert (small - places).abs().max() < 0.05
        assert small[0, 0] == plane[0, 0]
        assert small[-1, -1] == pytest.approx(plane[-1, -1])


def test_targets_take_the_nearest_sample() -> None:
    labels = np.arange(7, dtype=np.uint8)[None, :, None] * np.ones((1, 7, 5), np.uint8)
    small = target_tensor(labels, InputFormat(2, size=4))
    assert small.shape == (1, 4, 4)
    assert small[0, :, 0].tolist() == [0, 2, 4, 6]
    assert small.dtype == torch.uint8


def test_leads_come_first_and_keep_their_order(record_format: InputFormat) -> None:
    record = input_tensor(ecg(4), record_format)
    assert record.shape == (3, 400)
    torch.testing.assert_close(record[:, 100], torch.tensor([1.0, 2.0, 3.0]))


def test_records_are_cut_or_padded(record_format: InputFormat) -> None:
    assert input_tensor(ecg(6), record_format)[0, -1] == pytest.approx(3.99)
    assert input_tensor(ecg(6), record_format).shape == (3, 400)
    short = pad(input_tensor(ecg(1), record_format), 400)
    assert short.shape == (3, 400)
    assert short[0, 99] == pytest.approx(0.99)
    assert (short[:, 100:] == 0).all()


def test_gaps_of_a_record_are_flat(record_format: InputFormat) -> None:
    sample = ecg(4)
    sample.stream.values[10:20, 1] = np.nan
    record = input_tensor(sample, record_format)
    assert (record[1, 10:20] == 0).all()
    assert record.isfinite().all()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("seconds", 0.0), ("window", -1.0), ("crop", -0.1), ("balance", 1.5)],
)
def test_cuts_that_cannot_be_made_are_refused(setting: str, value: float) -> None:
    with pytest.raises(InvalidArgumentError, match="must be positive"):
        describe_format(MODELS.find("resnet_1d"), {setting: value}, ecg(4))


def test_unknown_choices_are_refused() -> None:
    recipe = MODELS.find("resnet_1d")
    with pytest.raises(UnknownNameError, match="median"):
        describe_format(recipe, {"aggregate": "median"}, ecg(4))


def test_events_are_seen_through_a_window() -> None:
    recipe = MODELS.find("xresnet1d101")
    settings = {"window": 1.5, "crop": 2.5}
    form = describe_format(recipe, settings, ecg(4), kind="event_class")
    assert (form.samples, form.crop_samples) == (150, 0)
    form = describe_format(recipe, settings, ecg(4), kind="multilabel")
    assert (form.samples, form.crop_samples) == (1000, 250)
    whole = describe_format(recipe, {"seconds": 2.5, "crop": 2.5}, ecg(4))
    assert whole.crop_samples == 0


def test_a_format_survives_json() -> None:
    form = InputFormat(1, leads=LEADS, mean=(1.5, 2.0), deviation=(0.5, 3.0))
    assert InputFormat.from_dict(json.loads(json.dumps(asdict(form)))) == form
    earlier = {"rank": 1, "seconds": 10.0, "rate": 100.0, "leads": ["I"]}
    assert InputFormat.from_dict(earlier).crop_samples == 0


def test_events_lie_at_the_nearest_sample() -> None:
    sample = replace(ecg(1), events=np.array([0.0, 0.304, 0.306, 5.0]))
    assert event_places(sample).tolist() == [0, 30, 31, 99]
    with pytest.raises(NotProvidedError, match="asks for no events"):
        event_places(ecg(1))


def test_the_event_is_in_the_middle_of_its_window() -> None:
    record = torch.arange(100.0).expand(2, -1)
    cut = windows_around(record, torch.tensor([50, 2, 98]), 11)
    assert cut.shape == (3, 2, 11)
    assert cut[:, 0, 5].tolist() == [50, 2, 98]
    assert cut[1, 0].tolist() == [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]
    assert cut[2, 1, 6:].tolist() == [99] * 5


def test_other_leads_are_refused(record_format: InputFormat) -> None:
    with pytest.raises(NotProvidedError, match="I, III, II; the network takes I, II"):
        input_tensor(ecg(4, leads=("I", "III", "II")), record_format)


def test_another_rate_is_refused(record_format: InputFormat) -> None:
    with pytest.raises(NotProvidedError, match="500 Hz; the network takes 100 Hz"):
        input_tensor(ecg(4, rate=500.0), record_format)


def test_a_row_a_frame_is_metres_times_frames_a_second() -> None:
    time = np.array([0.0, 0.02, 0.06])
    sector = Sector((0.02, 0.12), (-0.5, 0.5), (9, 5))
    plane = PlaneGrid((-0.3, 0.3), (0.02, 0.12), (9, 5))
    for geometry, places in ((sector, ("range", "beam")), (plane, ("z", "x"))):
        values = np.zeros((3, 9, 5), np.float32)
        clip = Stream("b_mode", values, time, ("time", *places), "grey", geometry)
        # 0.1 m over 10 steps, in 20 ms and in 40 ms.
        scale = velocity_scale(clip, 11)
        np.testing.assert_allclose(scale, [0.01 / 0.02, 0.01 / 0.04], rtol=1e-6)


def test_rows_without_a_place_have_no_velocity() -> None:
    values = np.zeros((2, 4, 4), np.float32)
    clip = Stream("b_mode", values, np.arange(2.0), ("time", "z", "x"), "grey")
    with pytest.raises(NotProvidedError, match="no geometry"):
        velocity_scale(clip, 11)


def test_standardise_each_clip_by_itself() -> None:
    clips = (
        torch.rand(3, 1, 4, 5, 6)
        * torch.tensor([1.0, 10, 100])[:, None, None, None, None]
    )
    done = standardise(clips + 7)
    torch.testing.assert_close(
        done.mean((1, 2, 3, 4)), torch.zeros(3), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(
        done.std((1, 2, 3, 4), correction=0), torch.ones(3), atol=1e-4, rtol=0
    )
    assert (standardise(torch.full((1, 1, 4, 4), 9.0)) == 0).all()


def test_usable_frames() -> None:
    labels = torch.full((3, 2, 2), 255, dtype=torch.uint8)
    labels[1, 0, 0] = 0
    assert usable_frames(labels).tolist() == [1]
    velocity = torch.full((2, 2, 2), float("nan"))
    velocity[0, 1, 1] = 0
    assert usable_frames(velocity).tolist() == [0]
