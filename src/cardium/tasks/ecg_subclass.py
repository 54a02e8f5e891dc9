"""From an ECG to the 23 diagnostic subclasses of PTB-XL."""

from __future__ import annotations

from cardium.core import Task
from cardium.measure.statements import statement_names
from cardium.tasks._ecg_statements import build_statements

CLASSES = statement_names("subclass")
"""The subclasses, in the order of their names."""


def build(*, rate: int = 100, min_likelihood: float = 0.0, leads: int = 12) -> Task:
    """Build the task: say which diagnostic subclasses an ECG belongs to.

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
        recordings is NaN by its name and not in the mean.

    Raises
    ------
    InvalidArgumentError
        If an option is out of its range.

    Notes
    -----
    The task "subdiagnostic" of Strodthoff et al., "Deep learning for ECG analysis:
    benchmarks and insights from PTB-XL", IEEE JBHI 25 (2021), where the mean AUROC on
    fold 10 is between 0.859 and 0.930. Recordings without a diagnostic statement are
    not in it: fold 10 of version 1.0.3 has 2,158 that are.

    At 100 Hz the dataset's own copy (``ecg_100hz``) is used where there is one, as in
    the paper. Otherwise ``ecg`` is resampled (`cardium.signal.resampling.resample`).
    Samples that are no number are 0 mV.

    The areas are over recordings, all pooled, as published; ``fmax`` is
    `cardium.metrics.fmax`, whose threshold is the best for the very recordings that are
    scored; ``log_loss`` is averaged by patient.

    Examples
    --------
    >>> len(build().output.classes), build().output.classes[:3]
    (23, ('AMI', 'CLBBB', 'CRBBB'))
    """
    return build_statements(
        "ecg_subclass",
        "subclass",
        rate=rate,
        min_likelihood=min_likelihood,
        leads=leads,
    )
