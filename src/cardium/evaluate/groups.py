"""What results are broken down by: labels of entries, and the age in bands."""

from __future__ import annotations

from cardium.core import Entry, Task, age_band


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
    {'age_band': '60-74'}
    """
    said = task.group_of(entry)
    said = {k: v for k, v in said.items() if v not in ("None", "nan") and k != "age"}
    band = age_band(entry.labels.get("age"))
    if band is not None:
        banded = {"age", "age_band"} & set(task.groups) - said.keys()
        said |= dict.fromkeys(banded, band)
    return said
