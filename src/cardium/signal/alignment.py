"""One recording's cardiac phase in another: times that belong together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError
from cardium.signal.beats import Anchors, Beats


class Aligned(NamedTuple):
    """Times on another clock, and whether they rest on given R peaks.

    Parameters
    ----------
    times : (M,) [s]
        Times on the other clock.
    inside : (M,) bool
        False where the time asked for was before the first or after the last R peak,
        so that its phase rests on the median RR interval.
    """

    times: FloatArray
    inside: NDArray[np.bool_]


def align_phase(
    times: ArrayLike,
    beats: Beats,
    onto: Beats,
    *,
    beat: int | None = None,
    anchors: tuple[Anchors, Anchors] | None = None,
) -> Aligned:
    """Find the times of another recording that have the same cardiac phase.

    Parameters
    ----------
    times : (M,) [s]
        Times on the clock of `beats`.
    beats : Beats
        The beats of the recording that the times are from.
    onto : Beats
        The beats of the other recording, on its own clock.
    beat : int, optional
        Beat of the other recording to take. If not given, its typical one.
    anchors : (of `beats`, of `onto`), optional
        When the events of each recording are. With them phase is linear between events
        (piecewise alignment); without, from R to R (linear alignment).

    Returns
    -------
    Aligned
        Times on the clock of `onto`, for ``interpolate(stream, aligned.times)``, and
        whether each lay between given R peaks on its own clock.

    Raises
    ------
    InvalidArgumentError
        If the two recordings do not have the same events, or the beat is none of
        `onto`.

    Notes
    -----
    Linear alignment, which the paper on EchoXFlow describes, puts the end of systole of
    a fast heart against early diastole of a slow one. With valve events as anchors, end
    of systole meets end of systole.

    Examples
    --------
    At 60 and at 100 beats a minute the aortic valve closes after 0.36 s and 0.30 s:

    >>> slow, fast = Beats(np.array([0.0, 1.0])), Beats(np.array([5.0, 5.6]))
    >>> events = Anchors(aortic_closure=0.36), Anchors(aortic_closure=0.30)
    >>> align_phase([0.18, 0.36], slow, fast, anchors=events).times.round(6).tolist()
    [5.15, 5.3]
    >>> align_phase([0.18, 0.36], slow, fast).times.round(6).tolist()
    [5.108, 5.216]
    """
    own, other = anchors if anchors is not None else (Anchors(), Anchors())
    if own.given != other.given:
        raise InvalidArgumentError(
            "align_phase: both recordings need the same events as anchors, got "
            f"{own} and {other}."
        )
    chosen = onto.typical if beat is None else beat
    if not 0 <= chosen < len(onto):
        raise InvalidArgumentError(
            f"align_phase: the other recording has beats 0 to {len(onto) - 1}, "
            f"not {chosen}."
        )
    phase = beats.phase(times, anchors=own)
    return Aligned(onto.times_at(phase.fraction, chosen, anchors=other), phase.inside)


def annotation_times(times: ArrayLike, beats: Beats, clock: ArrayLike) -> Aligned:
    """Find the times of an annotation of one beat that belong to times of a film.

    Contours and meshes of EchoXFlow cover one beat on a clock of their own; a film of
    several beats takes them by phase.

    Parameters
    ----------
    times : (M,) [s]
        Times of the film.
    beats : Beats
        The film's beats.
    clock : (N,) [s]
        Times of the annotation, ascending; its first and last sample are taken for the
        two R peaks of its beat.

    Returns
    -------
    Aligned
        Times on the annotation's clock, and which rest on given R peaks.

    Raises
    ------
    InvalidArgumentError
        If the annotation has no samples.

    Notes
    -----
    ``first + phase * (last - first)``, the linear mapping of EchoXFlow's tooling.
    Outside the R peaks that tooling holds the first or the last phase still; here the
    beat goes on at the median RR interval, and is marked.

    Examples
    --------
    >>> beats = Beats(np.array([0.0, 1.0, 2.0]))
    >>> found = annotation_times([0.25, 1.5, 2.25], beats, [3.0, 3.2, 3.8])
    >>> found.times.round(6).tolist(), found.inside.tolist()
    ([3.2, 3.4, 3.2], [True, True, False])
    """
    ticks = np.asarray(clock, np.float64)
    if not len(ticks):
        raise InvalidArgumentError("annotation_times: the annotation has no samples.")
    phase = beats.phase(times)
    return Aligned(ticks[0] + phase.fraction * (ticks[-1] - ticks[0]), phase.inside)
