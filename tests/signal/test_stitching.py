"""Stitching: a moving volume of known content, cut into the slabs of several beats."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import SectorVolume, Stream
from cardium.errors import (
    GeometryError,
    InvalidArgumentError,
    NotProvidedError,
    UnknownNameError,
)
from cardium.signal import stitch_beats, stitched_geometry

DIMS = ("time", "elevation", "azimuth", "range")
ROWS, FRAMES, RATE = 3, 10, 10.0
RULES = ("edges", "seams")


def beating(frames: int, rows: int, phases=None) -> np.ndarray:
    """A pattern that is smooth in space and moves with the phase of the beat."""
    phase = np.arange(frames) / frames if phases is None else np.asarray(phases)
    t = phase[:, None, None, None]
    e = np.arange(rows)[None, :, None, None]
    a, r = np.arange(6)[None, None, :, None], np.arange(8)
    wave = np.sin(0.3 * e + 0.4 * a + 0.9 * r + 2 * np.pi * t)
    return (120 + 15 * e + 40 * wave).clip(1, 255).astype(np.float32)


def slab_of(beat: int, beats: int, first: int) -> int:
    """The machine sweeps against the axis, from slab `first`, one slab a beat."""
    return (first - beat) % beats


def acquire(r_peaks, stop, beats, *, first, offset=None, dtype=np.float32) -> Stream:
    """Film each beat's slab; volumes come at RATE, starting at each R peak."""
    times, parts = [], []
    for beat, (start, end) in enumerate(
        zip(r_peaks, [*r_peaks[1:], stop], strict=True)
    ):
        since = np.arange(0, end - start - 1e-9, 1 / RATE)
        whole = beating(0, beats * ROWS, since)
        slab = slab_of(beat, beats, first)
        part = whole[:, slab * ROWS : (slab + 1) * ROWS]
        parts.append(part + (0 if offset is None else offset * beat))
        times.append(start + since)
    values = np.concatenate(parts).astype(dtype)
    slab = SectorVolume((0.0, 0.1), (-0.5, 0.5), (-0.1, 0.1), values.shape[1:])
    return Stream("b_mode_3d", values, np.concatenate(times), DIMS, "grey", slab)


@pytest.mark.parametrize("beats", [2, 3, 4, 6])
@pytest.mark.parametrize("first", [0, 1, -1])
def test_slabs_become_the_volume_they_were_cut_from(beats, first) -> None:
    peaks = np.arange(2 * beats) * 1.0
    film = acquire(peaks, 2.0 * beats, beats, first=first)
    # This pattern moves everywhere, also at the edges.
    got = stitch_beats(film, peaks, beats, order="seams")
    whole = beating(FRAMES, beats * ROWS)
    assert np.array_equal(got.stream.values, np.concatenate([whole, whole]))
    assert got.stream.time == pytest.approx(
        np.concatenate([np.arange(10) / 10, beats + np.arange(10) / 10])
    )
    assert got.source_times.shape == (20, beats)
    since = got.source_times - peaks[got.order]
    assert since == pytest.approx(np.tile(np.arange(10) / 10, 2)[:, None] + 0 * since)
    slabs = [[slab_of(b, beats, first) for b in row] for row in got.order]
    assert slabs == [list(range(beats))] * 20
    assert not got.irregular.any()
    assert got.axis == "elevation"


def test_grey_levels_stay_grey_levels() -> None:
    film = acquire([0.0, 1.0, 2.0], 3.0, 3, first=1, dtype=np.uint8)
    got = stitch_beats(film, [0.0, 1.0, 2.0], 3).stream
    assert got.values.dtype == np.uint8
    assert np.array_equal(got.values, beating(10, 9).astype(np.uint8))


def test_slabs_along_azimuth() -> None:
    film = acquire([0.0, 1.0], 2.0, 2, first=0)
    turned = np.swapaxes(film.values, 1, 2)
    box = SectorVolume((0.0, 0.1), (-0.2, 0.2), (-0.5, 0.5), turned.shape[1:])
    side = Stream("b_mode_3d", turned, film.time, DIMS, "grey", box)
    got = stitch_beats(side, [0.0, 1.0], 2, axis="azimuth")
    assert np.array_equal(got.stream.values, np.swapaxes(beating(10, 6), 1, 2))
    assert got.stream.geometry.azimuth == pytest.approx((-0.5, 0.5))


def test_one_beat_is_left_as_it_is() -> None:
    film = acquire([0.0, 1.0], 2.0, 1, first=0)
    got = stitch_beats(film, [0.0, 1.0], 1)
    assert np.array_equal(got.stream.values, film.values)
    assert got.stream.geometry == film.geometry
    assert got.seam_score == 0
    assert got.order[:, 0].tolist() == [0] * 10 + [1] * 10


