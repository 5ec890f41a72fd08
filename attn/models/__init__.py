"""Sequence-to-sequence models."""

from attn import registry

registry.declare(
    "model",
    "the architecture, and its presets",
    given=("source_size", "target_size", "joint", "attention", "position"),
)
registry.import_modules(__name__, __path__)
