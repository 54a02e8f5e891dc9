"""Names in EchoXFlow's layout that reading the catalog, a store and writing share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CATALOGUE = "croissant.json"
FOLD_FILES = ("splits.csv", "five_fold_split.csv")
FOLD_COLUMNS = ("five_fold_split", "fold")
FOLDS = 5

PATHS: Mapping[str, str] = MappingProxyType(
    {
        "b_mode": "data/2d_brightness_mode",
        "b_mode_0": "data/2d_brightness_mode_0",
        "b_mode_1": "data/2d_brightness_mode_1",
        "b_mode_2": "data/2d_brightness_mode_2",
        "b_mode_biplane": "data/2d_biplane_brightness_mode",
        "b_mode_triplane": "data/2d_triplane_brightness_mode",
        "b_mode_3d": "data/3d_brightness_mode",
        "m_mode": "data/1d_motion_mode",
        "pulsed_wave": "data/1d_pulsed_wave_doppler",
        "continuous_wave": "data/1d_continuous_wave_doppler",
        "tissue_velocity": "data/tissue_doppler",
        "colour_velocity": "data/2d_color_doppler_velocity",
        "colour_power": "data/2d_color_doppler_power",
        "ecg": "data/ecg",
    }
)
"""The array of each stream."""

TIMES: Mapping[str, str] = MappingProxyType(
    {
        name: path.replace("data/", "timestamps/")
        .removesuffix("_velocity")
        .removesuffix("_power")
        for name, path in PATHS.items()
    }
)
"""Where the times of each stream are written; velocity and power share a clock."""

MESH = "data/3d_left_ventricle_mesh"
"""The group of the ventricle's surface; its times are one array in ``timestamps/``."""

B_MODE_CONTENT = "2d_brightness_mode"
TISSUE_CONTENT = "2d_tissue_doppler"
COLOUR_CONTENT = "2d_color_doppler"
LV_STRAIN = "2d_left_ventricular_strain"
LA_STRAIN = "2d_left_atrial_strain"
RV_STRAIN = "2d_right_ventricular_strain"

CONTENT: Mapping[str, str] = MappingProxyType(
    {
        "b_mode": B_MODE_CONTENT,
        "b_mode_0": "2d_biplane_brightness_mode",
        "b_mode_1": "2d_biplane_brightness_mode",
        "b_mode_2": "2d_triplane_brightness_mode",
        "b_mode_biplane": "2d_biplane_brightness_mode",
        "b_mode_triplane": "2d_triplane_brightness_mode",
        "b_mode_3d": "3d_brightness_mode",
        "m_mode": "1d_motion_mode",
        "pulsed_wave": "1d_pulsed_wave_doppler",
        "continuous_wave": "1d_continuous_wave_doppler",
        "tissue_velocity": TISSUE_CONTENT,
        "colour_velocity": COLOUR_CONTENT,
        "colour_power": COLOUR_CONTENT,
    }
)
"""The content type of each stream; an ECG has none."""

LINEAR_TISSUE = "linear_velocity_uint8_mps_v1"
RAW_TISSUE = "ge_tdi_raw_u16"

LV_ROLES = ("2ch", "3ch", "4ch")
"""Apical views of a left-ventricular strain analysis."""

ROLES = (*LV_ROLES, "rv", "la", "lv")
"""Every role that contours and curves of a strain analysis are named after."""

LAYERS = ("endocardium", "subendocardium", "midwall", "subepicardium", "epicardium")
"""The layers of a contour of the left ventricle or atrium, from the inside out."""

RV_LAYERS = ("endocardium", "midwall", "epicardium")
"""The layers of a contour of the right ventricle, from the inside out."""

STRAIN: Mapping[str, str] = MappingProxyType(
    {"lv": LV_STRAIN, "la": LA_STRAIN, "rv": RV_STRAIN}
)
"""The content type of an analysis of each chamber."""

ANNOTATIONS = (
    "qrs",
    *(f"{chamber}_{what}" for chamber in STRAIN for what in ("contour", "strain")),
    "lv_mesh",
    "lv_mask",
)
"""What readers, or models, add to recordings."""
