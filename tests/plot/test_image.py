"""Pixels of images: the right colour, in the right place, and nothing elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cardium.core import STRUCTURES, Gate, Mark, Sector, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.plot._film.film import open_film
from cardium.plot.style import power_table, velocity_table
from plot.conftest import (
    BEAMS,
    SECTOR,
    b_mode,
    fan,
    flow,
    image_of,
    recording,
    tissue_velocity,
)

BARS_GREY = 60


def pixel(film, x: float, z: float, number: int = 0) -> tuple[int, int]:
    row, column = film.placed[number].panel.plane.index_of(np.array(x), np.array(z))
    return round(float(row)), round(float(column))


def at(depth: float, angle: float) -> tuple[float, float]:
    return depth * np.sin(angle), depth * np.cos(angle)


@pytest.mark.parametrize("speed", [0.3, -0.15, 0.59])
def test_a_known_velocity_has_the_colour_of_its_bar(speed: float) -> None:
    film = open_film(recording(fan(), *flow(speed)))
    image = image_of(film, 0.0)
    colour = velocity_table()[round((speed / 0.6 + 1) * 127.5)]
    wanted = 0.9 * colour + 0.1 * BARS_GREY
    assert np.allclose(image[pixel(film, *at(0.07, -0.15))], wanted, atol=1.01)


def test_tissue_velocity_is_read_in_centimetres_and_flow_in_metres() -> None:
    tissue = replace(
        flow(0.1, limit=0.16)[0], name="tissue_velocity", velocity_limit=0.16
    )
    film = open_film(recording(fan(level=90), tissue))
    image = image_of(film, 0.0)
    colour = velocity_table()[round((0.1 / 0.16 + 1) * 127.5)]
    wanted = 0.85 * colour + 0.15 * 90
    assert np.allclose(image[pixel(film, *at(0.07, -0.15))], wanted, atol=1.01)
    dark = open_film(recording(fan(level=10), tissue))
    grey = image_of(dark, 0.0)[pixel(dark, *at(0.07, -0.15))]
    assert grey.tolist() == [10, 10, 10]  # blood has no tissue velocity


def test_flow_is_only_where_its_power_is() -> None:
    film = open_film(recording(fan(), *flow()))
    image = image_of(film, 0.0)
    grey = [BARS_GREY] * 3
    assert image[pixel(film, *at(0.07, 0.28))].tolist() == grey  # weak, right edge
    red, _, blue = image[pixel(film, *at(0.07, -0.15))]
    assert red > blue + 50
    red, _, blue = image[pixel(film, *at(0.07, 0.1))]
    assert blue > red + 50


def test_blood_that_stands_still_is_not_painted() -> None:
    film = open_film(recording(fan(), *flow(0.005)))
    image = image_of(film, 0.0)
    assert image[pixel(film, *at(0.07, -0.15))].tolist() == [BARS_GREY] * 3


def test_colour_stays_inside_its_box_and_the_box_is_outlined() -> None:
    film = open_film(recording(fan(), *flow()))
    image = image_of(film, 0.0)
    plane = film.placed[0].panel.plane
    depth, angle = SECTOR.polar_of(*plane.points())
    step = plane.spacing[0]
    coloured = np.ptp(image, axis=-1) > 40
    outside = (depth < 0.04 - 2 * step) | (depth > 0.1 + 2 * step)
    outside |= np.abs(angle) > 0.3 + 2 * step / 0.04
    assert coloured[~outside].any()
    assert not coloured[outside].any()
    border = image[pixel(film, *at(0.1, 0.2))]
    assert border.min() > 180
    assert image[pixel(film, *at(0.07, -0.3))].min() > 180


def test_nothing_is_painted_where_a_velocity_is_not_known() -> None:
    velocity, power = flow()
    values = velocity.load()
    values[:, 20:40] = np.nan  # 6 to 8 cm deep
    film = open_film(recording(fan(), velocity.with_values(values), power))
    image = image_of(film, 0.0)
    assert image[pixel(film, *at(0.07, -0.15))].tolist() == [BARS_GREY] * 3
    assert image[pixel(film, *at(0.09, -0.15))].tolist() != [BARS_GREY] * 3


def test_a_fold_is_interpolated_through_the_limit() -> None:
    velocity, power = flow()
    values = np.full_like(velocity.load(), 0.59)
    values[:, 30:] = -0.59
    film = open_film(recording(fan(), velocity.with_values(values), power))
    plane = film.placed[0].panel.plane
    depth, angle = SECTOR.polar_of(*plane.points())
    there = (np.abs(angle + 0.15) < 0.05) & (np.abs(depth - 0.07) < 0.01)
    # The middle of the bar, zero, is dark; the ends, where it folds, are bright.
    assert image_of(film, 0.0)[there].max(axis=-1).min() > 200


def test_beamspace_is_not_flipped() -> None:
    values = np.zeros((1, *SECTOR.shape), np.uint8)
    values[0, 80:83, 50:53] = 255
    stream = fan().with_values(values)
    film = open_film(recording(stream), view="beamspace", size=480)
    image = image_of(film, 0.0)[..., 0]
    rows, columns = image.shape
    row, column = (float(w.mean()) for w in np.nonzero(image > 200))
    assert np.isclose(row / (rows - 1), 81 / 120, atol=0.01)
    assert np.isclose(column / (columns - 1), 51 / 60, atol=0.01)


def test_both_views_show_the_same_samples_side_by_side() -> None:
    values = np.zeros((1, *SECTOR.shape), np.uint8)
    values[0, 78:85, 48:55] = 255
    film = open_film(recording(fan().with_values(values), *flow()), view="both")
    flat, beams = film.placed
    assert flat.column + flat.panel.size[1] <= beams.column
    assert flat.panel.plane.shape[0] == beams.panel.plane.shape[0]
    for number in (0, 1):
        image = image_of(film, 0.0, number)
        place = pixel(film, *at(0.081, (51 - 30) * 0.02), number)
        assert image[place].min() == 255
        red, _, blue = image[pixel(film, *at(0.07, -0.15), number)]
        assert red > blue + 50


def test_a_colour_box_in_beamspace_is_a_rectangle() -> None:
    film = open_film(recording(fan(), *flow()), view="beamspace", size=480)
    image = image_of(film, 0.0)
    rows, columns = image.shape[:2]
    top, bottom = (round(d / 0.12 * (rows - 1)) for d in (0.04, 0.1))
    left, right = (round((a + 0.6) / 1.2 * (columns - 1)) for a in (-0.3, 0.3))
    assert image[top, left + 5 : right - 5].min() > 150
    assert image[bottom, left + 5 : right - 5].min() > 150
    assert image[top + 5 : bottom - 5, left].min() > 150


def test_ruler_ticks_are_centimetres_of_depth() -> None:
    film = open_film(recording(b_mode(1)))
    part = film.placed[0]
    plane = part.panel.plane
    top, left = part.row + part.panel.top, part.column + plane.shape[1]
    side = film.draw(0.0).astype(int)[top : top + plane.shape[0], left + 3 : left + 6]
    ticks = np.flatnonzero(side.min(axis=(1, 2)) > 60)
    rows = [np.argmin(np.abs(plane.zs - cm / 100)) for cm in range(13)]
    groups = np.split(ticks, np.flatnonzero(np.diff(ticks) > 1) + 1)
    assert len(groups) == 13
    assert np.allclose([g.mean() for g in groups], rows, atol=1)


def test_the_bar_has_the_limits_at_its_ends_and_zero_in_its_middle() -> None:
    film = open_film(recording(fan(), *flow()))
    part = film.placed[0]
    picture = film.draw(0.0)[part.row : part.row + part.panel.size[0]]
    strip = picture[:, part.column + part.panel.plane.shape[1] + 40 :]
    table = velocity_table()
    column = strip[:, 18]
    first = np.flatnonzero((column == table[255]).all(axis=-1))[0]
    last = np.flatnonzero((column == table[0]).all(axis=-1))[-1]
    assert last - first + 1 == 256
    white = np.flatnonzero((strip[first : last + 1, 9] > 150).all(axis=-1))
    assert np.isclose(white.mean(), (last - first) / 2, atol=1)


def test_a_velocity_without_a_limit_takes_its_scale_from_a_few_frames() -> None:
    velocity, power = flow(0.21)
    film = open_film(recording(fan(), replace(velocity, velocity_limit=None), power))
    image = image_of(film, 0.0)
    wanted = 0.9 * velocity_table()[round((0.21 / 0.3 + 1) * 127.5)] + 0.1 * BARS_GREY
    assert np.allclose(image[pixel(film, *at(0.07, -0.15))], wanted, atol=1.01)


def test_a_power_is_shown_by_itself() -> None:
    film = open_film(recording(fan(), *flow()), stream="colour_power")
    wanted = 0.9 * power_table()[255] + 0.1 * BARS_GREY
    image = image_of(film, 0.0)
    assert np.allclose(image[pixel(film, *at(0.07, -0.15))], wanted, atol=1.01)


def test_a_velocity_without_an_image_is_shown_on_black() -> None:
    film = open_film(recording(*flow()))
    image = image_of(film, 0.0)
    assert image[pixel(film, *at(0.07, -0.15))][0] > 150
    assert image[0, 0].tolist() == [0, 0, 0]


def test_a_gate_lies_at_its_depth_on_its_beam() -> None:
    gate = Gate("pulsed_wave", 0.2, 0.08, 0.01)
    film = open_film(recording(fan(level=0), gates=(gate,)))
    image = image_of(film, 0.0)
    green = image[..., 1] - image[..., 0] > 40
    plane = film.placed[0].panel.plane
    depth, angle = SECTOR.polar_of(*plane.points())
    assert np.allclose(angle[green & (depth > 0.02) & (depth < 0.07)], 0.2, atol=0.04)
    wide = green & (np.abs(angle - 0.2) > 0.02)
    assert np.allclose(np.abs(depth[wide & (depth > 0.05)] - 0.08), 0.005, atol=0.001)


def test_a_line_without_a_gate_has_no_bars() -> None:
    film = open_film(recording(fan(level=0), gates=(Gate("m_mode", -0.1),)))
    image = image_of(film, 0.0)
    plane = film.placed[0].panel.plane
    depth, angle = SECTOR.polar_of(*plane.points())
    green = (image[..., 1] - image[..., 0] > 40) & (depth > 0.03)
    assert green.any()
    assert np.allclose(angle[green], -0.1, atol=0.03)


def test_marks_lie_where_they_were_put_right_is_right_and_deep_is_low() -> None:
    marks = (
        Mark("lateral", "b_mode", ("x", "z"), np.array([(0.03, 0.05)])),
        Mark("deep", "b_mode", ("x", "z"), np.array([(0.0, 0.1)])),
        Mark("elsewhere", "m_mode", ("x", "z"), np.array([(-0.02, 0.06)])),
    )
    film = open_film(recording(fan(level=0), marks=marks))
    image = image_of(film, 0.0)
    yellow = (image[..., 0] > 240) & (image[..., 2] < 120)
    for mark in marks[:2]:
        row, column = pixel(film, *mark.points[0])
        assert yellow[row, column - 4 : column + 5].all()
        assert yellow[row - 4 : row + 5, column].all()
    row, column = pixel(film, -0.02, 0.06)
    assert not yellow[row - 6 : row + 7, column - 6 : column + 7].any()


def test_a_mark_that_moves_is_where_it_is_then() -> None:
    points = np.array([[(0.0, 0.04)], [(0.0, 0.08)]])
    mark = Mark("apex", "b_mode", ("x", "z"), points, np.array([0.0, 0.05]))
    film = open_film(recording(fan(frames=6, level=0), marks=(mark,)))
    for time, z in ((0.0, 0.04), (0.05, 0.08)):
        image = image_of(film, time)
        assert image[pixel(film, 0.0, z)][0] > 240
    later = image_of(film, 0.25)
    assert (later[..., 0] - later[..., 2]).max() < 60


def test_labels_of_marks_do_not_overlap(monkeypatch) -> None:
    from cardium.plot._film import overlays

    taken: list = []
    monkeypatch.setattr(
        overlays, "write_text", lambda picture, place, text, **_: taken.append(text)
    )
    boxes: list[tuple[float, float, float, float]] = []
    picture = np.zeros((400, 300, 3), np.uint8)
    marks = [
        (
            Mark("x" * n, "b_mode", ("x", "z"), np.zeros((1, 2))),
            np.array([(150.0, 200.0)]),
        )
        for n in (3, 8, 25, 80, 300, 5, 5, 5)
    ]
    overlays.draw_marks(picture, marks, boxes)
    assert len(boxes) == len(taken) == 8
    for k, (l0, t0, r0, b0) in enumerate(boxes):
        assert l0 >= 0
        assert r0 <= 300
        for l1, t1, r1, b1 in boxes[:k]:
            assert r0 <= l1 or r1 <= l0 or b0 <= t1 or b1 <= t0


def test_contours_of_all_chambers_are_drawn_in_their_colours() -> None:
    def square(name: str, x: float) -> Stream:
        corners = np.array([(x, 0.05), (x + 0.01, 0.05), (x + 0.01, 0.06)])
        layers = np.stack([corners + np.array([0, d]) for d in (0, 0.02, 0.04)])
        dims = ("time", "layer", "point", "xz")
        return Stream(name, layers[None], np.zeros(1), dims, "m")

    drawn = (square("lv_contour", -0.02), square("rv_contour", 0.01))
    film = open_film(recording(fan(level=0), annotations=drawn))
    image = image_of(film, 0.0)
    amber = image[pixel(film, -0.015, 0.05)]
    assert amber[0] > amber[2] + 150
    cyan = image[pixel(film, -0.015, 0.09)]
    assert cyan[2] > cyan[0] + 100
    green = image[pixel(film, 0.015, 0.05)]
    assert green[1] > green[2] + 80
    faint = image[pixel(film, -0.015, 0.07)]
    assert np.ptp(faint) < 20
    assert 30 < faint.max() < 200


def test_label_maps_are_tinted_in_every_view() -> None:
    codes = np.zeros((1, *SECTOR.shape), np.uint8)
    codes[0, 40:80, 35:50] = STRUCTURES.index("la_cavity")
    labels = Stream(
        "mask", codes, np.zeros(1), BEAMS, "label", SECTOR, coords={"label": STRUCTURES}
    )
    film = open_film(recording(fan(level=80), annotations=(labels,)), view="both")
    for number in (0, 1):
        image = image_of(film, 0.0, number)
        tint = image[pixel(film, *at(0.06, 0.25), number)]
        assert tint[0] > tint[1] + 10  # pink
        assert np.ptp(image[pixel(film, *at(0.06, -0.25), number)]) == 0


def test_the_sector_is_outlined() -> None:
    film = open_film(recording(fan(level=0)))
    image = image_of(film, 0.0)
    assert image[pixel(film, *at(0.08, 0.6))].max() > 40
    assert image[pixel(film, *at(0.08, 0.5))].max() == 0


def test_a_plane_has_no_beamspace() -> None:
    with pytest.raises(NotProvidedError, match=r"'b_mode' lies on a plane"):
        open_film(recording(b_mode()), view="both")
    with pytest.raises(InvalidArgumentError, match="cartesian, beamspace, both"):
        open_film(recording(b_mode()), view="polar")


def test_beams_without_a_place_are_shown_in_beamspace_only() -> None:
    values = np.zeros((2, 40, 30), np.uint8)
    values[:, 30:, 20:] = 250
    stream = Stream("b_mode_biplane", values, np.arange(2.0), BEAMS, "grey")
    image = image_of(open_film(recording(stream), view="beamspace"), 0.0)
    rows, columns = image.shape[:2]
    assert image[rows * 9 // 10, columns * 9 // 10].min() == 250
    assert image[rows // 10, columns * 9 // 10].max() == 0
    with pytest.raises(NotProvidedError, match="'beamspace'"):
        open_film(recording(stream), stream="b_mode_biplane")


def test_planes_of_a_biplane_stand_side_by_side() -> None:
    values = np.zeros((2, 2, *SECTOR.shape), np.uint8)
    values[:, 0], values[:, 1] = 50, 150
    dims = ("time", "plane", *BEAMS[1:])
    stream = Stream("b_mode_biplane", values, np.arange(2.0), dims, "grey", SECTOR)
    film = open_film(recording(stream))
    for number, level in enumerate((50, 150)):
        image = image_of(film, 0.0, number)
        assert image[pixel(film, *at(0.07, 0.2), number)].tolist() == [level] * 3


def test_two_dopplers_have_a_panel_each() -> None:
    velocity, power = flow()
    tissue = replace(velocity, name="tissue_velocity")
    film = open_film(recording(fan(), velocity, power, tissue))
    assert len(film.placed) == 2


def test_a_sector_with_a_lifted_apex_is_drawn_where_it_lies() -> None:
    curved = Sector((0.0, 0.1), (-0.5, 0.5), (101, 51), apex_offset=0.05)
    values = np.zeros((1, 101, 51), np.uint8)
    values[0, 58:63, 38:43] = 255
    stream = Stream("b_mode", values, np.zeros(1), BEAMS, "grey", curved)
    film = open_film(recording(stream))
    image = image_of(film, 0.0)[..., 0]
    x, z = curved.point_at(np.array(0.06), np.array((40 - 25) * 0.02))
    row, column = (w.mean() for w in np.nonzero(image > 200))
    assert np.allclose((row, column), pixel(film, float(x), float(z)), atol=3)


def test_tissue_velocity_in_a_plane_is_drawn_too() -> None:
    film = open_film(recording(tissue_velocity()))
    image = image_of(film, 0.0)
    assert image[400, 100][0] > image[400, 100][2]
