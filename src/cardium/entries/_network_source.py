"""The source of a network, freed from cardium: what builds it, and its layers."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from types import CodeType, ModuleType

from cardium.core import Recipe
from cardium.errors import InvalidArgumentError

_PACKAGE = "network"
_LICENCE = "# SPDX-License-Identifier: Apache-2.0\n"
_OURS = ("cardium.core", "cardium.errors")
_LAYERS = "cardium.models."
_SETTINGS = "cardium.models._records"
_LIBRARIES = {"torch", "numpy", "scipy"}
_STAND_INS = '''"""What the network's source takes from the toolkit it comes from."""


class InvalidArgumentError(ValueError):
    """An argument is out of its range."""


def need(library, *, extra):
    """Do nothing: requirements.txt has what is needed."""
'''
_STOOD_IN = {"InvalidArgumentError", "need"}


def network_files(recipe: Recipe) -> dict[str, str]:
    """Return the files of a package ``network`` with a function ``build``, by name.

    Raises
    ------
    InvalidArgumentError
        If the source needs something that cannot be taken along.
    """
    start = sys.modules[recipe.build.__module__]
    files: dict[str, str] = {}
    _copy(start, "_build", files)
    files["__init__.py"] = (
        f'{_LICENCE}"""What builds the network, and its layers."""\n\n'
        f"from {_PACKAGE}._build import {recipe.build.__name__} as build\n\n"
        '__all__ = ["build"]\n'
    )
    files["_stand_ins.py"] = _LICENCE + _STAND_INS
    return files


def _copy(module: ModuleType, name: str, files: dict[str, str]) -> None:
    """Rewrite a module's source, and that of the layers that it imports."""
    source = inspect.getsource(module)
    tree = ast.parse(source)
    lines = source.splitlines()
    dropped: set[str] = set()
    wanted: list[str] = []
    for node in sorted(_replaceable(tree), key=lambda n: -n.lineno):
        text = ""
        if isinstance(node, ast.ImportFrom):
            text, left, layers = _rewritten(node, module.__name__)
            dropped |= left
            wanted += layers
        indent = " " * node.col_offset
        last = node.end_lineno or node.lineno
        lines[node.lineno - 1 : last] = [indent + text] if text else []
    rewritten = _LICENCE + "\n".join(lines).strip() + "\n"
    used = dropped & _names(compile(rewritten, f"{name}.py", "exec"))
    if used:
        raise InvalidArgumentError(
            f"The source of '{module.__name__}' uses {', '.join(sorted(used))} of "
            "cardium, which an entry has not. Keep what builds the network apart."
        )
    files[f"{name}.py"] = rewritten
    for layer in wanted:
        if f"{layer}.py" not in files:
            _copy(import_module(_LAYERS + layer), layer, files)


def _replaceable(tree: ast.Module) -> Iterator[ast.stmt]:
    """Find imports, wherever they are, and the recipe."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in (
            "cardium",
        ):
            yield node
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            _check_library(node)
    for node in tree.body:
        if isinstance(node, ast.Assign) and _is_recipe(node):
            yield node


def _is_recipe(node: ast.Assign) -> bool:
    """Say whether an assignment is that of the recipe."""
    return (
        isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "Recipe"
    )


def _rewritten(node: ast.ImportFrom, where: str) -> tuple[str, set[str], list[str]]:
    """Return an import's new text, the names it drops, and the layers to take along."""
    module, names = node.module or "", [alias.name for alias in node.names]
    if module == _SETTINGS:
        return "", set(names), []
    if module.startswith(_LAYERS):
        layer = module.removeprefix(_LAYERS)
        return f"from {_PACKAGE}.{layer} import {', '.join(names)}", set(), [layer]
    if module in _OURS:
        kept = [name for name in names if name in _STOOD_IN]
        text = f"from {_PACKAGE}._stand_ins import {', '.join(kept)}" if kept else ""
        return text, set(names) - _STOOD_IN, []
    raise InvalidArgumentError(
        f"The source of '{where}' imports '{module}', which an entry has not."
    )


def _check_library(node: ast.Import | ast.ImportFrom) -> None:
    """Refuse a library that the requirements of an entry do not name."""
    modules = [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        modules = [node.module or ""]
    for module in modules:
        top = module.split(".")[0]
        if top not in _LIBRARIES and top not in sys.stdlib_module_names:
            raise InvalidArgumentError(
                f"The network's source imports '{module}'; an entry has "
                f"{', '.join(sorted(_LIBRARIES))} and the standard library."
            )


def _names(code: CodeType) -> set[str]:
    """Return the names that compiled code looks up; annotations are not among them."""
    found = {*code.co_names}
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            found |= _names(inner)
    return found
