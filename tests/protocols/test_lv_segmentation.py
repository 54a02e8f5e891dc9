"""The left ventricle's protocols against hand-drawn cases and a slow reference."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from cardium.core import (
    UNLABELLED,
    Clip,
    Entry,
    PlaneGrid,
    Recording,
    Sector,
    Stream,
)
from cardium.errors import (
    AnswerError,
    DataCorruptError,
    InvalidArgumentError,
    NotProvidedError,
)
from cardium.geometry import inside, lv_label_map, with_shape
from cardium.protocols import cut_recording, open_protocol
from cardium.protocols._contours import draw_walls, map_by_phase, map_by_time
from cardium.tasks._clip import scoring_plane

SECTOR = Sector(depth=(0.01, 0.13), angle=(-0.6, 0.6), shape=(61, 41))
PIXELS = PlaneGrid(x=(0.0, 0.019), z=(0.0, 0.011), shape=(12, 20))  # 1 mm
FEW = {"size": 48, "clip_length": 6, "stride": 4, "context": 2, "rows": 64}
NAMES = ("published", "corrected")
DOMAINS = ("beamspace", "cartesian")


def arch(radius, points=13):
    """An arc open below and to the right, off the middle of the fan."""
    angle = np.linspace(0.1, 1.3, points) * np.pi
    x = 0.012 + 0.8 * radius * np.cos(angle)
    return np.stack([x, 0.075 - radius * np.sin(angle)], axis=-1)


def wall(growth=1.0):
    return np.stack([arch(growth * r) for r in np.linspace(0.02, 0.03, 5)])


class Unread:
    """Frames that say their shape and refuse to be read."""

    def __init__(self, values):
        self.shape, self.dtype = values.shape, values.dtype

    def __getitem__(self, time):
        pytest.fail("a frame was read")


def recording(
    *, frames=20, annotated=range(5, 13), offset=0.0, qrs=(0.1, 0.5), name="r"
):
    """A ventricle that grows with each contour; frames at 25 Hz, all different."""
    time = np.arange(frames) / 25
    rng = np.random.default_rng(1)
    grey = rng.integers(0, 200, (frames, *SECTOR.shape), np.uint8)
    contour = np.stack([wall(1 + 0.02 * k) for k in range(len(annotated))])
    places = ("time", "range", "beam")
    layers = ("time", "layer", "point", "xz")
    when = time[list(annotated)] + offset
    annotations = {"lv_contour": Stream("lv_contour", contour, when, layers, "m")}
    if qrs is not None:
        beats = np.array(qrs)
        annotations["qrs"] = Stream("qrs", np.ones(len(qrs)), beats, ("time",), "")
    return Recording(
        Entry(name, "p", "", frozenset({"b_mode", *annotations})),
        {"b_mode": Stream("b_mode", grey, time, places, "grey", SECTOR)},
        annotations,
    )


def with_contours(one, change):
    """The recording with other contours."""
    stream = one["lv_contour"]
    values = stream.load().copy()
    change(values)
    held = {**one.annotations, "lv_contour": stream.with_values(values)}
    return replace(one, annotations=held)


def fill_slowly(corners, shape):
    """Ask of each pixel whether its lower right corner is inside, rims included."""
    out = np.zeros(shape, bool)
    edges = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    for i in range(shape[0]):
        line = i + 0.5
        met = [
            c0 + (line - r0) * (c1 - c0) / (r1 - r0)
            for (r0, c0), (r1, c1) in edges
            if min(r0, r1) <= line < max(r0, r1)
        ]
        for j in range(shape[1]):
            to_the_left = sum(m < j + 0.5 for m in met)
            out[i, j] = to_the_left % 2 == 1 or any(m == j + 0.5 for m in met)
    return out


def outline_slowly(corners, shape):
    """Round points along each edge to whole pixels."""
    out = np.zeros(shape, bool)
    for start, stop in zip(corners, [*corners[1:], corners[0]], strict=True):
        (r0, c0), (r1, c1) = start, stop
        steps = max(math.ceil(2 * max(abs(r1 - r0), abs(c1 - c0))), 1)
        rows = np.round(np.linspace(r0, r1, steps + 1)).astype(int)
        columns = np.round(np.linspace(c0, c1, steps + 1)).astype(int)
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
            if 0 <= i < shape[0] and 0 <= j < shape[1]:
                out[i, j] = True
    return out


def walls_slowly(layers, shape):
    """Cavity and wall of places (layer, point, 2), polygon by polygon."""
    rows = [p for p in range(layers.shape[1]) if np.isfinite(layers[:, p]).all()]
    cavity, around = np.zeros(shape, bool), np.zeros(shape, bool)
    if len(rows) < 2:
        return cavity, around
    inner = [tuple(layers[0, p]) for p in rows]
    cavity = fill_slowly(inner, shape) | outline_slowly(inner, shape)
    for p, q in pairwise(rows):
        for k in range(len(layers) - 1):
            quad = [layers[k, p], layers[k, q], layers[k + 1, q], layers[k + 1, p]]
            a, b = np.subtract(quad[2], quad[0]), np.subtract(quad[3], quad[1])
            if abs(a[0] * b[1] - a[1] * b[0]) / 2 > 1e-6:
                around |= fill_slowly(quad, shape) | outline_slowly(quad, shape)
    return cavity, around & ~cavity


def drawn_on_pixels(*layers):
    """Draw layers that are given as (row, column) on PIXELS."""
    metres = 1e-3 * np.array(layers, float)[..., ::-1]
    cavity, around = draw_walls(metres[None], PIXELS, PIXELS.shape)
    return cavity[0], around[0]


def square(first, last):
    return [(first, first), (first, last), (last, last), (last, first)]


def test_the_square_that_the_outline_completes():
    inner = square(1.6, 5.4)
    filled = fill_slowly(inner, PIXELS.shape)
    assert np.argwhere(filled).tolist() == [
        [i, j] for i in (2, 3, 4) for j in (2, 3, 4)
    ]
    cavity, around = drawn_on_pixels(inner, inner)
    expected = np.zeros(PIXELS.shape, np.uint8)
    expected[2:6, 2:6] = 1
    np.testing.assert_array_equal(cavity, expected)
    assert not around.any()


def test_quads_without_an_area_are_not_even_outlined():
    cavity, around = drawn_on_pixels([(3, 3), (3, 5)], [(3, 1), (3, 8)])
    assert np.argwhere(cavity).tolist() == [[3, j] for j in (3, 4, 5)]
    assert not around.any()


def test_outlines_of_quads_are_painted_and_the_cavity_wins():
    inner, outer = [(1.4, 7.0), (8.6, 7.0)], [(1.4, 2.4), (8.6, 2.4)]
    cavity, around = drawn_on_pixels(inner, outer)
    expected = np.zeros((2, *PIXELS.shape), np.uint8)
    expected[0, 1:10, 7] = 1  # two points have an outline and no inside
    expected[1, 1:10, 2:7] = 1
    np.testing.assert_array_equal([cavity, around], expected)


def test_halves_are_rounded_to_even():
    cavity, _ = drawn_on_pixels(*[[(2.5, 3.5), (2.5, 6.5), (2.5, 6.5)]] * 2)
    assert np.argwhere(cavity).tolist() == [[2, j] for j in (4, 5, 6)]


def test_what_leaves_the_grid_is_cut_off():
    inner = [(-3.0, -2.0), (-3.0, 30.0), (40.0, 30.0), (40.0, -2.0)]
    cavity, _ = drawn_on_pixels(inner, inner)
    assert cavity.all()
    away, _ = drawn_on_pixels(*[[(20.0, 30.0), (25.0, 30.0), (25.0, 35.0)]] * 2)
    assert not away.any()


@pytest.mark.parametrize("seed", range(4))
def test_the_kernel_against_the_slow_reference(seed):
    rng = np.random.default_rng(seed)
    shape = (24, 17)
    grid = PlaneGrid(x=(0.0, 0.016), z=(0.0, 0.023), shape=shape)
    turn = np.linspace(0.2, 5.5, 9)
    places = np.empty((3, 4, 9, 2))
    for t in range(3):
        for k, radius in enumerate((4, 6, 8, 11)):
            r = radius + rng.normal(0, 0.7, 9)
            ring = [11 + r * np.sin(turn), 8 + 0.8 * r * np.cos(turn)]
            places[t, k] = np.stack(ring, axis=-1)
    places[1] = places[1].round(0) / 2 + 3.5  # ties everywhere
    places[2, 2, 4] = np.nan
    cavity, around = draw_walls(1e-3 * places[..., ::-1], grid, shape)
    for t in range(3):
        index = grid.index_of(*np.moveaxis(1e-3 * places[t, ..., ::-1], -1, 0))
        slow = walls_slowly(np.stack(index, axis=-1), shape)
        np.testing.assert_array_equal([cavity[t], around[t]], slow)


def test_points_that_are_not_drawn_are_left_out_of_all_layers():
    layers = wall()
    layers[3, 6] = np.nan
    layers[0, 2] = np.nan
    short = np.delete(wall(), (2, 6), axis=1)
    found, expected = (draw_walls(x[None], SECTOR, (48, 40)) for x in (layers, short))
    np.testing.assert_array_equal(found, expected)
    layers[:, 1:] = np.nan
    assert not np.any(draw_walls(layers[None], SECTOR, (48, 40)))


@pytest.mark.parametrize(
    "geometry", [SECTOR, PlaneGrid((-0.07, 0.07), (0, 0.13), (61, 41))]
)
def test_points_go_to_the_grid_by_its_first_and_last_sample(geometry):
    shape = (48, 32)
    rows, columns = geometry.index_of(wall()[..., 0], wall()[..., 1])
    places = np.stack([rows * 47 / 60, columns * 31 / 40], axis=-1)
    found = draw_walls(wall()[None], geometry, shape)
    np.testing.assert_array_equal([f[0] for f in found], walls_slowly(places, shape))
    assert np.sum(found[0]) > 40
    assert np.sum(found[1]) > 40


def test_phases_by_hand():
    contours, qrs = np.array([0.2, 0.3, 0.4, 0.5, 0.6]), np.array([1.0, 2.0, 4.0])
    times = {0.0: 0, 1.0: 0, 1.1: 0, 1.2: 1, 1.5: 2, 1.99: 4, 2.0: 0, 2.6: 1, 3.0: 2}
    times |= {3.9: 4, 4.0: 4, 7.0: 4}  # behind the last QRS it stands still
    found = map_by_phase(np.array([*times]), contours, qrs)
    assert found.tolist() == [*times.values()]


@pytest.mark.parametrize("qrs", [(), (0.31,)])
def test_without_a_beat_the_nearest_contour_is_taken(qrs):
    frames, contours = np.array([0.0, 0.24, 0.26, 0.9]), np.array([0.2, 0.3, 0.4])
    assert map_by_phase(frames, contours, np.array(qrs)).tolist() == [0, 0, 1, 2]
    case = open_protocol("lv_segmentation", **FEW).open(recording(qrs=qrs or None))
    assert case.plan.by_phase.tolist() == [0] * 6 + [*range(1, 8)] + [7] * 7


def test_contours_belong_to_frames_within_half_a_step():
    frames = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
    stamps = np.array([0.04, 0.10, 0.14, 0.25, 0.4500005, 0.46])
    # 0.14 is beaten by 0.10, 0.25 is a tie that the earlier frame takes
    assert map_by_time(frames, stamps).tolist() == [0, 1, 3, -1, 4]


@pytest.mark.parametrize("name", NAMES)
def test_clips_and_the_window_around_what_was_annotated(name):
    few = {k: v for k, v in FEW.items() if name == "published" or k != "rows"}
    protocol = open_protocol("lv_segmentation", name, **few)
    case = protocol.open(recording(annotated=(7, 8, 12), offset=0.015))
    assert case.train == tuple(Clip(s, s + 6) for s in (0, 4, 8, 12))
    assert case.scored == Clip(5, 15)
    assert np.flatnonzero(case.plan.by_time >= 0).tolist() == [7, 8, 12]
    early = protocol.open(recording(annotated=(1, 19)))
    assert early.scored == Clip(0, 20)
    short = protocol.open(recording(frames=5, annotated=(2,)))
    assert short.train == ()
    assert short.scored == Clip(0, 5)


def test_defaults_are_those_of_the_paper():
    options = open_protocol("lv_segmentation").options
    assert options == {
        "domain": "beamspace",
        "size": 256,
        "clip_length": 32,
        "stride": 32,
        "context": 8,
        "rows": 256,
        "batch_size": 1,
    }


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("name", NAMES)
def test_opening_reads_no_frame(name, domain):
    one = recording()
    b_mode = one["b_mode"]
    one = replace(one, streams={"b_mode": b_mode.with_values(Unread(b_mode.values))})
    protocol = open_protocol("lv_segmentation", name, domain=domain)
    assert protocol.open(one).scored == Clip(0, 20)
    protocol.truth(protocol.open(one))


def test_admission_by_the_catalogue():
    admit = open_protocol("lv_segmentation").admit
    entry = recording().entry
    assert admit(entry) == ""
    assert "lv_contour" in admit(replace(entry, provides=frozenset({"b_mode"})))
    content = {"content_types": ("2d_left_ventricular_strain", "2d_brightness_mode")}
    assert admit(replace(entry, labels=content)) == ""
    atrium = replace(entry, labels={"content_types": ("2d_left_atrial_strain",)})
    assert "2d_left_ventricular_strain" in admit(atrium)


def test_published_items():
    protocol = open_protocol("lv_segmentation", **FEW)
    one = recording()
    case = protocol.open(one)
    item = protocol.item(case, Clip(4, 10))
    assert {k: (v.shape, v.dtype.name) for k, v in item.items()} == {
        "input": ((1, 6, 48, 48), "float32"),
        "target": ((2, 6, 48, 48), "float32"),
        "valid": ((6,), "float32"),
    }
    assert case.geometry == with_shape(SECTOR, (48, 48))
    # 0.1 to 0.5 s of beat over eight contours: frame 4 is at phase 0.15, 9 at 0.65
    contours = one["lv_contour"].load()[[1, 2, 2, 3, 4, 5]]
    expected = draw_walls(contours, SECTOR, (48, 48))
    np.testing.assert_array_equal(item["target"], np.stack(expected))
    assert item["valid"].all()
    assert item["input"].min(axis=(2, 3)).tolist() == [[0.0] * 6]
    assert item["input"].max(axis=(2, 3)).tolist() == [[1.0] * 6]


def test_each_frame_is_stretched_by_itself():
    native = {**FEW, "size": 41}
    one = recording()
    square_fan = replace(SECTOR, shape=(41, 41))
    grey = one["b_mode"].load()[:, :41]
    b_mode = replace(one["b_mode"], values=grey, geometry=square_fan)
    protocol = open_protocol("lv_segmentation", **native)
    case = protocol.open(replace(one, streams={"b_mode": b_mode}))
    frames = grey[2:5].astype(float)
    low, high = (f(frames, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    found = protocol.item(case, Clip(2, 5))["input"][0]
    np.testing.assert_allclose(found, (frames - low) / (high - low), atol=1e-6)


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("name", NAMES)
def test_a_slice_of_what_was_prepared_is_the_item(name, domain):
    few = {k: v for k, v in FEW.items() if name == "published" or k != "rows"}
    protocol = open_protocol("lv_segmentation", name, domain=domain, **few)
    case = protocol.open(recording())
    whole = protocol.prepare(case, Clip(0, 20))
    assert set(whole) == set(protocol.fields)
    stops = {"frame": 10, "interval": 9, "case": None}
    part = {
        key: array[4 : stops[field.per]] if field.per != "case" else array
        for key, field in protocol.fields.items()
        for array in [whole[key]]
    }
    item = protocol.item(case, Clip(4, 10))
    for key, array in protocol.finish(part).items():
        np.testing.assert_array_equal(array, item[key])


def test_an_empty_contour_makes_its_frame_invalid():
    def erase(values):
        values[2] = np.nan
        values[3, :, 1:] = np.nan

    protocol = open_protocol("lv_segmentation", **FEW)
    case = protocol.open(with_contours(recording(qrs=None), erase))
    item = protocol.item(case, Clip(4, 14))
    assert item["valid"].tolist() == [1, 1, 1, 0, 0, 1, 1, 1, 1, 1]
    assert not item["target"][:, 3:5].any()
    assert case.scored == Clip(3, 15)
    assert protocol.truth(case)["frame"].tolist() == [2, 3, 6, 7, 8, 9]


def test_what_cannot_be_used():
    protocol = open_protocol("lv_segmentation", **FEW)

    def refused(one, error=NotProvidedError):
        with pytest.raises(error) as caught:
            protocol.truth(protocol.open(one))
        return str(caught.value)

    one = recording()
    empty = with_contours(one, lambda values: values.fill(np.nan))
    assert "0 of its 8 contours" in refused(empty)
    assert "within half a frame" in refused(recording(offset=5.0))
    millimetres = with_contours(
        one, lambda values: np.multiply(values, 1e3, out=values)
    )
    assert "millimetres" in refused(millimetres, DataCorruptError)
    aside = with_contours(one, lambda values: np.add(values, 0.5, out=values))
    assert "leaves anything" in refused(aside)
    none = replace(one["lv_contour"], values=np.zeros((0, 5, 9, 2)), time=np.zeros(0))
    assert "lv_contour" in refused(replace(one, annotations={"lv_contour": none}))
    assert "no 'lv_contour'" in refused(replace(one, annotations={}))
    plane = PlaneGrid((0, 1), (0, 1), SECTOR.shape)
    flat = replace(one["b_mode"], geometry=plane, dims=("time", "z", "x"))
    assert "Sector" in refused(replace(one, streams={"b_mode": flat}))
    with pytest.raises(InvalidArgumentError, match="stride must be 1"):
        open_protocol("lv_segmentation", stride=0)


def perfect(protocol, case):
    """Probabilities that are the truth of the metric's own plane."""
    truth = protocol.truth(case)
    frames = case.scored.stop - case.scored.start
    shape = truth["target"].shape[2:]
    prediction = np.zeros((3, frames, *shape), np.float32)
    prediction[1:, truth["frame"]] = truth["target"]
    prediction[0] = 1 - prediction[1:].sum(axis=0)
    return prediction, truth


