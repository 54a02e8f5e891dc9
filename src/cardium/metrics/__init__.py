"""Numbers that say how good an answer is; pure functions of arrays."""

from cardium.metrics.averages import mean_over_patients
from cardium.metrics.classification import (
    ClassMean,
    auroc,
    average_precision,
    log_loss,
    macro_auroc,
    macro_average_precision,
)
from cardium.metrics.overlap import (
    SurfaceDistances,
    dice,
    hausdorff_95,
    mean_surface_distance,
    surface_distances,
)
from cardium.metrics.velocity import VelocityError, folded_difference, velocity_error

__all__ = [
    "ClassMean",
    "SurfaceDistances",
    "VelocityError",
    "auroc",
    "average_precision",
    "dice",
    "folded_difference",
    "hausdorff_95",
    "log_loss",
    "macro_auroc",
    "macro_average_precision",
    "mean_over_patients",
    "mean_surface_distance",
    "surface_distances",
    "velocity_error",
]
