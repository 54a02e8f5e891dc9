from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cardium.core import Recording, Sector, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.plot import draw_picture, write_panels, write_picture
from cardium.plot._film.film import Film, open_film
from cardium.plot.clip import frame_times
from plot.conftest import (
    BEAMS,
    SECTOR,
    b_mode,
    ecg,
    fan,
    flow,
    image_of,
    label_map,
    qrs,
    recording,
    tissue_velocity,
    twelve_leads,
)

HEAD = 30  # rows of the heading


def read(path: Path) -> NDArray[np.int64]:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_a_point_lands_where_it_is_in_metres(tmp_path: Path) -> None:
    write_picture(recording(b_mode(1)), tmp_path / "a.png")
    grey = read(tmp_path / "a.png")[HEAD : HEAD + 640, :426].sum(axis=2)
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
    plane = film.placed[0].panel.plane
    rows, columns = plane.shape
    grey = read(tmp_path / "a.png")[HEAD : HEAD + rows, :columns].sum(axis=2)
    row, column = (w.mean() for w in np.nonzero(grey > 600))
    half_width, spacing = 0.12 * np.sin(0.7), plane.spacing[0]
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
        assert shown == frames


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
        grey = frame[HEAD : HEAD + 640, 250:426].astype(int).sum(axis=2)
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
    bright = b_mode()
    bright = bright.with_values(np.maximum(bright.load(), 60))
    write_picture(recording(bright, tissue_velocity()), tmp_path / "a.png")
    red, _, blue = np.moveaxis(read(tmp_path / "a.png"), -1, 0)
    assert red[430, 100] > blue[430, 100] + 30
    assert blue[430, 320] > red[430, 320] + 30


def test_a_stream_named_is_shown_alone(tmp_path: Path) -> None:
    both = recording(b_mode(), tissue_velocity())
    write_picture(both, tmp_path / "a.png", stream="b_mode")
    image = read(tmp_path / "a.png")[100:600, :420]
    assert (image[..., 0] == image[..., 2]).all()


def test_an_annotation_stays_on_its_own_frame() -> None:
    box = (slice(40, 60), slice(10, 30))
    film = open_film(recording(b_mode(), annotations=(label_map(box),)))
    assert film.still == 0.0
    drawn, later = (image_of(film, t) for t in (0.0, 0.5))
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
    drawn = image_of(film, 0.0)
    amber = drawn[..., 0] - drawn[..., 2] > 150
    rows, columns = np.nonzero(amber)
    per_mm = 639 / 120
    assert np.isclose(columns.min(), 50 * per_mm, atol=2)
    assert np.isclose(columns.max(), 70 * per_mm, atol=2)
    assert np.isclose(rows.min(), 60 * per_mm, atol=2)
    assert np.isclose(rows.max(), 90 * per_mm, atol=2)


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
    with pytest.raises(
        NotProvidedError, match="nothing to draw, no image and no ECG; it has nothing"
    ):
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


class LongClip:
    """Values that are made when they are read, and count what is."""

    def __init__(self, frames: int) -> None:
        self.shape, self.dtype = (frames, 121, 61), np.dtype(np.uint8)
        self.read = self.most = 0

    def __getitem__(self, time: slice) -> NDArray[np.uint8]:
        count = len(range(*time.indices(self.shape[0])))
        self.read += count
        self.most = max(self.most, count)
        return np.full((count, *self.shape[1:]), 90, np.uint8)


@pytest.mark.parametrize("ending", ["gif", "mp4"])
def test_a_clip_is_read_a_few_frames_at_a_time(tmp_path: Path, ending: str) -> None:
    values = LongClip(60)
    clip = Stream("b_mode", values, np.arange(60) / 20, BEAMS, "grey", SECTOR)
    write_picture(recording(clip), tmp_path / f"a.{ending}", size=64)
    assert values.read <= 60 + 1  # the still of a GIF gives its colours
    assert values.most <= 16


def test_a_still_reads_one_frame(tmp_path: Path) -> None:
    values = LongClip(500)
    clip = Stream("b_mode", values, np.arange(500) / 20, BEAMS, "grey", SECTOR)
    write_picture(recording(clip), tmp_path / "a.png")
    assert values.read == 1


def numbered(frames: int = 20, peaks: tuple[float, ...] = (0.1, 0.9)) -> Recording:
    """Frame k has grey level 10 k, at 20 frames a second."""
    values = np.arange(frames, dtype=np.uint8)[:, None, None] * np.full(
        SECTOR.shape, 10, np.uint8
    )
    clip = Stream("b_mode", values, np.arange(frames) / 20, BEAMS, "grey", SECTOR)
    return recording(clip, annotations=(qrs(*peaks),) if peaks else ())


def level(picture: NDArray[np.uint8]) -> int:
    """The grey level of the image that a picture shows."""
    return int(picture[200, picture.shape[1] // 3, 0]) // 10


@pytest.mark.parametrize(
    ("chosen", "frame"),
    [
        ({}, 10),
        ({"frame": 3}, 3),
        ({"frame": -1}, 19),
        ({"time": 0.26}, 5),
        ({"phase": 0.0}, 2),
        ({"phase": 0.5}, 10),
        ({"phase": 1.0}, 18),
    ],
)
def test_a_still_is_chosen_by_frame_time_or_phase(chosen, frame: int) -> None:
    picture = draw_picture(numbered(), size=400, **chosen)
    assert picture.dtype == np.uint8
    assert level(picture) == frame


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"frame": 20}, "no frame 20; there are 20"),
        ({"frame": -21}, "no frame -21"),
        ({"time": 2.0}, "nothing at 2 s; .* 0.000 and 0.950"),
        ({"phase": 1.2}, "between 0 and 1, got 1.2"),
        ({"phase": 0.5, "frame": 3}, "one of frame, time and phase"),
    ],
)
def test_a_still_that_is_not_there_is_refused(chosen, said: str) -> None:
    with pytest.raises(InvalidArgumentError, match=said):
        draw_picture(numbered(), size=100, **chosen)


