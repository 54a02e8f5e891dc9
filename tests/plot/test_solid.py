"""Volumes and surfaces: planes, sections, shaded triangles, the volume curve."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import Mesh, SectorVolume, Stream
from cardium.plot._film.film import open_film
from cardium.plot._film.image import ImagePanel
from cardium.plot._film.solid import MeshPanel, mesh_axis, mesh_volumes
from plot.conftest import ecg, image_of, qrs, recording

FAN = SectorVolume((0.0, 0.14), (-0.6, 0.6), (-0.5, 0.5), (24, 32, 64))
DIMS = ("time", "elevation", "azimuth", "range")
RADIUS, DEPTH = 0.02, 0.08


def ball(scale: float = 1.0, *, open_below: bool = True) -> tuple:
    """A ball 8 cm deep; open at the bottom, which is then flat."""
    angle = np.arange(48) * 2 * np.pi / 48
    polar = np.linspace(0.02, 0.75 * np.pi if open_below else np.pi - 0.02, 30)
    ring = RADIUS * scale * np.sin(polar)[:, None]
    x, y = ring * np.cos(angle), ring * np.sin(angle)
    z = DEPTH - RADIUS * scale * np.cos(polar)[:, None] + 0 * angle
    points = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    faces = []
    for i in range(29):
        for j in range(48):
            a, b = i * 48 + j, i * 48 + (j + 1) % 48
            faces += [(a, b, b + 48), (a, b + 48, a + 48)]
    return points, np.array(faces)


def mesh(scales: tuple[float, ...] = (1.0, 0.8, 0.9)) -> Mesh:
    return Mesh.from_frames(
        "lv_mesh", np.arange(len(scales)) / 10, [ball(s) for s in scales]
    )


def volume(frames: int = 3) -> Stream:
    """Bright inside a ball of 2 cm, 8 cm deep."""
    x, y, z = FAN.points()
    inside = x**2 + y**2 + (z - DEPTH) ** 2 < RADIUS**2
    values = np.where(inside, 200, 40).astype(np.uint8)[None].repeat(frames, axis=0)
    return Stream("b_mode_3d", values, np.arange(frames) / 10, DIMS, "grey", FAN)


def test_a_volume_is_six_planes_a_surface_a_curve_and_the_ecg() -> None:
    film = open_film(recording(volume(), ecg(), meshes=(mesh(),)))
    kinds = [type(p.panel).__name__ for p in film.placed]
    assert kinds.count("ImagePanel") == 6
    assert kinds[3] == "MeshPanel"
    assert kinds[-2:] == ["CurvePanel", "EcgPanel"]
    picture = film.draw(0.1)
    assert picture.shape == (*film.size, 3)


def test_planes_show_the_ball_round_and_the_section_around_it() -> None:
    film = open_film(recording(volume(), meshes=(mesh((1.0,)),)))
    for number in (0, 1, 2):
        panel = film.placed[number].panel
        assert isinstance(panel, ImagePanel)
        image = image_of(film, 0.0, number)
        spacing = panel.plane.spacing[0]
        amber = image[..., 0] - image[..., 2] > 120
        _, columns = np.nonzero(amber)
        across = (columns.max() - columns.min()) * spacing
        assert np.isclose(across, 2 * RADIUS, atol=0.002)
        bright = (image.min(axis=-1) > 120).sum() * spacing**2
        assert np.isclose(bright, np.pi * RADIUS**2, rtol=0.15)


def test_short_axes_have_one_scale() -> None:
    film = open_film(recording(volume(), meshes=(mesh(),)))
    spacings = {film.placed[k].panel.plane.spacing for k in (4, 5, 6)}
    assert len(spacings) == 1


def test_a_volume_in_beamspace_is_two_fans() -> None:
    film = open_film(recording(volume()), view="beamspace")
    assert len(film.placed) == 2
    image = image_of(film, 0.0)[..., 0]
    row, column = (w.mean() for w in np.nonzero(image > 150))
    assert np.isclose(row / image.shape[0], DEPTH / 0.14, atol=0.02)
    assert np.isclose(column / image.shape[1], 0.5, atol=0.02)
    assert len(open_film(recording(volume()), view="both").placed) == 8


def test_volumes_are_those_of_the_ball() -> None:
    whole = Mesh.from_frames("m", np.zeros(1), [ball(open_below=False)])
    assert np.isclose(mesh_volumes(whole)[0], 4 / 3 * np.pi * RADIUS**3, rtol=0.02)


def test_a_surface_that_cannot_be_closed_is_drawn_without_a_volume() -> None:
    points, faces = ball()
    torn = faces.copy()
    torn[5] = torn[5][::-1]  # wound the other way round
    broken = Mesh.from_frames("m", np.zeros(1), [(points, torn)])
    panel = MeshPanel(broken, 120, mesh_volumes(broken))
    picture = np.zeros((*panel.size, 3), np.uint8)
    panel.paint(picture, 0.0)
    assert np.isnan(mesh_volumes(broken)).all()
    assert (picture[..., 0].astype(int) - picture[..., 2] > 60).any()


def test_a_surface_is_lit_and_as_large_as_it_is() -> None:
    shown = mesh((1.0, 0.5))
    panel = MeshPanel(shown, 300, mesh_volumes(shown))
    areas = []
    for time in (0.0, 0.1):
        picture = np.zeros((*panel.size, 3), np.uint8)
        panel.paint(picture, time)
        lit = picture.astype(int)
        areas.append(int((lit[..., 0] - lit[..., 2] > 40).sum()))
    assert np.isclose(areas[1] / areas[0], 0.25, atol=0.02)


def test_the_axis_leads_from_the_top_to_the_hole() -> None:
    apex, base = mesh_axis(mesh())
    assert np.allclose(apex, (0, 0, DEPTH - RADIUS), atol=1e-3)
    assert base[2] > DEPTH + 0.01
    assert np.allclose(base[:2], 0, atol=1e-6)


def test_the_curve_has_end_diastole_and_end_systole() -> None:
    scales = tuple(1 - 0.25 * np.sin(np.pi * np.arange(21) / 20))
    film = open_film(recording(annotations=(qrs(0.0, 2.0),), meshes=(mesh(scales),)))
    curve = film.placed[-1].panel
    assert "EDV" in curve.heading
    volumes = mesh_volumes(mesh(scales))
    percent = 100 * (1 - volumes.min() / volumes[0])
    assert f"EF {percent:.0f} %" in curve.heading


@pytest.mark.parametrize("frames", [1, 40])
def test_a_volume_is_read_frame_by_frame(frames: int) -> None:
    from plot.conftest import Counting

    values = Counting(volume(frames).load())
    film = open_film(recording(volume(frames).with_values(values)))
    assert values.frames == 0
    for time in film.clock:
        film.draw(float(time))
    assert values.frames == frames
