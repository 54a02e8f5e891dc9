"""One module a model that answers clips of a benchmark; its name is the module's."""

from __future__ import annotations

from cardium.core import ClipRecipe, Registry

CLIP_MODELS: Registry[ClipRecipe] = Registry("clip_model", "MODEL", ClipRecipe)
"""The recipes of the models that answer clips, by name."""
