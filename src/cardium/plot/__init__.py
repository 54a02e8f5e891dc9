"""Pictures for readers: cases, ECGs, clips and the report page.

Everything here draws on its own canvas; no global state of a plotting library is
touched, and no window is opened.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cardium.plot.attribution import draw_attribution as draw_attribution
    from cardium.plot.calibration import draw_calibration as draw_calibration
    from cardium.plot.case import draw_case as draw_case
    from cardium.plot.clip import draw_picture as draw_picture
    from cardium.plot.clip import write_panels as write_panels
    from cardium.plot.clip import write_picture as write_picture
    from cardium.plot.ecg import draw_ecg as draw_ecg
    from cardium.plot.ecg_picture import write_ecg as write_ecg
    from cardium.plot.page import Case as Case
    from cardium.plot.page import choose_cases as choose_cases
    from cardium.plot.page import compare_models as compare_models
    from cardium.plot.page import name_models as name_models
    from cardium.plot.page import write_report as write_report
    from cardium.plot.paper import write_paper as write_paper
    from cardium.plot.rhythm_strip import draw_rhythm_strip as draw_rhythm_strip

_WHERE = {
    "Case": "page",
    "choose_cases": "page",
    "compare_models": "page",
    "draw_attribution": "attribution",
    "draw_calibration": "calibration",
    "draw_case": "case",
    "draw_ecg": "ecg",
    "draw_picture": "clip",
    "draw_rhythm_strip": "rhythm_strip",
    "name_models": "page",
    "write_ecg": "ecg_picture",
    "write_panels": "clip",
    "write_paper": "paper",
    "write_picture": "clip",
    "write_report": "page",
}
__all__ = [*_WHERE]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _WHERE:
        raise AttributeError(f"module 'cardium.plot' has no attribute '{name}'")
    return getattr(import_module(f"cardium.plot.{_WHERE[name]}"), name)
