from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cardium.core import Sector, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.plot import write_picture
from cardium.plot.clip import frame_times
from cardium.plot.film import Film, open_film
from plot.conftest import (
    b_mode,
    ecg,
    label_map,
    recording,
    tissue_velocity,
    twelve_leads,
)


def read(path: Path) -> NDArray[np.int64]:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_a_point_lands_where_it_is_in_metres(tmp_path: Path) -> None:
    write_picture(recording(b_mode(1)), tmp_path / "a.png")
    grey = read(tmp_path / "a.png")[:640, :426].sum(axis=2)
    grey[:60, :200] = 0  # title and time
    row, column = np.unravel_index(grey.argmax(), grey.shape)
    # 120 mm are 639 steps; the blob is 70 mm right of the first column, 20 mm down.
    assert np.allclose([row, column], [20 / 120 * 639, 70 / 120 * 639], atol=1)


def test_a_sample_of_a_sector_lands_where_its_beam_points(tmp_path: Path) -> None:
    sector = Sector(depth=(0.0, 0.12), angle=(-0.7, 0.7), shape=(121, 71))
    values = np.zeros((1, 121, 71), np.uint8)
    values[0, 78:83, 54:57] = 255  # 80 mm deep, 0.4 rad to the right
    dims = ("time", "range", "beam")
    stream = Stream("b_mode", values, np.zeros(1), dims, "grey", sector)
    write_picture(recording(stream), tmp_path / "a.png")
    film = open_film(recording(stream))
    rows, columns = film.plane.shape
    grey = read(tmp_path / "a.png")[:rows, :columns].sum(axis=2)
    grey[:60, :200] = 0
    row, column = (w.mean() for w in np.nonzero(grey > 600))
    half_width, spacing = 0.12 * np.sin(0.7), film.plane.spacing[0]
    assert np.isclose(column * spacing - half_width, 0.08 * np.sin(0.4), atol=5e-4)
    assert np.isclose(row * spacing, 0.08 * np.cos(0.4), atol=5e-4)


@pytest.mark.parametrize(("asked", "frames"), [(None, 20), (10.0, 10), (30.0, 30)])
def test_a_gif_has_the_right_frames_and_lasts_as_long(
    tmp_path: Path, asked: float | None, frames: int
) -> None:
    write_picture(recording(b_mode(20)), tmp_path / "a.gif", frame_rate=asked)
    with Image.open(tmp_path / "a.gif") as gif:
        shown = 0
        length = 0
        for k in range(gif.n_frames):
            gif.seek(k)
            shown += 1
            length += gif.info["duration"]
        assert length == 1000
        # Frames shown twice are stored once, for twice the time.
        assert shown == min(frames, 20)


def test_a_video_has_the_right_frames_and_lasts_as_long(tmp_path: Path) -> None:
    write_picture(recording(b_mode(20), ecg()), tmp_path / "a.mp4")
    with av.open(tmp_path / "a.mp4") as file:
        video = file.streams.video[0]
        frames = [f.to_ndarray(format="rgb24") for f in file.decode(video)]
        assert video.codec_context.name == "h264"
        assert float(video.duration * video.time_base) == 1.0
    assert len(frames) == 20
    assert frames[0].shape[0] % 2 == frames[0].shape[1] % 2 == 0
    rows = []
    for frame in (frames[0], frames[19]):
        grey = frame[:640, 250:426].astype(int).sum(axis=2)
        rows.append(np.nonzero(grey > 0.8 * grey.max())[0].mean())
    assert np.isclose(rows[1] - rows[0], 19 / 120 * 639, atol=3)


