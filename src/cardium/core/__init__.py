"""The types that every other layer speaks; numpy only."""

from cardium.core.dataset import Dataset, Info, KnownAnswer, OpenDataset, find_root
from cardium.core.geometry import (
    FloatArray,
    Geometry,
    PlaneGrid,
    Sector,
    geometry_from_dict,
    geometry_to_dict,
)
from cardium.core.libraries import need
from cardium.core.model import Baseline, Model, Recipe, Setting, models_for
from cardium.core.provenance import provenance
from cardium.core.recording import Catalog, Entry, Label, Recording
from cardium.core.registry import Registry
from cardium.core.split import Split, split_catalog
from cardium.core.stream import STRUCTURES, UNLABELLED, Array, Stream
from cardium.core.task import (
    Answer,
    Columns,
    Kind,
    Metric,
    Output,
    Sample,
    Scores,
    Task,
)

__all__ = [
    "STRUCTURES",
    "UNLABELLED",
    "Answer",
    "Array",
    "Baseline",
    "Catalog",
    "Columns",
    "Dataset",
    "Entry",
    "FloatArray",
    "Geometry",
    "Info",
    "Kind",
    "KnownAnswer",
    "Label",
    "Metric",
    "Model",
    "OpenDataset",
    "Output",
    "PlaneGrid",
    "Recipe",
    "Recording",
    "Registry",
    "Sample",
    "Scores",
    "Sector",
    "Setting",
    "Split",
    "Stream",
    "Task",
    "find_root",
    "geometry_from_dict",
    "geometry_to_dict",
    "models_for",
    "need",
    "provenance",
    "split_catalog",
]
