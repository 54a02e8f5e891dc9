"""The standard views: how the probe is held for each, and where the wall is in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.phantom.acquisition import Acquisition
from cardium.phantom.motion import Motion
from cardium.phantom.probe import Placement

APICAL_VIEWS = ("4ch", "2ch", "3ch")
"""Views from the apex, with the base at the bottom of the image."""

SHORT_AXIS_VIEWS = ("psax_base", "psax_mid", "psax_apex")
"""Views across the long axis: at the mitral leaflets, papillary muscles and apex."""

VIEWS = (*APICAL_VIEWS, "plax", *SHORT_AXIS_VIEWS)
"""Four-chamber, two-chamber and apical long-axis view; parasternal long and short axis.

The apical four-chamber view has the lateral wall on the right of the image, the
two-chamber view the anterior, the long-axis view the anteroseptal wall with the outflow
tract. The parasternal long-axis view has the apex on the left and the anteroseptal wall
on top. Short-axis views are seen from the apex, with the septum on the left and the
anterior wall on top.
"""

LAYERS = ("endocardium", "subendocardium", "midwall", "subepicardium", "epicardium")
"""Names of the five layers of ``lv_contour``."""

APICAL_ROTATION = {"4ch": 0.0, "2ch": -math.pi / 3, "3ch": -2 * math.pi / 3}
"""Turn of each apical plane about the long axis [rad]; see `Placement.apical`."""


def hold_probe(
    scene: Acquisition,
    view: str,
    *,
    foreshortening: float = 0.0,
    tilt: float | None = None,
    offset: tuple[float, float, float] | None = None,
) -> Placement:
    """Hold the probe for a view, a little differently each time.

    Parameters
    ----------
    scene : Acquisition
        Who is examined; its random numbers are used.
    view : str
        One of `VIEWS`.
    foreshortening : float [rad]
        Angle by which the plane misses the apex, 0..0.45. It turns about the middle of
        the base (in long-axis views), so that base and atria are seen as ever and the
        ventricle is cut short of its apex: the usual error of apical views, made with
        the probe a rib too high. In short-axis views the plane is oblique by it.
    tilt : float, optional [rad]
        Turn of the heart in the image, counterclockwise, against upright (apical and
        short axis) or level (parasternal long axis). Drawn if not given.
    offset : (x, y, z), optional [m]
        Shift of the heart in the probe's frame from where it usually lies: to the
        right, towards the viewer, away from the probe. Drawn, in the image plane, if
        not given.

    Returns
    -------
    placement : Placement
        Where the heart lies under the probe.

    Raises
    ------
    UnknownNameError
        If there is no such view.
    InvalidArgumentError
        If the foreshortening is outside its range.

    Examples
    --------
    The lateral wall is on the right of the four-chamber view:

    >>> from cardium.phantom.acquisition import begin
    >>> from cardium.phantom.patient import Patient
    >>> scene = begin(Patient(), what="b_mode 4ch", beats=1)
    >>> placement = hold_probe(scene, "4ch")
    >>> lateral = placement.to_image(np.array([0.03, 0.0, 0.06]))
    >>> bool(lateral[0] > 0.02)
    True

    A plane that misses the apex by 15 degrees cuts the ventricle short:

    >>> ends = [
    ...     outline(scene.motion, hold_probe(scene, "4ch", foreshortening=angle),
    ...             scene.rhythm.r_times[:1])[0, 0, :, 1]
    ...     for angle in (0.0, math.radians(15))
    ... ]
    >>> full, short = (float(np.ptp(depth)) for depth in ends)
    >>> bool(0.8 < short / full < 0.95)
    True
    """
    if view not in VIEWS:
        raise UnknownNameError("view", view, VIEWS)
    if not 0 <= foreshortening <= _MOST_FORESHORTENING:
        raise InvalidArgumentError(
            "hold_probe: foreshortening must be in 0..0.45 rad, got "
            f"{foreshortening}. Was it given in degrees?"
        )
    stance = _stance(scene, view)
    shift = np.array(stance.drawn_offset if offset is None else offset, float)
    turn = _about_y(stance.drawn_tilt if tilt is None else tilt)
    rotation = turn @ stance.rotation
    pivot = np.array([0.0, 0.0, stance.pivot])
    # The pivot stays where it is when the heart is turned about it.
    origin = stance.place + shift - rotation @ pivot
    placement = Placement(rotation, origin)
    if foreshortening == 0:
        return placement
    return _miss_apex(scene, view, placement, foreshortening)


def outline(
    motion: Motion, placement: Placement, times: FloatArray, *, layers: int = 5
) -> FloatArray:
    """Outline layers of the wall of the left ventricle in the image plane.

    Parameters
    ----------
    motion : Motion
        How the heart moves.
    placement : Placement
        Where it lies under the probe, in any view.
    times : (T,) [s]
        Times on the recording's clock.
    layers : int
        Number of layers, evenly spaced from endocardium to epicardium.

    Returns
    -------
    contour : (T, layers, 61, 2) [m]
        x and z of the layers in the image, endocardium first. Planes along the long
        axis: from one end of the base over the apex to the other, open at the base; the
        first end is the left one when the apex is on top. Planes across it: from the
        left of the image over the top and round, the last point being the first again.

    Raises
    ------
    InvalidArgumentError
        If the plane misses the ventricle, or meets its base in a view across the axis.

    Notes
    -----
    A layer is a material surface: the outline is where it meets the plane, not a line
    of material points. In a plane through the long axis it is given by formulas
    (`Motion.contour`); in any other plane each point is found on a ray in the plane, by
    the inverse map, to 1e-9 m.

    Examples
    --------
    >>> from cardium.phantom.acquisition import begin
    >>> from cardium.phantom.patient import Patient
    >>> scene = begin(Patient(), what="b_mode psax_mid", beats=1)
    >>> ring = outline(scene.motion, hold_probe(scene, "psax_mid"), np.array([0.1]))
    >>> ring.shape, bool((ring[0, 0, 0] == ring[0, 0, -1]).all())
    ((1, 5, 61, 2), True)
    """
    from cardium.phantom import _sections

    across = placement.rotation[1]
    if abs(across[2]) > _ACROSS:
        return _sections.ring(motion, placement, times, layers, POINTS)
    # The axis runs through the plane if both of its ends do.
    ends = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, motion.ventricle.length]])
    if abs(placement.to_image(ends)[:, 1]).max() > _IN_PLANE:
        return _sections.arch(motion, placement, times, layers, POINTS)
    rotation = turn_about_axis(placement)
    flat = motion.contour(times, layers=layers, count=POINTS, rotation=rotation)
    u, z = flat[..., 0], flat[..., 1]
    space = np.stack([u * math.cos(rotation), u * math.sin(rotation), z], axis=-1)
    return placement.to_image(space)[..., [0, 2]]


def turn_about_axis(placement: Placement) -> float:
    """Tell how far an image plane is turned about the long axis.

    Parameters
    ----------
    placement : Placement
        Where the heart lies under the probe.

    Returns
    -------
    rotation : float [rad]
        From lateral towards inferior, as in `Placement.apical`: 0 in the four-chamber
        view. Of a plane that misses the apex, that of the plane through the axis which
        it is tilted out of; of one straight across the axis, 0.

    Examples
    --------
    >>> placement = Placement.apical(apex=(0.0, 0.03), tilt=0.1, rotation=-1.0)
    >>> round(turn_about_axis(placement), 6)
    -1.0
    """
    across = placement.rotation[1]
    return math.atan2(-across[0], across[1])


POINTS = 61
"""Number of points along each layer of an outline."""

_MOST_FORESHORTENING = 0.45
_ACROSS = 0.7
_IN_PLANE = 1e-9
_LEVELS = {"psax_base": 0.80, "psax_mid": 0.52, "psax_apex": 0.24}
_ABOVE_BASE = 0.96
_CHEST = 0.013
_RIGHT_HEART = 0.041
_PLAX_CENTRE = 0.80


@dataclass(frozen=True, slots=True, eq=False)
class _Stance:
    """The usual way to hold the probe for a view, and a variation of it.

    The point of the long axis at height `pivot` lies at `place` in the probe's frame.
    """

    rotation: FloatArray
    pivot: float
    place: FloatArray
    drawn_tilt: float
    drawn_offset: FloatArray


def _stance(scene: Acquisition, view: str) -> _Stance:
    """Draw how the probe is held for a view."""
    lv, rng = scene.heart.ventricle, scene.rng
    turned, tilted, right, down = rng.uniform(-1, 1, 4)
    drawn = np.array([0.004 * right, 0.0, 0.003 * down])
    beside = _RIGHT_HEART + lv.wall + lv.short_axis
    if view in APICAL_ROTATION:
        rotation = APICAL_ROTATION[view] + math.radians(4) * turned
        upright = Placement.apical(apex=(0.0, 0.0), tilt=0.0, rotation=rotation)
        place = np.array([0.004, 0.0, _CHEST + lv.wall])
        tilt = math.radians(2 + 4 * tilted)
        return _Stance(upright.rotation, 0.0, place, tilt, drawn)
    if view == "plax":
        # Away from the probe is from the anteroseptal to the inferolateral wall.
        away = math.pi / 3 + math.radians(4) * turned
        c, s = math.cos(away), math.sin(away)
        level = np.array([[0.0, 0.0, 1.0], [s, -c, 0.0], [c, s, 0.0]])
        place, tilt = np.array([0.002, 0.0, beside]), math.radians(4 + 4 * tilted)
        return _Stance(level, _PLAX_CENTRE * lv.length, place, tilt, drawn)
    away = math.radians(96 + 5 * turned)
    c, s = math.cos(away), math.sin(away)
    seen = np.array([[s, -c, 0.0], [0.0, 0.0, -1.0], [c, s, 0.0]])
    height = min(_LEVELS[view] * lv.length, _ABOVE_BASE * _lowest_base(scene.motion))
    place = np.array([0.006, 0.0, beside])
    return _Stance(seen, height, place, math.radians(4) * tilted, drawn)


def _lowest_base(motion: Motion) -> float:
    """Height of the base above the apex when it is least [m]."""
    times = np.array([beat.end_systole for beat in motion.cycle.beats])
    return float(motion.contour(times, layers=2, count=3)[..., [0, -1], 1].min())


def _miss_apex(
    scene: Acquisition, view: str, placement: Placement, angle: float
) -> Placement:
    """Turn the plane so that it misses the apex, and move the probe to the new top."""
    cos, sin = math.cos(angle), math.sin(angle)
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])
    about_z = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    turn = about_z if view == "plax" else about_x
    height = 0.0 if view in SHORT_AXIS_VIEWS else scene.heart.ventricle.length
    if view in SHORT_AXIS_VIEWS:
        height = -placement.origin[1] / placement.rotation[1, 2]
    pivot = placement.to_image(np.array([0.0, 0.0, height]))
    turned = Placement(
        turn @ placement.rotation, pivot - turn @ (pivot - placement.origin)
    )
    if view not in APICAL_VIEWS:
        return turned
    start = scene.rhythm.r_times[:1]
    tops = [
        outline(scene.motion, held, start, layers=2)[0, 1, :, 1].min()
        for held in (placement, turned)
    ]
    return Placement(
        turned.rotation, turned.origin + np.array([0.0, 0.0, tops[0] - tops[1]])
    )


def _about_y(angle: float) -> FloatArray:
    """Rotation in the image plane, counterclockwise as seen."""
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
