"""Pictures of answers about signals: findings, numbers, beats and times of beats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cardium.core import Answer, FloatArray, Sample, Stream, Task
from cardium.plot._beat_marks import pair_times
from cardium.plot.ecg import draw_page, lay_out_ecg
from cardium.plot.panel import Shown, make_panels
from cardium.plot.paper import TRACE, new_paper
from cardium.plot.rhythm_strip import draw_rhythm_strip
from cardium.plot.style import FAINT, INK, spoken, style_axes
from cardium.signal.beat_classes import label_stream

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST = 20  # classes that get a bar
_TRUE, _OTHER = "#c2410c", "#94a3b8"
_SHOWN = 30.0  # s of a long recording
_TOLERANCE = 0.15  # s; that of EC57
_LINE = 7.0  # mm a line of numbers


def draw_multilabel(
    task: Task, sample: Sample, truth: Answer, prediction: Answer, title: str
) -> Figure:
    """Draw the ECG, and a bar a class below it: the true and the likeliest ones."""
    name = task.output.name
    true = np.asarray(truth.values[name]) > 0.5
    probability = np.asarray(prediction.values[name], float)
    rows = _worth_showing(true, probability)
    classes = [task.output.classes[k] for k in rows]
    true, probability = true[rows], probability[rows]
    if not _is_ecg(sample.stream):
        said = [f"{n} {p:.2f}{' (true)' if t else ''}" for n, p, t in
                zip(classes, probability, true, strict=True)]  # fmt: skip
        return _draw_image(sample, title, said)
    page = lay_out_ecg(sample.stream)
    room = 17.0 + 8.0 * len(classes)  # mm
    height = page.height + room
    figure = new_paper(page.width, height, ground="#ffffff")
    draw_page(figure.add_axes((0, 0, 1, 1)), page, title=title, extra=room)
    left = max(0.11, min(0.3, 0.0085 * max(map(len, classes), default=0)))
    axes = figure.add_axes((left, 12 / height, 0.73 - left, (room - 15) / height))
    style_axes(axes, ink=TRACE, faint="#7c8494")
    colours = [_TRUE if t else _OTHER for t in true]
    places = np.arange(len(classes))
    axes.barh(places, np.ones(len(classes)), color="#eef1f5", height=0.62)
    axes.barh(places, probability, color=colours, height=0.62)
    for k, (p, t) in enumerate(zip(probability, true, strict=True)):
        axes.text(
            1.015, k, f"{p:.2f}   ● true" if t else f"{p:.2f}", va="center",
            fontsize=8.7, color=colours[k] if t else TRACE,
        )  # fmt: skip
    axes.set_yticks(places, classes, fontsize=8.7, color=TRACE)
    axes.set(xlim=(0, 1), ylim=(len(classes) - 0.5, -0.5))
    axes.tick_params(labelsize=8)
    label = "predicted probability"
    if len(classes) < len(task.output.classes):
        label += f" ({len(classes)} of {len(task.output.classes)} classes)"
    axes.set_xlabel(label, color=TRACE, fontsize=7.9, labelpad=2)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


def draw_quantity(
    task: Task, sample: Sample, truth: Answer, prediction: Answer, title: str
) -> Figure:
    """Draw what the model saw, and each number beside the true one."""
    name = task.output.name
    pairs = zip(
        task.output.classes,
        np.asarray(truth.values[name], float).ravel(),
        np.asarray(prediction.values[name], float).ravel(),
        strict=True,
    )
    said = [
        f"{spoken(what)}: true {true:.4g}, predicted {other:.4g} ({other - true:+.3g})"
        for what, true, other in pairs
    ]
    if not _is_ecg(sample.stream):
        return _draw_image(sample, title, said)
    page = lay_out_ecg(sample.stream)
    room = 6.0 + _LINE * len(said)
    figure = new_paper(page.width, page.height + room, ground="#ffffff")
    axes = figure.add_axes((0, 0, 1, 1))
    draw_page(axes, page, title=title, extra=room)
    for k, text in enumerate(said):
        axes.text(5, room - 3 - (k + 0.5) * _LINE, text, color=TRACE, fontsize=9.5,
                  va="center")  # fmt: skip
    return figure


def draw_event_class(
    task: Task, sample: Sample, truth: Answer, prediction: Answer, title: str
) -> Figure:
    """Draw the half minute with the most events of which the two differ."""
    name, classes = task.output.name, task.output.classes
    times = _times(sample, truth, prediction)
    true, found = (
        np.asarray(answer.values[name]).argmax(axis=-1) if len(times) else
        np.zeros(0, int)
        for answer in (truth, prediction)
    )  # fmt: skip
    streams = [
        label_stream("beats", times, [classes[c] for c in codes], known=classes)
        for codes in (true, found)
    ]
    return _draw_strip(sample, times[true != found], title, *streams)


def draw_events(
    task: Task, sample: Sample, truth: Answer, prediction: Answer, title: str
) -> Figure:
    """Draw the half minute with the most events that were missed or made up."""
    name = task.output.name
    true, found = (
        np.unique(np.asarray(answer.values[name], float))
        for answer in (truth, prediction)
    )
    pairs = pair_times(true, found, _TOLERANCE)
    missed = np.delete(true, [k for k, _ in pairs])
    extra = np.delete(found, [k for _, k in pairs])
    streams = [Stream("qrs", at, at, ("time",), "s") for at in (true, found)]
    return _draw_strip(sample, np.sort(np.append(missed, extra)), title, *streams)


def _draw_strip(
    sample: Sample, wrong: FloatArray, title: str, truth: Stream, predicted: Stream
) -> Figure:
    """Draw the rows around what is wrong."""
    first, last = float(sample.stream.time[0]), float(sample.stream.time[-1])
    start = first
    if wrong.size:
        counts = np.searchsorted(wrong, wrong + _SHOWN) - np.arange(len(wrong))
        # A second before the first of them, so that it is seen in its rhythm.
        start = float(np.clip(wrong[counts.argmax()] - 1, first,
                              max(first, last - _SHOWN)))  # fmt: skip
    count = f"{wrong.size} differ" if wrong.size else "none differs"
    if not _is_ecg(sample.stream):
        return _draw_image(sample, title, [count])
    return draw_rhythm_strip(
        sample.stream, start=start, duration=_SHOWN, beats=truth,
        predicted_beats=predicted, title=f"{title} · {count}".strip(" ·"),
    )  # fmt: skip


def _times(sample: Sample, truth: Answer, prediction: Answer) -> FloatArray:
    """Return the times at which classes were asked for."""
    for times in (truth.time, prediction.time, sample.events):
        if times is not None:
            return times
    return np.zeros(0)


def _worth_showing(true: np.ndarray, probability: FloatArray) -> list[int]:
    """Choose classes: all of a few; of many the true and the likeliest."""
    if len(true) <= _MOST:
        return list(range(len(true)))
    order = np.lexsort((-probability, ~true))[:_MOST]
    return sorted(int(k) for k in order)


def _is_ecg(stream: Stream) -> bool:
    """Say whether a stream is drawn as traces; images are not."""
    return len(stream.dims) == 1 or stream.dims == ("time", "lead")


def _draw_image(sample: Sample, title: str, said: list[str]) -> Figure:
    """Draw the middle frame of a clip with words below it."""
    shown = Shown(sample)
    figure, [axes] = make_panels(shown.plane, 1, title, footer=0.35 + 0.2 * len(said))
    shown.draw_grey(axes, float(sample.stream.time[len(sample.stream.time) // 2]))
    height = figure.get_figheight()
    for k, text in enumerate(said):
        figure.text(0.03, (0.2 * (len(said) - k) - 0.05) / height, text, fontsize=11,
                    color=INK if k == 0 else FAINT)  # fmt: skip
    return figure
