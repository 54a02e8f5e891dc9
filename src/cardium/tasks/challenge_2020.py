"""From an ECG to the diagnoses of the PhysioNet/CinC Challenge 2020."""

from __future__ import annotations

from cardium.core import Task
from cardium.metrics import CLASSES_2020
from cardium.tasks._challenge import build_challenge

CLASSES = CLASSES_2020
"""The 24 classes of 27 codes, in the order in which 2021 has them."""


def build(
    *, weights: str = "", leads: int = 12, rate: int = 500, threshold: float = 0.5
) -> Task:
    """Build the task: say which of the scored diagnoses an ECG deserves.

    Parameters
    ----------
    weights : str
        The challenge's own ``weights.csv``, or the folder that holds it: it comes with
        https://github.com/physionetchallenges/evaluation-2020, and cardium does not
        ship it. Without it there is no challenge score.
    leads : {12, 6, 4, 3, 2}
        How many leads the model sees: one of `cardium.signal.LEAD_SETS`.
    rate : int [Hz]
        Samples a second that the model sees, whatever the record has.
    threshold : float
        The probability from which on a class counts as predicted.

    Returns
    -------
    Task
        Primary metric ``challenge_score`` with weights, and ``macro_auroc`` without
        them, as the title says.

    Raises
    ------
    InvalidArgumentError
        If an option is out of its range.
    DataMissingError
        If there is no file of weights where it should be.
    DataCorruptError
        If it is not the file of weights of 2020.

    Notes
    -----
    The score of Perez Alday et al., Physiological Measurement 41:124003 (2020)
    (`cardium.metrics.challenge_score`): 1 for the truth, 0 for a model that always
    answers sinus rhythm. The best of the hidden test set was 0.533. That set was never
    published: scores on a part of the training data cannot be compared with it.

    Codes that are not scored do not count, and a record that has no other is scored
    all the same, as in the challenge. A record whose ``Dx`` is empty says nothing and
    is not in the task; the challenge's own code takes it for one without any class,
    which leaves the score as it is. Records are resampled
    (`cardium.signal.resampling.resample`); samples that are no number are 0 mV. A
    record without one of its leads is refused.

    All metrics are of all recordings pooled, but for ``log_loss``. ``f_2`` and ``g_2``
    are `cardium.metrics.f_and_g_beta`.

    Examples
    --------
    >>> task = build()
    >>> task.primary, len(task.output.classes)
    ('macro_auroc', 24)
    """
    return build_challenge(
        "challenge_2020",
        2020,
        weights=weights,
        leads=leads,
        rate=rate,
        threshold=threshold,
    )
