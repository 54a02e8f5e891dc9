"""Fitted models as entries to challenges: folders that need nothing of cardium."""

from __future__ import annotations

from cardium.entries.challenge import class_codes, export_challenge_2021

__all__ = ["class_codes", "export_challenge_2021"]
