"""Multi-beat volumes: slabs of several beats, put together into one wide film."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardium.core import FloatArray, SectorVolume, Stream
from cardium.errors import (
    GeometryError,
    InvalidArgumentError,
    NotProvidedError,
    UnknownNameError,
)
from cardium.signal.beats import is_irregular
from cardium.signal.clock import nearest

Axis = Literal["elevation", "azimuth"]
Span = Literal["slab", "whole"]
Rule = Literal["edges", "seams"]


@dataclass(frozen=True, slots=True, eq=False)
class Stitched:
    """A film of volumes, each put together from slabs of several beats.

    Parameters
    ----------
    stream : Stream
        The film; its times are those of the first beat of each group.
    source_times : (T, B) [s]
        When each slab was taken, in the order of the slabs along `axis`.
    order : (T, B) int
        Number of the beat that each slab was taken in; beat 0 begins at the first R
        peak.
    seam_score : float
        Step across the seams against the steps within slabs; see `stitch_beats`. It is
        that of this order, whichever rule found it.
    irregular : (T,) bool
        Whether a beat of the group departs from the median RR interval by more than a
        fifth.
    axis : {"elevation", "azimuth"}
        The axis along which slabs lie.
    """

    stream: Stream
    source_times: FloatArray
    order: NDArray[np.int64]
    seam_score: float
    irregular: NDArray[np.bool_]
    axis: Axis

    @property
    def seam_excess(self) -> float:
        """How much larger seams are than what a seamless volume has; 0 for none."""
        return max(0.0, self.seam_score / _SEAMLESS - 1)


def stitch_beats(
    volume: Stream,
    r_peaks: ArrayLike,
    beats: int,
    *,
    axis: Axis = "elevation",
    spans: Span = "slab",
    order: Rule | int = "edges",
) -> Stitched:
    """Put the slabs of several beats together into one film of whole volumes.

    Parameters
    ----------
    volume : Stream (T, E, A, R)
        Volumes of which those of each beat show another slab of the heart.
    r_peaks : (K,) [s]
        Times of the R peaks at which the machine went on to the next slab, ascending.
    beats : int
        How many slabs make up the whole. One only leaves out what is before the first R
        peak.
    axis : {"elevation", "azimuth"}
        The axis along which the slabs lie side by side.
    spans : {"slab", "whole"}
        What the geometry of `volume` describes: one slab, so that the result is wider
        (see `stitched_geometry`), or already the whole, so that its beams lie closer.
    order : {"edges", "seams"} or int
        How the slabs lie. ``"edges"``: so that the two outer edges of the whole move
        least. ``"seams"``: so that the seam score is smallest. A number: beat 0 shows
        that slab, 0 being the first along `axis`.

    Returns
    -------
    Stitched
        The film, where its slabs are from, and how well they fit.

    Raises
    ------
    NotProvidedError
        If no group of beats is covered by volumes well enough.
    InvalidArgumentError
        If `volume` is no film of volumes, `beats` is not positive, or there is no slab
        of that number.
    UnknownNameError
        If there is no such rule of order.
    GeometryError
        If the stitched fan would be wider than half a turn.

    Notes
    -----
    *Groups.* A group is `beats` beats in a row, the last of which may be cut off by the
    end of the film. Volumes are paired by the time since their R peak, without
    stretching, since systole does not stretch; the beat with the fewest volumes sets
    the times, and the others give their nearest. A group counts if all its beats have
    volumes from 10 % to 90 % of its shortest whole beat; groups do not share beats.

    *Order.* A machine sweeps the slabs against the axis, one a beat, from a slab that
    is not known, so all cyclic rotations are compared; of equal ones, the first is
    taken. By ``"edges"``, the default, it is the one whose first and last row change
    least: the heart beats in the middle of the fan, and what lies beside it hardly
    moves. How much a row changes is the standard deviation of its voxels over a beat,
    averaged over the row; over groups, the median counts. By ``"seams"`` it is the one
    with the smallest seam score. That needs a held breath: of 24 recordings of
    simulated patients, two and four beats each, in which the heart had moved by 0 to
    3 mm from beat to beat, the edges gave the right order of 24 and the seams of 14 (of
    6, 5, 2 and 1 of the 6 each with 0, 1, 2 and 3 mm).

    *Seam score.* Across a seam, the median step from voxel to voxel, divided by the
    median step between the two outermost slices of either slab; over the seams of a
    volume, the median plus a quarter of the largest; over groups, the median. A volume
    without seams has 1.25, one that does not change along the axis has 0. Voxels that
    are dark (0) or NaN on both sides say nothing and do not count.

    These are the pairing, the 10 to 90 % rule and the score of EchoXFlow's tooling,
    which orders by the seams, guesses the axis, keeps the geometry of a slab, and
    returns slabs unstitched without a word.

    Examples
    --------
    Two beats, of which the first saw the far half (2, 3) of a fan of four rows:

    >>> rows = np.array([[2, 3], [0, 1]], np.float32).repeat(10, axis=0)
    >>> values = rows[:, :, None, None] * np.ones((3, 4), np.float32)
    >>> slab = SectorVolume((0.0, 0.1), (-0.3, 0.3), (-0.1, 0.1), (2, 3, 4))
    >>> dims = ("time", "elevation", "azimuth", "range")
    >>> film = Stream("b_mode_3d", values, np.arange(20) / 10, dims, "grey", slab)
    >>> whole = stitch_beats(film, [0.0, 1.0], 2)
    >>> whole.stream.shape, whole.stream.values[0, :, 0, 0].tolist()
    ((10, 4, 3, 4), [0.0, 1.0, 2.0, 3.0])
    >>> [round(v, 6) for v in whole.stream.geometry.elevation], whole.order[0].tolist()
    ([-0.3, 0.3], [1, 0])
    >>> round(whole.seam_score, 4), whole.source_times[3].tolist()
    (1.25, [1.3, 0.3])
    """
    if beats < 1:
        raise InvalidArgumentError(f"stitch_beats: {beats} beats make no volume.")
    if len(volume.shape) != 4 or axis not in volume.dims:
        raise InvalidArgumentError(
            f"stitch_beats: '{volume.name}' has axes {volume.dims}, not those of "
            f"volumes with an axis '{axis}' to stitch along."
        )
    _check_order(order, beats)
    peaks = _check_peaks(r_peaks)
    across = volume.dims.index(axis)
    if beats > 1 and volume.shape[across] < 2:
        raise InvalidArgumentError(
            f"stitch_beats: a slab needs two rows to be fitted to its neighbours, got "
            f"shape {volume.shape}."
        )
    groups = list(_groups(volume.time, peaks, beats))
    if not groups:
        raise NotProvidedError(
            f"Stream '{volume.name}': no {beats} beats in a row are covered by volumes "
            f"from 10 to 90 % of a beat, with {len(peaks)} R peaks and "
            f"{len(volume.time)} volumes. Are the R peaks on its clock?"
        )
    values = volume.load()
    rotation, score = _choose_rotation(values, groups, beats, across, order)
    slabs = [_in_slab_order(group, rotation, beats) for group in groups]
    frames = np.concatenate([group.frames for group in slabs])
    taken = np.concatenate([np.tile(g.beats, (len(g.frames), 1)) for g in slabs])
    parts = [values[frames[:, slab]] for slab in range(beats)]
    first = np.concatenate([group.frames[:, 0] for group in groups])
    geometry = volume.geometry
    if isinstance(geometry, SectorVolume):
        geometry = stitched_geometry(geometry, beats, axis=axis, spans=spans)
    stream = replace(
        volume,
        values=np.concatenate(parts, axis=across),
        time=volume.time[first],
        geometry=geometry,
    )
    irregular = _irregular_beats(peaks, volume.time)[taken].any(axis=1)
    return Stitched(stream, volume.time[frames], taken, score, irregular, axis)


def stitched_geometry(
    slab: SectorVolume,
    beats: int,
    *,
    axis: Axis = "elevation",
    spans: Span = "slab",
) -> SectorVolume:
    """Return the geometry of slabs that lie side by side.

    Parameters
    ----------
    slab : SectorVolume
        As stated with the slabs; see `spans`.
    beats : int
        Number of slabs.
    axis : {"elevation", "azimuth"}
        The axis along which they lie.
    spans : {"slab", "whole"}
        ``"slab"``: the angles are those of one slab. Slabs are neighbours, so the first
        row of one lies one step beyond the last row of the one before. The step stays,
        the centre stays, and a slab of E rows becomes ``beats * E`` rows that span
        ``beats * E - 1`` steps. ``"whole"``: the angles are those of the result, and
        only the number of rows changes.

    Returns
    -------
    SectorVolume
        Where the stitched samples lie.

    Raises
    ------
    GeometryError
        If the result would reach beyond a quarter turn to either side.

    Examples
    --------
    Four slabs of three rows, 0.1 rad apart: twelve rows, eleven steps.

    >>> slab = SectorVolume((0.0, 0.1), (-0.3, 0.3), (-0.1, 0.1), (3, 5, 9))
    >>> whole = stitched_geometry(slab, 4)
    >>> whole.shape, [round(v, 6) for v in whole.elevation], round(whole.spacing[0], 6)
    ((12, 5, 9), [-0.55, 0.55], 0.1)
    """
    at = ("elevation", "azimuth").index(axis)
    shape = list(slab.shape)
    shape[at] *= beats
    size: tuple[int, int, int] = (shape[0], shape[1], shape[2])
    first, last = getattr(slab, axis)
    if spans == "slab":
        middle, half = (first + last) / 2, slab.spacing[at] * (shape[at] - 1) / 2
        first, last = middle - half, middle + half
    if not max(-first, last) < np.pi / 2:
        raise GeometryError(
            f"stitched_geometry: {beats} slabs would span {last - first:.3g} rad of "
            f"{axis}. If the geometry is already that of the whole, say spans='whole'."
        )
    ends = (float(first), float(last))
    if axis == "elevation":
        return replace(slab, elevation=ends, shape=size)
    return replace(slab, azimuth=ends, shape=size)


_SEAMLESS = 1.25
_TINY = 1e-6
_COVERED = (0.1, 0.9)
_ROUNDING = 1e-6


class _Group(NamedTuple):
    """Beats in a row, and the frame that each gives to each stitched volume (N, B)."""

    beats: NDArray[np.int64]
    frames: NDArray[np.intp]


def _check_order(order: Rule | int, beats: int) -> None:
    """Refuse what is neither a rule nor the number of a slab."""
    if isinstance(order, str):
        if order not in get_args(Rule):
            raise UnknownNameError("order of slabs", order, get_args(Rule))
    elif not 0 <= order < beats:
        raise InvalidArgumentError(
            f"stitch_beats: beat 0 shows one of {beats} slabs, 0..{beats - 1}, got "
            f"order={order}."
        )


def _check_peaks(r_peaks: ArrayLike) -> FloatArray:
    """Return R peaks that ascend."""
    peaks = np.asarray(r_peaks, np.float64)
    bad = not np.isfinite(peaks).all() or (np.diff(peaks) <= 0).any()
    if peaks.ndim != 1 or not len(peaks) or bad:
        raise InvalidArgumentError(
            f"stitch_beats: R peaks must be finite and strictly ascending, got {peaks}."
        )
    return peaks


def _irregular_beats(peaks: FloatArray, time: FloatArray) -> NDArray[np.bool_]:
    """Flag each beat, the last one by how far it lasts beyond the median."""
    rr = np.diff(peaks)
    if not len(rr):
        return np.zeros(1, np.bool_)
    median, rest = float(np.median(rr)), float(time[-1] - peaks[-1])
    # The end of the film cuts the last beat off, so that it can only be too long.
    last = is_irregular(np.array([max(rest, median)]), median)
    return np.concatenate([is_irregular(rr, median), last])


def _groups(time: FloatArray, peaks: FloatArray, beats: int) -> Iterator[_Group]:
    """Walk over runs of beats that volumes cover well enough."""
    edges = np.searchsorted(time, [*peaks, np.inf])
    start = 0
    while start + beats <= len(peaks):
        group = _pair_beats(time, peaks, edges, np.arange(start, start + beats))
        if group is None:
            start += 1
        else:
            yield group
            start += beats


def _pair_beats(
    time: FloatArray,
    peaks: FloatArray,
    edges: NDArray[np.intp],
    beats: NDArray[np.int64],
) -> _Group | None:
    """Pair the volumes of some beats by time since R; None if a beat lacks some."""
    elapsed = [time[edges[b] : edges[b + 1]] - peaks[b] for b in beats]
    if any(not len(times) for times in elapsed):
        return None
    begin = max(times[0] for times in elapsed)
    end = min(times[-1] for times in elapsed)
    whole = np.diff(peaks)[beats[beats < len(peaks) - 1]]
    shortest = float(np.min(whole)) if len(whole) else 0.0
    low, high = (share * shortest for share in _COVERED)
    if len(beats) > 1 and (begin > low + _ROUNDING or end < high - _ROUNDING):
        return None
    begin, end = begin - _ROUNDING, end + _ROUNDING
    common = [t[(t >= begin) & (t <= end)] for t in elapsed]
    wanted = min(common, key=len)
    if not len(wanted):
        return None
    frames = [
        edges[b] + nearest(times, wanted)
        for b, times in zip(beats, elapsed, strict=True)
    ]
    return _Group(beats, np.stack(frames, axis=-1))


def _slab_order(beats: NDArray[np.int64], rotation: int) -> NDArray[np.intp]:
    """Return which beat of a group lies first, second, … along the axis."""
    return np.argsort(-((beats + rotation) % len(beats)), kind="stable")


def _in_slab_order(group: _Group, rotation: int, beats: int) -> _Group:
    """Sort a group's beats as their slabs lie."""
    order = _slab_order(group.beats, rotation)
    return _Group(group.beats[order], group.frames[:, order])


