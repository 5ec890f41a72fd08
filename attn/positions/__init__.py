"""Position schemes, one file each."""

from attn import registry

registry.declare(
    "position", "how the order of tokens is known", given=("dim", "role", "heads", "head_dim")
)
registry.import_modules(__name__, __path__)
