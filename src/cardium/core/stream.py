"""Streams: one sampled signal on one clock, read only when indexed."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cardium.core.geometry import Geometry, geometry_to_dict
from cardium.core.planar import FloatArray, PlaneGrid, Sector
from cardium.core.volumes import SectorVolume, VolumeGrid
from cardium.errors import GeometryError, InvalidArgumentError

if TYPE_CHECKING:
    import xarray

STRUCTURES = (
    "background",
    "lv_cavity",
    "myocardium",
    "la_cavity",
    "rv_cavity",
    "ra_cavity",
    "la_wall",
    "rv_wall",
)
"""Names of the structures in label maps; a map's code is the index in this tuple."""

UNLABELLED = 255
"""The code of pixels that nobody labelled, which is not the same as background."""

_EVEN = 1e-7
"""How far, of itself, a first step may be from the mean one on an even clock."""

_PLACES: dict[type, tuple[str, ...]] = {
    Sector: ("range", "beam"),
    PlaneGrid: ("z", "x"),
    SectorVolume: ("elevation", "azimuth", "range"),
    VolumeGrid: ("z", "y", "x"),
}


class Array(Protocol):
    """What a stream needs of its values: numpy, zarr or a reader, sliced by time."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis; time is the first."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of one sample."""

    def __getitem__(self, time: slice, /) -> NDArray[Any]:
        """Read the samples of a slice of time."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One signal: values, the times of its samples, its unit and where it lies.

    An ECG, a colour Doppler film, a contour over the cycle and a label map are the
    same kind of thing. Values may be lazy: they are read when sliced.

    Parameters
    ----------
    name : str
        What it is: ``"b_mode"``, ``"ecg"``, ``"tissue_velocity"``.
    values : array-like (T, ...)
        Anything with ``shape``, ``dtype`` and slicing along its first axis.
    time : (T,) [s]
        When each sample was taken, on the recording's clock, strictly ascending.
    dims : tuple of str
        Name of each axis; the first is ``"time"``.
    unit : str
        Unit of the values: ``"grey"`` (0..255), ``"mV"``, ``"m/s"``, ``"m"``,
        ``"label"`` (codes, see `STRUCTURES`).
    geometry : Sector, PlaneGrid, SectorVolume or VolumeGrid, optional
        Where the samples of the last two or three axes lie.
    velocity_limit : float [m/s], optional
        The Nyquist limit of a velocity: values lie in -limit..limit and fold there.
    coords : mapping of str to tuple of str, optional
        Names along an axis, ``{"lead": ("I", "II", …)}``, or of the codes of a label
        map, ``{"label": STRUCTURES}``.
    axes : mapping of str to array, optional
        Where samples lie along an axis that no geometry places, in SI:
        ``{"velocity": (V,) [m/s]}`` of a spectrum, ``{"range": (R,) [m]}`` of an
        M-mode.

    Raises
    ------
    InvalidArgumentError
        If axes, times or names do not match the shape, or times do not ascend.
    GeometryError
        If the last axes are not the ones, or not of the size, of the geometry.

    Examples
    --------
    >>> ecg = Stream(
    ...     "ecg", np.zeros((1001, 2)), np.arange(1001) / 500, ("time", "lead"), "mV",
    ...     coords={"lead": ("I", "II")},
    ... )
    >>> round(ecg.rate), ecg.duration
    (500, 2.0)
    >>> ecg.between(0.5, 1.0).time[[0, -1]].tolist()
    [0.5, 0.998]
    """

    name: str
    values: Array
    time: FloatArray
    dims: tuple[str, ...]
    unit: str
    geometry: Geometry | None = None
    velocity_limit: float | None = None
    coords: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    axes: Mapping[str, FloatArray] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        shape = tuple(self.values.shape)
        if len(shape) != len(self.dims) or self.dims[:1] != ("time",):
            raise InvalidArgumentError(
                f"Stream '{self.name}': dims {self.dims} do not name the axes of shape "
                f"{shape}; the first is 'time'."
            )
        if shape[0] != len(self.time):
            raise InvalidArgumentError(
                f"Stream '{self.name}': {shape[0]} samples but {len(self.time)} times."
            )
        # no NaN is later than another time, and what ascends is finite but at its ends
        ends = np.isfinite(self.time[[0, -1]]).all() if shape[0] else True
        if not ends or not (self.time[1:] > self.time[:-1]).all():
            raise InvalidArgumentError(
                f"Stream '{self.name}': times must be finite and strictly ascending."
            )
        places: dict[str, Sized] = {**self.coords, **self.axes}
        for dim, names in places.items():
            if dim in self.dims and len(names) != shape[self.dims.index(dim)]:
                raise InvalidArgumentError(
                    f"Stream '{self.name}': {len(names)} places for axis '{dim}' of "
                    f"length {shape[self.dims.index(dim)]}."
                )
        if self.velocity_limit is not None and not self.velocity_limit > 0:
            raise InvalidArgumentError(
                f"Stream '{self.name}': the velocity limit must be positive, "
                f"got {self.velocity_limit}."
            )
        self._check_geometry(shape)

    def _check_geometry(self, shape: tuple[int, ...]) -> None:
        """Hold the last axes against the geometry."""
        if self.geometry is None:
            return
        places, kind = _PLACES[type(self.geometry)], type(self.geometry).__name__
        last = slice(-len(places), None)
        if self.dims[last] != places or shape[last] != self.geometry.shape:
            raise GeometryError(
                f"Stream '{self.name}': the last axes are {self.dims[last]} of size "
                f"{shape[last]}, but its {kind} has {places} of size "
                f"{self.geometry.shape}. Was the array transposed or cropped?"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis; nothing is read."""
        return tuple(self.values.shape)

    @property
    def rate(self) -> float:
        """Samples a second, from the median step [Hz]; NaN for a single sample.

        Rounded to a millionth, which is what times in seconds can carry: 500 Hz is
        500.0 and not 499.9999999.
        """
        if len(self.time) < 2:
            return float("nan")
        usual, first = self.duration / (len(self.time) - 1), self.time[1] - self.time[0]
        if abs(first - usual) > _EVEN * usual:
            usual = float(np.median(np.diff(self.time)))
        return round(float(1 / usual), 6)

    @property
    def duration(self) -> float:
        """Time from the first to the last sample [s]."""
        return float(self.time[-1] - self.time[0]) if len(self.time) else 0.0

    def load(self) -> NDArray[Any]:
        """Read all values into memory."""
        return np.asarray(self.values[:])

    def between(self, start: float, stop: float) -> Stream:
        """Read the samples with ``start <= time < stop`` [s], and no others."""
        first, last = np.searchsorted(self.time, [start, stop])
        return self.samples(slice(int(first), int(last)))

    def samples(self, part: slice) -> Stream:
        """Read the samples of a slice along time, and no others."""
        return replace(self, values=np.asarray(self.values[part]), time=self.time[part])

    def with_values(self, values: Array) -> Stream:
        """Return the same signal with other values."""
        return replace(self, values=values)

    def to_xarray(self) -> xarray.DataArray:
        """Read everything into a labelled ``xarray.DataArray``.

        Coordinates are in SI: time in s, lengths in m, angles in rad, velocities in
        m/s. A volume grid that lies aslant has none; its affine is an attribute.
        """
        from cardium.core.libraries import need

        need("xarray", extra="all")
        import xarray

        coords: dict[str, Any] = {"time": self.time}
        coords |= {k: list(v) for k, v in self.coords.items() if k in self.dims}
        coords |= {k: v for k, v in self.axes.items() if k in self.dims}
        match self.geometry:
            case Sector() as fan:
                coords |= {"range": fan.depths, "beam": fan.angles}
            case PlaneGrid() as plane:
                coords |= {"z": plane.zs, "x": plane.xs}
            case SectorVolume() as fan:
                coords |= {"elevation": fan.elevations, "azimuth": fan.azimuths}
                coords["range"] = fan.depths
        described = geometry_to_dict(self.geometry)
        return xarray.DataArray(
            self.load(),
            coords=coords,
            dims=self.dims,
            name=self.name,
            attrs={
                "unit": self.unit,
                "velocity_limit": self.velocity_limit,
                "geometry": described,
            },
        )
