"""The types that every other layer speaks; numpy only."""

from cardium.core.annotation import Gate, Mark, Mesh
from cardium.core.clip import (
    Case,
    Clip,
    ClipRecipe,
    Field,
    Item,
    Protocol,
    ProtocolName,
    Training,
)
from cardium.core.dataset import (
    Check,
    Dataset,
    Finding,
    Info,
    KnownAnswer,
    OpenDataset,
    Progress,
    Rows,
    find_root,
)
from cardium.core.geometry import (
    Geometry,
    PlanarGeometry,
    VolumeGeometry,
    geometry_from_dict,
    geometry_to_dict,
)
from cardium.core.libraries import need
from cardium.core.model import Baseline, Model, Recipe, Setting, models_for
from cardium.core.planar import FloatArray, PlaneGrid, Sector
from cardium.core.provenance import provenance
from cardium.core.recording import Catalog, Entry, Label, Recording, fingerprint
from cardium.core.registry import Registry
from cardium.core.split import Split, split_catalog
from cardium.core.stream import STRUCTURES, UNLABELLED, Array, Stream
from cardium.core.task import (
    SIGNAL_KINDS,
    Answer,
    Columns,
    Kind,
    Metric,
    Output,
    Sample,
    Scores,
    Task,
    quarter_times,
)
from cardium.core.volumes import AngleConvention, SectorVolume, SlicePlane, VolumeGrid

__all__ = [
    "SIGNAL_KINDS",
    "STRUCTURES",
    "UNLABELLED",
    "AngleConvention",
    "Answer",
    "Array",
    "Baseline",
    "Case",
    "Catalog",
    "Check",
    "Clip",
    "ClipRecipe",
    "Columns",
    "Dataset",
    "Entry",
    "Field",
    "Finding",
    "FloatArray",
    "Gate",
    "Geometry",
    "Info",
    "Item",
    "Kind",
    "KnownAnswer",
    "Label",
    "Mark",
    "Mesh",
    "Metric",
    "Model",
    "OpenDataset",
    "Output",
    "PlanarGeometry",
    "PlaneGrid",
    "Progress",
    "Protocol",
    "ProtocolName",
    "Recipe",
    "Recording",
    "Registry",
    "Rows",
    "Sample",
    "Scores",
    "Sector",
    "SectorVolume",
    "Setting",
    "SlicePlane",
    "Split",
    "Stream",
    "Task",
    "Training",
    "VolumeGeometry",
    "VolumeGrid",
    "find_root",
    "fingerprint",
    "geometry_from_dict",
    "geometry_to_dict",
    "models_for",
    "need",
    "provenance",
    "quarter_times",
    "split_catalog",
]
