"""Validate the docstrings of every public name, as numpydoc defines it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
import tomllib
from pathlib import Path

from numpydoc.validate import validate

import cardium

CHECKS = set(
    tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["tool"][
        "numpydoc_validation"
    ]["checks"]
)
# commands are documented by their help, protocols' methods by one line
ONE_LINE = ("cardium.cli", "cardium.core.model", "cardium.core.stream.Array")


def public_names() -> list[str]:
    """Dotted names of the public functions, classes and methods, where they live."""
    found = []
    for info in pkgutil.walk_packages(cardium.__path__, "cardium."):
        if any(part.startswith("_") for part in info.name.split(".")):
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", "") != info.name:
                continue
            if inspect.isfunction(value) or inspect.isclass(value):
                found.append(f"{info.name}.{name}")
    return found


def main() -> int:
    """Print what is wrong, a line each."""
    problems = []
    names = public_names()
    for name in names:
        if name.startswith(ONE_LINE):
            continue
        result = validate(name)
        one_line = "\n" not in (result["docstring"] or "\n").strip()
        for code, text in result["errors"]:
            # a one-line docstring is enough where the signature says the rest
            if code in CHECKS and not (
                one_line and code in {"PR01", "RT01", "YD01", "EX01"}
            ):
                problems.append(f"{name}: {code} {text}")
    print("\n".join(problems) or f"{len(names)} public names, all documented.")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
