"""Both protocols of the blood flow: other libraries, batches by hand, a phantom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from cardium.core import Clip, Entry, Recording, Sector, Stream
from cardium.core.task import quarter_times
from cardium.errors import AnswerError, InvalidArgumentError, NotProvidedError
from cardium.geometry import inside
from cardium.phantom.colour import simulate_flow
from cardium.phantom.patient import Patient
from cardium.protocols import cut_recording, open_protocol, protocol_options
from cardium.protocols._images import published_plane, to_plane

WIDE = Sector(depth=(0.0, 0.12), angle=(-0.6, 0.6), shape=(61, 41))
BOX = Sector(depth=(0.02, 0.10), angle=(-0.3, 0.4), shape=(41, 29))
POWER_BOX = Sector(depth=(0.03, 0.11), angle=(-0.4, 0.3), shape=(33, 21))
LIMIT, RATE = 0.605, 11.0
DIMS = ("time", "range", "beam")
NAMES = ("b_mode", "colour_velocity", "colour_power")
BOTH = pytest.mark.parametrize("name", ["published", "corrected"])
DOMAINS = pytest.mark.parametrize("domain", ["beamspace", "cartesian"])


class Unread:
    """Images that must not be read."""

    def __init__(self, values):
        self.shape, self.dtype = values.shape, values.dtype

    def __getitem__(self, part):
        raise AssertionError("a pixel was read")


def recording(
    *,
    frames=12,
    doppler=22,
    rate=RATE,
    limit=LIMIT,
    power_box=BOX,
    speed=None,
    stamps=None,
    powers=None,
    content=("2d_color_doppler",),
):
    """Random frames; those of the Doppler lie at the quarters of the intervals."""
    chance = np.random.default_rng(7)
    time = np.arange(frames) / rate
    if stamps is None:
        stamps = quarter_times(np.arange(doppler + 1) / rate)[:doppler]
    velocity = chance.uniform(-0.9 * LIMIT, 0.9 * LIMIT, (doppler, *BOX.shape))
    if speed is not None:
        velocity = speed(velocity)
    power = chance.uniform(-0.05, 1.05, (powers or doppler, *power_box.shape))
    grey = chance.integers(0, 256, (frames, *WIDE.shape))
    streams = (
        Stream("b_mode", np.uint8(grey), time, DIMS, "grey", WIDE),
        Stream(
            *("colour_velocity", np.float32(velocity), stamps, DIMS, "m/s", BOX),
            velocity_limit=limit,
        ),
        Stream(
            *("colour_power", np.float32(power)),
            *(stamps[: len(power)], DIMS, "", power_box),
        ),
    )
    entry = Entry(
        "r0", "p0", "fold0", frozenset(NAMES), labels={"content_types": content}
    )
    return Recording(entry, {one.name: one for one in streams})


def small(name="published", **options):
    settings = {"clip_length": 4, "stride": 3, "rows": 48, "size": 40, **options}
    if name == "corrected":
        del settings["rows"]
    return open_protocol("blood_flow", name, **settings)


def scores(protocol, case, prediction):
    """Score of the task itself, as a benchmark takes it."""
    truth = protocol.task.target(cut_recording(case), None)
    return protocol.task.score(protocol.answer(case, prediction), truth)


def by_scipy(values, fan, place):
    """Interpolate with another library; zero outside."""
    index = np.stack(np.broadcast_arrays(*fan.index_of(*place.points())))
    frames = [
        map_coordinates(np.float64(one), index, order=1, mode="nearest")
        for one in values
    ]
    return np.array(frames) * inside(fan, place)


def by_torch(velocity):
    """Pool with another library, zeros beyond the frame counted."""
    values = torch.from_numpy(velocity)[:, None]

    def pool(x):
        return torch.nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad=True)

    return (pool(values**2) - pool(values) ** 2).clamp(min=0)[:, 0].numpy()


def test_defaults_are_those_of_the_paper():
    options = protocol_options("blood_flow", "published")
    assert options == {
        "domain": "beamspace",
        "size": 256,
        "clip_length": 32,
        "stride": 16,
        "min_rate_hz": 9.0,
        "max_rate_hz": 13.0,
        "min_ratio": 0.45,
        "max_ratio": 1.1,
        "two_per_interval": 0.75,
        "min_limit": 0.60,
        "max_limit": 0.61,
        "max_grey": 0.4,
        "min_power": 0.3,
        "little_weight": 0.01,
        "rows": 256,
        "batch_size": 4,
    }
    protocol = small(rows=48)
    assert protocol.options["rows"] == 48
    titles = {name: metric.unit for name, metric in protocol.metrics.items()}
    assert titles == {
        "velocity_l1_cm_s": "cm/s",
        "power_l1": "",
        "turbulence_l1_cm_s": "cm/s",
    }
    assert small("corrected").options["size"] == 0


@BOTH
@DOMAINS
def test_opening_reads_no_pixel(name, domain):
    one = recording()
    unread = {k: s.with_values(Unread(s.values)) for k, s in one.streams.items()}
    protocol = small(name, domain=domain)
    assert protocol.admit(one.entry) == ""
    case = protocol.open(replace(one, streams=unread))
    assert case.train == (Clip(0, 5), Clip(3, 8), Clip(6, 11))
    assert case.scored == Clip(3, 8)
    with pytest.raises(AssertionError, match="pixel"):
        protocol.prepare(case, case.scored)


def test_who_is_admitted():
    protocol, one = small(), recording()
    lacking = replace(one.entry, provides=frozenset({"b_mode", "colour_power"}))
    assert protocol.admit(lacking) == "no colour_velocity"
    tissue = recording(content=("2d_color_doppler", "2d_tissue_doppler")).entry
    assert "'2d_tissue_doppler'" in protocol.admit(tissue)
    for options, used in [
        ({"rate": 8.9}, "8.9 B-mode frames a second"),
        ({"rate": 9.1}, ""),
        ({"rate": 12.9}, ""),
        ({"rate": 13.1}, "13.1 B-mode frames a second"),
        ({"limit": 0.599}, "folds at 0.599"),
        ({"limit": 0.6}, ""),
        ({"limit": 0.611}, "folds at 0.611"),
        ({"limit": None}, "at which velocity it folds"),
        ({"doppler": 10}, "1.2 B-mode frames a Doppler frame"),
        ({"doppler": 11}, ""),
        ({"frames": 10, "doppler": 22}, ""),
        ({"frames": 9, "doppler": 22}, "0.4091 B-mode frames a Doppler"),
        ({"powers": 21}, "22 frames of velocity and 21 of power"),
        ({"frames": 4, "doppler": 6}, "make 3 intervals, the protocol needs 4"),
    ]:
        if not used:
            protocol.open(recording(**options))
            continue
        with pytest.raises(NotProvidedError, match=used):
            protocol.open(recording(**options))
    small(max_rate_hz=20.0).open(recording(rate=19.0))
    bare = replace(one["colour_power"], geometry=None)
    with pytest.raises(NotProvidedError, match="Sector"):
        protocol.open(replace(one, streams={**one.streams, "colour_power": bare}))
    with pytest.raises(InvalidArgumentError, match="stride"):
        small(stride=0)
    with pytest.raises(InvalidArgumentError, match="domain"):
        small(domain="polar")


def test_frames_are_paired_by_their_number():
    """Times are not looked at; below a ratio of 0.75 an interval has two frames."""
    late = np.arange(22) * 3.0
    case = small().open(recording(stamps=late))
    assert case.plan.doppler.tolist() == list(range(22))
    case = small().open(recording(doppler=11, stamps=late[:11]))
    assert case.plan.doppler.tolist() == [k // 2 for k in range(22)]
    assert small().open(recording(doppler=16)).plan.doppler.tolist() == list(range(16))
    # 12 / 15 is more than 0.75: one each, and those behind the last image are unused.
    case = small().open(recording(doppler=15))
    assert case.plan.doppler.tolist() == [k // 2 for k in range(22)]
    protocol, one = small(), recording(doppler=11, speed=lambda v: 0 * v + 0.01)
    item = protocol.item(protocol.open(one), Clip(2, 7))
    np.testing.assert_array_equal(item["target"][:, ::2], item["target"][:, 1::2])


@DOMAINS
@pytest.mark.parametrize("doppler", [22, 11])
@pytest.mark.parametrize("power_box", [BOX, POWER_BOX])
def test_published_item(domain, doppler, power_box):
    protocol = small(domain=domain)
    one = recording(doppler=doppler, power_box=power_box)
    case, clip = protocol.open(one), Clip(3, 8)
    item = protocol.item(case, clip)
    assert {k: (v.shape, v.dtype.name) for k, v in item.items()} == {
        "input": ((1, 5, 40, 40), "float32"),
        "target": ((3, 8, 40, 40), "float32"),
        "box": ((40, 40), "float32"),
        "valid": ((8, 40, 40), "bool"),
        "weight": ((8, 40, 40), "float32"),
        "limit": ((), "float32"),
        "rate": ((), "float32"),
    }
    assert item["limit"] == pytest.approx(LIMIT)
    assert item["rate"] == pytest.approx(RATE)
    place = WIDE if domain == "beamspace" else published_plane(WIDE, 48)
    place = replace(place, shape=(40, 40))
    assert case.geometry == place
    frames = np.arange(6, 14) if doppler == 22 else np.arange(3, 7).repeat(2)
    velocity = by_scipy(one["colour_velocity"].values[frames], BOX, place)
    power = by_scipy(one["colour_power"].values[frames], power_box, place).clip(0, 1)
    box = inside(BOX, place) & inside(power_box, place)
    np.testing.assert_array_equal(item["box"], box)
    np.testing.assert_allclose(item["target"][0], velocity * box, atol=2e-6)
    np.testing.assert_allclose(item["target"][1], power * box, atol=2e-6)
    # Of velocities before the box is cut out, so with a rim of one sample outside.
    variance = by_torch(velocity)
    np.testing.assert_allclose(item["target"][2] ** 2, variance, atol=1e-6)
    assert item["target"][2][:, ~box].max() > 0.1
    assert item["valid"].all()
    grey = item["input"][0]
    assert (grey.min(), grey.max()) == (0, 1)
    around = ((grey[1:] + grey[:-1]) / 2).repeat(2, axis=0)
    seen = (around < 0.4) & (item["target"][1] > 0.3)
    assert 0.005 < seen.mean() < 0.5
    np.testing.assert_array_equal(item["weight"], np.where(seen, 1, np.float32(0.01)))


def test_turbulence_at_the_edge_of_the_square():
    """A box as large as the fan: beyond the square is nothing but zeros."""
    one = recording()
    streams = dict(one.streams)
    for name in NAMES[1:]:
        streams[name] = replace(streams[name], geometry=replace(WIDE, shape=BOX.shape))
    protocol = small()
    case = protocol.open(replace(one, streams=streams))
    target = protocol.item(case, Clip(0, 5))["target"]
    variance = by_torch(np.float64(target[0]))
    np.testing.assert_allclose(target[2] ** 2, variance, atol=1e-6)
    assert target[2][:, 0, 0].max() > 0


def test_what_is_not_finite_is_not_valid():
    def holes(velocity):
        velocity[6, 20, 14] = np.nan
        return velocity

    protocol = small()
    case = protocol.open(recording(speed=holes))
    item = protocol.item(case, Clip(3, 8))
    assert np.isfinite(item["target"]).all()
    assert item["valid"][1:].all()
    lost = ~item["valid"][0]
    row, column = np.nonzero(lost)
    place = case.geometry
    assert 9 <= lost.sum() < 60
    assert abs(place.depths[row].mean() - BOX.depths[20]) < 0.003
    assert abs(place.angles[column].mean() - BOX.angles[14]) < 0.03
    assert not item["weight"][0][lost].any()
    assert not item["target"][:, 0][:, lost].any()
    truth = protocol.truth(case)
    assert 0 < (truth["inside"][1] & ~truth["inside"][0]).sum() < 60


@BOTH
@DOMAINS
def test_a_slice_of_what_was_prepared_is_an_item(name, domain):
    protocol = small(name, domain=domain)
    case, clip = protocol.open(recording()), Clip(3, 8)
    whole = protocol.prepare(case, Clip(0, 11))
    assert set(whole) == set(protocol.fields)
    parts = {"frame": (3, 8), "interval": (3, 7), "half": (6, 14)}
    cut = {}
    for key, kept in protocol.fields.items():
        cut[key] = (
            whole[key][slice(*parts[kept.per])] if kept.per in parts else whole[key]
        )
        if kept.store == "unit":
            assert whole[key].min() >= 0
            assert whole[key].max() <= 1
        if kept.store == "signed":
            assert np.abs(whole[key]).max() <= whole["limit"]
        if kept.store == "mask":
            cut[key] = np.uint8(cut[key])
    item, again = protocol.item(case, clip), protocol.finish(cut)
    assert set(item) == set(again)
    for key in item:
        assert item[key].dtype == again[key].dtype
        np.testing.assert_array_equal(item[key], again[key])


@DOMAINS
def test_corrected_item_is_the_truth_of_the_task(domain):
    protocol, one = small("corrected", domain=domain), recording(power_box=POWER_BOX)
    case = protocol.open(one)
    item = protocol.item(case, case.scored)
    place = case.geometry
    target = protocol.task.target(cut_recording(case), place).values["flow"]
    known = item["known"]
    there = inside(BOX, place) & inside(POWER_BOX, place) & inside(WIDE, place)
    np.testing.assert_array_equal(known, [there] * 8)
    wanted = target.swapaxes(0, 1)
    np.testing.assert_array_equal(item["target"][:, known], wanted[:, known])
    assert not item["target"][:, ~known].any()
    assert item["input"].shape == (1, 5, *place.shape)
    if domain == "beamspace":
        assert place == WIDE
        np.testing.assert_allclose(
            item["input"][0], one["b_mode"].values[3:8] / 255, atol=1e-6
        )
        np.testing.assert_allclose(item["depth"], WIDE.depths, atol=1e-7)
        np.testing.assert_allclose(item["angle"], WIDE.angles, atol=1e-7)
        assert item["row_spacing"] == pytest.approx(0.002)
    else:
        assert place == protocol.task.target(one, None).geometry
        np.testing.assert_allclose(item["depth"], place.zs, atol=1e-7)
        np.testing.assert_allclose(item["angle"], place.xs, atol=1e-7)
    np.testing.assert_allclose(item["interval"], [1 / RATE] * 4, rtol=1e-6)
    perfect = scores(protocol, case, item["target"])
    if domain == "cartesian":
        assert perfect == {name: 0 for name in protocol.metrics}


def test_only_corrected_looks_at_times():
    """The Doppler is two frames late: the third belongs to the first quarter."""
    stamps = (np.arange(22) - 2 + 0.5) / (2 * RATE)
    one = recording(stamps=stamps)
    late, plain = (
        p.item(p.open(one), Clip(0, 5)) for p in (small("corrected"), small())
    )
    on_time = small("corrected")
    right = on_time.item(on_time.open(recording()), Clip(1, 6))
    np.testing.assert_array_equal(late["target"], right["target"])
    same = small().item(small().open(recording()), Clip(0, 5))
    np.testing.assert_array_equal(plain["target"], same["target"])
    early = recording(stamps=stamps + 1.0)
    nothing = on_time.item(on_time.open(early), Clip(0, 5))
    assert not nothing["known"].any()
    assert not nothing["target"].any()


def test_only_published_passes_through_zero_at_a_fold():
    """Beams at +0.9 and -0.9 of the limit: between them lies the limit."""

    def alternating(velocity):
        beams = np.arange(BOX.shape[1]) % 2
        return 0 * velocity + 0.9 * LIMIT * (1 - 2 * beams)

    one, least, spread = recording(speed=alternating), {}, {}
    for name in ("published", "corrected"):
        protocol = small(name, domain="cartesian")
        item = protocol.item(protocol.open(one), Clip(0, 5))
        known = item["known"] if "known" in item else item["valid"] & (item["box"] > 0)
        least[name] = np.abs(item["target"][0][known]).min()
        spread[name] = item["target"][2][known].mean()
    assert least["corrected"] > 0.89 * LIMIT
    assert least["published"] < 0.1 * LIMIT
    assert spread["corrected"] < 0.11 * LIMIT < spread["published"]


@BOTH
@DOMAINS
def test_published_truth_lies_on_the_plane_of_the_b_mode(name, domain):
    """Also of a case that the corrected protocol opened."""
    one, published = recording(), small(domain=domain)
    case = small(name, domain=domain).open(one)
    truth = published.truth(case)
    plane = published_plane(WIDE, 48)
    frames = np.arange(6, 14)
    velocity = by_scipy(one["colour_velocity"].values[frames], BOX, plane)
    power = by_scipy(one["colour_power"].values[frames], BOX, plane).clip(0, 1)
    np.testing.assert_allclose(truth["target"][0], velocity, atol=2e-6)
    np.testing.assert_allclose(truth["target"][1], power, atol=2e-6)
    np.testing.assert_allclose(truth["target"][2] ** 2, by_torch(velocity), atol=1e-6)
    np.testing.assert_array_equal(truth["inside"], [inside(BOX, plane)] * 8)
    grey = np.float32(to_plane(one["b_mode"].values[3:8], WIDE, plane))
    grey = (grey - grey.min()) / (grey.max() - grey.min())
    around = ((grey[1:] + grey[:-1]) / 2).repeat(2, axis=0)
    seen = np.where((around < 0.4) & (truth["target"][1] > 0.3), 1, np.float32(0.01))
    np.testing.assert_array_equal(truth["weight"], seen * inside(BOX, plane))


def flat(halves, columns, *, weight=1.0, there=None, rows=4):
    """A truth of zeros on a plane, for predictions on that plane."""
    place = np.array([0.0, 0.1, 0.0, 0.1])
    box = np.ones((halves, rows, columns), bool)
    if there is not None:
        box[:, :, there:] = False
    return {
        "target": np.zeros((3, halves, rows, columns), np.float32),
        "inside": box,
        "weight": np.float32(weight) * box,
        "plane": place,
        "answers": place,
    }


def test_errors_of_a_batch_by_hand():
    protocol = small()
    truths = [flat(4, 6, there=3), flat(2, 6, weight=0.5)]
    off = np.array([0.04, 0.2, 0.02], np.float32)[:, None, None, None]
    predictions = [off * np.ones((3, 4, 4, 6)), -2 * off * np.ones((3, 6, 4, 6))]
    # 48 samples of weight 1 and 48 of weight 0.5; what comes after is cut off.
    weights = np.array([48, 24])
    found = protocol.score(predictions, truths)
    assert found["velocity_l1_cm_s"] == pytest.approx(
        np.average([4, 8], weights=weights), rel=1e-5
    )
    assert found["power_l1"] == pytest.approx(0.3, rel=1e-5)
    assert found["turbulence_l1_cm_s"] == pytest.approx(
        np.average([2, 4], weights=weights), rel=1e-5
    )
    # Errors do not wrap: twice the limit off is as wrong as it looks.
    wrapped = protocol.score([np.full((3, 4, 4, 6), 2 * LIMIT)], truths[:1])
    assert wrapped["velocity_l1_cm_s"] == pytest.approx(200 * LIMIT, rel=1e-5)
    # Less than one sample of weight is divided by one.
    faint = protocol.score([off * np.ones((3, 2, 4, 6))], [flat(2, 6, weight=0.01)])
    assert faint["velocity_l1_cm_s"] == pytest.approx(4 * 0.48, rel=1e-5)
    assert all(np.isnan(value) for value in protocol.score([], []).values())
    with pytest.raises(AnswerError, match=r"\(3, 4 or more"):
        protocol.score([predictions[0][:, :3]], truths[:1])
    with pytest.raises(AnswerError, match=r"\(3, 4 or more"):
        protocol.score([predictions[0][:2]], truths[:1])


@pytest.fixture(scope="module")
def flow_exam():
    """A phantom's four-chamber view: some 13 frames at 13 Hz, one Doppler each."""
    exam = simulate_flow(Patient(number=3))
    return Recording(
        Entry("exam3", "p3", "fold0", frozenset(exam.streams)), exam.streams
    )