def test_a_perfect_prediction_and_its_mistakes():
    protocol = open_protocol("lv_segmentation", domain="cartesian", **FEW)
    prediction, truth = perfect(protocol, protocol.open(recording()))

    def dice(changed, metric="dice"):
        return protocol.score([changed], [truth])[metric]

    assert set(protocol.score([prediction], [truth])) == set(protocol.metrics)
    assert dice(prediction) == pytest.approx(100, abs=1e-6)
    longer = np.concatenate([prediction, np.ones_like(prediction)], axis=1)
    assert dice(longer) == pytest.approx(100, abs=1e-6)
    assert dice(prediction[[0, 2, 1]]) < 1
    assert dice(prediction[:, :, :, ::-1]) < 50
    assert dice(prediction.swapaxes(2, 3)) < 60
    assert 50 < dice(np.roll(prediction, 3, axis=1)) < 97
    unscored = prediction.copy()
    unscored[:, [0, 1, -2, -1]] = 0.3  # context frames do not count
    assert dice(unscored) == pytest.approx(100, abs=1e-6)
    outside = prediction.copy()
    outside[:, :, ~truth["seen"]] = 0.7  # nor do corners outside the fan
    assert dice(outside) == pytest.approx(100, abs=1e-6)


def test_the_soft_dice_by_hand():
    protocol = open_protocol("lv_segmentation", domain="cartesian", **FEW)
    prediction, truth = perfect(protocol, protocol.open(recording()))
    seen, target = truth["seen"], truth["target"]
    inner, around = (np.count_nonzero(t & seen) for t in target)
    every = len(truth["frame"]) * np.count_nonzero(seen)
    even = np.broadcast_to(
        np.float32([0.5, 0.25, 0.25])[:, None, None, None], prediction.shape
    )
    scores = protocol.score([even], [truth])
    cavity = 100 * 2 * 0.25 * inner / (0.25 * every + inner)
    wall_ = 100 * 2 * 0.25 * around / (0.25 * every + around)
    assert scores["dice_lv_cavity"] == pytest.approx(cavity, rel=1e-6)
    assert scores["dice_myocardium"] == pytest.approx(wall_, rel=1e-6)
    assert scores["dice"] == pytest.approx((cavity + wall_) / 2, rel=1e-6)
    # of a batch the sums are taken together
    both = protocol.score([even, prediction], [truth, truth])["dice_lv_cavity"]
    by_hand = 100 * 2 * 1.25 * inner / (0.25 * every + 3 * inner)
    assert both == pytest.approx(by_hand, rel=1e-6)
    assert math.isnan(protocol.score([], [])["dice"])


