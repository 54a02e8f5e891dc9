"""What counted models and rules say of beats whose kind is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from cardium.core import Answer, Output, Sample, Stream, Task
from cardium.errors import InvalidArgumentError, NotProvidedError, UnknownNameError
from cardium.models import MODELS
from cardium.models._beats import beat_shapes, interval_features, qrs_widths
from cardium.models.beat_lda import discriminate
from cardium.models.rr_rules import irregularity
from cardium.signal import BEAT_CLASSES

RATE = 250.0
BEATS = Output("beat", "event_class", BEAT_CLASSES)
RHYTHM = Output("rhythm", "event_class", ("other", "af"))


def task(output: Output) -> Task:
    return Task("toy", "", (), output, None, None, None, None, {}, "")


def recorded(
    intervals: list[float], kinds: str, *, leads: int = 1, gain: float = 1.0
) -> tuple[Sample, Answer]:
    """Beats at the ends of some intervals: narrow, or wide and upside down for V."""
    times = 1.0 + np.cumsum(intervals)
    clock = np.arange(int((times[-1] + 2) * RATE)) / RATE
    trace = np.zeros(len(clock))
    for at, kind in zip(times, kinds, strict=True):
        height, width = (-1.4, 0.04) if kind == "V" else (1.0, 0.012)
        trace += height * np.exp(-(((clock - at) / width) ** 2))
    values = gain * np.outer(trace, 1.0 + np.arange(leads))
    names = tuple(f"L{k}" for k in range(leads))
    ecg = Stream(
        "ecg",
        values.astype(np.float32),
        clock,
        ("time", "lead"),
        "mV",
        coords={"lead": names},
    )
    truth = np.eye(5)[[BEAT_CLASSES.index(kind) for kind in kinds]]
    return Sample("r1", ecg, events=times), Answer({"beat": truth})


def ectopic(count: int, *, seed: int = 0, **options) -> tuple[Sample, Answer]:
    """A regular heart with early beats, each of which is followed by a pause."""
    chance = np.random.default_rng(seed)
    intervals, kinds = [], ""
    for k in range(count):
        usual = 0.8 + chance.normal(0, 0.01)
        if k % 10 in (4, 8):
            kinds += "SN" if k % 10 == 4 else "VN"
            intervals += [0.55 * usual, 1.45 * usual]
        else:
            kinds += "N"
            intervals.append(usual)
    return recorded(intervals, kinds, **options)


def codes(answer: Answer) -> np.ndarray:
    return answer.values["beat"].argmax(1)


@pytest.mark.parametrize("name", ["rr_rules", "beat_lda"])
@pytest.mark.parametrize("leads", [1, 2])
def test_early_beats_are_ectopic_and_wide_ones_ventricular(
    name: str, leads: int
) -> None:
    model = MODELS.find(name).build(task(BEATS))
    for seed in range(3):
        model.update(*ectopic(60, seed=seed, leads=leads))
    arrays = model.arrays()
    again = MODELS.find(name).build(task(BEATS))
    again.restore(arrays)
    sample, truth = ectopic(60, seed=9, leads=leads, gain=0.4)
    answer = task(BEATS).answer(sample, again.predict(sample))
    assert (codes(answer) == codes(truth)).all()
    assert {0, 1, 2} == set(codes(truth).tolist())


def test_a_wide_beat_in_time_is_ventricular() -> None:
    sample, truth = recorded([0.8] * 12, "NNNNNVNNNNNN")
    rules = MODELS.find("rr_rules").build(task(BEATS))
    assert (codes(Answer(rules.predict(sample))) == codes(truth)).all()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_beats_are_no_trouble(count: int) -> None:
    sample, _ = recorded([0.8] * 3, "NNN")
    few = Sample("r1", sample.stream, events=sample.events[:count])
    lda = MODELS.find("beat_lda").build(task(BEATS))
    lda.update(*ectopic(40))
    lda.restore(lda.arrays())
    for model in (lda, MODELS.find("rr_rules").build(task(BEATS))):
        answer = task(BEATS).answer(few, model.predict(few))
        assert answer.values["beat"].shape == (count, 5)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_the_discriminant_is_that_of_scikit_learn(power: float) -> None:
    chance = np.random.default_rng(0)
    truth = chance.choice(3, 500, p=[0.7, 0.2, 0.1])
    mixed = chance.normal(size=(4, 4))
    features = chance.normal(size=(500, 4)) @ mixed + 2.0 * truth[:, None]
    member = np.eye(4)[truth]  # a fourth class that is never seen
    products = np.einsum("nc,ni,nj->cij", member, features, features)
    rule = discriminate(
        member.sum(0),
        member.T @ features,
        products,
        power=power,
        shrinkage=0.0,
    )
    score = features @ rule["weights"].T + rule["offset"]
    found = np.exp(score - score.max(1, keepdims=True))
    found /= found.sum(1, keepdims=True)
    priors = np.bincount(truth) ** power / (np.bincount(truth) ** power).sum()
    peer = LinearDiscriminantAnalysis(solver="lsqr", priors=priors)
    want = peer.fit(features, truth).predict_proba(features)
    np.testing.assert_allclose(found[:, :3], want, atol=1e-5)
    assert (found[:, 3] == 0).all()


def test_unknown_beats_are_not_counted() -> None:
    sample, truth = ectopic(40)
    model, other = (MODELS.find("beat_lda").build(task(BEATS)) for _ in range(2))
    model.update(sample, truth)
    half = truth.values["beat"].copy()
    half[::2], half[1::4] = 0, np.nan
    other.update(sample, Answer({"beat": half}))
    counts = other._counted[0][0]
    np.testing.assert_array_equal(counts, np.nan_to_num(half).sum(0))
    assert np.isfinite(other.arrays()["weights"]).all()


def test_other_leads_are_refused() -> None:
    model = MODELS.find("beat_lda").build(task(BEATS))
    model.update(*ectopic(40, leads=2))
    with pytest.raises(NotProvidedError, match=r"'r1' has 26 .* before it 46"):
        model.update(*ectopic(40, leads=1))
    model.restore(model.arrays())
    with pytest.raises(NotProvidedError, match=r"'r1' has 26 .* the rule has 46"):
        model.predict(ectopic(40, leads=1)[0])
    bare = Sample("r1", ectopic(4)[0].stream)
    with pytest.raises(NotProvidedError, match="asks for no events"):
        model.predict(bare)


def test_intervals_of_an_early_beat() -> None:
    times = np.cumsum([1.0] * 12 + [0.5, 1.5] + [1.0] * 12)
    pre, post, _, mean, early, late = np.exp(interval_features(times)[12])
    assert (pre, post, mean) == pytest.approx((0.5, 1.5, 1.0))
    assert early == pytest.approx(0.5, rel=0.06)
    assert late == pytest.approx(1.5, rel=0.06)


def test_shapes_are_read_at_their_times_whatever_the_rate() -> None:
    found = []
    for rate in (200.0, 360.0, 1000.0):
        clock = np.arange(int(4 * rate)) / rate
        trace = np.exp(-(((clock - 2.003) / 0.05) ** 2))
        ecg = Stream("ecg", trace[:, None] + 7, clock, ("time", "lead"), "mV")
        sample = Sample("r1", ecg, events=np.array([2.003]))
        found.append(
            beat_shapes(sample, sample.events, start=-0.2, stop=0.2, count=41)[0, 0]
        )
    offset = np.linspace(-0.2, 0.2, 41)
    want = np.exp(-((offset / 0.05) ** 2))
    for shape in found:
        np.testing.assert_allclose(shape, want - np.median(want), atol=0.006)


def test_a_wider_beat_is_steep_for_longer() -> None:
    step = 0.004
    offset = np.arange(-30, 31) * step
    beats = np.stack([np.exp(-((offset / width) ** 2)) for width in (0.02, 0.04)])
    narrow, wide = qrs_widths(beats[:, None], step)
    assert 1.3 < wide / narrow < 2.2


def test_fibrillation_is_where_the_pace_has_no_order() -> None:
    chance = np.random.default_rng(3)
    calm = 0.8 + chance.normal(0, 0.015, 150)
    wild = chance.uniform(0.4, 1.0, 150)
    sample, _ = recorded([*calm, *wild], "N" * 300)
    start = float(1.0 + calm.sum())
    centres = np.arange(2.0, sample.events[-1] - 2)
    asked = Sample("r1", sample.stream, events=centres)
    rules = MODELS.find("rr_rules").build(task(RHYTHM))
    answer = task(RHYTHM).answer(asked, rules.predict(asked)).values["rhythm"]
    found, true = answer.argmax(1) == 1, centres > start
    near = abs(centres - start) < 12
    assert (found == true)[~near].all()
    assert RHYTHM.classes[1] == "af"


def test_one_early_beat_is_no_irregular_rhythm() -> None:
    intervals = np.full(60, 0.8)
    intervals[30:32] = 0.5, 1.1
    peaks = np.cumsum(intervals)
    assert irregularity(peaks, peaks).max() == 0
    assert irregularity(peaks[:3], peaks).max() == 0


def test_rules_and_discriminants_know_which_tasks_are_theirs() -> None:
    rules, lda = MODELS.find("rr_rules"), MODELS.find("beat_lda")
    assert rules.can(task(BEATS))
    assert rules.can(task(RHYTHM))
    assert lda.can(task(BEATS))
    assert not lda.can(task(RHYTHM))
    sleep = Output("stage", "event_class", ("wake", "rem"))
    assert not rules.can(task(sleep))
    assert not rules.can(task(Output("beat", "multilabel", BEAT_CLASSES)))


def test_settings_out_of_their_range_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"within 0..1, got 1.2 and"):
        MODELS.find("rr_rules").build(task(BEATS), early=1.2)
    with pytest.raises(InvalidArgumentError, match=r"samples must be 2 .* got 1"):
        MODELS.find("beat_lda").build(task(BEATS), samples=1)
    with pytest.raises(UnknownNameError, match="weights 'equal'"):
        MODELS.find("beat_lda").build(task(BEATS), weights="equal")


def test_r_peaks_are_found_in_the_lead_that_is_named() -> None:
    output = Output("peaks", "events")
    sample, _ = recorded([0.8] * 20, "N" * 20)
    quiet = np.random.default_rng(0).normal(0, 1e-3, sample.stream.shape)
    both = Stream(
        "ecg",
        np.hstack([quiet, sample.stream.values]),
        sample.stream.time,
        ("time", "lead"),
        "mV",
        coords={"lead": ("V1", "MLII")},
    )
    model = MODELS.find("r_peak_detector").build(task(output), lead="MLII")
    model.restore(model.arrays())
    found = task(output).answer(Sample("r1", both), model.predict(Sample("r1", both)))
    np.testing.assert_allclose(found.values["peaks"], sample.events, atol=1 / RATE)
    with pytest.raises(UnknownNameError, match="'aVR'"):
        MODELS.find("r_peak_detector").build(task(output), lead="aVR").predict(
            Sample("r1", both)
        )


def test_real_ectopic_beats_are_found_by_rule(shared_data) -> None:
    wfdb = pytest.importorskip("wfdb")
    from cardium.signal import BEAT_SYMBOLS, aami_class

    path = str(shared_data / "mitdb" / "208")
    record, marks = wfdb.rdrecord(path), wfdb.rdann(path, "atr")
    kept = [k for k, symbol in enumerate(marks.symbol) if symbol in BEAT_SYMBOLS]
    values = record.p_signal[:, :1]
    clock = np.arange(len(values)) / record.fs
    ecg = Stream("ecg", values, clock, ("time", "lead"), "mV")
    sample = Sample("208", ecg, events=marks.sample[kept] / record.fs)
    truth = np.array([aami_class(marks.symbol[k]) for k in kept])
    rules = MODELS.find("rr_rules").build(task(BEATS))
    found = np.array(BEAT_CLASSES)[rules.predict(sample)["beat"].argmax(1)]
    assert (truth == "V").sum() == 992
    assert (found == "V")[truth == "V"].mean() > 0.98
    assert (found == "N")[truth == "N"].mean() > 0.95