@BOTH
@DOMAINS
def test_perfect_prediction_of_a_phantom(flow_exam, name, domain):
    short = {"clip_length": 8, "domain": domain, "max_rate_hz": 14.0, "max_ratio": 1.2}
    protocol = open_protocol("blood_flow", name, **short)
    published = open_protocol("blood_flow", "published", **short)
    case = protocol.open(flow_exam)
    truth = published.truth(case)
    right = protocol.item(case, case.scored)["target"]
    if (name, domain) == ("published", "cartesian"):
        right = truth["target"]
    mean = np.broadcast_to(right.mean(axis=1, keepdims=True), right.shape)

    def both(prediction):
        theirs = published.score([prediction], [truth])
        ours = scores(protocol, case, prediction)
        return np.array(
            [
                *(theirs["velocity_l1_cm_s"], theirs["power_l1"]),
                *(ours["velocity_error_cm_s"], ours["power_error"]),
            ]
        )

    best, average = both(right), both(mean)
    # On its own grid it is exact; else noise is lost between samples.
    exact = {("published", "cartesian"): [0, 1], ("corrected", "cartesian"): [2, 3]}
    if (name, domain) in exact:
        np.testing.assert_allclose(best[exact[name, domain]], 0, atol=1e-4)
    assert np.all(best < 0.15 * average)
    chance = np.random.default_rng(0)
    shuffled = right.reshape(3, -1)[:, chance.permutation(right[0].size)]
    assert np.all(both(shuffled.reshape(right.shape)) > average)
    for wrong in (
        right[:, :, ::-1],
        right[:, :, :, ::-1],
        right.swapaxes(2, 3),
        np.roll(right, 8, axis=1),
        100 * right,
    ):
        assert np.all(both(wrong) > 0.7 * average)


