"""ECG as it comes in: boards, gaps, R peaks, a record that survives, a view."""

from __future__ import annotations

from cardium.live.board import BrainFlowBoard, write_playback
from cardium.live.detector import RPeak, RPeakDetector
from cardium.live.model import LiveModel, open_model
from cardium.live.monitor import Beat, Monitor, Summary
from cardium.live.recorder import Recorder, recover
from cardium.live.rows import Board, Clock, Gap, GapKind, Rows
from cardium.live.source import Source

__all__ = [
    "Beat",
    "Board",
    "BrainFlowBoard",
    "Clock",
    "Gap",
    "GapKind",
    "LiveModel",
    "Monitor",
    "RPeak",
    "RPeakDetector",
    "Recorder",
    "Rows",
    "Source",
    "Summary",
    "open_model",
    "recover",
    "write_playback",
]
