from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cardium.plot._film.canvas import (
    blank,
    draw_lines,
    fit_text,
    text_width,
    write_text,
)


def test_a_line_lies_on_the_pixels_whose_centres_it_runs_through() -> None:
    picture = blank(9, 20, "#000000")
    draw_lines(picture, [np.array([(3.0, 4.0), (16.0, 4.0)])], "#ff0000", 1)
    assert picture[4, 4:16, 0].min() == 255
    assert picture[..., 1:].max() == 0
    assert picture[[3, 5]].max() == 0
    assert picture[4, :2].max() == 0
    assert picture[4, 18:].max() == 0


def test_points_that_are_not_finite_interrupt_a_line() -> None:
    picture = blank(3, 30, "#000000")
    line = np.array([(0, 1), (9, 1), (np.nan, 1), (20, 1), (29, 1)], float)
    draw_lines(picture, [line], "#ffffff", 1)
    assert picture[1, 1:9].min() == 255
    assert picture[1, 12:18].max() == 0
    assert picture[1, 21:29].min() == 255


@given(
    st.lists(st.tuples(*[st.floats(-500, 500) | st.just(float("nan"))] * 2), max_size=6)
)
def test_whatever_leaves_the_picture_is_cut_off(points) -> None:
    picture = blank(12, 10, "#102030")
    line = np.array(points, float).reshape(-1, 2)
    draw_lines(picture, [line], "#ffffff", 3)
    assert picture.shape == (12, 10, 3)


@given(st.text(min_size=1, max_size=200), st.integers(5, 300))
def test_a_text_never_needs_more_room_than_it_has(text: str, room: int) -> None:
    assert text_width(fit_text(text, room)) <= room


def test_text_is_written_within_its_room_and_on_its_side() -> None:
    for anchor, columns in (
        ("left", (20, 60)),
        ("right", (0, 21)),
        ("middle", (0, 40)),
    ):
        picture = blank(30, 120, "#000000")
        write_text(picture, (20, 15), "x" * 300, anchor=anchor, room=38)
        hit = np.flatnonzero(picture.any(axis=(0, 2)))
        assert columns[0] <= hit[0] <= hit[-1] <= columns[1]
        rows = np.flatnonzero(picture.any(axis=(1, 2)))
        assert 7 <= rows[0] <= rows[-1] <= 23
