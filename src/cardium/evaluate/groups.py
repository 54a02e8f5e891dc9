"""What results are broken down by: labels of entries, and the age in bands."""

from __future__ import annotations

import math

from cardium.core import Entry, Task

AGE_BANDS = ("0-39", "40-59", "60-79", "80+")
"""Years of age, both ends included."""

_FROM = (0, 40, 60, 80)


def group_of(task: Task, entry: Entry) -> dict[str, str]:
    """Return the values by which an entry's result is broken down.

    Parameters
    ----------
    task : Task
        Whose ``groups`` name the labels. ``"age_band"``, where the entry has no such
        label, and ``"age"`` stand for the band of the label ``age``.
    entry : Entry
        The recording.

    Returns
    -------
    dict of str to str
        By label; what the entry does not know is left out.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from cardium.tasks import open_task
    >>> task = replace(open_task("ecg_superclass"), groups=("sex", "age_band"))
    >>> entry = Entry("r0", "p0", "", frozenset(), labels={"sex": None, "age": 61.0})
    >>> group_of(task, entry)
    {'age_band': '60-79'}
    """
    said = task.group_of(entry)
    said = {k: v for k, v in said.items() if v not in ("None", "nan")}
    band = age_band(entry.labels.get("age"))
    said.pop("age", None)
    banded = {"age", "age_band"} & set(task.groups) - said.keys() if band else ()
    return {**said, **dict.fromkeys(banded, band)}


def age_band(age: object) -> str:
    """Return the band of an age.

    Parameters
    ----------
    age : object
        In years.

    Returns
    -------
    str
        One of `AGE_BANDS`; empty if the age is no number or negative.

    Examples
    --------
    >>> [age_band(age) for age in (39.9, 40, 300, float("nan"), None)]
    ['0-39', '40-59', '80+', '', '']
    """
    if not isinstance(age, (int, float)) or not math.isfinite(age) or age < 0:
        return ""
    return AGE_BANDS[sum(age >= first for first in _FROM) - 1]
