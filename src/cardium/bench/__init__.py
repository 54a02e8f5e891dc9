"""Benchmarks: a matrix of tasks, models, domains and folds, from one file."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cardium.bench.report import report_bench as report_bench
    from cardium.bench.run import open_bench as open_bench
    from cardium.bench.run import run_bench as run_bench
    from cardium.bench.run import run_one as run_one
    from cardium.bench.spec import list_specs as list_specs
    from cardium.bench.spec import load_spec as load_spec

_WHERE = {
    "list_specs": "cardium.bench.spec",
    "load_spec": "cardium.bench.spec",
    "open_bench": "cardium.bench.run",
    "report_bench": "cardium.bench.report",
    "run_bench": "cardium.bench.run",
    "run_one": "cardium.bench.run",
}
__all__ = [*_WHERE]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _WHERE:
        raise AttributeError(f"module 'cardium.bench' has no attribute '{name}'")
    return getattr(import_module(_WHERE[name]), name)
