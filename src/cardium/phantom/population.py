"""Patients whose numbers belong together, drawn one by one or as a population."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.phantom._draws import draw_conditions, draw_fields, draw_rate
from cardium.phantom.patient import CONDITIONS, Patient


def sample_patient(
    number: int, *, visit: int = 0, conditions: tuple[str, ...] | None = None
) -> Patient:
    """Draw a patient whose numbers belong together.

    Parameters
    ----------
    number : int
        Which patient. The same number is the same patient.
    visit : int
        Which examination: the same person, with a heart rate that differs a little.
    conditions : tuple of str, optional
        Diseases, of `CONDITIONS`; none for a healthy one. If not given, they are drawn
        too: two in five patients are healthy.

    Returns
    -------
    patient : Patient
        Sizes go with sex, body and age, function and filling with disease.

    Raises
    ------
    UnknownNameError
        If there is no such condition.
    InvalidArgumentError
        If a number is negative, or no patient has these conditions together.

    Examples
    --------
    >>> one = sample_patient(7, conditions=("dilated",))
    >>> again = sample_patient(7, visit=1, conditions=("dilated",))
    >>> one.edv_ml == again.edv_ml, abs(one.heart_rate - again.heart_rate) < 10
    (True, True)
    """
    if number < 0 or visit < 0:
        raise InvalidArgumentError(
            "sample_patient: number and visit must not be negative, got "
            f"{number} and {visit}."
        )
    for name in conditions or ():
        if name not in CONDITIONS:
            raise UnknownNameError("condition", name, CONDITIONS)
    rng = np.random.default_rng([number, 1])
    named = draw_conditions(rng) if conditions is None else tuple(conditions)
    for attempt in range(_ATTEMPTS):
        try:
            patient = Patient(number=number, **draw_fields(rng, named))
            break
        except InvalidArgumentError as error:
            if attempt == _ATTEMPTS - 1:
                raise InvalidArgumentError(
                    f"sample_patient: no patient has {named} together. The last of "
                    f"{_ATTEMPTS} that were drawn: {error}"
                ) from error
    return _at_visit(patient, visit) if visit else patient


def sample_population(
    count: int,
    *,
    seed: int = 0,
    visits: int = 1,
    conditions: tuple[str, ...] | None = None,
) -> list[Patient]:
    """Draw patients, each with one or several visits.

    Parameters
    ----------
    count : int
        Number of patients.
    seed : int
        Another seed draws other patients.
    visits : int
        Examinations of each.
    conditions : tuple of str, optional
        Diseases that all of them have; as they come, if not given.

    Returns
    -------
    patients : list of Patient
        ``count * visits``, the visits of a patient one after another. A smaller
        population is the beginning of a larger one.

    Raises
    ------
    UnknownNameError
        If there is no such condition.
    InvalidArgumentError
        If a number is out of range, or the conditions do not go together.

    Examples
    --------
    >>> patients = sample_population(2, seed=3, visits=2)
    >>> [(patient.number, patient.visit) for patient in patients]
    [(3000000, 0), (3000000, 1), (3000001, 0), (3000001, 1)]
    """
    if not 1 <= count <= _POPULATION or visits < 1 or seed < 0:
        raise InvalidArgumentError(
            f"sample_population: 1..{_POPULATION} patients, one visit at least and a "
            f"seed that is not negative, got {count}, {visits} and {seed}."
        )
    return [
        sample_patient(seed * _POPULATION + k, visit=visit, conditions=conditions)
        for k in range(count)
        for visit in range(visits)
    ]


_ATTEMPTS = 200
_POPULATION = 1_000_000


def _at_visit(patient: Patient, visit: int) -> Patient:
    """Let a patient come again: the heart beats a little slower or faster."""
    rng = np.random.default_rng([patient.number, 2, visit])
    for _ in range(_ATTEMPTS):
        rate = draw_rate(rng, patient.heart_rate)
        try:
            return replace(patient, visit=visit, heart_rate=rate)
        except InvalidArgumentError:
            continue
    return replace(patient, visit=visit)
