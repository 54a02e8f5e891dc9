"""Numbers that say how good an answer is; pure functions of arrays."""

from cardium.metrics.averages import mean_over_patients
from cardium.metrics.beats import (
    BeatCounts,
    confuse_beats,
    count_beats,
    ectopic_rates,
    match_beats,
)
from cardium.metrics.calibration import (
    brier_score,
    expected_calibration_error,
    log_loss,
)
from cardium.metrics.challenge import (
    CLASSES_2020,
    CLASSES_2021,
    SCORED_2020,
    SCORED_2021,
    Weights,
    challenge_score,
    exact_match,
    read_weights,
)
from cardium.metrics.classification import (
    ClassMean,
    auroc,
    average_precision,
    macro_areas,
    macro_auroc,
    macro_average_precision,
    mean_over_classes,
)
from cardium.metrics.confusion import (
    ClassRates,
    class_rates,
    cohen_kappa,
    f_and_g_beta,
    f_beta,
    fmax,
    j_kappa,
)
from cardium.metrics.episodes import EpisodeCounts, count_episodes, episodes_of
from cardium.metrics.overlap import (
    SurfaceDistances,
    dice,
    hausdorff_95,
    mean_surface_distance,
    surface_distances,
)
from cardium.metrics.velocity import VelocityError, folded_difference, velocity_error

__all__ = [
    "CLASSES_2020",
    "CLASSES_2021",
    "SCORED_2020",
    "SCORED_2021",
    "BeatCounts",
    "ClassMean",
    "ClassRates",
    "EpisodeCounts",
    "SurfaceDistances",
    "VelocityError",
    "Weights",
    "auroc",
    "average_precision",
    "brier_score",
    "challenge_score",
    "class_rates",
    "cohen_kappa",
    "confuse_beats",
    "count_beats",
    "count_episodes",
    "dice",
    "ectopic_rates",
    "episodes_of",
    "exact_match",
    "expected_calibration_error",
    "f_and_g_beta",
    "f_beta",
    "fmax",
    "folded_difference",
    "hausdorff_95",
    "j_kappa",
    "log_loss",
    "macro_areas",
    "macro_auroc",
    "macro_average_precision",
    "match_beats",
    "mean_over_classes",
    "mean_over_patients",
    "mean_surface_distance",
    "read_weights",
    "surface_distances",
    "velocity_error",
]
