"""Streams: one sampled signal on one clock, read only when indexed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cardium.core.geometry import FloatArray, Geometry, PlaneGrid, Sector
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
)
"""Names of the structures in label maps; a map's code is the index in this tuple."""

UNLABELLED = 255
"""The code of pixels that nobody labelled, which is not the same as background."""

_PLACES = {Sector: ("range", "beam"), PlaneGrid: ("z", "x")}


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
    geometry : Sector or PlaneGrid, optional
        Where the samples of the last two axes lie.
    velocity_limit : float [m/s], optional
        The Nyquist limit of a velocity: values lie in -limit..limit and fold there.
    coords : mapping of str to tuple of str, optional
        Names along an axis, ``{"lead": ("I", "II", …)}``, or of the codes of a label
        map, ``{"label": STRUCTURES}``.

    Raises
    ------
    InvalidArgumentError
        If axes, times or names do not match the shape, or times do not ascend.
    GeometryError
        If the last two axes are not the ones, or not of the size, of the geometry.

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
        if not np.isfinite(self.time).all() or (np.diff(self.time) <= 0).any():
            raise InvalidArgumentError(
                f"Stream '{self.name}': times must be finite and strictly ascending."
            )
        for dim, names in self.coords.items():
            if dim in self.dims and len(names) != shape[self.dims.index(dim)]:
                raise InvalidArgumentError(
                    f"Stream '{self.name}': {len(names)} names for axis '{dim}' of "
                    f"length {shape[self.dims.index(dim)]}."
                )
        if self.velocity_limit is not None and not self.velocity_limit > 0:
            raise InvalidArgumentError(
                f"Stream '{self.name}': the velocity limit must be positive, "
                f"got {self.velocity_limit}."
            )
        self._check_geometry(shape)

    def _check_geometry(self, shape: tuple[int, ...]) -> None:
        """Hold the last two axes against the geometry."""
        if self.geometry is None:
            return
        places = _PLACES[type(self.geometry)]
        if self.dims[-2:] != places or shape[-2:] != self.geometry.shape:
            raise GeometryError(
                f"Stream '{self.name}': the last axes are {self.dims[-2:]} of size "
                f"{shape[-2:]}, but its {type(self.geometry).__name__} has {places} of "
                f"size {self.geometry.shape}. Was the array transposed or cropped?"
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
        return round(float(1 / np.median(np.diff(self.time))), 6)

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

        Coordinates are in SI: time in s, and range in m and beam in rad, or z and x
        in m, where the stream has a geometry.
        """
        from cardium.core.libraries import need

        need("xarray", extra="all")
        import xarray

        coords: dict[str, Any] = {"time": self.time}
        coords |= {k: list(v) for k, v in self.coords.items() if k in self.dims}
        match self.geometry:
            case Sector():
                coords |= {"range": self.geometry.depths, "beam": self.geometry.angles}
            case PlaneGrid():
                coords |= {"z": self.geometry.zs, "x": self.geometry.xs}
        return xarray.DataArray(
            self.load(),
            coords=coords,
            dims=self.dims,
            name=self.name,
            attrs={"unit": self.unit, "velocity_limit": self.velocity_limit},
        )
