"""Attentions, one file a variant or tight family."""

from attn import registry

registry.declare(
    "attention",
    "how positions are mixed",
    given=("place",),
)
registry.import_modules(__name__, __path__)