def test_gif_is_capped_and_a_fast_video_is_not(tmp_path: Path) -> None:
    fast = recording(b_mode(40, rate=40.0))
    write_picture(fast, tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 25


def test_frame_times_are_those_of_the_recording() -> None:
    clock = np.array([0.0, 0.1, 0.2, 0.3])
    assert frame_times(clock, 10.0, 10.0).tolist() == [0.0, 0.1, 0.2, 0.3]
    assert len(frame_times(clock, 10.0, 20.0)) == 8
    assert frame_times(np.array([2.0]), 1.0, 5.0).tolist() == [2.0] * 5


def test_towards_the_probe_is_red_on_the_left(tmp_path: Path) -> None:
    stream = tissue_velocity()
    write_picture(recording(b_mode(), stream), tmp_path / "a.png")
    red, _, blue = np.moveaxis(read(tmp_path / "a.png"), -1, 0)
    assert red[400, 100] > blue[400, 100] + 30
    assert blue[400, 320] > red[400, 320] + 30


def test_a_stream_named_is_shown_alone(tmp_path: Path) -> None:
    both = recording(b_mode(), tissue_velocity())
    write_picture(both, tmp_path / "a.png", stream="b_mode")
    image = read(tmp_path / "a.png")[100:600, :420]
    assert (image[..., 0] == image[..., 2]).all()


def test_an_annotation_stays_on_its_own_frame() -> None:
    box = (slice(40, 60), slice(10, 30))
    film = open_film(recording(b_mode(), annotations=(label_map(box),)))
    assert film.still == 0.0
    drawn, later = (film.draw(t).astype(int) for t in (0.0, 0.5))
    inside, outside = (round(50 / 120 * 639), round(20 / 120 * 639)), (500, 300)
    assert drawn[inside][0] > drawn[inside][2] + 10  # amber, the cavity
    assert drawn[outside][0] == drawn[outside][2]
    assert later[inside][0] == later[inside][2]


def test_a_contour_is_drawn_in_metres() -> None:
    x, z = np.array([0.01, 0.03, 0.03, 0.01]), np.array([0.06, 0.06, 0.09, 0.09])
    points = np.stack([x, z], axis=-1)[None, None]
    dims = ("time", "layer", "point", "xz")
    contour = Stream("lv_contour", points, np.zeros(1), dims, "m")
    film = open_film(recording(b_mode(), annotations=(contour,)))
    drawn = film.draw(0.0).astype(int)
    amber = drawn[:640, :426, 0] - drawn[:640, :426, 2] > 150
    rows, columns = np.nonzero(amber)
    per_mm = 639 / 120
    assert np.isclose(columns.min(), 50 * per_mm, atol=2)
    assert np.isclose(columns.max(), 70 * per_mm, atol=2)
    assert np.isclose(rows.min(), 60 * per_mm, atol=2)
    assert np.isclose(rows.max(), 90 * per_mm, atol=2)


def test_the_cursor_is_on_the_spike_when_the_spike_is() -> None:
    film = open_film(recording(b_mode(21), ecg()))
    strip = film.draw(0.5).astype(int)[642:]
    spike = (strip[..., 1] - strip[..., 0] > 60).any(axis=0)
    cursor = (strip.min(axis=2) > 180).sum(axis=0) > 60
    assert cursor.sum() == 2
    assert spike[: cursor.argmax()].any()
    assert spike[cursor.argmax() + 2 :].any()
    assert np.isclose(cursor.argmax(), strip.shape[1] / 2, atol=2)


def test_a_recording_of_ecg_alone_is_a_paper_plot(tmp_path: Path) -> None:
    write_picture(recording(twelve_leads()), tmp_path / "a.png")
    assert read(tmp_path / "a.png").shape[1] == 1350
    with pytest.raises(InvalidArgumentError, match=r"drawn as a still.*\.png"):
        write_picture(recording(twelve_leads()), tmp_path / "a.gif")


def test_an_unknown_ending_names_the_three(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"\.png .*\.gif .*\.mp4"):
        write_picture(recording(b_mode()), tmp_path / "a.avi")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("rate", [0.0, -5.0, 51.0])
def test_a_rate_out_of_range_is_refused(tmp_path: Path, rate: float) -> None:
    with pytest.raises(InvalidArgumentError, match="50 Hz"):
        write_picture(recording(b_mode()), tmp_path / "a.gif", frame_rate=rate)


def test_nothing_to_show_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(NotProvidedError, match="no image stream; it has nothing"):
        write_picture(recording(), tmp_path / "a.png")
    with pytest.raises(NotProvidedError, match="no 'b_mode_2'"):
        write_picture(recording(b_mode()), tmp_path / "a.png", stream="b_mode_2")


@pytest.mark.parametrize("ending", ["gif", "mp4"])
def test_a_failure_leaves_the_old_file(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_text("old")
    whole = Film.draw

    def draw(film: Film, time: float) -> NDArray[np.uint8]:
        if time > 0.5:
            raise OSError("the disk is gone")
        return whole(film, time)

    monkeypatch.setattr(Film, "draw", draw)
    with pytest.raises(OSError, match="gone"):
        write_picture(recording(b_mode(), annotations=()), path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
