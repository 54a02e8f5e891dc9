"""Statistics of wavelet coefficients and a classifier of one hidden layer, or none.

What was usual before networks that see the signal, and the feature-based entry of the
benchmark of PTB-XL ("Wavelet+NN", a mean AUROC of 0.849 for all 71 statements and 0.874
for the diagnostic superclasses). Each lead is decomposed into five octaves of details
and what is left (Daubechies, 6 vanishing moments); of each, quantiles, spread, energy,
entropy, crossings and roughness are taken. The features of the training records are
kept in memory, a few kilobytes a record, until the classifier is fitted.

References
----------
Strodthoff et al.: Deep Learning for ECG Analysis: Benchmarks and Insights from PTB-XL.
IEEE JBHI 25, 2021. Sharma and Sunkaria: Inferior myocardial infarction detection using
stationary wavelet transform and machine learning approach. Signal, Image and Video
Processing 12, 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Answer, FloatArray, Output, Recipe, Sample, Task, need
from cardium.errors import InvalidArgumentError, NotProvidedError, UnknownNameError

_WAVELET = "db6"
_LEVELS = 5
_SHORTEST = 352
"""Samples below which five levels of the wavelet, 12 long, do not fit."""

_QUANTILES = (5, 25, 50, 75, 95)
_CLASSIFIERS = ("mlp", "linear")


class WaveletFeatures:
    """Collects features of records, fits a classifier, and answers with it.

    Parameters
    ----------
    output : Output
        What the task asks for.
    classifier : {"mlp", "linear"}
        One hidden layer, or none.
    hidden : int
        Units of the hidden layer.

    Raises
    ------
    InvalidArgumentError
        If there is no hidden unit.
    UnknownNameError
        If there is no such classifier.
    """

    def __init__(
        self, output: Output, *, classifier: str = "mlp", hidden: int = 128
    ) -> None:
        if hidden <= 0:
            raise InvalidArgumentError(f"hidden must be positive, got {hidden}.")
        if classifier not in _CLASSIFIERS:
            raise UnknownNameError("classifier", classifier, _CLASSIFIERS)
        self._output = output
        self._hidden = hidden if classifier == "mlp" else 0
        self._features: list[FloatArray] = []
        self._truths: list[FloatArray] = []
        self._learnt: Mapping[str, NDArray[Any]] = {}

    def update(self, sample: Sample, target: Answer) -> None:
        """Take in one training sample and its truth."""
        features = describe_record(sample)
        if self._features and len(features) != len(self._features[0]):
            raise NotProvidedError(
                f"Recording '{sample.recording}' has {sample.stream.shape[1]} leads, "
                "another number than those before it."
            )
        self._features.append(features)
        truth = np.asarray(target.values[self._output.name], np.float64)
        self._truths.append(truth)

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Fit what was collected, and return the weights."""
        if self._features:
            need("sklearn", extra="ecg")
            from cardium.models._feature_fit import fit_layers

            self._learnt = fit_layers(
                np.stack(self._features),
                np.stack(self._truths),
                hidden=self._hidden,
                classes=self._output.kind == "multilabel",
            )
        return self._learnt

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` returned."""
        self._learnt = arrays

    def predict(self, sample: Sample) -> Mapping[str, NDArray[Any]]:
        """Answer a probability a class, or a number a quantity."""
        learnt, features = self._learnt, describe_record(sample)
        if len(features) != len(learnt["mean"]):
            raise NotProvidedError(
                f"Recording '{sample.recording}' has {sample.stream.shape[1]} leads, "
                "another number than the training records."
            )
        value = ((features - learnt["mean"]) / learnt["deviation"]).clip(-_FAR, _FAR)
        if "weight_0" in learnt:
            value = np.maximum(value @ learnt["weight_0"] + learnt["bias_0"], 0.0)
        value = value @ learnt["weight"] + learnt["bias"]
        if self._output.kind == "multilabel":
            value = 1 / (1 + np.exp(-value.clip(-30, 30)))
        else:
            value = value * learnt["spread"] + learnt["centre"]
        return {self._output.name: value.astype(np.float32)}


_FAR = 10.0
"""Deviations beyond which a feature is an artefact and is held."""


def describe_record(sample: Sample) -> FloatArray:
    """Return the features of a record, lead by lead, (leads * 6 * 12,).

    Parameters
    ----------
    sample : Sample
        With an electrocardiogram (time, lead); no number is 0 mV. One of fewer than 352
        samples is continued by its mirror image.

    Returns
    -------
    (leads * 72,)
        For what is left and for the details of each octave, the longest first: five
        quantiles [mV], mean, standard deviation and root mean square [mV], entropy of
        the energy (0, all in one coefficient, to 1, evenly spread), crossings of zero
        and of the mean (shares of the coefficients), and the mean absolute difference
        of successive coefficients [mV].

    Examples
    --------
    >>> from cardium.core import Stream
    >>> time = np.arange(1000) / 100
    >>> beat = np.sin(2 * np.pi * 30 * time)[:, None]
    >>> ecg = Stream("ecg", beat, time, ("time", "lead"), "mV")
    >>> rms = describe_record(Sample("r1", ecg)).reshape(6, 12)[:, 7]
    >>> int(rms.argmax())  # 25 to 50 Hz, the last octave
    5
    """
    need("pywt", extra="ecg")
    import pywt

    values = np.nan_to_num(np.asarray(sample.stream.load(), np.float64))
    values = values.reshape(len(values), -1)
    if len(values) < _SHORTEST:
        values = np.pad(values, ((0, _SHORTEST - len(values)), (0, 0)), "symmetric")
    bands = pywt.wavedec(values, _WAVELET, level=_LEVELS, axis=0)
    features = np.stack([_describe_band(band) for band in bands])
    return np.asarray(features.transpose(2, 0, 1).ravel())


def _describe_band(band: FloatArray) -> FloatArray:
    """Return the statistics of one octave of each lead, (12, lead)."""
    mean, energy = band.mean(0), band**2
    share = energy / np.maximum(energy.sum(0), 1e-12)
    entropy = -(share * np.log(np.maximum(share, 1e-12))).sum(0) / np.log(len(band))
    return np.stack(
        [
            *np.percentile(band, _QUANTILES, axis=0),
            mean,
            band.std(0),
            np.sqrt(energy.mean(0)),
            entropy,
            _crossings(band),
            _crossings(band - mean),
            abs(np.diff(band, axis=0)).mean(0),
        ]
    )


def _crossings(band: FloatArray) -> FloatArray:
    """Return in which share of the steps each lead changes its sign."""
    positive = band > 0
    return np.asarray((positive[1:] != positive[:-1]).mean(0))


def build(task: Task, *, classifier: str = "mlp", hidden: int = 128) -> WaveletFeatures:
    """Build the model for a task.

    Parameters
    ----------
    task : Task
        A task whose output is of the kind ``multilabel`` or ``quantity``.
    classifier : {"mlp", "linear"}
        One hidden layer, or none.
    hidden : int
        Units of the hidden layer.

    Returns
    -------
    WaveletFeatures
        Ready to collect.

    Examples
    --------
    >>> from cardium.core import Stream
    >>> output = Output("answer", "multilabel", ("fast",))
    >>> task = Task("", "", (), output, *[None] * 4, {}, "")
    >>> model = build(task, classifier="linear")
    >>> time = np.arange(1000) / 100
    >>> def wave(hertz: float) -> Sample:
    ...     trace = np.sin(2 * np.pi * hertz * time)[:, None]
    ...     return Sample("r1", Stream("ecg", trace, time, ("time", "lead"), "mV"))
    >>> for hertz in range(2, 42):
    ...     model.update(wave(hertz), Answer({"answer": np.array([hertz > 20.0])}))
    >>> model.restore(model.arrays())
    >>> [bool(model.predict(wave(hertz))["answer"] > 0.5) for hertz in (9.5, 33.5)]
    [False, True]
    """
    return WaveletFeatures(task.output, classifier=classifier, hidden=hidden)


MODEL = Recipe(
    name="wavelet_features",
    title="Statistics of wavelet coefficients and a small classifier",
    answers=frozenset({"multilabel", "quantity"}),
    family="baseline",
    build=build,
    settings=MappingProxyType({"classifier": "mlp", "hidden": 128}),
    reference="Strodthoff et al., IEEE JBHI 2021, doi:10.1109/JBHI.2020.3022989",
)
