"""The numbers of the paper, and the columns that tables have."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from cardium.bench.tables import FoldMean


@dataclass(frozen=True, slots=True)
class Column:
    """A metric of a task as tables print it.

    Parameters
    ----------
    task, metric : str
        Which.
    title, unit : str
        Its head.
    digits : int
        Behind the point.
    """

    task: str
    metric: str
    title: str
    unit: str
    digits: int

    @property
    def head(self) -> str:
        """Title and unit."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title


@cache
def _paper() -> dict[str, Any]:
    """Read the paper's numbers."""
    path = files("cardium.bench").joinpath("published.toml")
    return tomllib.loads(path.read_text("utf-8"))


def paper_columns(protocol: str) -> list[Column]:
    """Return the columns of the paper's table, or those of the corrected one."""
    names = {"published": "column", "corrected": "corrected"}
    return [Column(**one) for one in _paper().get(names[protocol], ())]


def paper_value(recipe: str, domain: str, column: Column) -> FoldMean | None:
    """Return the paper's number, if it has one.

    Examples
    --------
    >>> tissue = paper_columns("published")[0]
    >>> paper_value("temporal_unet", "beamspace", tissue)
    FoldMean(mean=5.07, sd=0.27, folds=5)
    """
    line = _paper()["paper"].get(recipe, {}).get(domain, {})
    value = line.get(f"{column.task}.{column.metric}")
    if value is None:
        return None
    mean, sd = (*value, math.nan)[:2]
    return FoldMean(mean, sd, 5)