def test_what_the_machine_was_given_reversed_is_put_in_order() -> None:
    """Whichever slab is first, the right rotation has the smallest seams."""
    peaks = np.arange(4) * 1.0
    for first in range(4):
        film = acquire(peaks, 4.0, 4, first=first)
        got = stitch_beats(film, peaks, 4, order="seams")
        assert np.array_equal(got.stream.values, beating(10, 16 - 4))
        assert got.order[0].tolist() == [(first - slab) % 4 for slab in range(4)]


def test_irregular_beats_are_paired_by_elapsed_time_and_flagged() -> None:
    peaks = np.array([0.0, 1.0, 2.0, 2.75, 3.75, 4.75])
    film = acquire(peaks, 5.75, 2, first=1)
    got = stitch_beats(film, peaks, 2)
    # Beats 2 and 3 make a group as long as the shorter one: 8 volumes.
    assert got.irregular.tolist() == [False] * 10 + [True] * 8 + [False] * 10
    expected = beating(0, 6, np.arange(10) / 10)
    assert np.array_equal(got.stream.values[:10], expected)
    assert np.array_equal(got.stream.values[10:18], expected[:8])
    assert got.source_times[17] == pytest.approx([3.45, 2.7])


def test_a_missing_trigger_is_flagged() -> None:
    film = acquire(np.arange(8) * 1.0, 8.0, 2, first=1)
    peaks = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0])
    got = stitch_beats(film, peaks, 2)
    assert np.array_equal(got.stream.values[:20], np.tile(beating(10, 6), (2, 1, 1, 1)))
    groups = got.order.min(axis=1)
    assert got.irregular[groups == 4].all()
    assert not got.irregular[groups < 4].any()


def test_a_trigger_without_volumes_is_stepped_over() -> None:
    film = acquire(np.arange(1, 5) * 1.0, 5.0, 2, first=1)
    # Two triggers before the film begins; the groups slide by one until one fits.
    got = stitch_beats(film, np.arange(-1, 5) * 1.0, 2)
    assert got.stream.time[0] == 1.0
    assert len(got.stream.time) == 20


def test_a_beat_that_is_cut_off_is_not_stitched() -> None:
    peaks = [0.0, 1.0, 2.0, 3.0]
    film = acquire(peaks, 3.6, 2, first=1)
    assert len(stitch_beats(film, peaks, 2).stream.time) == 10
    # Volumes up to 0.9 s after R are 90 % of the beat.
    assert (
        len(stitch_beats(acquire(peaks, 4.0, 2, first=1), peaks, 2).stream.time) == 20
    )


def test_too_few_beats_are_an_error_not_an_unstitched_film() -> None:
    film = acquire([0.0, 1.0], 1.5, 2, first=0)
    with pytest.raises(NotProvidedError, match=r"2 beats in a row .* 2 R peaks"):
        stitch_beats(film, [0.0, 1.0], 2)
    with pytest.raises(NotProvidedError, match="Are the R peaks on its clock"):
        stitch_beats(film, [100.0, 101.0, 102.0], 2)


