"""Panels over time: the cursor, the axes and what lies on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardium.core import Gate, Mark, Stream
from cardium.plot._film.curves import Curve, CurvePanel
from cardium.plot._film.film import open_film
from cardium.plot._film.matrix import MatrixPanel
from cardium.plot._film.overlays import length_text, speed_text
from cardium.plot._film.sweep import LEFT, RIGHT, Span, ticks_between
from plot.conftest import b_mode, ecg, fan, plot_of, qrs, recording

SPAN = Span(0.0, 1.0, 600)


def spectrum(columns: int = 200, seconds: float = 1.0) -> Stream:
    """Bright at +0.5 m/s in the first half of the time, at -0.25 m/s in the second."""
    velocity = np.linspace(1.0, -1.0, 81)
    values = np.zeros((columns, 81), np.float32)
    values[: columns // 2, 20] = 255
    values[columns // 2 :, 50] = 255
    time = np.arange(columns) * seconds / columns
    return Stream(
        "pulsed_wave", values, time, ("time", "velocity"), "grey",
        velocity_limit=1.0, axes={"velocity": velocity},
    )  # fmt: skip


def m_mode(columns: int = 200) -> Stream:
    """One bright line, 6 cm deep."""
    depth = np.linspace(0.01, 0.13, 121)
    values = np.zeros((columns, 121), np.float32)
    values[:, 50] = 255
    time = np.arange(columns) / columns
    return Stream(
        "m_mode", values, time, ("time", "range"), "grey", axes={"range": depth}
    )


def painted(panel: MatrixPanel | CurvePanel, time: float = 0.0) -> np.ndarray:
    picture = np.zeros((*panel.size, 3), np.uint8)
    panel.paint(picture, time)
    return picture[panel.top : panel.top + panel.height].astype(int)


def test_the_cursor_is_on_the_spike_when_the_spike_is() -> None:
    film = open_film(recording(b_mode(21), ecg()))
    strip = plot_of(film, 0.5, 1)
    spike = (strip[..., 1] - strip[..., 0] > 60).any(axis=0)
    cursor = (strip.min(axis=2) > 180).sum(axis=0) > 60
    assert cursor.sum() == 2
    assert spike[: cursor.argmax()].any()
    assert spike[cursor.argmax() + 2 :].any()
    inner = strip.shape[1] - LEFT - RIGHT
    assert np.isclose(cursor.argmax(), LEFT + inner / 2, atol=2)


@pytest.mark.parametrize("time", [0.0, 0.3, 0.95])
def test_the_cursor_runs_with_time(time: float) -> None:
    film = open_film(recording(b_mode(20), ecg()))
    strip = plot_of(film, time, 1)
    cursor = int(((strip.min(axis=2) > 180).sum(axis=0) > 60).argmax())
    inner = strip.shape[1] - LEFT - RIGHT
    assert np.isclose(cursor, LEFT + time / 0.95 * (inner - 1), atol=1)


def test_r_peaks_are_ticks() -> None:
    film = open_film(recording(b_mode(21), ecg(), annotations=(qrs(0.25, 0.75),)))
    strip = plot_of(film, 0.0, 1)
    yellow = (strip[:5, :, 0] > 180) & (strip[:5, :, 2] < 120)
    columns = np.flatnonzero(yellow.any(axis=0))
    inner = strip.shape[1] - LEFT - RIGHT
    wanted = LEFT + np.array([0.25, 0.75]) * (inner - 1)
    assert np.isclose(columns.min(), wanted[0], atol=2)
    assert np.isclose(columns.max(), wanted[1], atol=2)


def test_a_recording_without_an_ecg_renders() -> None:
    assert len(open_film(recording(b_mode())).placed) == 1


def test_velocities_of_a_spectrum_lie_on_their_rows() -> None:
    panel = MatrixPanel(SPAN, 161, spectrum())
    plot = painted(panel)
    grey = plot[:, LEFT + 10 : -RIGHT - 10].min(axis=-1)
    half = grey.shape[1] // 2
    assert grey[:, : half - 5].mean(axis=1).argmax() == 40  # +0.5 m/s, above
    assert grey[:, half + 5 :].mean(axis=1).argmax() == 100  # -0.25 m/s, below
    baseline = plot[80, LEFT + 10 : -RIGHT - 10].min(axis=-1)
    assert baseline.min() > 90


def test_an_axis_that_ascends_is_shown_downwards_as_it_is_stored() -> None:
    stream = spectrum()
    values = np.ascontiguousarray(stream.load()[:, ::-1])
    axes = {"velocity": np.linspace(-1.0, 1.0, 81)}
    panel = MatrixPanel(SPAN, 161, replace(stream, values=values, axes=axes))
    grey = painted(panel)[:, LEFT + 10 : LEFT + 200].min(axis=-1)
    assert grey.mean(axis=1).argmax() == panel.row(0.5) == 120


def test_an_m_mode_lies_at_its_depth() -> None:
    panel = MatrixPanel(SPAN, 121, m_mode())
    grey = painted(panel)[:, LEFT:-RIGHT].min(axis=-1)
    assert grey[:, 20:-20].mean(axis=1).argmax() == 50
    assert float(panel.row(0.06)) == pytest.approx(50)


@pytest.mark.parametrize("columns", [3, 40, 5000])
def test_few_or_many_columns_fill_the_time_they_cover(columns: int) -> None:
    grey = painted(MatrixPanel(SPAN, 121, m_mode(columns)))[50, LEFT + 5 : -RIGHT]
    end = round((columns - 1) / columns * 525)
    assert grey[: end - 5, 0].min() > 150


def test_a_spectrum_reads_only_the_page_it_shows() -> None:
    from plot.conftest import Counting

    stream = spectrum(4000, seconds=40.0)
    values = Counting(stream.load())
    panel = MatrixPanel(Span(0.0, 40.0, 600), 161, stream.with_values(values))
    for time in np.linspace(1.0, 7.0, 30):
        painted(panel, float(time))
    assert values.frames < 900


def test_marks_and_envelopes_lie_on_a_spectrum() -> None:
    peak = Mark("E", "pulsed_wave", ("time", "velocity"), np.array([(0.25, 0.5)]))
    time = np.linspace(0.6, 0.9, 20)
    trace = Stream("pulsed_wave_envelope", np.full(20, -0.5), time, ("time",), "m/s")
    film = open_film(recording(spectrum(), annotations=(trace,), marks=(peak,)))
    plot = plot_of(film, 0.0, 0)
    yellow = (plot[..., 0] > 200) & (plot[..., 2] < 130)
    rows = plot.shape[0]
    inner = plot.shape[1] - LEFT - RIGHT
    end = film.clock[-1]
    column = round(LEFT + 0.25 / end * (inner - 1))
    row = round(0.25 * (rows - 1))
    assert yellow[row, column - 3 : column + 4].all()
    column = round(LEFT + 0.75 / end * (inner - 1))
    assert yellow[round(0.75 * (rows - 1)) - 1 :][:3, column].any()


def test_a_spectrum_goes_on_beside_a_frozen_image() -> None:
    gate = Gate("pulsed_wave", 0.1, 0.08, 0.004)
    film = open_film(recording(fan(), spectrum(300, 3.0), gates=(gate,)))
    assert np.isclose(film.clock[-1], 2.99, atol=0.05)
    assert 25 <= film.rate <= 60
    assert len(film.placed) == 2


def test_curves_lie_on_their_values() -> None:
    time = np.linspace(0, 1, 101)
    curve = Curve("a", time, np.where(time < 0.5, -10.0, -20.0), "#ff0000")
    panel = CurvePanel(SPAN, 100, "strain", "%", [curve], moments=[("ES", 0.3)])
    plot = painted(panel, time=0.9)
    red = plot[..., 0] - plot[..., 1] > 120
    left, right = (int(red[:, c].argmax()) for c in (LEFT + 100, LEFT + 400))
    assert np.isclose(left, float(panel.row(-10.0)), atol=1.5)
    assert np.isclose(right, float(panel.row(-20.0)), atol=1.5)
    assert panel.row(0.0) < left < right


def test_strain_of_segments_has_a_legend_with_peaks() -> None:
    time = np.linspace(0, 1, 50)
    values = -np.sin(np.pi * time)[:, None] * np.array([10.0, 20.0])
    strain = Stream(
        "lv_strain", values, time, ("time", "segment"), "%",
        coords={"segment": ("basal septal", "a name " * 60)},
    )  # fmt: skip
    film = open_film(recording(annotations=(strain,)))
    assert film.size[1] == 720
    panel = film.placed[0].panel
    texts = [text for row in panel._rows for _, text, _ in row]
    assert texts[0] == "basal septal  -10.0 %"
    assert texts[1].endswith("-20.0 %")
    assert len(panel._rows) == 2


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), st.integers(2, 12))
def test_ticks_lie_within_and_are_even(low: float, width: float, most: int) -> None:
    ticks = ticks_between(low, low + width, most=most)
    assert len(ticks) <= most + 1
    assert all(low - 1e-6 <= t <= low + width + 1e-6 for t in ticks)
    if len(ticks) > 2:
        assert np.allclose(np.diff(ticks), ticks[1] - ticks[0])


@given(st.floats(0.0, 500.0), st.floats(0.0, 1.0))
def test_every_time_is_on_its_page(length: float, share: float) -> None:
    span = Span(3.0, 3.0 + length, 700)
    time = 3.0 + share * length
    first, last = span.page(time)
    assert first - 1e-6 <= time <= last + 1e-6
    assert last - first <= 10.001
    assert LEFT - 1 <= span.column(time, (first, last)) <= 700 - RIGHT


def test_lengths_and_speeds_are_written_as_readers_do() -> None:
    assert [length_text(v) for v in (0.0099, 0.0199, 0.02, 0.153)] == [
        "9.9 mm", "19.9 mm", "2.00 cm", "15.30 cm",
    ]  # fmt: skip
    assert [speed_text(v) for v in (0.0812, -0.5, 2.345)] == [
        "8.1 cm/s", "-0.50 m/s", "2.35 m/s",
    ]  # fmt: skip
