"""Both protocols of the tissue velocity: closed forms, batches by hand, a phantom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cardium.core import Clip, Entry, PlaneGrid, Recording, Sector, Stream
from cardium.errors import AnswerError, InvalidArgumentError, NotProvidedError
from cardium.geometry import inside, resample_velocity
from cardium.protocols import cut_recording, open_protocol, protocol_options

WIDE = Sector(depth=(0.0, 0.12), angle=(-0.6, 0.6), shape=(61, 41))
BOX = Sector(depth=(0.02, 0.10), angle=(-0.3, 0.4), shape=(41, 29))
LIMIT, RATE = 0.16, 30.0
DIMS = ("time", "range", "beam")
BOTH = pytest.mark.parametrize("name", ["published", "corrected"])
DOMAINS = pytest.mark.parametrize("domain", ["beamspace", "cartesian"])


class Unread:
    """Images that must not be read."""

    def __init__(self, values):
        self.shape, self.dtype = values.shape, values.dtype

    def __getitem__(self, part):
        raise AssertionError("a pixel was read")


def field(depth, angle, frame):
    """0.8 cm/s a cm of depth, 0.6 cm/s a tenth of a radian and 0.4 cm/s a frame."""
    return 0.8 * depth + 0.06 * angle + 0.004 * frame


def recording(*, frames=12, rate=RATE, stamps=None, box=BOX, speed=field, limit=LIMIT):
    time = np.arange(frames) / rate
    if stamps is None:
        stamps = (time[1:] + time[:-1]) / 2
    number = np.arange(len(stamps))[:, None, None]
    velocity = speed(box.depths[:, None], box.angles, number)
    velocity = np.broadcast_to(velocity, (len(stamps), *box.shape))
    # Grey grows by 2 a row and by 1 a frame, so that rows, beams and frames differ.
    grey = np.arange(frames)[:, None, None] + 2 * np.arange(61)[:, None] + np.zeros(41)
    names = ("b_mode", "tissue_velocity")
    return Recording(
        Entry("r0", "p0", "fold0", frozenset(names)),
        {
            "b_mode": Stream("b_mode", np.uint8(grey), time, DIMS, "grey", WIDE),
            "tissue_velocity": Stream(
                *(names[1], np.float32(velocity), np.asarray(stamps), DIMS, "m/s"),
                geometry=box,
                velocity_limit=limit,
            ),
        },
    )


def small(name="published", **options):
    settings = {"clip_length": 4, "stride": 3, "rows": 48, "size": 40, **options}
    if name == "corrected":
        del settings["rows"]
    return open_protocol("tissue_velocity", name, **settings)


def scores(protocol, case, prediction):
    """Score of the task itself, as a benchmark takes it."""
    truth = protocol.task.target(cut_recording(case), None)
    return protocol.task.score(protocol.answer(case, prediction), truth)


def test_defaults_are_those_of_the_paper():
    options = protocol_options("tissue_velocity", "published")
    assert options == {
        "domain": "beamspace",
        "size": 256,
        "clip_length": 32,
        "stride": 16,
        "scored_frames": 96,
        "min_rate_hz": 26.0,
        "max_rate_hz": 33.0,
        "rows": 256,
        "batch_size": 2,
    }
    assert small(rows=48).options["rows"] == 48


@BOTH
@DOMAINS
def test_opening_reads_no_pixel(name, domain):
    one = recording()
    unread = {k: s.with_values(Unread(s.values)) for k, s in one.streams.items()}
    protocol = small(name, domain=domain, scored_frames=6)
    assert protocol.admit(one.entry) == ""
    case = protocol.open(replace(one, streams=unread))
    assert case.train == (Clip(0, 5), Clip(3, 8), Clip(6, 11))
    assert case.scored == Clip(3, 9)
    with pytest.raises(AssertionError, match="pixel"):
        protocol.prepare(case, case.scored)


def test_who_is_admitted():
    protocol = small()
    entry = replace(recording().entry, provides=frozenset({"b_mode"}))
    assert protocol.admit(entry) == "no tissue_velocity"
    nothing = replace(entry, provides=frozenset())
    assert protocol.admit(nothing) == "no b_mode and no tissue_velocity"
    for rate, used in [(25.9, False), (26.1, True), (32.9, True), (33.1, False)]:
        if used:
            protocol.open(recording(rate=rate))
            continue
        with pytest.raises(NotProvidedError, match="a second"):
            protocol.open(recording(rate=rate))
    small(max_rate_hz=40.0).open(recording(rate=39.0))
    with pytest.raises(NotProvidedError, match="4 B-mode and 3 Doppler"):
        protocol.open(recording(frames=4))
    with pytest.raises(NotProvidedError, match="folds"):
        protocol.open(recording(limit=None))
    still = recording()
    bare = replace(still["b_mode"], geometry=None)
    with pytest.raises(NotProvidedError, match="Sector"):
        protocol.open(replace(still, streams={**still.streams, "b_mode": bare}))
    with pytest.raises(InvalidArgumentError, match="stride"):
        small(stride=0)
    with pytest.raises(InvalidArgumentError, match="domain"):
        small(domain="polar")


def test_empty_intervals_leave_their_clips_out():
    middle = (np.arange(11) + 0.5) / RATE
    case = small().open(recording(stamps=np.delete(middle, 4)))
    assert case.train == (Clip(0, 5), Clip(6, 11))  # and not Clip(3, 8)
    assert case.scored == Clip(5, 12)
    with pytest.raises(NotProvidedError, match="are 3, the protocol needs 4"):
        small().open(recording(stamps=np.delete(middle, [3, 7])))


def test_doppler_frame_nearest_the_middle_is_taken():
    """Three Doppler frames an interval: the second is nearest the middle."""
    stamps = (np.arange(33) + 0.6) / (3 * RATE)
    protocol = small()
    case = protocol.open(recording(stamps=stamps))
    assert case.plan.doppler.tolist() == [1 + 3 * k for k in range(11)]
    target = protocol.item(case, Clip(2, 7))["target"][0]
    steps = np.diff(target[:, 20, 20])
    np.testing.assert_allclose(steps, 3 * 0.004, atol=1e-6)


def test_published_item_in_beamspace():
    protocol, one = small(), recording()
    case = protocol.open(one)
    assert case.geometry == replace(WIDE, shape=(40, 40))
    item = protocol.item(case, Clip(3, 8))
    assert {k: v.shape for k, v in item.items()} == {
        "input": (1, 5, 40, 40),
        "target": (1, 4, 40, 40),
        "limit": (),
        "scale": (),
    }
    assert {v.dtype for v in item.values()} == {np.dtype(np.float32)}
    assert item["scale"] == pytest.approx(RATE * 0.12 / 40)
    assert item["limit"] == pytest.approx(LIMIT)
    # Rows by their edges: 61 / 40 of a row each, the first one's middle at 0.2625.
    row = (np.arange(40) + 0.5) * 61 / 40 - 0.5
    grey = 2 * (row - row[0])[:, None] + np.arange(5)[:, None, None]
    grey /= 2 * (row[-1] - row[0]) + 4
    np.testing.assert_allclose(
        item["input"][0], np.broadcast_to(grey, (5, 40, 40)), atol=1e-5
    )
    depth, angle = case.geometry.depths[:, None], case.geometry.angles
    there = inside(BOX, case.geometry)
    expected = field(depth, angle, np.arange(3, 7)[:, None, None])
    # The nearest sample is half a step away at most: 1 mm and 12.5 mrad.
    assert np.abs(item["target"][0] - expected)[:, there].max() < 0.0008 + 0.00076
    assert not item["target"][0][:, ~there].any()
    swapped = item["target"][0].swapaxes(1, 2)
    assert np.abs(swapped - expected)[:, there].max() > 0.05


def test_published_target_lies_on_its_own_plane():
    protocol = small(domain="cartesian")
    case = protocol.open(recording())
    item = protocol.item(case, Clip(0, 5))
    height = 0.12  # the fan begins at the apex and looks straight down
    assert item["scale"] == pytest.approx(RATE * height / 40)
    assert isinstance(case.geometry, PlaneGrid)
    assert case.geometry.z == pytest.approx((0, height))
    plane = case.plan.answers
    assert plane.x == pytest.approx((0.1 * np.sin(-0.3), 0.1 * np.sin(0.4)))
    assert plane.z == pytest.approx((0.02 * np.cos(0.4), 0.1))
    # Row 20 of 40 is row 24 of 48; column 16 is floor(16 x columns / 40).
    z, x = plane.zs[24], plane.xs[16 * plane.shape[1] // 40]
    expected = field(np.hypot(x, z), np.arctan2(x, z), np.arange(4))
    np.testing.assert_allclose(item["target"][0, :, 20, 16], expected, atol=0.0016)


@BOTH
@DOMAINS
def test_a_slice_of_what_was_prepared_is_an_item(name, domain):
    protocol = small(name, domain=domain)
    case, clip = protocol.open(recording()), Clip(3, 8)
    whole = protocol.prepare(case, Clip(0, 12))
    assert set(whole) == set(protocol.fields)
    cut = {}
    for key, kept in protocol.fields.items():
        end = {"frame": 8, "interval": 7, "case": None}[kept.per]
        cut[key] = whole[key] if end is None else whole[key][3:end]
        if kept.store == "unit":
            assert whole[key].min() >= 0
            assert whole[key].max() <= 1
        if kept.store == "signed":
            assert np.abs(whole[key]).max() <= whole["limit"]
    item, again = protocol.item(case, clip), protocol.finish(cut)
    assert set(item) == set(again)
    for key in item:
        np.testing.assert_array_equal(item[key], again[key])


@DOMAINS
def test_corrected_item(domain):
    protocol, one = small("corrected", domain=domain), recording()
    case = protocol.open(one)
    item = protocol.item(case, Clip(3, 8))
    place = case.geometry
    rows, columns = place.shape
    x, z = place.points()
    depth, angle = np.hypot(x, z), np.arctan2(x, z)
    if domain == "beamspace":
        assert place == WIDE
        np.testing.assert_allclose(item["depth"], WIDE.depths, atol=1e-7)
        np.testing.assert_allclose(item["angle"], WIDE.angles, atol=1e-7)
        grey = 2 * np.arange(61)[:, None] + np.arange(3, 8)[:, None, None]
        shown = np.ones(WIDE.shape, bool)
    else:
        assert place == protocol.task.target(one, None).geometry
        np.testing.assert_allclose(item["depth"], place.zs, atol=1e-7)
        np.testing.assert_allclose(item["angle"], place.xs, atol=1e-7)
        shown = inside(WIDE, place)
        grey = 2 * depth / 0.002 + np.arange(3, 8)[:, None, None]
    assert item["input"].shape == (1, 5, rows, columns)
    expected = np.where(shown, grey / 255, 0)
    np.testing.assert_allclose(item["input"][0], expected, atol=1e-5)
    known = item["known"][0].astype(bool)
    np.testing.assert_array_equal(known, [inside(BOX, place)] * 4)
    expected = field(depth, angle, np.arange(3, 7)[:, None, None])
    np.testing.assert_allclose(item["target"][0][known], expected[known], atol=2e-5)
    assert not item["target"][0][~known].any()
    np.testing.assert_allclose(item["interval"], [1 / RATE] * 4, rtol=1e-6)
    spacing = 0.002 if domain == "beamspace" else place.spacing[0]
    assert item["row_spacing"] == pytest.approx(spacing)


def test_corrected_target_does_not_pass_through_zero_at_a_fold():
    """Beams at +0.9 and -0.9 of the limit: between them lies the limit."""

    def alternating(depth, angle, frame):
        beams = np.arange(len(angle)) % 2
        return 0.9 * LIMIT * (1 - 2 * beams) + 0 * (depth + frame)

    protocol = small("corrected", domain="beamspace")
    case = protocol.open(recording(speed=alternating))
    item = protocol.item(case, Clip(0, 5))
    size = np.abs(item["target"][item["known"].astype(bool)])
    assert size.min() > 0.89 * LIMIT


def perfect(name, domain, case, protocol):
    """What a model would answer that knew the truth, on the grid it answers on."""
    if name == "corrected":
        return protocol.item(case, case.scored)["target"]
    if domain == "cartesian":
        return protocol.truth(case)["target"][None]
    return protocol.item(case, case.scored)["target"]


@BOTH
@DOMAINS
def test_perfect_prediction_of_a_phantom(tissue_exam, name, domain):
    short = {"clip_length": 16, "scored_frames": 17, "domain": domain}
    protocol = open_protocol("tissue_velocity", name, **short)
    published = open_protocol("tissue_velocity", "published", **short)
    case = protocol.open(tissue_exam)
    assert case.scored == Clip(9, 26)
    right = perfect(name, domain, case, protocol)
    truth = published.truth(case)
    nothing = np.zeros((1, 16, 8, 8))

    def both(prediction):
        theirs = published.score([prediction], [truth])["velocity_l1_percent"]
        ours = scores(protocol, case, prediction)
        return theirs, ours["velocity_error_percent"], ours["velocity_error_cm_s"]

    best, none = both(right), both(nothing)
    # On its own grid it is exact; else speckle is lost between samples.
    exact = {("published", "cartesian"): 0, ("corrected", "cartesian"): 1}
    if (name, domain) in exact:
        assert best[exact[name, domain]] == pytest.approx(0, abs=1e-5)
    assert np.all(np.array(best) < 0.25 * np.array(none))
    for wrong in (
        right[:, :, ::-1],
        right[:, :, :, ::-1],
        right.swapaxes(2, 3),
        -right,
        np.roll(right, 8, axis=1),
        100 * right,
    ):
        assert np.all(np.array(both(wrong)) > 0.6 * np.array(none))


@DOMAINS
def test_no_motion_at_all(tissue_exam, domain):
    """Predicting zero costs the mean speed: of the rectangle, or where it is known."""
    published = open_protocol("tissue_velocity", "published", domain=domain)
    case = published.open(tissue_exam)
    truth = published.truth(case)
    zero = np.zeros((1, 34, 16, 16), np.float32)
    expected = 100 * np.abs(np.float64(truth["target"])).mean() / LIMIT
    found = published.score([zero], [truth])
    assert found == {"velocity_l1_percent": pytest.approx(expected, rel=1e-5)}
    measured = published.task.target(tissue_exam, None).values["velocity"]
    speed = 100 * np.nanmean(np.abs(np.float64(measured)))
    ours = scores(published, case, zero)
    # A plane that is only sixteen wide still reaches the rim of the fan.
    assert ours["velocity_error_cm_s"] == pytest.approx(speed, rel=0.01)


@DOMAINS
def test_error_is_blind_to_twice_the_limit(domain):
    protocol = small(domain=domain)
    case = protocol.open(recording())
    truth = protocol.truth(case)
    whole = {**truth, "answers": truth["plane"]}  # predictions on the truth's own grid
    right = truth["target"][None]
    found = protocol.score([right], [whole])["velocity_l1_percent"]
    assert found == pytest.approx(0, abs=1e-9)
    for turns in (-2, 2, 4):
        turned = protocol.score([right + np.float32(turns * LIMIT)], [whole])
        assert turned["velocity_l1_percent"] == pytest.approx(0, abs=1e-3)
    quarter = protocol.score([right + np.float32(LIMIT / 4)], [whole])
    assert quarter["velocity_l1_percent"] == pytest.approx(25, abs=1e-3)
    most = protocol.score([right + np.float32(1.25 * LIMIT)], [whole])
    assert most["velocity_l1_percent"] == pytest.approx(75, abs=1e-3)


def flat(intervals, columns, *, limit=0.2, rows=4):
    """A truth of zeros on a plane, for predictions on that plane."""
    plane = np.array([0.0, 0.1, 0.0, 0.1])
    target = np.zeros((intervals, rows, columns), np.float32)
    return {
        "target": target,
        "limit": np.float32(limit),
        "plane": plane,
        "answers": plane,
    }


def half_off(truth, intervals):
    """A prediction that is wrong by half of the limit everywhere."""
    shape = 1, intervals, *truth["target"].shape[1:]
    return np.full(shape, truth["limit"] / 2, np.float32)


def test_padding_is_counted_as_the_paper_counts_it():
    protocol = small()

    def score(*pairs):
        predictions = [half_off(t, n) for t, n in pairs]
        return protocol.score(predictions, [t for t, _ in pairs])["velocity_l1_percent"]

    long, short, narrow = flat(4, 6), flat(2, 6, limit=0.4), flat(4, 3)
    assert score((long, 4)) == pytest.approx(50)
    # Half of the short one is padding, of no error: (1 + 1/2) / 2 x 50.
    assert score((long, 4), (short, 2)) == pytest.approx(37.5)
    # Half of the narrow one's columns are padding.
    assert score((long, 4), (narrow, 4)) == pytest.approx(37.5)
    # A network that answers the padding with as much is wrong there as well.
    assert score((long, 4), (short, 4)) == pytest.approx(50)
    # Both: the batch is 2 x 4 x 4 x 6, and 4 x 4 x 6 + 2 x 4 x 3 of it are wrong.
    both = flat(2, 3)
    assert score((long, 4), (both, 2)) == pytest.approx(50 * (96 + 24) / 192)
    assert np.isnan(protocol.score([], [])["velocity_l1_percent"])
    with pytest.raises(AnswerError, match=r"\(1, 4 or more"):
        score((long, 3))


def test_what_is_not_finite_is_not_counted():
    protocol, truth = small(), flat(4, 6)
    truth["target"][:2] = np.nan
    off = half_off(truth, 4)
    off[:, 2] = 0
    assert protocol.score([off], [truth])["velocity_l1_percent"] == pytest.approx(25)
    truth["target"][:] = np.nan
    assert np.isnan(protocol.score([off], [truth])["velocity_l1_percent"])


def test_corrected_scores_the_clip_alone_and_counts_no_padding():
    protocol = small("corrected", domain="cartesian", scored_frames=6)
    cases = [protocol.open(recording(frames=n)) for n in (12, 5)]
    assert [c.scored for c in cases] == [Clip(3, 9), Clip(0, 5)]
    truths = [protocol.truth(case) for case in cases]
    right = [protocol.item(case, case.scored)["target"] for case in cases]
    perfect = protocol.score(right, truths)
    assert set(perfect) == set(protocol.metrics)
    assert perfect[protocol.primary] == pytest.approx(0, abs=1e-5)
    # 4 cm/s off in one recording, 2 in the other, and three frames too many.
    extra = [np.pad(v, ((0, 0), (0, 3), (0, 0), (0, 0))) for v in right]
    off = [extra[0] + np.float32(0.04), extra[1] + np.float32(0.02)]
    found = protocol.score(off, truths)
    assert found["velocity_error_cm_s"] == pytest.approx(3, abs=1e-4)
    assert found["velocity_error_percent"] == pytest.approx(3 / 16 * 100, abs=1e-3)
    with pytest.raises(AnswerError, match=r"\(1, 5 or more"):
        protocol.score([right[0][:, :3]], truths[:1])


def test_one_prediction_is_scored_alike_in_both_domains():
    """A smooth answer in beams and the same on the plane; apart by resampling only."""
    one = recording()
    found = []
    for domain in ("beamspace", "cartesian"):
        protocol = small(domain=domain, rows=96)
        case = protocol.open(one)
        answers = replace(case.plan.answers, shape=(96, 96))
        x, z = answers.points()
        depth, angle = np.hypot(x, z), np.arctan2(x, z)
        # Beams end at the fan of the B-mode; on the plane the same is left out.
        there = inside(WIDE, answers)
        off = field(depth, angle, np.arange(11)[:, None, None] + 10) * there
        prediction = np.float32(off)[None]
        theirs = protocol.score([prediction], [protocol.truth(case)])
        ours = scores(protocol, case, prediction)
        found.append([*theirs.values(), ours["velocity_error_cm_s"]])
    assert found[0][1] == pytest.approx(4.0, abs=0.15)
    np.testing.assert_allclose(found[0], found[1], rtol=0.01)


def test_published_score_of_an_answer_on_the_samples_there_are():
    """A corrected model answers in its own grid; the paper's metric takes it there."""
    one = recording(box=replace(BOX, angle=(-0.35, 0.35)))
    theirs = {d: small(domain=d, rows=96) for d in ("beamspace", "cartesian")}
    for domain, published in theirs.items():
        protocol = small("corrected", domain=domain)
        case = protocol.open(one)
        x, z = case.geometry.points()
        velocity = field(
            np.hypot(x, z), np.arctan2(x, z), np.arange(11)[:, None, None]
        ) * np.ones(case.geometry.shape)
        prediction = np.float32(velocity)[None]
        truth = published.truth(case)
        there = truth["target"][0] != 0
        # On the places where something was measured nothing but rounding is left …
        masked = {**truth, "target": np.where(there, truth["target"], np.nan)}
        good = published.score([prediction], [masked])["velocity_l1_percent"]
        assert good < 1.2
        # … and a slip of a tenth of the depth is seen.
        slipped = np.roll(prediction, 6, axis=2)
        bad = published.score([slipped], [masked])["velocity_l1_percent"]
        assert bad > 4 * good


def test_answers_lie_where_the_prediction_was_made():
    one = recording()
    prediction = np.zeros((1, 13, 20, 24), np.float32)
    for name, domain in [
        ("published", "beamspace"),
        ("published", "cartesian"),
        ("corrected", "beamspace"),
        ("corrected", "cartesian"),
    ]:
        protocol = small(name, domain=domain)
        case = protocol.open(one)
        answer = protocol.answer(case, prediction)
        assert answer.geometry == replace(case.plan.answers, shape=(20, 24))
        assert answer.values["velocity"].shape == (11, 20, 24)
        np.testing.assert_allclose(answer.time, (np.arange(11) + 0.5) / RATE)
        assert answer.velocity_limit == LIMIT
    box = case.recording["tissue_velocity"].geometry
    measured = case.recording["tissue_velocity"].load()
    placed = resample_velocity(measured, box, case.geometry, velocity_limit=LIMIT)
    target = protocol.task.target(one, case.geometry).values["velocity"]
    np.testing.assert_array_equal(placed, target)
