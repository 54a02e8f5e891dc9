"""Pure functions between beamspace, planes, volumes, contours and meshes."""

from cardium.geometry.contour import (
    chamber_label_map,
    contour_mask,
    lv_label_map,
    polygon_area,
)
from cardium.geometry.mesh import (
    close_mesh,
    is_closed,
    mesh_area,
    mesh_mask,
    mesh_section,
    mesh_volume,
)
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
from cardium.geometry.volume import (
    apical_plane,
    convert_angles,
    grid_around,
    short_axis_plane,
    standard_planes,
)

__all__ = [
    "SamplingTable",
    "apical_plane",
    "chamber_label_map",
    "close_mesh",
    "contour_mask",
    "convert_angles",
    "grid_around",
    "inside",
    "is_closed",
    "lv_label_map",
    "mesh_area",
    "mesh_mask",
    "mesh_section",
    "mesh_volume",
    "plane_around",
    "polygon_area",
    "resample",
    "resample_labels",
    "resample_velocity",
    "sampling_table",
    "short_axis_plane",
    "standard_planes",
    "with_shape",
]
