from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from cardium.core import Stream
from cardium.errors import NotProvidedError
from cardium.plot.ecg import draw_ecg, lay_out_ecg
from cardium.plot.style import png_bytes
from plot.conftest import ecg, twelve_leads


def test_one_second_is_25_mm_and_one_millivolt_10_mm() -> None:
    page = lay_out_ecg(twelve_leads())
    rhythm = page.strips[-1]
    assert rhythm.lead == "II"
    assert rhythm.row == 3
    assert np.isclose(rhythm.x[100] - rhythm.x[0], 25)
    assert np.isclose(np.ptp(rhythm.y), 1.0)  # 0.1 mV


def test_twelve_leads_of_ten_seconds_are_three_rows_of_four() -> None:
    page = lay_out_ecg(twelve_leads())
    places = {s.lead: (s.row, round(s.x[0] - page.strips[0].x[0], 6)) for s in
              page.strips[:12]}  # fmt: skip
    assert places["I"] == (0, 0)
    assert places["aVR"] == (0, 62.5)
    assert places["aVF"] == (2, 62.5)
    assert places["V3"] == (2, 125)
    assert places["V6"] == (2, 187.5)
    assert page.rows == 4
    assert all(len(s.x) == 250 for s in page.strips[:12])


def test_v6_is_drawn_from_its_own_column_of_values() -> None:
    page = lay_out_ecg(twelve_leads())
    v6 = next(s for s in page.strips if s.lead == "V6")
    # Its quarter begins at 7.5 s, when it has just risen by 1.1 mV.
    assert np.isclose(v6.y[-1] - v6.y[0], 11)


def test_a_short_ecg_has_one_row_a_lead() -> None:
    page = lay_out_ecg(twelve_leads(5.0))
    assert page.rows == 12
    assert page.width == 15 + 125 + 5


def test_only_ten_seconds_are_read_and_the_paper_says_so() -> None:
    page = lay_out_ecg(twelve_leads(60.0))
    assert page.strips[-1].x[-1] < 15 + 250
    assert "first 10 s of 60 s" in page.note


def test_without_millivolts_there_is_no_calibration() -> None:
    page = lay_out_ecg(ecg())
    assert not page.calibrated
    assert "not calibrated" in page.note
    assert np.isclose(np.ptp(page.strips[0].y), 15)


def test_picture_is_true_to_scale() -> None:
    stream = twelve_leads()
    page = lay_out_ecg(stream)
    image = Image.open(BytesIO(png_bytes(draw_ecg(stream, title="x"))))
    assert image.size == (round(page.width * 5), round(page.height * 5))
    dark = np.asarray(image.convert("L")) < 90
    # The flat first half second of lead I lies on the middle of the first row.
    x = round((page.strips[0].x[0] + 8) * 5)
    base = (15 + 0.5 * page.row_height) * 5
    rows = np.flatnonzero(dark[: round(base) + 30, x : x + 5].any(axis=1))
    assert np.isclose(rows.mean(), base, atol=2)


def test_missing_samples_and_flat_leads_are_drawn() -> None:
    values = np.zeros((500, 2))
    values[:, 0] = np.nan
    stream = Stream("ecg", values, np.arange(500) / 100, ("time", "lead"), "mV")
    assert png_bytes(draw_ecg(stream)).startswith(b"\x89PNG")


def test_a_single_sample_is_refused() -> None:
    stream = Stream("ecg", np.zeros((1, 1)), np.zeros(1), ("time", "lead"), "mV")
    with pytest.raises(NotProvidedError, match="1 samples"):
        draw_ecg(stream)
