"""Ultrasound regions: what the pixels of a part of a picture are in physical units.

PS3.3 C.8.5.5. A place along an axis is
``value + (pixel - corner - reference) * delta``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cardium.core import FloatArray, PlaneGrid, Stream
from cardium.errors import DataCorruptError, NotProvidedError

if TYPE_CHECKING:
    import pydicom

PLANE, M_MODE, SPECTRUM = 1, 2, 3
TISSUE, COLOUR_FLOW, PULSED, CONTINUOUS = 1, 2, 3, 4
_CM, _SECOND, _CM_PER_SECOND = 3, 4, 7
_UNIT_NAMES = {
    0: "none",
    1: "percent",
    2: "dB",
    3: "cm",
    4: "s",
    5: "Hz",
    6: "dB/s",
    7: "cm/s",
    8: "cm2",
    9: "cm2/s",
}
_AXES = {
    PLANE: (_CM, _CM),
    M_MODE: (_SECOND, _CM),
    SPECTRUM: (_SECOND, _CM_PER_SECOND),
}
_SI = {_CM: 1e-2, _SECOND: 1.0, _CM_PER_SECOND: 1e-2}
_LOW_PRIORITY = 1


@dataclass(frozen=True)
class Region:
    """A region of a picture, checked.

    Parameters
    ----------
    kind : int
        Region spatial format: `PLANE`, `M_MODE`, `SPECTRUM`.
    data : int
        Region data type: `TISSUE`, `PULSED` …
    rows, columns : slice
        Its pixels.
    start : (x, y) [SI]
        Place of its first pixel.
    step : (x, y) [SI]
        From pixel to pixel, to the right and down.
    low_priority : bool
        Whether another region that overlaps comes first.
    """

    kind: int
    data: int
    rows: slice
    columns: slice
    start: tuple[float, float]
    step: tuple[float, float]
    low_priority: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        rows, columns = self.rows, self.columns
        return rows.stop - rows.start, columns.stop - columns.start

    def grid(self) -> PlaneGrid:
        """Return the plane of a 2-D region [m]."""
        (x, z), (dx, dz), (rows, columns) = self.start, self.step, self.shape
        return PlaneGrid(
            (x, x + dx * (columns - 1)), (z, z + dz * (rows - 1)), (rows, columns)
        )

    def places(self) -> tuple[FloatArray, FloatArray]:
        """Return the place of every column and of every row [SI]."""
        (x, y), (dx, dy), (rows, columns) = self.start, self.step, self.shape
        across, down = np.arange(columns, dtype=float), np.arange(rows, dtype=float)
        return x + dx * across, y + dy * down


def of_plane(grid: PlaneGrid, *, colour: bool) -> pydicom.Dataset:
    """Describe pictures that fill a plane; a colour picture is called colour flow."""
    dz, dx = grid.spacing
    item = _item(PLANE, COLOUR_FLOW if colour else TISSUE, grid.shape)
    return _placed(item, (grid.x[0], grid.z[0]), (dx, dz))


def of_line(
    stream: Stream, corner: tuple[float, float], step: tuple[float, float]
) -> pydicom.Dataset:
    """Describe the picture of an M-mode or a spectrum: time to the right."""
    columns, rows = stream.shape
    if stream.dims[1] == "range":
        item = _item(M_MODE, TISSUE, (rows, columns))
    else:
        continuous = stream.name.startswith("continuous")
        item = _item(SPECTRUM, CONTINUOUS if continuous else PULSED, (rows, columns))
    return _placed(item, corner, step)


def read_regions(data: pydicom.Dataset, path: Path) -> list[Region]:
    """Read the regions of the kinds that are known, those of high priority first."""
    items = data.get("SequenceOfUltrasoundRegions")
    if not items:
        raise NotProvidedError(
            f"'{path}' has no sequence of ultrasound regions (0018,6011), so its "
            "pixels have no size and no unit. Export it from the scanner with "
            "calibrated regions."
        )
    found = [_region(item, data, path) for item in items if _is_known(item)]
    if not found:
        kinds = [
            (item.get("RegionSpatialFormat"), item.get("RegionDataType"))
            for item in items
        ]
        raise NotProvidedError(
            f"'{path}' has the regions (spatial format, data type) {kinds}; known are "
            "2-D tissue (1, 1) and colour flow (1, 2), M-mode (2, 1), spectra (3, 3) "
            "and (3, 4)."
        )
    return sorted(found, key=lambda region: region.low_priority)


def _is_known(item: pydicom.Dataset) -> bool:
    """Tell whether a region is of a kind that becomes a stream."""
    return (item.get("RegionSpatialFormat"), item.get("RegionDataType")) in (
        (PLANE, TISSUE),
        (PLANE, COLOUR_FLOW),
        (M_MODE, TISSUE),
        (SPECTRUM, PULSED),
        (SPECTRUM, CONTINUOUS),
    )


def _region(item: pydicom.Dataset, data: pydicom.Dataset, path: Path) -> Region:
    """Check a region against its picture and its units."""
    kind = int(item.RegionSpatialFormat)
    bounds = [item.get(f"RegionLocation{end}") for end in _BOUNDS]
    delta = [item.get(f"PhysicalDelta{axis}") for axis in "XY"]
    units = tuple(item.get(f"PhysicalUnits{axis}Direction") for axis in "XY")
    if units != _AXES[kind]:
        stated = ", ".join(_UNIT_NAMES.get(unit, str(unit)) for unit in units)
        wanted = ", ".join(_UNIT_NAMES[unit] for unit in _AXES[kind])
        raise NotProvidedError(
            f"'{path}' has a region of format {kind} in the units {stated}; expected "
            f"{wanted}."
        )
    if None in bounds or not all(isinstance(d, float) and _fits(d) for d in delta):
        raise DataCorruptError(
            f"'{path}' has a region with the bounds {bounds} and the steps {delta}; "
            "they must be numbers, and steps not zero."
        )
    x0, y0, x1, y1 = map(int, bounds)
    if not (0 <= x0 < x1 < data.Columns and 0 <= y0 < y1 < data.Rows):
        raise DataCorruptError(
            f"'{path}' has a region from ({x0}, {y0}) to ({x1}, {y1}) outside of its "
            f"picture of {data.Columns} x {data.Rows}. Was the picture cropped or "
            "scaled after it was acquired? Get the original."
        )
    if kind == PLANE and min(delta) < 0:
        raise DataCorruptError(
            f"'{path}' has a 2-D region with the steps {delta} cm; they must be "
            "positive."
        )
    scale = [_SI[unit] for unit in units]
    first = (
        _first(item, "X", delta[0], x1 - x0 if kind == PLANE else 0),
        _first(item, "Y", delta[1], 0),
    )
    return Region(
        kind,
        int(item.RegionDataType),
        slice(y0, y1 + 1),
        slice(x0, x1 + 1),
        (first[0] * scale[0], first[1] * scale[1]),
        (delta[0] * scale[0], delta[1] * scale[1]),
        bool(int(item.get("RegionFlags", 0)) & _LOW_PRIORITY),
    )


_BOUNDS = ("MinX0", "MinY0", "MaxX1", "MaxY1")


def _first(item: pydicom.Dataset, axis: str, delta: float, width: int) -> float:
    """Return the place of the first pixel; without a reference, from the middle."""
    reference = item.get(f"ReferencePixel{axis}0")
    if reference is None:
        return -delta * width / 2
    value = item.get(f"ReferencePixelPhysicalValue{axis}")
    return float(value or 0.0) - int(reference) * delta


def _fits(step: float) -> bool:
    """Tell whether a step can be one."""
    return math.isfinite(step) and step != 0


def _item(kind: int, data: int, shape: tuple[int, int]) -> pydicom.Dataset:
    """Start a region that fills a picture."""
    from pydicom import Dataset

    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = kind, data, 0
    item.RegionLocationMinX0 = item.RegionLocationMinY0 = 0
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = shape[1] - 1, shape[0] - 1
    item.PhysicalUnitsXDirection, item.PhysicalUnitsYDirection = _AXES[kind]
    return item


def _placed(
    item: pydicom.Dataset, corner: tuple[float, float], step: tuple[float, float]
) -> pydicom.Dataset:
    """State the place of the first pixel and the steps, from SI."""
    across, down = (_SI[unit] for unit in _AXES[item.RegionSpatialFormat])
    item.ReferencePixelX0 = item.ReferencePixelY0 = 0
    item.ReferencePixelPhysicalValueX = corner[0] / across
    item.ReferencePixelPhysicalValueY = corner[1] / down
    item.PhysicalDeltaX, item.PhysicalDeltaY = step[0] / across, step[1] / down
    return item