def test_a_beamspace_prediction_goes_to_the_plane_with_zeros_around():
    protocol = open_protocol("lv_segmentation", **FEW)
    case = protocol.open(recording())
    truth = protocol.truth(case)
    prediction = np.random.default_rng(3).random((3, 12, 48, 30), np.float32)
    plane = PlaneGrid(*truth["plane"].reshape(2, 2).tolist(), truth["seen"].shape)
    assert plane.shape[0] == 64
    place = with_shape(SECTOR, (48, 30)).index_of(*plane.points())
    overlap, sums = np.zeros(2), np.zeros(2)
    for channel in (0, 1):
        for k, frame in enumerate(truth["frame"]):
            values = map_coordinates(
                prediction[channel + 1, frame], place, order=1, mode="grid-constant"
            )[inside(SECTOR, plane)]
            drawn = truth["target"][channel, k][inside(SECTOR, plane)]
            overlap[channel] += values[drawn].sum()
            sums[channel] += values.sum() + drawn.sum()
    scores = protocol.score([prediction], [truth])
    expected = 200 * overlap / sums
    found = [scores["dice_lv_cavity"], scores["dice_myocardium"]]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_published_target_is_nearly_the_published_truth(domain):
    protocol = open_protocol("lv_segmentation", domain=domain, **{**FEW, "size": 160})
    case = protocol.open(recording(qrs=None))
    item = protocol.item(case, case.scored)
    prediction = np.concatenate([1 - item["target"].sum(0)[None], item["target"]])
    scores = protocol.score([prediction], [protocol.truth(case)])
    assert scores["dice_lv_cavity"] > 88
    assert scores["dice_myocardium"] > 80
    answer = protocol.answer(case, prediction)
    truth = protocol.task.target(cut_recording(case), None)
    assert protocol.task.score(answer, truth)["dice"] > 0.85
    swapped = protocol.answer(case, prediction[[0, 2, 1]])
    assert protocol.task.score(swapped, truth)["dice"] < 0.2


