"""The heart of a patient at end-diastole, and what lies at every point of it.

Everything here is in the frame of the left ventricle: the origin is the endocardial
apex, z runs along the long axis to the base, x to the anterolateral wall, y to the
inferior side. Walls by angle from x towards y: anterolateral 0, inferolateral 60,
inferior 120, inferoseptal 180, anteroseptal -120, anterior -60 degrees. How the heart
is put together is in `cardium.phantom.build`, how it moves in `cardium.phantom.motion`,
how it is seen in `cardium.phantom.imaging`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cardium.core import STRUCTURES, FloatArray
from cardium.errors import UnknownNameError
from cardium.phantom.chambers import (
    AorticRoot,
    Atrium,
    Papillary,
    RightVentricle,
    Ring,
    Tube,
    Vector,
)
from cardium.phantom.cycle import Function
from cardium.phantom.patient import Patient
from cardium.phantom.region import regions_of
from cardium.phantom.shapes import LeftVentricle

if TYPE_CHECKING:
    from cardium.phantom._anatomy_distances import Parts
    from cardium.phantom._echo_kernels import Looks

TISSUES = (
    *STRUCTURES,
    "ra_wall",
    "aorta",
    "pulmonary_artery",
    "vein",
    "vessel_wall",
    "valve",
    "pericardium",
    "fat",
)
"""Names of the tissues; `Heart.classify` returns indices in this tuple.

The first eight are `cardium.core.STRUCTURES`, in that order. ``valve`` is the fibrous
tissue of the rings; the leaflets, which move by themselves, are in
`cardium.phantom.valves`. ``la_wall`` includes the septum between the atria.
"""

ECHO_CLASSES = (*TISSUES, "papillary_muscle", "lv_trabeculae", "rv_trabeculae")
"""What `Heart.echo_class` tells apart: the tissues, and muscle inside the ventricles.

