"""One recording, its truth and a prediction in one picture, by kind of output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cardium.core import UNLABELLED, Answer, FloatArray, PlaneGrid, Sample, Task
from cardium.errors import NotProvidedError
from cardium.plot.panel import Shown, make_panels, write_caption
from cardium.plot.signal_case import (
    draw_event_class,
    draw_events,
    draw_multilabel,
    draw_quantity,
)
from cardium.plot.style import (
    FAINT,
    INK,
    PREDICTION,
    TRUTH,
    colour_of,
    png_bytes,
    rgb_of,
    spoken,
    style_axes,
    velocity_map,
    velocity_scale,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DASHED = (0, (3.2, 2.2))
_FRAMES = 3  # labelled frames of a clip that are shown
_BLOOD = 0.3  # power of what is drawn as blood


def draw_case(
    task: Task, sample: Sample, truth: Answer, prediction: Answer, *, title: str = ""
) -> bytes:
    """Draw what a model saw, what is true, and what it answered.

    Label maps are drawn as contours over the image, truth solid and prediction
    dashed, on up to three labelled frames; velocities as three panels at the moment of
    the highest mean speed, with the mean speed over time below; flow likewise, where
    there is blood. Below an ECG stand probabilities as bars, or numbers; classes of
    beats and R peaks stand over a strip of the half minute in which the most are
    wrong. Images are in metres and true aspect.

    Parameters
    ----------
    task : Task
        Says what kind of answer it is.
    sample : Sample
        What the model saw.
    truth, prediction : Answer
        They may lie on different geometries.
    title : str
        Heading.

    Returns
    -------
    bytes
        A PNG, 1200 pixels wide or, with an ECG, true to scale.

    Raises
    ------
    NotProvidedError
        If an image does not say where it lies, nothing of it is labelled, or answers of
        that kind have no picture.

    Examples
    --------
    >>> from cardium.core import Stream
    >>> from cardium.tasks import open_task
    >>> time = np.arange(100) / 100
    >>> ecg = Stream("ecg", np.zeros((100, 1)), time, ("time", "lead"), "mV")
    >>> answer = Answer({"probability": np.array([0.0, 0.0, 0.0, 1.0, 0.0])})
    >>> task = open_task("ecg_superclass")
    >>> draw_case(task, Sample("r0", ecg), answer, answer)[1:4]
    b'PNG'
    """
    draw = {
        "label_map": _draw_label_map,
        "velocity": _draw_velocity,
        "multilabel": draw_multilabel,
        "flow": _draw_flow,
        "quantity": draw_quantity,
        "event_class": draw_event_class,
        "events": draw_events,
    }.get(task.output.kind)
    if draw is None:
        raise NotProvidedError(
            f"Recording '{sample.recording}': answers of the kind "
            f"'{task.output.kind}' have no picture. `cardium show` draws its volumes."
        )
    return png_bytes(draw(task, sample, truth, prediction, title))


def choose_frames(labels: NDArray[np.uint8], *, most: int = _FRAMES) -> list[int]:
    """Choose the labelled frames to show, in the order of time.

    Parameters
    ----------
    labels : (T, Z, X) uint8
        Label maps; frames that are wholly `UNLABELLED` are passed over.
    most : int
        How many frames at most: the first labelled, the one whose first structure
        is smallest (end-systole, where that is the cavity), and the last.

    Returns
    -------
    list of int
        Empty if nothing is labelled.

    Examples
    --------
    >>> labels = np.zeros((4, 2, 2), np.uint8)
    >>> labels[:3, 0] = 1
    >>> labels[1, 0, 0] = 0
    >>> labels[3] = UNLABELLED
    >>> choose_frames(labels), choose_frames(labels, most=1)
    ([0, 1, 2], [0])
    """
    labelled = np.flatnonzero((labels != UNLABELLED).any(axis=(1, 2)))
    if not labelled.size:
        return []
    area = (labels[labelled] == 1).sum(axis=(1, 2))
    wanted = (labelled[0], labelled[area.argmin()], labelled[-1])
    return sorted({int(frame) for frame in wanted[:most]})


def _draw_label_map(
    task: Task, sample: Sample, truth: Answer, prediction: Answer, title: str
) -> Figure:
    """Draw contours of truth and prediction over the image."""
    name = task.output.name
    frames = choose_frames(truth.values[name])
    if not frames:
        raise NotProvidedError(f"Recording '{sample.recording}': no frame is labelled.")
    times = sample.stream.time if truth.time is None else truth.time
    shown = Shown(sample)
    # A lone frame is shown bare as well, so that its borders can be judged.
    bare = len(frames) == 1
    panels = [frames[0], *frames] if bare else frames
    figure, axes = make_panels(shown.plane, len(panels), title, footer=0.55)
    for k, (frame, ax) in enumerate(zip(panels, axes, strict=True)):
        shown.draw_grey(ax, float(times[frame]))
        write_caption(ax, f"{times[frame]:.3f} s")
        if not (bare and k == 0):
            at = shown.frame(float(times[frame]))
            for answer, index in ((truth, frame), (prediction, at)):
                codes, plane = _codes(answer, name, index, shown.plane)
                dashed = answer is prediction
                _draw_borders(ax, codes, plane, task.output.classes, dashed=dashed)
    _label_legend(figure, task.output.classes)
    return figure


def _draw_velocity(
    task: Task, sample: Sample, truth: Answer, prediction: Answer, title: str
) -> Figure:
    """Draw image, measured and predicted velocity, and the mean speed over time."""
    from cardium.geometry.scan import resample_velocity

    name = task.output.name
    measured = np.asarray(truth.values[name], np.float32)
    predicted = np.asarray(prediction.values[name], np.float32)
    limit = truth.velocity_limit or sample.velocity_limit
    if limit is None or truth.geometry is None or prediction.geometry is None:
        raise NotProvidedError(
            f"Recording '{sample.recording}': velocities need a geometry and a "
            f"velocity limit to be drawn; the limit is {limit}."
        )
    if truth.geometry != prediction.geometry:
        predicted = resample_velocity(
            predicted, prediction.geometry, truth.geometry, velocity_limit=limit
        )
    predicted = np.where(np.isfinite(measured), predicted, np.float32(np.nan))
    times = _times(truth, prediction)
    speeds = [_mean_speed(v) for v in (measured, predicted)]
    frame = int(np.nan_to_num(speeds[0]).argmax())
    scale = velocity_scale(measured, limit)
    shown = Shown(sample)
    figure, axes = make_panels(shown.plane, 3, title, footer=2.1, right=0.085)
    moment = f"{times[frame]:.3f} s"
    fields = {f"B-mode, {moment}": None, "measured": measured, "predicted": predicted}
    for ax, (text, field) in zip(axes, fields.items(), strict=True):
        shown.draw_grey(ax, float(times[frame]), dimmed=field is not None)
        write_caption(ax, text)
        if field is not None:
            on_plane = resample_velocity(
                field[frame], truth.geometry, shown.plane, velocity_limit=limit
            )
            shown.draw(ax, on_plane * 100, cmap=velocity_map(), limit=scale * 100)
    _velocity_bar(figure, axes[-1])
    _draw_speeds(figure, times, speeds, frame)
    return figure


def _draw_flow(
    task: Task, sample: Sample, truth: Answer, prediction: Answer, title: str
) -> Figure:
    """Draw the velocity of blood, where its power says that there is some."""
    name = task.output.name
    flow = truth.values[name]
    blood = np.where(flow[:, 1] > _BLOOD, flow[:, 0], np.float32(np.nan))
    return _draw_velocity(
        task,
        sample,
        replace(truth, values={name: blood}),
        replace(prediction, values={name: prediction.values[name][:, 0]}),
        title,
    )


def _codes(
    answer: Answer, name: str, frame: int, plane: PlaneGrid
) -> tuple[NDArray[np.uint8], PlaneGrid]:
    """Return the codes of a frame on an image plane: their own, if they have one."""
    from cardium.geometry.scan import resample_labels

    codes: NDArray[np.uint8] = answer.values[name][frame]
    match answer.geometry:
        case PlaneGrid() as own:
            return codes, own
        case None:
            return codes, plane
        case other:
            return resample_labels(codes, other, plane), plane


def _draw_borders(
    axes: Axes,
    codes: NDArray[np.uint8],
    plane: PlaneGrid,
    classes: Sequence[str],
    *,
    dashed: bool,
) -> None:
    """Draw the border of each structure, in metres."""
    # The innermost structure last: where two share a border, it is the one meant.
    for code in np.setdiff1d(codes, (0, UNLABELLED))[::-1]:
        red, green, blue = (
            c / 255 for c in rgb_of(colour_of(classes[code], int(code)))
        )
        pale = tuple(1 - (1 - c) * 0.35 for c in (red, green, blue))
        axes.contour(
            plane.xs,
            plane.zs,
            codes == code,
            levels=[0.5],
            colors=[pale if dashed else (red, green, blue)],
            linewidths=1.4 if dashed else 2.2,
            linestyles=[_DASHED] if dashed else "solid",
        )


def _label_legend(figure: Figure, classes: Sequence[str]) -> None:
    """Explain colours and line styles below the panels."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour_of(name, code), lw=5, label=spoken(name))
        for code, name in enumerate(classes)
        if code
    ]
    for label, style in (("truth", "solid"), ("prediction", _DASHED)):
        handles.append(Line2D([], [], color=INK, lw=1.8, ls=style, label=label))
    figure.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0.008, 0.0), frameon=False,
        ncols=len(handles), labelcolor=INK, fontsize=11, handlelength=2.6,
    )  # fmt: skip