def test_predictions_of_another_shape_are_refused():
    protocol = open_protocol("lv_segmentation", domain="cartesian", **FEW)
    case = protocol.open(recording())
    prediction, truth = perfect(protocol, case)
    with pytest.raises(AnswerError, match="12 or more"):
        protocol.answer(case, prediction[:, :-1])
    with pytest.raises(AnswerError, match="must be"):
        protocol.score([prediction[1:]], [truth])
    prediction[0, 0, 0, 0] = np.nan
    with pytest.raises(AnswerError, match="finite"):
        protocol.score([prediction], [truth])


def test_answers_name_the_most_probable_class_at_the_frames_times():
    protocol = open_protocol("lv_segmentation", **FEW)
    case = protocol.open(recording())
    prediction = np.full((3, 14, 6, 5), 0.2, np.float32)
    prediction[2, 1] = 0.6
    prediction[1, 2] = 0.6
    answer = protocol.answer(case, prediction)
    labels = answer.values["labels"]
    assert labels.dtype == np.uint8
    assert labels[:4, 0, 0].tolist() == [0, 2, 1, 0]
    assert answer.geometry == with_shape(SECTOR, (6, 5))
    np.testing.assert_array_equal(answer.time, np.arange(3, 15) / 25)


@pytest.mark.parametrize("domain", DOMAINS)
def test_corrected_items_hold_the_exact_labels(domain):
    protocol = open_protocol("lv_segmentation", "corrected", domain=domain)
    one = recording()
    case = protocol.open(one)
    place = SECTOR if domain == "beamspace" else scoring_plane(one)
    assert case.geometry == place
    item = protocol.item(case, Clip(3, 9))
    assert item["input"].shape == (1, 6, *place.shape)
    assert item["input"].dtype == np.float32
    assert item["input"].max() <= 1
    labels = item["target"]
    assert labels.dtype == np.uint8
    assert (labels[:2] == UNLABELLED).all()
    wanted = protocol.task.target(one, place).values["labels"][3:9]
    np.testing.assert_array_equal(labels, wanted)
    layers = one["lv_contour"].load()[1]
    drawn = lv_label_map(layers[0], layers[-1], place)
    shown = np.asarray(inside(SECTOR, place))
    np.testing.assert_array_equal(labels[3][shown], drawn[shown])
    np.testing.assert_allclose(item["interval"], np.full(5, 1 / 25), rtol=1e-6)
    if domain == "beamspace":
        grey = one["b_mode"].load()[3:9]
        np.testing.assert_allclose(item["input"][0], grey / 255, atol=1e-6)
        axes = (SECTOR.range_spacing, SECTOR.depths, SECTOR.angles)
    else:
        axes = (place.spacing[0], place.zs, place.xs)
    for key, axis in zip(("row_spacing", "depth", "angle"), axes, strict=True):
        np.testing.assert_allclose(item[key], axis, rtol=1e-6, atol=1e-9)