Guidelines count papillary muscles and trabeculae to the cavity, and so does
`Heart.classify`; but they echo like muscle.
"""

BLOOD = (
    "lv_cavity",
    "la_cavity",
    "rv_cavity",
    "ra_cavity",
    "aorta",
    "pulmonary_artery",
    "vein",
)
"""The echo classes that are blood."""

ECHOGENICITY_DB = {
    "background": -12.0,
    "myocardium": 0.0,
    "la_wall": -1.0,
    "rv_wall": 0.0,
    "ra_wall": -1.0,
    "vessel_wall": 4.0,
    "valve": 8.0,
    "pericardium": 11.0,
    "fat": -5.0,
    "papillary_muscle": 1.0,
    "lv_trabeculae": -2.0,
    "rv_trabeculae": -3.0,
    **dict.fromkeys(BLOOD, -36.0),
}
"""Mean echo power of each echo class, against myocardium [dB]."""

CHAMBERS = ("lv", "la", "rv", "ra")
"""The chambers that have a volume."""


@dataclass(frozen=True, slots=True)
class Heart:
    """A heart at end-diastole: chambers, walls, and how its ventricle works.

    Parameters
    ----------
    patient : Patient
        Whose heart it is.
    ventricle : LeftVentricle
        The chamber whose motion and volume are exact.
    function : Function
        How it works.
    left_atrium, right_atrium : Atrium
        The atria; where they overlap the septum runs midway.
    right_ventricle : RightVentricle
        Inflow, outflow and pulmonary trunk.
    aorta : AorticRoot
        Annulus, sinuses and ascending aorta.
    mitral, tricuspid : Ring
        The rings of these valves.
    papillaries : (anterolateral, posteromedial)
        The papillary muscles.
    moderator_band : Tube
        The muscle across the right ventricle.
    veins : tuple of Tube
        Pulmonary veins, atrial appendage, caval veins and coronary sinus.
    descending_aorta : Tube
        The aorta behind the left atrium.
    atrial_septum : float [m]
        Thickness of the septum between the atria around the oval fossa.
    fossa : Vector [m]
        Middle of the oval fossa, where that septum is thin.
    texture : tuple of (kx, ky, kz, phase)
        Wave vectors [rad/m] and phases [rad] of the smooth random field that makes the
        inner borders ragged.
    """

    patient: Patient
    ventricle: LeftVentricle
    function: Function
    left_atrium: Atrium
    right_atrium: Atrium
    right_ventricle: RightVentricle
    aorta: AorticRoot
    mitral: Ring
    tricuspid: Ring
    papillaries: tuple[Papillary, Papillary]
    moderator_band: Tube
    veins: tuple[Tube, ...]
    descending_aorta: Tube
    atrial_septum: float
    fossa: Vector
    texture: tuple[tuple[float, float, float, float], ...]

    def classify(self, points: FloatArray) -> NDArray[np.uint8]:
        """Tell the tissue at points of the end-diastolic heart.

        Parameters
        ----------
        points : (..., 3) [m]
            Points in the frame of the left ventricle.

        Returns
        -------
        tissue : (...) uint8
            Indices in `TISSUES`. Cavity and wall of the left ventricle are exactly
            those of `ventricle`: papillary muscles and trabeculae belong to the cavity.

        Examples
        --------
        >>> from cardium.phantom.build import build_heart
        >>> heart = build_heart(Patient())
        >>> axis = np.array([[0, 0, -0.03], [0, 0, -0.004], [0, 0, 0.03], [0, 0, 0.1]])
        >>> [TISSUES[i] for i in heart.classify(axis)]
        ['background', 'myocardium', 'lv_cavity', 'la_cavity']
        """
        return _CAVITY_OF[self.echo_class(points)]

    def echo_class(self, points: FloatArray) -> NDArray[np.uint8]:
        """Tell what echoes at points of the end-diastolic heart.

        Parameters
        ----------
        points : (..., 3) [m]
            Points in the frame of the left ventricle.

        Returns
        -------
        echo_class : (...) uint8
            Indices in `ECHO_CLASSES`: as `classify`, but papillary muscles and
            trabeculae are told from the blood around them.
        """
        from cardium.phantom._anatomy_kernels import classify

        flat = np.ascontiguousarray(points, float).reshape(-1, 3)
        codes = classify(flat, self._parts(), self._waves())
        return codes.reshape(np.shape(points)[:-1])

    def echogenicity(self, points: FloatArray, tissue: NDArray[np.uint8]) -> FloatArray:
        """Mean echo level of points of the end-diastolic heart.

        Parameters
        ----------
        points : (..., 3) [m]
            Points in the frame of the left ventricle.
        tissue : (...) uint8
            Their echo classes, from `echo_class` (or `classify`).

        Returns
        -------
        level : (...) [dB]
            Level against myocardium: that of the echo class; within muscle brighter at
            its borders, in a scar and in amyloid; in the background less and less
            beside the heart, where the lung is.
        """
        from cardium.phantom._echo_kernels import add_levels

        level = _LEVELS[tissue]
        flat = np.ascontiguousarray(points, float).reshape(-1, 3)
        codes = np.ascontiguousarray(tissue).reshape(-1)
        out = level.reshape(-1)
        add_levels(out, flat, codes, self._parts(), self._looks(), self._waves())
        return out.reshape(level.shape)

    def chamber_volume(self, name: str, *, step: float = 0.0008) -> float:
        """Volume of a chamber at end-diastole.

        Parameters
        ----------
        name : {"lv", "la", "rv", "ra"}
            Left or right atrium or ventricle. The right ventricle ends at tricuspid
            and pulmonary valve, the left atrium at the mitral valve; veins and
            appendage are left out.
        step : float [m]
            Side of the cubes whose centres are counted for all but the left ventricle.

        Returns
        -------
        volume : float [m^3]
            Of the left ventricle by formula; of the others by counting, to about 0.2 %.

        Raises
        ------
        UnknownNameError
            If there is no such chamber.

        Examples
        --------
        >>> from cardium.phantom.build import build_heart
        >>> heart = build_heart(Patient(edv_ml=120))
        >>> round(1e6 * heart.chamber_volume("lv"), 3)
        120.0
        """
        if name not in CHAMBERS:
            raise UnknownNameError("chamber", name, CHAMBERS)
        if name == "lv":
            return self.ventricle.cavity_volume
        points = self.chamber_points(name, step=step)
        return len(points) * step**3

    def chamber_points(self, name: str, *, step: float) -> FloatArray:
        """Centres (N, 3) [m] of the cubes of side `step` [m] that fill a chamber."""
        sides = [np.arange(low, high, step) for low, high in self._bounds()]
        # The plane that bounds the chamber is a face of the cubes.
        left = name in ("lv", "la")
        floor = self.ventricle.length if left else self.right_ventricle.floor
        sides[2] += (floor - sides[2][0] + step / 2) % step
        code, kept = TISSUES.index(f"{name}_cavity"), []
        for x in sides[0]:
            sheet = np.stack(np.meshgrid(x, *sides[1:], indexing="ij"), axis=-1)
            kept.append(sheet[self.classify(sheet) == code])
        return np.concatenate(kept)

    def _bounds(self) -> tuple[tuple[float, float], ...]:
        """Least and greatest x, y and z of the chambers [m]."""
        rim = self.ventricle.short_axis + self.ventricle.wall
        rv, la, ra = self.right_ventricle, self.left_atrium, self.right_atrium
        side = rim + rv.width + 0.02
        top = max(a.centre[2] + a.semi_axes[2] for a in (la, ra))
        top = max(top, rv.trunk.end[2]) + 0.01
        return (-side - 0.02, side), (-side, side), (-0.02, top)

    def _parts(self) -> Parts:
        """All shapes, as the kernels take them."""
        from cardium.phantom._anatomy_distances import Parts, Spheroid

        lv = self.ventricle
        return Parts(
            Spheroid(
                lv.long_axis,
                lv.short_axis,
                lv.wall,
                lv.length,
                lv.eccentricity,
                lv.septal_excess,
            ),
            self.left_atrium,
            self.right_atrium,
            self.right_ventricle,
            self.aorta,
            self.mitral,
            self.tricuspid,
            self.papillaries,
            self.moderator_band,
            self.veins,
            self.descending_aorta,
            self.atrial_septum,
            self.fossa,
        )

    def _waves(self) -> FloatArray:
        """Waves of the texture, (K, 4)."""
        return np.array(self.texture)

    def _looks(self) -> Looks:
        """Say what disease does to the brightness of muscle."""
        from cardium.phantom._echo_kernels import Looks

        sparkle = _SPARKLE_DB if "amyloid" in self.patient.conditions else 0.0
        infarct = self.patient.infarct
        if infarct is None:
            return Looks(sparkle, 0.0)
        (region,) = (r for r in regions_of(self.patient) if r.azimuth is not None)
        return Looks(
            sparkle,
            _SCAR_DB * infarct.severity,
            region.azimuth or 0.0,
            math.cos(region.core),
            math.cos(region.edge),
            region.apex,
            region.start,
            region.end,
        )


_CAVITY_OF = np.array(
    [
        *range(len(TISSUES)),
        TISSUES.index("lv_cavity"),
        TISSUES.index("lv_cavity"),
        TISSUES.index("rv_cavity"),
    ],
    np.uint8,
)
_LEVELS = np.array([ECHOGENICITY_DB[name] for name in ECHO_CLASSES])

_SPARKLE_DB = 2.5
_SCAR_DB = 4.0
