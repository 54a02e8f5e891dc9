"""One module a model; the module's name is the model's."""

from __future__ import annotations

from cardium.core import Recipe, Registry

MODELS: Registry[Recipe] = Registry("model", "MODEL", Recipe)
"""The recipes of the models there are, by name."""