def ramp(step: float, beats: int = 3) -> Stream:
    """Volumes that grow evenly along the axis, and by `step` more at each seam."""
    rows = np.arange(beats * ROWS, dtype=np.float64)
    rows = 10 + rows * 2 + step * (np.arange(beats * ROWS) // ROWS)
    parts = [rows[ROWS * s : ROWS * (s + 1)] for s in range(beats)][::-1]
    values = np.repeat(parts, FRAMES, axis=0)[..., None, None] * np.ones((6, 8))
    slab = SectorVolume((0.0, 0.1), (-0.5, 0.5), (-0.1, 0.1), values.shape[1:])
    time = np.arange(len(values)) / RATE
    return Stream("b_mode_3d", values, time, DIMS, "grey", slab)


def test_the_seam_score_is_the_step_against_the_slope() -> None:
    even = stitch_beats(ramp(0.0), [0.0, 1.0, 2.0], 3)
    assert even.seam_score == pytest.approx(1.25, rel=1e-5)
    assert even.seam_excess == pytest.approx(0, abs=1e-5)
    # A seam of 2 + 4 grey levels against 2 within: 3 times, and a quarter of it more.
    stepped = stitch_beats(ramp(4.0), [0.0, 1.0, 2.0], 3)
    assert stepped.seam_score == pytest.approx(3.75, rel=1e-5)
    assert stepped.seam_excess == pytest.approx(2.0, rel=1e-5)


def test_without_change_there_is_no_seam_and_with_an_offset_there_is() -> None:
    flat = ramp(0.0).with_values(np.full(ramp(0.0).shape, 80, np.uint8))
    assert stitch_beats(flat, [0.0, 1.0, 2.0], 3).seam_score == 0
    brighter = np.asarray(flat.values) + np.repeat([0, 1, 2], 10)[:, None, None, None]
    stepped = stitch_beats(flat.with_values(brighter), [0.0, 1.0, 2.0], 3)
    assert stepped.seam_score > 1e3


def test_dark_and_missing_voxels_do_not_decide() -> None:
    peaks = np.arange(4) * 1.0
    film = acquire(peaks, 4.0, 4, first=2)
    values = np.array(film.values)
    values[..., 2:] = 0  # Three quarters of the volume are dark.
    values[..., 0, 0] = np.nan
    got = stitch_beats(film.with_values(values), peaks, 4)
    assert got.order[0].tolist() == [2, 1, 0, 3]
    assert np.isfinite(got.seam_score)


def test_equal_seams_take_the_first_rotation() -> None:
    flat = ramp(0.0).with_values(np.zeros(ramp(0.0).shape))
    assert stitch_beats(flat, [0.0, 1.0, 2.0], 3).order[0].tolist() == [2, 1, 0]


def test_stitched_slabs_keep_their_spacing() -> None:
    slab = SectorVolume((0.0, 0.1), (-0.5, 0.5), (-0.1, 0.2), (7, 9, 11), "tangent")
    whole = stitched_geometry(slab, 3)
    assert whole.shape == (21, 9, 11)
    assert whole.spacing == pytest.approx(slab.spacing)
    assert np.mean(whole.elevation) == pytest.approx(0.05)
    assert whole.convention == "tangent"
    # The middle slab lies where it was.
    assert whole.elevations[7:14] == pytest.approx(slab.elevations)
    same = stitched_geometry(slab, 3, spans="whole")
    assert same.elevation == slab.elevation
    assert same.shape == (21, 9, 11)
    with pytest.raises(GeometryError, match="spans='whole'"):
        stitched_geometry(slab, 12)


def test_what_cannot_be_stitched_is_refused() -> None:
    film = ramp(0.0)
    with pytest.raises(InvalidArgumentError, match="0 beats"):
        stitch_beats(film, [0.0, 1.0], 0)
    with pytest.raises(InvalidArgumentError, match="ascending"):
        stitch_beats(film, [1.0, 0.0], 2)
    one = Stream("x", film.values[:, :1], film.time, DIMS, "grey")
    with pytest.raises(InvalidArgumentError, match="two rows"):
        stitch_beats(one, [0.0, 1.0], 2)
    flat = Stream("m_mode", np.zeros((4, 5)), np.arange(4.0), ("time", "range"), "grey")
    with pytest.raises(InvalidArgumentError, match="not those of volumes"):
        stitch_beats(flat, [0.0, 1.0], 2)


def in_the_middle(rows: int, phase: np.ndarray) -> np.ndarray:
    """A ball in the middle of the fan that beats, in tissue that stands still."""
    e = np.linspace(-1, 1, rows)[None, :, None, None]
    a, r = np.linspace(-1, 1, 6)[:, None], np.linspace(-1, 1, 8)
    radius = 0.7 + 0.2 * np.cos(2 * np.pi * phase)[:, None, None, None]
    still = 100 + 20 * np.sin(3 * e + 5 * a + 7 * r)
    return np.where(e**2 + a**2 + r**2 < radius**2, 20.0, still).astype(np.float32)


@pytest.mark.parametrize("beats", [2, 3, 4])
def test_edges_find_the_order_although_the_heart_has_moved(beats) -> None:
    """Each beat is turned about the range by some rows, as breathing does."""
    wrong, rng = 0, np.random.default_rng(3)
    phase = np.arange(10) / 10
    for first in range(beats):
        parts = []
        for beat in range(beats):
            whole = in_the_middle(beats * ROWS, phase)
            whole = np.roll(whole, rng.integers(-2, 3), axis=3) * rng.uniform(0.9, 1.1)
            slab = slab_of(beat, beats, first)
            parts.append(whole[:, slab * ROWS : (slab + 1) * ROWS])
        values = np.concatenate(parts).astype(np.float32)
        box = SectorVolume((0.0, 0.1), (-0.2, 0.2), (-0.1, 0.1), values.shape[1:])
        time = np.arange(10 * beats) / 10
        film = Stream("b_mode_3d", values, time, DIMS, "grey", box)
        peaks = np.arange(beats) * 1.0
        expected = [(first - slab) % beats for slab in range(beats)]
        found = {rule: stitch_beats(film, peaks, beats, order=rule) for rule in RULES}
        assert found["edges"].order[0].tolist() == expected
        assert found["seams"].seam_score <= found["edges"].seam_score
        wrong += found["seams"].order[0].tolist() != expected
        known = stitch_beats(film, peaks, beats, order=first)
        assert known.order.tolist() == found["edges"].order.tolist()
        assert known.seam_score == found["edges"].seam_score
    assert wrong > 0


def test_an_order_that_cannot_be_is_refused() -> None:
    film = acquire([0.0, 1.0], 2.0, 2, first=1)
    with pytest.raises(UnknownNameError, match="seams"):
        stitch_beats(film, [0.0, 1.0], 2, order="seam")  # type: ignore[arg-type]
    for order in (-1, 2):
        with pytest.raises(InvalidArgumentError, match="beat 0 shows"):
            stitch_beats(film, [0.0, 1.0], 2, order=order)