def test_answers_lie_where_the_prediction_was_made():
    one = recording()
    prediction = np.arange(3)[:, None, None, None] + np.zeros((3, 10, 20, 24))
    for name in ("published", "corrected"):
        for domain in ("beamspace", "cartesian"):
            protocol = small(name, domain=domain)
            case = protocol.open(one)
            answer = protocol.answer(case, prediction)
            assert answer.geometry == replace(case.plan.answers, shape=(20, 24))
            assert answer.values["flow"].shape == (8, 3, 20, 24)
            assert answer.values["flow"][0, :, 0, 0].tolist() == [0, 1, 2]
            np.testing.assert_allclose(
                answer.time, (np.arange(6, 14) + 0.5) / (2 * RATE)
            )
            assert answer.velocity_limit == LIMIT
            with pytest.raises(AnswerError, match="8 or more"):
                protocol.answer(case, prediction[:, :7])


def test_corrected_score_is_that_of_the_task():
    protocol = small("corrected", domain="cartesian")
    case = protocol.open(recording())
    right = protocol.item(case, case.scored)["target"]
    off = right + np.array([0.04, 0.1, 0.02], np.float32)[:, None, None, None]
    found = protocol.score([off, right], [protocol.truth(case)] * 2)
    assert found["velocity_error_cm_s"] == pytest.approx(2, rel=1e-4)
    assert found["velocity_error_percent"] == pytest.approx(2 / LIMIT, rel=1e-4)
    assert found["power_error"] == pytest.approx(0.05, rel=1e-4)
    assert found["turbulence_error_cm_s"] == pytest.approx(1, rel=1e-4)
    assert found == {
        name: pytest.approx(scores(protocol, case, off)[name] / 2, rel=1e-6)
        for name in protocol.metrics
    }
