"""Pure functions between beamspace, image planes and contours."""

from cardium.geometry.contour import contour_mask, lv_label_map, polygon_area
from cardium.geometry.scan import (
    SamplingTable,
    inside,
    plane_around,
    resample,
    resample_labels,
    resample_velocity,
    sampling_table,
    with_shape,
)

__all__ = [
    "SamplingTable",
    "contour_mask",
    "inside",
    "lv_label_map",
    "plane_around",
    "polygon_area",
    "resample",
    "resample_labels",
    "resample_velocity",
    "sampling_table",
    "with_shape",
]