def test_a_ventricle_that_the_fan_does_not_show_is_unlabelled():
    one = with_contours(recording(), lambda v: np.add(v, [0.05, 0], out=v))
    protocol = open_protocol("lv_segmentation", "corrected", domain="cartesian")
    labels = protocol.item(protocol.open(one), Clip(5, 13))["target"]
    shown = np.asarray(inside(SECTOR, scoring_plane(one)))
    assert set(np.unique(labels[:, ~shown])) == {0, UNLABELLED}
    assert set(np.unique(labels[:, shown])) == {0, 1, 2}


def test_corrected_scores_are_those_of_the_task():
    protocol = open_protocol("lv_segmentation", "corrected", domain="cartesian")
    case = protocol.open(recording())
    truth = protocol.truth(case)
    labels = protocol.item(case, case.scored)["target"]
    prediction = np.stack([labels == code for code in range(3)]).astype(np.float32)
    prediction[0, (labels == UNLABELLED)] = 1
    scores = protocol.score([prediction], [truth])
    assert scores["dice"] == 1
    assert scores["hd95_lv_cavity_mm"] == 0
    swapped = protocol.score([prediction[[0, 2, 1]]], [truth])
    assert swapped["dice"] == 0
    assert set(scores) == set(protocol.task.metrics)
