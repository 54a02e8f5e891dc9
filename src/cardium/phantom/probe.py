"""What looks at the heart: a probe's fan and resolution, and where it is held."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray, Sector
from cardium.errors import InvalidArgumentError

SPEED_OF_SOUND = 1540.0
"""Speed of sound in soft tissue [m/s]."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A phased array: its fan, resolution, noise and display.

    Parameters
    ----------
    sector : Sector
        Where the samples of a frame lie.
    range_width : float [m]
        Standard deviation of the Gaussian pulse envelope along the beam.
    beam_width : float [rad]
        Standard deviation of the Gaussian beam profile across the beam.
    elevation_width : (near, far) [m]
        Standard deviation of the slice profile at the probe and at 15 cm.
    frequency : float [Hz]
        Frequency of the received carrier.
    density : float
        Scatterers per resolution cell, counted by power; 2 and more give fully
        developed speckle.
    dynamic_range : float [dB]
        Span of echo levels between black and white.
    headroom : float [dB]
        How far white lies above the mean level of myocardium.
    noise : float [dB]
        Level of electronic noise at 10 cm against myocardium.
    attenuation : float [dB/m]
        Loss of echo level with depth that the gain does not make up.
    """

    sector: Sector
    range_width: float
    beam_width: float
    elevation_width: tuple[float, float] = (0.0007, 0.0022)
    frequency: float = 3.4e6
    density: float = 2.5
    dynamic_range: float = 70.0
    headroom: float = 27.0
    noise: float = -46.0
    attenuation: float = 40.0

    def __post_init__(self) -> None:
        widths = (self.range_width, self.beam_width, *self.elevation_width)
        if min(*widths, self.frequency, self.density, self.dynamic_range) <= 0:
            raise InvalidArgumentError(
                "Probe: widths, frequency, density and dynamic range must be positive, "
                f"got {widths}, {self.frequency}, {self.density} and "
                f"{self.dynamic_range}."
            )

    @classmethod
    def matched_to(cls, sector: Sector) -> Probe:
        """Build a probe whose resolution suits the sampling of a sector."""
        return cls(
            sector,
            range_width=max(0.75 * sector.range_spacing, 0.00030),
            beam_width=max(0.85 * sector.beam_spacing, math.radians(0.5)),
        )

    def elevation(self, depth: FloatArray) -> FloatArray:
        """Return the standard deviation of the slice profile at depths [m]."""
        near, far = self.elevation_width
        return near + (far - near) / 0.15 * depth


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the heart lies under the probe.

    The frame of the probe has its origin at the apex of the fan, x to the right of the
    image, z away from the probe, y across the image plane.

    Parameters
    ----------
    apex : (x, z) [m]
        Where the endocardial apex lies in the image plane.
    tilt : float [rad]
        Angle from straight down to the long axis, positive towards the right.
    rotation : float [rad]
        Turn of the image plane about the long axis, from lateral (0, the four-chamber
        view) towards inferior; -60 degrees is the two-chamber view, with the inferior
        wall on the left.

    Examples
    --------
    >>> placement = Placement(apex=(0.01, 0.03), tilt=0.0)
    >>> placement.to_image(np.array([0.02, 0.0, 0.08])).round(3)
    array([0.03, 0.  , 0.11])
    """

    apex: tuple[float, float]
    tilt: float
    rotation: float = 0.0

    def to_image(self, points: FloatArray) -> FloatArray:
        """Turn points (..., 3) of the ventricle's frame into the probe's frame [m]."""
        turned = points @ self._matrix().T.astype(points.dtype)
        return np.asarray(turned + self._origin(points))

    def to_heart(self, points: FloatArray) -> FloatArray:
        """Turn points (..., 3) of the probe's frame into the ventricle's frame [m]."""
        moved = points - self._origin(points)
        return np.asarray(moved @ self._matrix().astype(points.dtype))

    def plane_to_image(self, points: FloatArray) -> FloatArray:
        """Turn x and z (..., 2) in the image plane from ventricle to probe [m]."""
        cos, sin = math.cos(self.tilt), math.sin(self.tilt)
        tilted = points @ np.array([[cos, -sin], [sin, cos]])
        return np.asarray(tilted + np.array(self.apex))

    def _origin(self, points: FloatArray) -> FloatArray:
        """Where the ventricle's apex lies in the probe's frame."""
        return np.array([self.apex[0], 0.0, self.apex[1]], dtype=points.dtype)

    def _matrix(self) -> FloatArray:
        """Rotation from the ventricle's frame to the probe's."""
        cos, sin = math.cos(self.tilt), math.sin(self.tilt)
        c, s = math.cos(self.rotation), math.sin(self.rotation)
        tilted = np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
        turned = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        return np.asarray(tilted @ turned)
