from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cardium import open_dataset
from cardium.core import Stream
from cardium.errors import CardiumError, InvalidArgumentError, NotProvidedError
from cardium.plot.ecg import draw_ecg, lay_out_ecg
from cardium.plot.paper import draw_pulse, new_paper, write_paper
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


def mm(text: str, side: str) -> float:
    """A side of an SVG or a PDF in mm; a point is 1/72 inch."""
    found = re.search(rf'<svg[^>]* {side}="([\d.]+)pt"', text)
    assert found
    return float(found[1]) / 72 * 25.4


@pytest.mark.parametrize(("speed", "width"), [(25, 270), (50, 520)])
def test_files_measure_what_the_paper_measures(
    tmp_path: Path, speed: int, width: int
) -> None:
    stream = twelve_leads()
    page = lay_out_ecg(stream, speed=speed)
    assert page.width == width  # 10 s and the margins
    figure = draw_ecg(stream, speed=speed)
    for ending in ("svg", "pdf", "png"):
        write_paper(figure, tmp_path / f"a.{ending}")
    text = (tmp_path / "a.svg").read_text()
    assert np.isclose(mm(text, "width"), page.width, atol=1e-4)
    assert np.isclose(mm(text, "height"), page.height, atol=1e-4)
    pdf = (tmp_path / "a.pdf").read_bytes()
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", pdf)
    assert box
    assert np.isclose(float(box[1]) / 72 * 25.4, page.width, atol=1e-4)
    with Image.open(tmp_path / "a.png") as image:
        dots = image.info["dpi"][0]
        assert np.isclose(image.size[0] / dots * 25.4, page.width, rtol=1e-3)


def test_a_second_and_a_millivolt_measure_right_in_the_svg(tmp_path: Path) -> None:
    time = np.arange(101) / 50
    ramp = Stream("ecg", np.linspace(0, 1, 101), time, ("time",), "mV")
    write_paper(draw_ecg(ramp, gain=5, pulse=False), tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    # The trace is the one path of more than four points that is not a glyph.
    paths = re.findall(r'<path d="(M [^"]*)" clip-path', text)
    longest = max(paths, key=len)
    points = np.array(re.findall(r"(-?[\d.]+) (-?[\d.]+)", longest), float)
    reach = np.ptp(points, axis=0) / 72 * 25.4
    assert np.allclose(reach, (50, 5), atol=1e-3)


def test_the_same_picture_is_the_same_bytes(tmp_path: Path) -> None:
    for ending in ("svg", "pdf"):
        for name in ("a", "b"):
            write_paper(draw_ecg(twelve_leads()), tmp_path / f"{name}.{ending}")
        one, two = ((tmp_path / f"{n}.{ending}").read_bytes() for n in "ab")
        assert one == two
    with pytest.raises(InvalidArgumentError, match=r"'a\.gif'"):
        write_paper(draw_ecg(twelve_leads()), tmp_path / "a.gif")


def test_six_rows_hold_limb_leads_then_chest_leads() -> None:
    page = lay_out_ecg(twelve_leads(), layout="6x2")
    places = {s.lead: (s.row, round(s.x[0] - 15, 6)) for s in page.strips}
    assert page.rows == 6
    assert places["aVF"] == (5, 0)
    assert places["V1"] == (0, 125)
    assert places["V6"] == (5, 125)
    assert len(page.strips) == 12


def test_twelve_rows_are_in_the_standard_order_whatever_is_stored_first() -> None:
    stream = twelve_leads()
    back = replace(
        stream,
        values=stream.load()[:, ::-1],
        coords={"lead": stream.coords["lead"][::-1]},
    )
    page = lay_out_ecg(back, layout="12x1")
    assert [s.lead for s in page.strips][:4] == ["I", "II", "III", "aVR"]
    v6 = page.strips[-1]
    assert v6.row == 11
    assert np.isclose(np.ptp(v6.y), 11)  # 1.1 mV
    assert lay_out_ecg(back, layout="rows").strips[0].lead == "V6"


def test_a_stretch_is_drawn_with_the_gain_asked_for() -> None:
    page = lay_out_ecg(twelve_leads(60.0), start=40, duration=8, gain=20)
    rhythm = page.strips[-1]
    assert rhythm.time[0] == 40
    assert np.isclose(rhythm.x[-1] - rhythm.x[0], 25 * 7.99)
    assert np.isclose(np.ptp(rhythm.y), 2.0)  # 0.1 mV at 20 mm/mV
    assert "20 mm/mV" in page.note
    assert "40 to 48 s of 60 s" in page.note


def test_the_pulse_is_a_millivolt_for_a_fifth_of_a_second() -> None:
    for speed, gain in ((25, 10), (50, 20)):
        axes = new_paper(30, 40).add_axes((0, 0, 1, 1))
        draw_pulse(axes, 7.5, 0, speed=speed, gain=gain)
        x, y = axes.lines[0].get_xydata().T
        assert np.isclose(np.ptp(x[y > 0]), 0.2 * speed)
        assert np.ptp(y) == gain
        assert x.min() >= 0
        assert x.max() <= 15


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layout": "4x3"}, "3x4"),
        ({"speed": 30}, "25, 50"),
        ({"gain": 1}, "5, 10, 20"),
        ({"duration": 0}, "positive"),
        ({"start": 99}, "lasts from 0 to"),
    ],
)
def test_options_out_of_range_are_named(options, said: str) -> None:
    with pytest.raises(CardiumError, match=said):
        lay_out_ecg(twelve_leads(), **options)


def test_a_layout_names_the_lead_that_is_not_there() -> None:
    with pytest.raises(NotProvidedError, match=r"no lead I, .*'6x2'"):
        lay_out_ecg(ecg(), layout="6x2")


def test_texts_fit_the_paper() -> None:
    figure = draw_ecg(twelve_leads(0.5), title="a very long title " * 6)
    renderer = figure.canvas.get_renderer()
    right = figure.bbox.width
    for text in figure.axes[0].texts:
        assert text.get_window_extent(renderer).x1 <= right


def test_a_real_ecg_is_drawn(shared_data: Path) -> None:
    recording = open_dataset("ptb_xl", root=shared_data / "ptb_xl")["00001"]
    page = lay_out_ecg(recording["ecg"])
    assert page.calibrated
    assert page.width == 270
    assert np.isclose(page.height, 15 + 4 * 25 + 10)
    lead = recording["ecg"].coords["lead"].index("V2")
    v2 = next(s for s in page.strips if s.lead == "V2")
    values = recording["ecg"].between(5, 7.5).load()[:, lead]
    assert np.isclose(np.ptp(v2.y), 10 * np.ptp(values), rtol=1e-6)
