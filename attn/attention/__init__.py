"""Attentions, one file a variant or tight family."""

from attn import registry

registry.declare(
    "attention",
    "how positions are mixed",
    given=("role", "query_dim", "memory_dim", "out_dim"),
)
registry.import_modules(__name__, __path__)
