"""From an ECG to the 12 statements of PTB-XL on its rhythm."""

from __future__ import annotations

from cardium.core import Task
from cardium.measure.statements import statement_names
from cardium.tasks._ecg_statements import build_statements

CLASSES = statement_names("rhythm")
"""The rhythm codes, in the order of their names."""


def build(*, rate: int = 100, min_likelihood: float = 0.0, leads: int = 12) -> Task:
    """Build the task: say which statements on its rhythm an ECG deserves.

    Parameters
    ----------
    rate : {100, 500} [Hz]
        Samples a second that the model sees.
    min_likelihood : float [%]
        Leave out diagnostic codes whose stated likelihood is lower. It is here for
        the sake of the six tasks being alike: rhythm codes always count.
    leads : {12, 6, 4, 3, 2}
        How many leads the model sees: one of `cardium.signal.LEAD_SETS`.

    Returns
    -------
    Task
        Primary metric ``macro_auroc``. A class without both outcomes among the scored
        recordings is NaN by its name and not in the mean.

    Raises
    ------
    InvalidArgumentError
        If an option is out of its range.

    Notes
    -----
    The task "rhythm" of Strodthoff et al., "Deep learning for ECG analysis: benchmarks
    and insights from PTB-XL", IEEE JBHI 25 (2021), where the mean AUROC on fold 10 is
    between 0.890 and 0.957. Recordings without a rhythm statement are not in it: fold
    10 of version 1.0.3 has 2,098 that are.

    At 100 Hz the dataset's own copy (``ecg_100hz``) is used where there is one, as in
    the paper. Otherwise ``ecg`` is resampled (`cardium.signal.resampling.resample`).
    Samples that are no number are 0 mV.

    The areas are over recordings, all pooled, as published; ``fmax`` is
    `cardium.metrics.fmax`, whose threshold is the best for the very recordings that are
    scored; ``log_loss`` is averaged by patient.

    Examples
    --------
    >>> build().output.classes[:3], build().needs[1]
    (('AFIB', 'AFLT', 'BIGU'), 'rhythm_statements')
    """
    return build_statements(
        "ecg_rhythm", "rhythm", rate=rate, min_likelihood=min_likelihood, leads=leads
    )
