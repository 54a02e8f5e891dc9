"""Parts of a recording that are opened when they are asked for, and raise then.

What a reader added may be damaged while the images are whole; so it is not opened with
them, and says what is wrong with it to whoever asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar, overload

T = TypeVar("T")


class Deferred(Mapping[str, T]):
    """Things by name: their names are found at the first question, each at its own.

    Parameters
    ----------
    find : function () -> mapping of str to function () -> thing
        Finds the names, and what opens each.

    Examples
    --------
    >>> parts = Deferred(lambda: {"one": lambda: 1, "broken": lambda: 1 / 0})
    >>> parts["one"], "broken" in parts, len(parts)
    (1, True, 2)
    """

    def __init__(self, find: Callable[[], Mapping[str, Callable[[], T]]]) -> None:
        self._find = find
        self._opened: dict[str, T] = {}

    @cached_property
    def _openers(self) -> Mapping[str, Callable[[], T]]:
        """Return what opens each thing."""
        return self._find()

    def __getitem__(self, name: str) -> T:
        if name not in self._opened:
            self._opened[name] = self._openers[name]()
        return self._opened[name]

    def __contains__(self, name: object) -> bool:
        return name in self._openers

    def __iter__(self) -> Iterator[str]:
        return iter(self._openers)

    def __len__(self) -> int:
        return len(self._openers)

    def __repr__(self) -> str:
        return f"<{', '.join(self) or 'nothing'}>"


class DeferredTuple(Sequence[T]):
    """Things in order, read together at the first question.

    Parameters
    ----------
    load : function () -> tuple of things
        Reads them.

    Examples
    --------
    >>> things = DeferredTuple(lambda: (1, 2))
    >>> len(things), things[0], [*things], things == (1, 2)
    (2, 1, [1, 2], True)
    """

    def __init__(self, load: Callable[[], tuple[T, ...]]) -> None:
        self._load = load

    @cached_property
    def _things(self) -> tuple[T, ...]:
        """Return all of them."""
        return self._load()

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self._things[index]

    def __len__(self) -> int:
        return len(self._things)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DeferredTuple):
            other = tuple(other)
        return self._things == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._things)
