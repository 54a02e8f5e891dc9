"""A fitted model's answers while an ECG comes in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cardium.core import Model, Sample, Stream, Task
from cardium.errors import InvalidArgumentError
from cardium.live.board import resample

_KINDS = ("event_class", "multilabel")


class LiveModel:
    """Answers the last seconds of one lead.

    Parameters
    ----------
    model : Model
        Fitted to one lead.
    task : Task
        Of the kind ``event_class`` (a class for each beat) or ``multilabel``.
    lead : str
        What the model calls its lead; the one that is streamed takes its place.
    rate : float [Hz]
        What the model was fitted at; the stream is resampled to it.
    seconds : float [s]
        What it sees: around a beat, or of a record.

    Raises
    ------
    InvalidArgumentError
        If the task is of another kind.
    """

    def __init__(
        self, model: Model, task: Task, *, lead: str, rate: float, seconds: float
    ) -> None:
        if task.output.kind not in _KINDS:
            raise InvalidArgumentError(
                f"Task '{task.name}' answers a {task.output.kind}; a model on a "
                f"stream needs {' or '.join(_KINDS)}."
            )
        self.seconds = seconds
        self.answers_beats = task.output.kind == "event_class"
        self.after = seconds / 2 if self.answers_beats else 0.0
        self._model, self._task = model, task
        self._lead, self._rate = lead, rate

    def classify_beats(
        self, values: NDArray[np.floating], rate: float, times: NDArray[np.floating]
    ) -> list[tuple[str, float]]:
        """Return the likeliest class of each beat, with its probability.

        Parameters
        ----------
        values : (N,) [mV]
            What is known of the signal around them; what is missing counts as 0 mV.
        rate : float [Hz]
            Its rate.
        times : (K,) [s]
            R peaks, from the first of the samples.
        """
        answer = self._answer(values, rate, np.asarray(times, np.float64))
        classes = self._task.output.classes
        best = answer.argmax(1)
        return [
            (classes[k], float(row[k])) for k, row in zip(best, answer, strict=True)
        ]

    def classify(self, values: NDArray[np.floating], rate: float) -> dict[str, float]:
        """Return the probability of each class for the last seconds, (N,) [mV]."""
        kept = values[-round(self.seconds * rate) :]
        answer = self._answer(kept, rate, None)
        classes = self._task.output.classes
        return dict(zip(classes, map(float, answer), strict=True))

    def _answer(
        self,
        values: NDArray[np.floating],
        rate: float,
        events: NDArray[np.float64] | None,
    ) -> NDArray[np.float32]:
        """Put the samples into the form that the model was fitted to."""
        known = np.nan_to_num(np.asarray(values, np.float32))
        fitted = resample(known, rate, self._rate).astype(np.float32)
        stream = Stream(
            "ecg",
            fitted[:, None],
            np.arange(len(fitted)) / self._rate,
            ("time", "lead"),
            "mV",
            coords={"lead": (self._lead,)},
        )
        sample = Sample("live", stream, events=events)
        answer = self._task.answer(sample, self._model.predict(sample))
        value: NDArray[np.float32] = answer.values[self._task.output.name]
        return value


def open_model(run: str | Path) -> LiveModel:
    """Load the model of a run for use on a stream.

    Parameters
    ----------
    run : str or Path
        A run folder that `cardium.fit.fit` wrote, of a network for one lead.

    Returns
    -------
    LiveModel
        Ready to answer.

    Raises
    ------
    DataMissingError
        If the folder holds no finished run.
    InvalidArgumentError
        If it is no network, needs more leads than one, or answers something else than
        classes.
    """
    from cardium.fit import load_run
    from cardium.fit._folder import read_weights

    model = load_run(run)
    about = read_weights(Path(run))[1]
    form = json.loads(about) if about.startswith("{") else {}
    leads = form.get("leads", ())
    if len(leads) != 1:
        raise InvalidArgumentError(
            f"The run '{run}' takes {len(leads) or 'no'} leads; one lead is streamed. "
            "Fit a network to one lead."
        )
    return LiveModel(
        model,
        model.task,
        lead=str(leads[0]),
        rate=float(form["rate"]),
        seconds=float(form["seconds"]),
    )
