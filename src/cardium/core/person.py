"""What files say of a person: age and sex, in whichever way they write it."""

from __future__ import annotations

import math
from typing import Literal

Sex = Literal["male", "female"]

AGE_BANDS = ("0-39", "40-59", "60-74", "75+")
"""Bands of age [years] by which results are broken down; sorted as names, too."""

_FROM = (40, 60, 75)
_OLDEST = 120.0  # years; a greater age is a code
_SEXES: dict[str, Sex] = {
    "m": "male",
    "male": "male",
    "f": "female",
    "female": "female",
}


def sex_of(text: str) -> Sex | None:
    """Read a sex.

    Parameters
    ----------
    text : str
        M, F, male or female, in any case.

    Returns
    -------
    {"male", "female"} or None
        None for whatever else: it is not known.

    Examples
    --------
    >>> [sex_of(text) for text in ("F", " Male", "Missing", "O")]
    ['female', 'male', None, None]
    """
    return _SEXES.get(text.strip().lower())


def plausible_age(age: str | float) -> float:
    """Read an age that a person can have.

    Parameters
    ----------
    age : str or float [years]
        As a file has it.

    Returns
    -------
    float [years]
        NaN if it is no number, negative, or a code such as 300.

    Examples
    --------
    >>> [plausible_age(age) for age in ("61", 0, "NaN", "-1", 300, "")]
    [61.0, 0.0, nan, nan, nan, nan]
    """
    try:
        years = float(age)
    except ValueError:
        return math.nan
    return years if 0 <= years <= _OLDEST else math.nan


def age_band(age: object) -> str | None:
    """Return the band of an age.

    Parameters
    ----------
    age : object
        In years; a code such as 300 stands for a great age.

    Returns
    -------
    str or None
        One of `AGE_BANDS`; None if the age is no number or negative.

    Examples
    --------
    >>> [age_band(age) for age in (39.9, 40, 74.0, 300, float("nan"), None)]
    ['0-39', '40-59', '60-74', '75+', None, None]
    """
    if not isinstance(age, (int, float)) or not math.isfinite(age) or age < 0:
        return None
    return AGE_BANDS[sum(age >= first for first in _FROM)]