def _choose_rotation(
    values: NDArray[Any],
    groups: list[_Group],
    beats: int,
    across: int,
    order: Rule | int,
) -> tuple[int, float]:
    """Return the rotation of the slabs that a rule chooses, and its seam score."""
    if beats == 1:
        return 0, 0.0
    scores = _seam_scores(values, groups, across)
    if not isinstance(order, str):
        best = beats - 1 - int(order)
    elif order == "seams":
        best = int(np.argmin(scores))
    else:
        # Where nothing moves at all, the seams decide.
        best = int(np.lexsort([scores, _edge_changes(values, groups, across)])[0])
    return best, float(scores[best])


def _seam_scores(values: NDArray[Any], groups: list[_Group], across: int) -> FloatArray:
    """Seam score of each rotation, (B,)."""
    # Whatever the rotation, a slab's neighbour is the one of the beat before: all
    # rotations draw on the same few seams.
    seams = [_seams(values, group, across) for group in groups]
    scores = []
    for rotation in range(len(groups[0].beats)):
        combined = []
        for group, seam in zip(groups, seams, strict=True):
            order = _slab_order(group.beats, rotation)
            met = seam[order[:-1]]
            combined.append(np.median(met) + 0.25 * met.max())
        scores.append(np.median(combined))
    return np.array(scores)


