"""What is drawn, dot by dot and word by word."""

from io import StringIO

import numpy as np
from rich.console import Console
from tests.live.conftest import FakeBoard, beats_at

from cardium.live import Monitor, Source
from cardium.live.view import draw_screen, draw_trace, mark_line, status_line


def dots(lines):
    """Braille lines as an array of dots, the first row the highest."""
    bits = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
    grid = np.zeros((4 * len(lines), 2 * len(lines[0])), bool)
    for row, line in enumerate(lines):
        for column, letter in enumerate(line):
            for r in range(4):
                for c in range(2):
                    is_on = (ord(letter) - 0x2800) & bits[r][c]
                    grid[4 * row + r, 2 * column + c] = bool(is_on)
    return grid


def test_a_rising_line_is_a_diagonal():
    grid = dots(draw_trace(np.arange(8.0), width=4, height=2))
    # each column has its own dot, and is joined to the one before
    expected = np.eye(8, dtype=bool) | np.eye(8, k=-1, dtype=bool)
    np.testing.assert_array_equal(grid[::-1].T, expected)


def test_missing_samples_are_a_hole_and_a_flat_line_is_a_line():
    values = np.r_[np.zeros(40), np.full(40, np.nan), np.ones(40)]
    grid = dots(draw_trace(values, width=6, height=1))
    assert not grid[:, 4:8].any()
    assert grid[3, :4].all()
    assert grid[0, 8:].all()
    assert dots(draw_trace(np.ones(9), width=4, height=1))[3].all()
    assert not dots(draw_trace(np.full(9, np.nan), width=4, height=1)).any()


def test_marks_stand_above_their_samples():
    assert mark_line([-5, 0, 99, 100], 100, width=20) == "R" + " " * 18 + "R"


def test_the_screen_says_what_goes_on(time):
    board = FakeBoard(time, beats_at(np.arange(0.4, 20, 0.8), 20))
    board.drop = {1000, 1001}
    monitor = Monitor(Source(board, clock=time.clock), clock=time.clock)
    summary = monitor.run(10)
    line = status_line(summary)
    assert "  75 /min" in line
    assert "1 gaps (2 samples)" in line
    console = Console(width=80, height=20, record=True, file=StringIO())
    console.print(draw_screen(monitor, width=80, height=16))
    text = console.export_text()
    assert text.splitlines()[1].count("R") in (7, 8)  # 6 s of 75 a minute
    assert "MLII, last 6 s" in text
    assert max(map(len, text.splitlines())) == 80
