"""How a broken contract is reported."""

from __future__ import annotations


class ConformanceError(AssertionError):
    """A dataset, a task or a model breaks the contract of its kind."""


def expect(holds: object, message: str) -> None:
    """Raise `ConformanceError` unless the condition holds."""
    if not holds:
        raise ConformanceError(message)
