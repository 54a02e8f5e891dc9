"""The exceptions of the package; each message says what, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable


class CardiumError(Exception):
    """Whatever cardium raises on purpose; catch this to catch them all."""


class DataMissingError(CardiumError, FileNotFoundError):
    """A file that the dataset's layout promises is not on disk."""


class DataCorruptError(CardiumError, ValueError):
    """A file is there but is not what its header, its checksum or its layout says."""


class GeometryError(CardiumError, ValueError):
    """A geometry contradicts itself or the array it is given with."""


class NotProvidedError(CardiumError, ValueError):
    """A dataset or a recording does not have what a task asks of it."""


class SplitLeakError(CardiumError, ValueError):
    """A patient stands on two sides of a split."""


class AnswerError(CardiumError, ValueError):
    """A model's answer does not have the names, shapes or values the task defines."""


class RunConflictError(CardiumError, ValueError):
    """A folder holds a run or predictions that were made with other settings."""


class InvalidArgumentError(CardiumError, ValueError):
    """An argument is out of its range or contradicts another."""


class MissingLibraryError(CardiumError, ImportError):
    """An optional library is not installed."""


class UnknownNameError(CardiumError, LookupError):
    """A name that no dataset, task, model, split or recording has.

    Parameters
    ----------
    kind : str
        What the name should have named, as a reader would say it: ``"dataset"``.
    name : str
        The name that was asked for.
    known : iterable of str
        The names there are; the nearest one is suggested.

    Examples
    --------
    >>> print(UnknownNameError("dataset", "cammus", ["camus", "ptb_xl"]))
    No dataset 'cammus'; did you mean 'camus'? There are: camus, ptb_xl.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        from difflib import get_close_matches

        names = list(known)
        near = get_close_matches(name, names, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else "."
        rest = [f"… ({len(names)} in all)"] if len(names) > 12 else []
        listed = [*names[:12], *rest]
        there = f" There are: {', '.join(listed)}." if names else " There are none."
        super().__init__(f"No {kind} '{name}'{hint}{there}")
        self.name = name