def _times(truth: Answer, prediction: Answer) -> FloatArray:
    """Return the times of a velocity's frames."""
    times = truth.time if truth.time is not None else prediction.time
    if times is None:
        raise NotProvidedError("A velocity needs the times of its frames to be drawn.")
    return times


def _mean_speed(velocity: NDArray[np.float32]) -> FloatArray:
    """Mean |velocity| of each frame where it is finite [m/s]; NaN where nowhere."""
    there = (np.abs(frame[np.isfinite(frame)]) for frame in velocity)
    return np.array([speed.mean() if speed.size else np.nan for speed in there], float)


def _velocity_bar(figure: Figure, beside: Axes) -> None:
    """Draw the colour bar right of the last panel."""
    box = beside.get_position()
    axes = figure.add_axes((box.x1 + 0.012, box.y0, 0.012, box.height * 0.94))
    bar = figure.colorbar(beside.images[-1], cax=axes)
    bar.outline.set_visible(False)
    axes.tick_params(colors=FAINT, labelcolor=INK, labelsize=9, length=3)
    axes.set_title("cm/s", color=FAINT, fontsize=10, pad=5)


def _draw_speeds(
    figure: Figure, times: FloatArray, speeds: Sequence[FloatArray], frame: int
) -> None:
    """Draw the mean speed over time, truth and prediction."""
    height = figure.get_figheight()
    axes = figure.add_axes((0.06, 0.52 / height, 0.82, 1.3 / height))
    style_axes(axes)
    axes.axvline(times[frame], color=FAINT, lw=0.8, ls=":")
    axes.plot(times, speeds[0] * 100, color=TRUTH, lw=1.8, label="measured")
    axes.plot(
        times, speeds[1] * 100, color=PREDICTION, lw=1.8, ls="--", label="predicted"
    )
    axes.set(xlim=(times[0], times[-1]), ylim=(0, None))
    axes.set_xlabel("time [s]", color=INK, fontsize=10, labelpad=1)
    axes.set_ylabel("mean |v| [cm/s]", color=INK, fontsize=10)
    figure.text(
        0.985,
        0.15 / height,
        "red: towards the probe",
        color=FAINT,
        fontsize=9,
        ha="right",
    )
    axes.legend(
        frameon=False, labelcolor=INK, fontsize=10, loc="lower left",
        bbox_to_anchor=(1.005, 0.35), borderaxespad=0.3, handlelength=1.6,
    )  # fmt: skip
