"""Attentions, one file a variant or tight family."""

from attn import registry
from attn.score.lookup import lookup as lookup

registry.declare(
    "attention",
    "how positions are mixed",
    given=("place",),
)
registry.import_modules(__name__, __path__)
