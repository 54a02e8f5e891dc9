from __future__ import annotations

import re

import numpy as np

from cardium.plot.chart import Interval, Line, interval_chart, line_chart


def test_points_lie_where_the_axes_say() -> None:
    line = Line("a", np.array([0.0, 50.0, 100.0]), np.array([0.0, np.nan, 10.0]))
    svg = line_chart([line], x_label="step", y_label="loss", title="t")
    first, last = re.search(r'points="([\d.]+,[\d.]+) ([\d.]+,[\d.]+)"', svg).groups()  # type: ignore[union-attr]
    ticks = {
        text: (float(x), float(y))
        for x, y, text in re.findall(
            r'<text x="([\d.]+)" y="([\d.]+)"[^>]*>(\d+)<', svg
        )
    }
    assert float(last.split(",")[0]) == ticks["100"][0]
    assert abs(float(last.split(",")[1]) - (ticks["10"][1] - 4)) < 0.2
    assert float(first.split(",")[0]) < float(last.split(",")[0])


def test_a_single_point_is_a_dot_and_nothing_is_nothing() -> None:
    dot = Line("a", np.array([3.0]), np.array([1.0]))
    assert "<circle" in line_chart([dot], x_label="", y_label="", title="")
    empty = Line("a", np.array([3.0]), np.array([np.nan]))
    assert line_chart([empty], x_label="", y_label="", title="") == ""
    nan = float("nan")
    assert interval_chart([Interval("a", nan, nan, nan)], x_label="", title="") == ""


def test_an_interval_spans_its_ends() -> None:
    svg = interval_chart(
        [Interval("a", 0.5, 0.0, 1.0), Interval("b", 0.75, float("nan"), float("nan"))],
        x_label="Dice",
        title="t",
    )
    [(x1, x2)] = re.findall(r'<line class="line hue0" x1="([\d.]+)" x2="([\d.]+)"', svg)
    first, second = re.findall(r'cx="([\d.]+)"', svg)
    assert float(first) == (float(x1) + float(x2)) / 2
    assert float(second) == float(x1) + 0.75 * (float(x2) - float(x1))
