"""Layers import only what lies under them, and heavy libraries only when used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cardium

ROOT = Path(cardium.__file__).parent
FOUNDATION = {"errors", "core"}
TOOLS = {"geometry", "signal", "io", "metrics"}
MIDDLE = {"measure", "phantom"}
MAY_IMPORT = {
    "__init__": FOUNDATION | {"datasets", "tasks", "models"},
    "__main__": {"cli"},
    "errors": set(),
    "core": {"errors"},
    **dict.fromkeys(TOOLS, FOUNDATION | TOOLS),
    **dict.fromkeys(MIDDLE, FOUNDATION | TOOLS),
    "datasets": FOUNDATION | TOOLS | MIDDLE,
    "tasks": FOUNDATION | TOOLS | MIDDLE,
    "models": FOUNDATION | {"geometry", "signal"},
    "protocols": FOUNDATION | TOOLS | MIDDLE | {"tasks"},
    "clip_models": FOUNDATION | {"geometry", "signal", "models"},
    "bench": FOUNDATION
    | TOOLS
    | MIDDLE
    | {"datasets", "tasks", "protocols", "models", "clip_models", "fit", "evaluate"},
    "evaluate": FOUNDATION | TOOLS | MIDDLE | {"datasets", "tasks"},
    "fit": FOUNDATION | {"geometry", "signal", "io", "tasks", "models"},
    "entries": FOUNDATION | TOOLS | {"tasks", "models", "fit"},
    "live": FOUNDATION | TOOLS | {"datasets", "fit"},
    "plot": FOUNDATION | TOOLS | MIDDLE | {"datasets", "tasks", "evaluate"},
    "testing": None,
    "cli": None,
}
HEAVY = ("torch", "matplotlib", "pandas", "scipy", "zarr", "numba", "lightning")
LAYERS = sorted(
    p.name.removesuffix(".py") for p in ROOT.iterdir() if p.suffix != ".typed"
)


def imported_layers(path: Path) -> set[str]:
    """The layers of cardium that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module == "cardium":
            names = [f"cardium.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {n.split(".")[1] for n in names if n.startswith("cardium.")}
    return found


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_a_module_imports_only_what_lies_under_it(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0].removesuffix(".py")
    allowed = MAY_IMPORT[layer]
    if allowed is not None:
        above = imported_layers(path) - allowed - {layer}
        assert not above, f"{path} imports {above}"


def test_importing_every_layer_loads_no_heavy_library() -> None:
    layers = [n for n in LAYERS if not n.startswith("_")]
    code = (
        f"import sys, cardium, {', '.join(f'cardium.{n}' for n in layers)}\n"
        f"print(*sorted(set({HEAVY}) & set(sys.modules)))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == ""


def test_the_library_holds_no_assert_and_no_broad_except() -> None:
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not isinstance(node, ast.Assert), f"{path}:{node.lineno}"
            if isinstance(node, ast.ExceptHandler):
                name = "" if node.type is None else ast.unparse(node.type)
                assert name not in {"", "Exception", "BaseException"}, (
                    f"{path}:{node.lineno}"
                )


def test_public_names_are_lazy_and_complete() -> None:
    for name in cardium.__all__:
        assert getattr(cardium, name).__name__ == name
    with pytest.raises(AttributeError, match="nonsense"):
        _ = cardium.nonsense


def test_libraries_that_break_lightning_are_absent() -> None:
    """The builds of torchvision and torchaudio that pip finds kill lightning."""
    from importlib.util import find_spec

    assert find_spec("torchvision") is None
    assert find_spec("torchaudio") is None
