"""How the documentation is built: numpydoc for the API, a gallery that is executed."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.metadata import version as installed
from pathlib import Path
from types import GenericAlias

HERE = Path(__file__).parent

project = "cardium"
author = "The cardium developers"
project_copyright = "2026, the cardium developers"
release = installed("cardium")
version = release

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "myst_parser",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}
html_static_path: list[str] = []
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
default_role = "code"
myst_enable_extensions = ["dollarmath"]
suppress_warnings = ["config.cache"]
sphinx_gallery_conf = {
    "examples_dirs": str(HERE.parent / "examples"),
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 5,
}


def write_dataset_pages() -> None:
    """Write one page a dataset, from its data sheet and its module's docstring."""
    from cardium.datasets import DATASETS

    folder = HERE / "datasets"
    folder.mkdir(exist_ok=True)
    names = DATASETS.names()
    for name in names:
        dataset = DATASETS.find(name)
        info = dataset.info
        facts = {
            "Version": info.version,
            "Home": info.url,
            "Licence": info.license,
            "Cite": info.citation,
            "Provides": ", ".join(f"``{p}``" for p in sorted(dataset.provides)),
            "Access": info.access,
        }
        lines = [f"``{name}``", "=" * (len(name) + 4), "", info.summary, ""]
        lines += [f":{key}: {value}" for key, value in facts.items()]
        module = inspect.getdoc(import_module(f"cardium.datasets.{name}")) or ""
        text = module.replace(
            "\nReferences\n----------\n", "\n.. rubric:: References\n\n"
        )
        (folder / f"{name}.rst").write_text("\n".join([*lines, "", text, ""]))
    index = [
        "Datasets",
        "========",
        "",
        ".. toctree::",
        "",
        *(f"   {n}" for n in names),
        "",
    ]
    (folder / "index.rst").write_text("\n".join(index))


def skip_aliases(app, what, name, obj, skip, options):
    """Leave out names of types such as ``tuple[float, float]``, taken for classes."""
    return True if isinstance(obj, GenericAlias) else None


def setup(app):
    """Tell Sphinx what to leave out."""
    app.connect("autodoc-skip-member", skip_aliases)


write_dataset_pages()
