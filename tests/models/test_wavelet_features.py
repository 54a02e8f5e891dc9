from __future__ import annotations

import numpy as np
import pytest
import pywt
from sklearn.linear_model import Ridge

from cardium.core import Answer, Output, Sample, Stream, Task
from cardium.errors import InvalidArgumentError, NotProvidedError, UnknownNameError
from cardium.models import MODELS
from cardium.models._feature_fit import fit_layers
from cardium.models.wavelet_features import describe_record

LABELS = Output("answer", "multilabel", ("slow", "fast"))
NUMBERS = Output("answer", "quantity", ("hertz",))


def task(output: Output) -> Task:
    return Task("toy", "", (), output, None, None, None, None, {}, "")


def record(values: np.ndarray, rate: float = 100.0) -> Sample:
    time = np.arange(len(values)) / rate
    return Sample("r1", Stream("ecg", values, time, ("time", "lead"), "mV"))


def wave(hertz: float, *, phase: float = 0.0, samples: int = 1000) -> Sample:
    time = np.arange(samples) / 100
    return record(np.sin(2 * np.pi * hertz * time + phase)[:, None])


@pytest.mark.parametrize(
    ("hertz", "octave"), [(0.7, 0), (2.2, 1), (4.5, 2), (9.0, 3), (18.0, 4), (36.0, 5)]
)
def test_a_wave_is_in_its_octave(hertz: float, octave: int) -> None:
    features = describe_record(wave(hertz)).reshape(6, 12)
    assert features[:, 7].argmax() == octave
    assert features[:, 6].argmax() == octave


def test_features_are_those_of_the_coefficients_lead_by_lead() -> None:
    values = np.random.default_rng(0).normal(size=(1000, 3))
    features = describe_record(record(values)).reshape(3, 6, 12)
    for lead in range(3):
        bands = pywt.wavedec(values[:, lead], "db6", level=5)
        for octave, band in enumerate(bands):
            found = features[lead, octave]
            np.testing.assert_allclose(
                found[:5], np.percentile(band, (5, 25, 50, 75, 95))
            )
            np.testing.assert_allclose(found[5:7], [band.mean(), band.std()])
            assert found[7] == pytest.approx(np.sqrt((band**2).mean()))
            share = band**2 / (band**2).sum()
            entropy = -(share * np.log(share)).sum() / np.log(len(band))
            assert found[8] == pytest.approx(entropy)
            signs = np.sign(band)
            assert found[9] == pytest.approx((signs[1:] != signs[:-1]).mean())
            assert found[11] == pytest.approx(abs(np.diff(band)).mean())


@pytest.mark.parametrize("samples", [20, 351, 352, 5000])
def test_records_of_any_length_have_as_many_features(samples: int) -> None:
    features = describe_record(wave(5.0, samples=samples))
    assert features.shape == (72,)
    assert np.isfinite(features).all()
    assert np.isfinite(describe_record(record(np.zeros((500, 2))))).all()
    assert np.isfinite(describe_record(record(np.full((500, 2), np.nan)))).all()


@pytest.mark.parametrize("classifier", ["mlp", "linear"])
@pytest.mark.parametrize("output", [LABELS, NUMBERS])
def test_what_a_wave_is_is_learnt_and_stored(classifier: str, output: Output) -> None:
    chance = np.random.default_rng(0)

    def truth(hertz: float) -> np.ndarray:
        if output is NUMBERS:
            return np.array([hertz])
        return np.array([hertz < 10, hertz >= 10], float)

    model = MODELS.find("wavelet_features").build(task(output), classifier=classifier)
    for _ in range(240):
        hertz = chance.uniform(1, 40)
        sample = wave(hertz, phase=chance.uniform(0, 6))
        model.update(sample, Answer({"answer": truth(hertz)}))
    arrays = model.arrays()
    again = MODELS.find("wavelet_features").build(task(output), classifier=classifier)
    again.restore(arrays)
    for hertz in (2.0, 5.0, 14.0, 35.0):
        sample = wave(hertz, phase=1.0)
        answer = task(output).answer(sample, again.predict(sample)).values["answer"]
        if output is NUMBERS:
            assert answer[0] == pytest.approx(hertz, abs=8)
        else:
            assert ((answer > 0.5) == truth(hertz)).all()


@pytest.mark.parametrize("hidden", [0, 4])
def test_what_nobody_or_everybody_has_is_answered_with_how_often(hidden: int) -> None:
    chance = np.random.default_rng(0)
    features = chance.normal(size=(60, 3))
    truths = np.stack([features[:, 0] > 0, np.ones(60), np.zeros(60)], 1).astype(float)
    learnt = fit_layers(features, truths, hidden=hidden, classes=True)
    assert (learnt["weight"][:, 1:] == 0).all()
    probability = 1 / (1 + np.exp(-learnt["bias"][1:]))
    np.testing.assert_allclose(probability, [1, 0], atol=1e-3)


def test_a_line_is_fitted_to_what_is_known() -> None:
    chance = np.random.default_rng(0)
    features = chance.normal(size=(80, 3)) * [1, 10, 100]
    truths = np.stack([features @ [1, 2, 3], features @ [0, 1, 0]], 1)
    truths[::2, 1] = np.nan
    learnt = fit_layers(features, truths, hidden=0, classes=False)
    inputs = (features - features.mean(0)) / features.std(0)
    known = truths[1::2, 1]
    peer = Ridge(alpha=300.0).fit(inputs[1::2], (known - known.mean()) / known.std())
    np.testing.assert_allclose(learnt["weight"][:, 1], peer.coef_, rtol=1e-6)
    assert learnt["centre"][1] == pytest.approx(known.mean())


def test_a_hidden_layer_needs_records_of_which_everything_is_known() -> None:
    place = np.arange(80)
    has = (place % 4 > 1).astype(float)
    first, second = (np.where(place % 2 == k, has, np.nan) for k in (0, 1))
    truths = np.stack([first, second], 1)
    features = np.random.default_rng(0).normal(size=(80, 3))
    with pytest.raises(NotProvidedError, match="classifier='linear'"):
        fit_layers(features, truths, hidden=4, classes=True)
    assert fit_layers(features, truths, hidden=0, classes=True)["weight"].any()


def test_other_leads_and_settings_are_refused() -> None:
    build = MODELS.find("wavelet_features").build
    model = build(task(NUMBERS), classifier="linear")
    model.update(wave(3.0), Answer({"answer": np.array([3.0])}))
    two = record(np.zeros((1000, 2)))
    with pytest.raises(NotProvidedError, match="'r1' has 2 leads"):
        model.update(two, Answer({"answer": np.array([3.0])}))
    model.restore(model.arrays())
    with pytest.raises(NotProvidedError, match="'r1' has 2 leads"):
        model.predict(two)
    with pytest.raises(InvalidArgumentError, match="hidden must be positive, got 0"):
        build(task(NUMBERS), hidden=0)
    with pytest.raises(UnknownNameError, match="classifier 'tree'"):
        build(task(NUMBERS), classifier="tree")


def test_what_differs_by_rounding_alone_says_nothing() -> None:
    """Sums of the same number come out a hair apart; that hair is not a feature."""
    chance = np.random.default_rng(0)
    known = chance.normal(size=60)
    hair = 0.3 + 1e-16 * chance.integers(0, 2, 60)
    learnt = fit_layers(
        np.stack([known, hair], 1), (known > 0)[:, None] * 1.0, hidden=0, classes=True
    )
    assert hair.std() > 0
    assert learnt["deviation"][1] == 1
    assert abs(learnt["weight"][1, 0]) < 1e-9 < learnt["weight"][0, 0]