def test_a_phase_needs_a_beat(tmp_path: Path) -> None:
    with pytest.raises(NotProvidedError, match="neither R peaks nor an ECG"):
        draw_picture(numbered(peaks=()), phase=0.5)
    with pytest.raises(NotProvidedError, match="no whole beat"):
        draw_picture(numbered(peaks=(0.1, 1.9)), phase=0.5)
    with pytest.raises(InvalidArgumentError, match=r"choose a still.*\.png"):
        write_picture(numbered(), tmp_path / "a.mp4", phase=0.5)


@pytest.mark.parametrize(("speed", "frames"), [(0.5, 20), (1.0, 20), (2.0, 20)])
def test_slow_motion_lasts_longer(tmp_path: Path, speed: float, frames: int) -> None:
    write_picture(numbered(), tmp_path / "a.mp4", speed=speed, size=64)
    with av.open(tmp_path / "a.mp4") as file:
        video = file.streams.video[0]
        assert len(list(file.decode(video))) == frames
        assert np.isclose(float(video.duration * video.time_base), 1 / speed)
    with pytest.raises(InvalidArgumentError, match="speed"):
        write_picture(numbered(), tmp_path / "a.mp4", speed=0.0)


def test_colours_of_a_video_are_those_of_the_picture(tmp_path: Path) -> None:
    film = open_film(recording(fan(frames=4), *flow(0.3, frames=4)))
    write_picture(recording(fan(frames=4), *flow(0.3, frames=4)), tmp_path / "a.mp4")
    with av.open(tmp_path / "a.mp4") as file:
        frame = next(file.decode(video=0)).to_ndarray(format="rgb24").astype(int)
    drawn = film.draw(0.0).astype(int)
    plane = film.placed[0].panel.plane
    z, x = 0.07 * np.cos(0.15), -0.07 * np.sin(0.15)
    row, column = (round(float(v)) for v in plane.index_of(np.array(x), np.array(z)))
    part = slice(row + HEAD - 3, row + HEAD + 4), slice(column - 3, column + 4)
    assert np.allclose(frame[part].mean((0, 1)), drawn[part].mean((0, 1)), atol=6)


def test_a_gif_has_the_colours_of_the_picture(tmp_path: Path) -> None:
    write_picture(numbered(4), tmp_path / "a.gif", size=400)
    with Image.open(tmp_path / "a.gif") as gif:
        for k in range(4):
            gif.seek(k)
            assert abs(level(np.asarray(gif.convert("RGB"))) - k) <= 1


def test_panels_run_together_by_time(tmp_path: Path) -> None:
    short, long = numbered(10), numbered(20)
    write_panels([short, long], tmp_path / "a.mp4", size=200)
    with av.open(tmp_path / "a.mp4") as file:
        frames = [f.to_ndarray(format="rgb24") for f in file.decode(video=0)]
    assert len(frames) == 20
    half = frames[0].shape[1] // 2
    for k in (0, 5, 9, 15, 19):
        left, right = (
            float(part[100, part.shape[1] // 3].mean()) / 10
            for part in (frames[k][:, :half], frames[k][:, half:])
        )
        assert np.allclose([left, right], [min(k, 9), k], atol=0.6)


def test_panels_by_phase_show_the_same_phase(tmp_path: Path) -> None:
    first, second = numbered(peaks=(0.1, 0.9)), numbered(peaks=(0.2, 0.6))
    path = tmp_path / "a.png"
    half = []
    for time, want in ((0.0, (2, 4)), (0.4, (10, 8))):
        write_panels([first, second], path, sync="phase", time=time, size=400)
        picture = read(path)
        columns = picture.shape[1] // 2
        half = [level(part) for part in (picture[:, :columns], picture[:, columns:])]
        assert np.allclose(half, want, atol=1)
    write_panels([first, second], path, phase=0.5, size=400)
    picture = read(path)
    half = [level(part) for part in (picture[:, :columns], picture[:, columns:])]
    assert half == [10, 8]
    with pytest.raises(InvalidArgumentError, match="'time' or 'phase', got 'beat'"):
        write_panels([first], path, sync="beat")
    with pytest.raises(InvalidArgumentError, match="no recording"):
        write_panels([], path)


def test_an_animation_has_all_colours_of_the_bar(tmp_path: Path) -> None:
    shown = recording(fan(frames=3), *flow(0.3, frames=3))
    write_picture(shown, tmp_path / "a.gif")
    picture = draw_picture(shown, frame=0).astype(int)
    with Image.open(tmp_path / "a.gif") as gif:
        seen = np.asarray(gif.convert("RGB")).astype(int)
    vivid = np.ptp(picture, axis=-1) > 30
    off = np.abs(seen - picture)[vivid].max(axis=-1)
    assert np.percentile(off, 95) < 16
    grey = np.abs(seen - picture)[np.ptp(picture, axis=-1) == 0]
    assert grey.max() <= 8
