"""Cases of signals: every kind of answer has a picture, and it shows what is wrong."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from cardium.core import Answer, Output, Sample, Stream
from cardium.plot import draw_case
from cardium.plot.signal_case import draw_event_class, draw_events, draw_quantity
from cardium.tasks import open_task
from plot.conftest import b_mode, twelve_leads

TASK = open_task("ecg_superclass")
CLASSES = ("F", "N", "Q", "S", "V")
TIMES = np.arange(0.5, 299.5)


def task(kind: str, classes: tuple[str, ...] = ()):
    return replace(TASK, output=Output("answer", kind, classes))


def holter(seconds: float = 300.0) -> Sample:
    time = np.arange(round(seconds * 100)) / 100
    ecg = Stream("ecg", np.zeros((len(time), 1), np.float32), time, ("time", "lead"),
                 "mV", coords={"lead": ("MLII",)})  # fmt: skip
    return Sample("100", ecg, events=TIMES[seconds > TIMES])


def answer(values, time=None) -> Answer:
    return Answer({"answer": np.asarray(values)}, None, time)


def texts(figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_beats_are_shown_where_most_are_wrong() -> None:
    truth = np.eye(5)[np.ones(len(TIMES), int)]
    wrong = truth.copy()
    wrong[[10, 200, 205, 210]] = np.eye(5)[4]
    figure = draw_event_class(
        task("event_class", CLASSES), holter(), answer(truth, TIMES),
        answer(wrong, TIMES), "100",
    )  # fmt: skip
    said = texts(figure)
    assert "100 · 4 differ" in said
    assert said.count("V") == 3  # and not the lone one, three minutes before
    assert "3:19.5" in said


def test_nothing_wrong_shows_the_beginning() -> None:
    truth = np.eye(5)[np.ones(len(TIMES), int)]
    for sample in (holter(), holter(4.0)):
        asked = sample.events
        both = answer(truth[: len(asked)], asked)
        figure = draw_event_class(task("event_class", CLASSES), sample, both, both, "x")
        assert "x · none differs" in texts(figure)
        assert "0:00" in texts(figure)


def test_peaks_that_are_missed_or_made_up_are_counted() -> None:
    found = np.sort(np.append(np.delete(TIMES, [100, 101]), 120.0)) + 0.05
    figure = draw_events(task("events"), holter(), answer(TIMES), answer(found), "100")
    said = texts(figure)
    assert "100 · 3 differ" in said
    assert said.count("–") == 3
    none = draw_events(task("events"), holter(), answer(TIMES), answer([]), "")
    assert "299 differ" in texts(none)


def test_a_number_stands_beside_the_true_one() -> None:
    figure = draw_quantity(
        task("quantity", ("age_years",)), Sample("r", twelve_leads()), answer([61.0]),
        answer([55.5]), "r",
    )  # fmt: skip
    assert "age years: true 61, predicted 55.5 (-5.5)" in texts(figure)


def test_of_many_classes_the_true_and_the_likeliest_have_a_bar() -> None:
    names = tuple(f"class {k}" for k in range(71))
    truth, found = np.zeros(71), np.linspace(0, 0.5, 71)
    truth[3] = 1
    png = draw_case(
        task("multilabel", names), Sample("r", twelve_leads()), answer(truth),
        answer(found),
    )  # fmt: skip
    with Image.open(BytesIO(png)) as image:
        assert image.size == (1350, 5 * (125 + 17 + 8 * 20))


@pytest.mark.parametrize(
    ("kind", "classes", "values"),
    [
        ("multilabel", ("a", "b"), [0.0, 1.0]),
        ("quantity", ("a",), [1.0]),
        ("quantity", ("a",), [np.nan]),
        ("event_class", ("N", "V"), np.zeros((0, 2))),
        ("event_class", ("AFIB", "N"), np.eye(2)),
        ("events", (), []),
        ("events", (), [0.1, 0.2]),
    ],
)
@pytest.mark.parametrize("stream", [b_mode(5), twelve_leads(1.0), twelve_leads(40.0)])
def test_every_kind_has_a_picture_of_every_stream(
    kind, classes, values, stream: Stream
) -> None:
    times = np.arange(len(values)) * 0.1 if kind == "event_class" else None
    one = answer(values, times)
    sample = Sample("r", stream, events=times)
    assert draw_case(task(kind, classes), sample, one, one).startswith(b"\x89PNG")
