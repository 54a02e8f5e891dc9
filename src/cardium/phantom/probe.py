"""What looks at the heart: a probe's fan and resolution, and where it is held."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Sector
from cardium.errors import InvalidArgumentError

SPEED_OF_SOUND = 1540.0
"""Speed of sound in soft tissue [m/s]."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A phased array and its scanner: fan, resolution, artefacts and display.

    Parameters
    ----------
    sector : Sector
        Where the samples of a frame lie.
    range_width : float [m]
        Standard deviation of the Gaussian pulse envelope along the beam.
    beam_width : float [rad]
        Standard deviation of the Gaussian beam profile across the beam, at the focus.
    elevation_width : (near, far) [m]
        Standard deviation of the slice profile at the probe and at 15 cm.
    frequency : float [Hz]
        Frequency of the received carrier.
    focus : float [m]
        Depth at which the beam is narrowest in angle.
    side_lobes : float [dB]
        Amplitude of the broad component of the beam profile against its peak.
    density : float
        Scatterers per resolution cell, counted by power; 2 and more give fully
        developed speckle.
    dynamic_range : float [dB]
        Span of echo levels between black and white.
    headroom : float [dB]
        How far white lies above the mean level of myocardium.
    gamma : float
        Exponent of the grey map: above 1 the dark levels are darker.
    sharpness : float
        Weight of edge enhancement of the grey levels; negative smooths.
    noise : float [dB]
        Level of electronic noise at 10 cm against myocardium.
    attenuation : float [dB/m]
        Loss of echo level with depth that the gain does not make up.
    haze : float [dB]
        Level against myocardium of the faint echoes of all that is around, at 5 cm.
    reverberation : float [dB]
        Level against myocardium of reverberation at the probe.
    unevenness : float
        Strength of uneven gain, of dropout and of shadows of ribs and lung: 1 is usual,
        0 is none.

    Raises
    ------
    InvalidArgumentError
        If a width, frequency, density, focus, range or exponent is not positive, or
        the unevenness negative.
    """

    sector: Sector
    range_width: float
    beam_width: float
    elevation_width: tuple[float, float] = (0.0007, 0.0022)
    frequency: float = 3.4e6
    focus: float = 0.09
    side_lobes: float = -32.0
    density: float = 4.0
    dynamic_range: float = 72.0
    headroom: float = 30.0
    gamma: float = 1.0
    sharpness: float = 0.0
    noise: float = -31.0
    attenuation: float = 40.0
    haze: float = -25.5
    reverberation: float = 4.0
    unevenness: float = 1.0

    def __post_init__(self) -> None:
        positive = {
            "range_width": self.range_width,
            "beam_width": self.beam_width,
            "elevation_width": min(self.elevation_width),
            "frequency": self.frequency,
            "focus": self.focus,
            "density": self.density,
            "dynamic_range": self.dynamic_range,
            "gamma": self.gamma,
        }
        wrong = {name: value for name, value in positive.items() if not value > 0}
        if wrong or not self.unevenness >= 0:
            raise InvalidArgumentError(
                "Probe: widths, frequency, focus, density, dynamic range and gamma "
                "must be positive and the unevenness not negative, got "
                f"{wrong or {'unevenness': self.unevenness}}."
            )

    @classmethod
    def matched_to(cls, sector: Sector) -> Probe:
        """Build a probe whose resolution suits the sampling of a sector."""
        return cls(
            sector,
            range_width=max(0.75 * sector.range_spacing, 0.00052),
            beam_width=max(0.85 * sector.beam_spacing, math.radians(0.9)),
        )

    def styled(self, rng: np.random.Generator) -> Probe:
        """Vary resolution, artefacts and display as scanners and patients do.

        Parameters
        ----------
        rng : Generator
            Draws the style.

        Returns
        -------
        probe : Probe
            The same fan: from dark and contrasty to bright, flat and hazy, from an easy
            acoustic window to a poor one.
        """
        gloom, poor = float(rng.uniform()), float(rng.beta(1.5, 2.0))
        clutter = 12 * (poor - 0.4) - 6 * (gloom - 0.4)
        span = self.dynamic_range + 5 - 14 * gloom + float(rng.uniform(-3, 3))
        return replace(
            self,
            range_width=self.range_width * float(rng.uniform(0.85, 1.2)),
            beam_width=self.beam_width * float(rng.uniform(0.85, 1.25)),
            focus=self.focus * float(rng.uniform(0.75, 1.25)),
            side_lobes=self.side_lobes + 5 * (poor - 0.4),
            dynamic_range=span,
            headroom=span * float(rng.uniform(0.36, 0.44)),
            gamma=0.85 + 0.45 * gloom,
            sharpness=float(rng.uniform(-0.4, 0.4)),
            noise=self.noise + clutter + float(rng.uniform(-2, 2)),
            haze=self.haze + clutter + float(rng.uniform(-2, 2)),
            reverberation=self.reverberation + float(rng.uniform(-3, 4)),
            unevenness=0.6 + 1.2 * poor,
        )

    def elevation(self, depth: FloatArray) -> FloatArray:
        """Return the standard deviation of the slice profile at depths [m]."""
        near, far = self.elevation_width
        return near + (far - near) / 0.15 * depth

    def beam_width_at(self, depth: FloatArray) -> FloatArray:
        """Return the standard deviation of the main beam [rad] at depths [m].

        Out of focus by the part ``f = focus / depth - 1`` the beam is wider by
        ``sqrt(1 + (f / 2)^2)``; very near the probe no further than at a third of the
        focus, where the array uses a part of its elements.

        Examples
        --------
        >>> sector = Sector(depth=(0.0, 0.16), angle=(-0.6, 0.6), shape=(81, 25))
        >>> probe = Probe(sector, 0.0005, 0.02, focus=0.09)
        >>> (probe.beam_width_at(np.array([0.03, 0.09, 0.15])) / 0.02).round(2)
        array([1.41, 1.  , 1.02])
        """
        beyond = self.focus / np.maximum(depth, self.focus / 3) - 1
        return np.asarray(self.beam_width * np.sqrt(1 + (beyond / 2) ** 2))

    def beam_profile(self, depth: FloatArray, angle: FloatArray) -> FloatArray:
        """Amplitude of the beam against its peak: main lobe, and weak broad side lobes.

        Parameters
        ----------
        depth : (...) [m]
            Depths.
        angle : (...) [rad]
            Angles from the axis of the beam; broadcast against the depths.

        Returns
        -------
        amplitude : (...)
            1 on the axis at every depth.
        """
        width = self.beam_width_at(depth)
        side = 10 ** (self.side_lobes / 20)
        main = np.exp(-((angle / width) ** 2) / 2)
        broad = np.exp(-((angle / (_SIDE_LOBE_WIDTHS * width)) ** 2) / 2)
        return np.asarray((1 - side) * main + side * broad)

    @property
    def beam_reach(self) -> float:
        """Angle from the axis of a beam beyond which it receives nothing [rad]."""
        shallow = np.array(max(self.sector.depth[0], 0.0))
        widest = max(
            float(self.beam_width_at(depth))
            for depth in (shallow, np.array(self.sector.depth[1]))
        )
        return _REACH_WIDTHS * _SIDE_LOBE_WIDTHS * widest


_SIDE_LOBE_WIDTHS = 4.0
_REACH_WIDTHS = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Where the heart lies under the probe: a rotation and a shift.

    The frame of the probe has its origin at the apex of the fan, x to the right of the
    image, z away from the probe, y across the image plane towards the viewer.

    Parameters
    ----------
    rotation : (3, 3)
        Rotation from the frame of the ventricle to that of the probe: its rows are the
        probe's axes x, y and z in the ventricle's frame.
    origin : (3,) [m]
        Where the endocardial apex of end-diastole lies in the probe's frame.

    Raises
    ------
    InvalidArgumentError
        If it is not a rotation (a reflection would swap left and right).

    Examples
    --------
    >>> placement = Placement.apical(apex=(0.01, 0.03), tilt=0.0)
    >>> placement.to_image(np.array([0.02, 0.0, 0.08])).round(3)
    array([0.03, 0.  , 0.11])
    >>> placement.to_heart(np.array([0.03, 0.0, 0.11])).round(3)
    array([0.02, 0.  , 0.08])
    """

    rotation: FloatArray
    origin: FloatArray

    def __post_init__(self) -> None:
        rotation, origin = np.asarray(self.rotation), np.asarray(self.origin)
        object.__setattr__(self, "rotation", rotation)
        object.__setattr__(self, "origin", origin)
        whole = rotation.shape == (3, 3) and origin.shape == (3,)
        if not (
            whole
            and np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
            and np.linalg.det(rotation) > 0
        ):
            raise InvalidArgumentError(
                "Placement: needs a rotation of 3 x 3 with determinant 1 and an origin "
                f"of 3 metres, got {rotation.tolist()} and {origin.tolist()}."
            )

    @classmethod
    def apical(
        cls, *, apex: tuple[float, float], tilt: float, rotation: float = 0.0
    ) -> Placement:
        """Hold the probe so that its plane holds the long axis.

        Parameters
        ----------
        apex : (x, z) [m]
            Where the endocardial apex lies in the image plane.
        tilt : float [rad]
            Angle from straight down to the long axis, positive towards the right.
        rotation : float [rad]
            Turn of the image plane about the long axis, from lateral (0, the
            four-chamber view) towards inferior; -60 degrees is the two-chamber view,
            with the inferior wall on the left.
        """
        cos, sin = math.cos(tilt), math.sin(tilt)
        c, s = math.cos(rotation), math.sin(rotation)
        tilted = np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
        turned = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        return cls(tilted @ turned, np.array([apex[0], 0.0, apex[1]]))

    def to_image(self, points: NDArray[np.floating[Any]]) -> FloatArray:
        """Turn points (..., 3) of the ventricle's frame into the probe's frame [m]."""
        return _move(points, self.rotation, self.origin)

    def to_heart(self, points: FloatArray) -> FloatArray:
        """Turn points (..., 3) of the probe's frame into the ventricle's frame [m]."""
        return _move(points, self.rotation.T, -self.rotation.T @ self.origin)

    def turn_to_image(self, vectors: FloatArray) -> FloatArray:
        """Turn vectors (..., 3), such as velocities, into the probe's frame."""
        return _move(vectors, self.rotation, _NOWHERE)

    def turn_to_heart(self, vectors: FloatArray) -> FloatArray:
        """Turn vectors (..., 3) of the probe's frame into the ventricle's frame."""
        return _move(vectors, self.rotation.T, _NOWHERE)


_NOWHERE = np.zeros(3)


def _move(
    vectors: NDArray[np.floating[Any]], rotation: FloatArray, shift: FloatArray
) -> FloatArray:
    """Turn and shift vectors (..., 3), in their own precision."""
    from cardium.phantom._receive_kernels import move

    kind: np.dtype[Any] = vectors.dtype
    moved: NDArray[Any] = np.empty(vectors.shape, kind)
    turned = np.ascontiguousarray(rotation, kind)
    move(vectors.reshape(-1, 3), turned, shift.astype(kind), moved.reshape(-1, 3))
    return moved
