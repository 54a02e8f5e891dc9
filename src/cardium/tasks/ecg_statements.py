"""From an ECG to all 71 statements of PTB-XL."""

from __future__ import annotations

from cardium.core import Task
from cardium.measure.statements import statement_names
from cardium.tasks._ecg_statements import build_statements

CLASSES = statement_names("all")
"""All codes, in the order of their names."""


def build(*, rate: int = 100, min_likelihood: float = 0.0, leads: int = 12) -> Task:
    """Build the task: say which statements an ECG deserves.

    Parameters
    ----------
    rate : {100, 500} [Hz]
        Samples a second that the model sees.
    min_likelihood : float [%]
        Leave out diagnostic codes whose stated likelihood is lower, by the label
        ``scp_codes``. A likelihood of 0 means that none was stated, and always counts.
        With 0, the rule of the benchmark, every code counts.
    leads : {12, 6, 4, 3, 2}
        How many leads the model sees: one of `cardium.signal.LEAD_SETS`.

    Returns
    -------
    Task
        Primary metric ``macro_auroc``. A class without both outcomes among the scored
        recordings is not in the mean; ``classes`` says how many are. Areas
        of single classes are not printed: probabilities and truths of each recording
        are among the scores.

    Raises
    ------
    InvalidArgumentError
        If an option is out of its range.

    Notes
    -----
    The task "all" of Strodthoff et al., "Deep learning for ECG analysis: benchmarks and
    insights from PTB-XL", IEEE JBHI 25 (2021), where the mean AUROC on fold 10 is
    between 0.849 and 0.925, and Fmax 0.764 at best. Every recording is in it; some
    classes have one positive in fold 10.

    At 100 Hz the dataset's own copy (``ecg_100hz``) is used where there is one, as in
    the paper. Otherwise ``ecg`` is resampled (`cardium.signal.resampling.resample`).
    Samples that are no number are 0 mV.

    The areas are over recordings, all pooled, as published; ``fmax`` is
    `cardium.metrics.fmax`, whose threshold is the best for the very recordings that are
    scored; ``log_loss`` is averaged by patient.

    Examples
    --------
    >>> len(build().output.classes), build(leads=2).options["leads"]
    (71, 2)
    """
    return build_statements(
        "ecg_statements", "all", rate=rate, min_likelihood=min_likelihood, leads=leads
    )