def _edge_changes(
    values: NDArray[Any], groups: list[_Group], across: int
) -> FloatArray:
    """How much the two outer rows change over a beat in each rotation, (B,)."""
    rows = np.moveaxis(values, across, 0)
    changes = []
    for group in groups:
        first, last = (_changes(rows[i], group) for i in (0, -1))
        orders = [
            _slab_order(group.beats, rotation) for rotation in range(len(group.beats))
        ]
        changes.append([first[order[0]] + last[order[-1]] for order in orders])
    return np.asarray(np.median(changes, axis=0))


def _changes(row: NDArray[Any], group: _Group) -> FloatArray:
    """Mean over a row of the standard deviation in time, in each beat, (B,)."""
    found = np.empty(len(group.beats))
    for beat, frames in enumerate(group.frames.T):
        spread = row[frames].std(axis=0, dtype=np.float64)
        # A voxel without a value in some frame says nothing.
        spread = spread[np.isfinite(spread)]
        found[beat] = spread.mean() if spread.size else 0.0
    return found


def _seams(values: NDArray[Any], group: _Group, across: int) -> FloatArray:
    """Score the seam between each beat's last slice and the first of the beat before.

    Beats lie in descending order along the axis, so that one is its neighbour.
    """
    count = len(group.beats)
    # From slab axis to the front: only the four outermost slices are read.
    slabs = np.moveaxis(values, across, 0)
    first, second = (slabs[i, group.frames] for i in (0, 1))
    before_last, last = (slabs[i, group.frames] for i in (-2, -1))
    scores = np.empty(count)
    for beat in range(count):
        other = (beat - 1) % count
        end, begin = last[:, beat], first[:, other]
        inner = np.concatenate([before_last[:, beat], second[:, other]])
        usual = _median_step(np.concatenate([end, begin]), inner)
        scores[beat] = _median_step(end, begin) / (usual + _TINY)
    return scores


def _median_step(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return the median size of differences, where one of two is lit."""
    lit = (one != 0) | (other != 0)
    if not lit.any():
        return 0.0
    if one.dtype == np.uint8:
        # Only 256 sizes: counting them is faster than sorting them.
        steps = np.abs(one[lit].astype(np.int16) - other[lit])
        counted = np.cumsum(np.bincount(steps))
        middle = [(counted[-1] - 1) // 2, counted[-1] // 2]
        return float(np.mean(np.searchsorted(counted, middle, side="right")))
    sizes = np.abs(one[lit].astype(np.float64) - other[lit])
    sizes = sizes[np.isfinite(sizes)]
    return float(np.median(sizes)) if len(sizes) else 0.0
