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
        "tissue_velocity": "data/tissue_doppler",
        "colour_velocity": "data/2d_color_doppler_velocity",
        "colour_power": "data/2d_color_doppler_power",
        "ecg": "data/ecg",
    }
)
"""The array of each stream."""

TIMES: Mapping[str, str] = {
    "b_mode": "timestamps/2d_brightness_mode",
    "tissue_velocity": "timestamps/tissue_doppler",
    "colour_velocity": "timestamps/2d_color_doppler",
    "colour_power": "timestamps/2d_color_doppler",
    "ecg": "timestamps/ecg",
}
"""Where the times of each stream are written."""

B_MODE_CONTENT = "2d_brightness_mode"
TISSUE_CONTENT = "2d_tissue_doppler"
COLOUR_CONTENT = "2d_color_doppler"
LV_STRAIN = "2d_left_ventricular_strain"
LA_STRAIN = "2d_left_atrial_strain"

LINEAR_TISSUE = "linear_velocity_uint8_mps_v1"
RAW_TISSUE = "ge_tdi_raw_u16"

LV_ROLES = ("2ch", "3ch", "4ch")
"""Apical views of a left-ventricular strain analysis."""

LAYERS = ("endocardium", "subendocardium", "midwall", "subepicardium", "epicardium")
"""The layers of a left-ventricular contour, from the inside out."""
