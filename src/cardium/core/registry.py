"""Registries: one module a thing, found by its file name; plugins by entry point."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import Any, Generic, TypeVar, cast

from cardium.errors import InvalidArgumentError, UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """The datasets, the tasks or the models there are, by name.

    A module ``cardium.datasets.camus`` with an attribute ``DATASET`` is the dataset
    ``camus``. Another package adds one by an entry point in the group
    ``cardium.datasets`` whose value is ``"package.module:ATTRIBUTE"``. Nothing is
    imported until it is asked for by name.

    Parameters
    ----------
    kind : str
        What is registered: ``"dataset"``. The modules live in the package
        ``cardium.<kind>s``, which is the entry point group as well.
    attribute : str
        What the module calls it: ``"DATASET"``.
    of : type
        What it must be.

    Examples
    --------
    >>> from cardium.core import Task
    >>> tasks = Registry("task", "TASK", Task)
    >>> "lv_segmentation" in tasks.names()
    True
    """

    def __init__(self, kind: str, attribute: str, of: type[Any]) -> None:
        self.kind = kind
        self.group = f"cardium.{kind}s"
        self._attribute = attribute
        self._of = of

    @cache  # noqa: B019 - a registry lives as long as the process
    def _where(self) -> dict[str, str]:
        """Map each name to ``module:attribute``; a module of cardium's own wins."""
        found = {e.name: e.value for e in entry_points(group=self.group)}
        package = import_module(self.group)
        for module in iter_modules(package.__path__):
            if not module.name.startswith("_"):
                name = module.name
                found[name] = f"{self.group}.{name}:{self._attribute}"
        return dict(sorted(found.items()))

    def names(self) -> list[str]:
        """List the names, importing none of the modules."""
        return list(self._where())

    def find(self, name: str) -> T:
        """Import one by name.

        Raises
        ------
        UnknownNameError
            If there is none of that name.
        InvalidArgumentError
            If a plugin's entry point does not lead to what it should.
        """
        where = self._where()
        if name not in where:
            raise UnknownNameError(self.kind, name, where)
        module, _, attribute = where[name].partition(":")
        value = getattr(import_module(module), attribute, None)
        if not isinstance(value, self._of):
            raise InvalidArgumentError(
                f"The {self.kind} '{name}' should be a {self._of.__name__} at "
                f"'{where[name]}', found {type(value).__name__}. Mend the module or "
                f"the entry point '{self.group}'."
            )
        return cast(T, value)
