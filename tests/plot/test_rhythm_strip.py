"""Strips of a long ECG: rows, symbols over R peaks, rhythms, and who disagrees."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cardium import open_dataset
from cardium.core import Entry, Recording, Stream
from cardium.errors import CardiumError, InvalidArgumentError, UnknownNameError
from cardium.plot._beat_marks import CLASS_COLOURS, PLAIN, pair_times
from cardium.plot.ecg_picture import write_ecg
from cardium.plot.rhythm_strip import draw_rhythm_strip, lay_out_strip
from cardium.signal.beat_classes import BEAT_SYMBOLS, label_stream
from plot.conftest import Counting, qrs


def long_ecg(seconds: float = 40.0) -> Stream:
    """Two leads at 100 Hz; the second rises by 1 mV over the whole."""
    time = np.arange(round(seconds * 100)) / 100
    values = np.stack([np.zeros(len(time)), time / seconds], axis=1)
    leads = {"lead": ("V1", "MLII")}
    return Stream("ecg", values, time, ("time", "lead"), "mV", coords=leads)


def beats(times: list[float], symbols: str) -> Stream:
    return label_stream("beats", times, symbols, known=BEAT_SYMBOLS)


def test_a_row_is_250_mm_and_begins_where_the_last_one_ended() -> None:
    strip = lay_out_strip(long_ecg(), start=5, duration=25)
    assert [row.start for row in strip.rows] == [5, 15, 25]
    assert strip.speed == 25
    assert [len(row.time) for row in strip.rows] == [1000, 1000, 500]
    assert strip.lead == "MLII"  # not the first
    assert np.isclose(strip.rows[0].heights[-1] - strip.rows[0].heights[0],
                      10 * 9.99 / 40)  # fmt: skip
    assert lay_out_strip(long_ecg(), lead="v1").lead == "V1"
    assert lay_out_strip(long_ecg(), row=30).speed == 250 / 30


def test_only_what_is_drawn_is_read() -> None:
    values = Counting(np.zeros((360_000, 1)))
    time = np.arange(360_000) / 100
    ecg = Stream("ecg", values, time, ("time", "lead"), "mV", coords={"lead": ("II",)})
    lay_out_strip(ecg, start=1800, duration=20)
    assert values.frames == 2000


def test_symbols_stand_over_their_beats_in_the_colour_of_their_class() -> None:
    marked = beats([1.0, 3.0, 12.0], "NVL")
    figure = draw_rhythm_strip(long_ecg(20), beats=marked)
    texts = {t.get_text(): t for t in figure.axes[0].texts}
    assert np.isclose(texts["V"].get_position()[0], 25 + 3 * 25)
    assert texts["V"].get_color() == CLASS_COLOURS["V"]
    assert np.isclose(texts["L"].get_position()[0], 25 + 2 * 25)  # of the second row
    assert texts["L"].get_color() == CLASS_COLOURS["N"]
    assert texts["L"].get_position()[1] < texts["V"].get_position()[1]
    assert "N  normal" in texts
    assert "S  supraventricular ectopic" not in texts


def test_the_mapping_decides_the_class_of_an_escape_beat() -> None:
    escape = beats([1.0], "j")
    groups = [
        lay_out_strip(long_ecg(), beats=escape, mapping=m).rows[0].beats[0].group
        for m in ("dechazal", "bxb")
    ]
    assert groups == ["N", "S"]


def test_a_rhythm_is_carried_into_the_stretch_and_ends_at_the_next() -> None:
    rhythm = label_stream("rhythm", [0.0, 22.0, 100.0], ["AFIB", "N", "VT"])
    strip = lay_out_strip(long_ecg(), start=15, duration=20, rhythm=rhythm)
    spans = [(s.start, s.stop, s.label) for row in strip.rows for s in row.rhythm]
    assert spans[:2] == [(15, 22, "AFIB"), (22, 25, "N")]
    assert spans[2][::2] == (25, "N")
    assert len(spans) == 3
    none = lay_out_strip(long_ecg(), duration=10, rhythm=label_stream(
        "rhythm", [4.0], ["N"]))  # fmt: skip
    assert [(s.start, s.label) for s in none.rows[0].rhythm] == [(4, "N")]


def test_beats_that_are_missed_made_up_or_called_otherwise_are_marked() -> None:
    truth = beats([1.0, 2.0, 3.0, 4.0, 5.0], "NLVNN")
    predicted = label_stream(
        "beats", [1.02, 2.0, 3.05, 5.0, 6.0], "NNSNV", known=("F", "N", "Q", "S", "V")
    )
    strip = lay_out_strip(long_ecg(), beats=truth, predicted_beats=predicted)
    wrong = [
        (time, a.symbol if a else None, b.symbol if b else None)
        for time, a, b in strip.rows[0].wrong
    ]
    assert wrong == [(3.0, "V", "S"), (4.0, "N", None), (6.0, None, "V")]
    assert strip.lines == ("truth", "model")
    strict = lay_out_strip(
        long_ecg(), beats=truth, predicted_beats=predicted, tolerance=0.03
    )
    assert len(strict.rows[0].wrong) == 4  # the V at 3 s is missed, the S made up


def test_a_pair_may_stand_on_either_side_of_the_end_of_a_row() -> None:
    truth, predicted = beats([9.98, 19.98], "NV"), beats([10.05, 20.05], "NN")
    strip = lay_out_strip(
        long_ecg(), duration=20, beats=truth, predicted_beats=predicted
    )
    assert [len(row.wrong) for row in strip.rows] == [0, 1]
    assert [len(row.predicted_beats) for row in strip.rows] == [0, 1]


def test_other_rhythms_are_marked_for_as_long_as_they_differ() -> None:
    truth = label_stream("rhythm", [0.0, 4.0], ["N", "AFIB"])
    predicted = label_stream("rhythm", [0.0, 6.0], ["N", "AFIB"])
    strip = lay_out_strip(
        long_ecg(), duration=10, rhythm=truth, predicted_rhythm=predicted
    )
    [span] = strip.rows[0].wrong_rhythm
    assert (span.start, span.stop) == (4, 6)


def test_pairs_are_one_to_one_and_the_nearest() -> None:
    truth, found = np.array([1.0, 2.0, 3.0]), np.array([0.9, 1.05, 2.1, 9.0])
    assert pair_times(truth, found, 0.15) == [(0, 1), (1, 2)]
    assert pair_times(truth, np.zeros(0), 0.15) == []
    # One prediction between two beats serves one of them.
    assert len(pair_times(np.array([1.0, 1.1]), np.array([1.05]), 0.15)) == 1


def test_peaks_without_labels_have_a_plain_symbol_and_no_legend() -> None:
    figure = draw_rhythm_strip(long_ecg(10), beats=qrs(1.0, 2.0))
    texts = [t.get_text() for t in figure.axes[0].texts]
    assert texts.count(PLAIN) == 2
    assert not any("normal" in text for text in texts)
    assert not any("AAMI" in text for text in texts)


def test_symbols_do_not_overlap() -> None:
    fast = beats([float(t) for t in np.arange(0.1, 29.9, 0.12)], "N" * 249)
    figure = draw_rhythm_strip(long_ecg(30), row=30, beats=fast)
    renderer = figure.canvas.get_renderer()
    boxes = [
        text.get_window_extent(renderer)
        for text in figure.axes[0].texts
        if text.get_text() == "N"
    ]
    assert len(boxes) > 50
    assert all(a.x1 <= b.x0 for a, b in pairwise(boxes))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"lead": "V9"}, UnknownNameError),
        ({"row": 0}, InvalidArgumentError),
        ({"gain": 3}, InvalidArgumentError),
        ({"duration": 30, "row": 0.1}, InvalidArgumentError),
        ({"start": 100}, CardiumError),
    ],
)
def test_options_are_checked(options, error) -> None:
    with pytest.raises(error):
        lay_out_strip(long_ecg(), **options)


def test_what_has_beats_is_a_strip_and_what_is_short_a_page(tmp_path: Path) -> None:
    entry = Entry("r0", "p0", "", frozenset())
    short = Recording(entry, {"ecg": long_ecg(10)})
    marked = Recording(entry, {"ecg": long_ecg(10)}, {"beats": beats([1.0], "V")})
    sizes = []
    for recording, options in (
        (short, {}),
        (marked, {}),
        (marked, {"layout": "rows"}),
        (short, {"lead": "V1"}),
        (short, {"layout": "strip", "speed": 50}),
    ):
        write_ecg(recording, tmp_path / "a.svg", **options)
        text = (tmp_path / "a.svg").read_text()
        width, height = (
            float(text.split(f'{side}="')[1].split("pt")[0]) / 72 * 25.4
            for side in ("width", "height")
        )
        sizes.append((round(width), round(height)))
    assert sizes[0][0] == 270
    assert sizes[1][0] == 280
    assert sizes[2] == sizes[0]
    assert sizes[3][0] == 280
    assert sizes[4][0] == 280
    assert sizes[4][1] > sizes[3][1]  # two rows of 5 s
    with pytest.raises(InvalidArgumentError, match="'rows' shows several"):
        write_ecg(short, tmp_path / "a.svg", layout="rows", lead="V1")
    with pytest.raises(InvalidArgumentError, match="strip, auto"):
        write_ecg(short, tmp_path / "a.svg", layout="grid")


def test_a_real_holter_is_drawn_with_its_beats(
    shared_data: Path, tmp_path: Path
) -> None:
    recording = open_dataset("mit_bih", root=shared_data / "mitdb")["208"]
    strip = lay_out_strip(
        recording["ecg"],
        start=60,
        duration=10,
        beats=recording["beats"],
        rhythm=recording["rhythm"],
    )
    assert strip.lead == "MLII"
    symbols = "".join(mark.symbol for mark in strip.rows[0].beats)
    assert symbols == "VNNFVNNVNNVNNVVNF"  # as PhysioNet's rdann prints them
    assert [span.label for span in strip.rows[0].rhythm] == ["N", "T"]
    write_ecg(recording, tmp_path / "a.pdf", start=60, duration=10)
    assert (tmp_path / "a.pdf").stat().st_size < 200_000
