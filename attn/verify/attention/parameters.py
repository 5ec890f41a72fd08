"""How many parameters each attention has, in closed form."""

import dataclasses
from collections.abc import Callable
from typing import Any

from attn.shapes import shapes_alone
from attn.verify.cases import Case
from attn.verify.proofs import holds, proof


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The width, the number of heads, the width of a feed-forward network within, if any.

    All other sizes are those that are taken unasked.
    """

    dim: int
    heads: int
    inner: int

    @property
    def of_head(self) -> int:
        """The width of a head."""
        return self.dim // self.heads


FORMS: dict[str, Callable[[Sizes], int]] = {
    "additive": lambda n: 4 * n.dim**2 + n.dim,
    "average": lambda n: 4 * n.dim**2 + 2 * n.dim * n.inner + n.inner + 3 * n.dim,
    "concat": lambda n: 4 * n.dim**2 + n.dim,
    "cosine": lambda n: 4 * n.dim**2 + n.heads,
    "coverage": lambda n: 4 * n.dim**2 + 2 * n.dim,
    "differential": lambda n: 4 * n.dim**2 + 6 * n.of_head,
    "dot": lambda n: 4 * n.dim**2,
    "dynconv": lambda n: 3 * n.dim**2 + 15 * n.heads * n.dim,
    "entmax": lambda n: 4 * n.dim**2 + n.heads,
    "entmax15": lambda n: 4 * n.dim**2,
    "gated": lambda n: 5 * n.dim**2,
    "gaussian": lambda n: 2 * n.dim**2,
    "general": lambda n: 4 * n.dim**2 + n.dim * n.of_head,
    "gqa": lambda n: 2 * n.dim**2 + 2 * 2 * n.dim * n.of_head,
    "lightconv": lambda n: 3 * n.dim**2 + 15 * n.heads,
    "linear": lambda n: 4 * n.dim**2,
    "local_m": lambda n: 4 * n.dim**2,
    "local_p": lambda n: 5 * n.dim**2 + n.dim,
    "location": lambda n: 2 * n.dim**2 + 512 * n.heads * n.dim,
    "mla": lambda n: 2 * n.dim**2 + 3 * 4 * n.dim * n.of_head,
    "mqa": lambda n: 2 * n.dim**2 + 2 * n.dim * n.of_head,
    "qk_norm": lambda n: 4 * n.dim**2 + 2 * n.of_head,
    "retention": lambda n: 8 * n.dim**2,
    "sigmoid": lambda n: 4 * n.dim**2,
    "sink": lambda n: 4 * n.dim**2 + n.heads,
    "softmax": lambda n: 4 * n.dim**2,
    "softmax_one": lambda n: 4 * n.dim**2,
    "sparsemax": lambda n: 4 * n.dim**2,
    "talking_heads": lambda n: 4 * n.dim**2 + 2 * n.heads**2,
    "window": lambda n: 4 * n.dim**2,
}
SIZES = (Sizes(16, 4, 32), Sizes(48, 6, 40))


def _counted(case: Case) -> None:
    for sizes in SIZES:
        named = {"heads": sizes.heads, "feedforward_dim": sizes.inner}
        options = {option: size for option, size in named.items() if case.takes(option)}
        with shapes_alone():
            attention: Any = case.build(dim=sizes.dim, **options)
        found = sum(p.numel() for p in attention.parameters())
        expected = FORMS[case.attention](sizes)
        holds(found == expected, f"of width {sizes.dim} it has {found} parameters, not {expected}")


for _name in FORMS:
    proof("attention", _name, "G14: has as many parameters as its formula says")(_counted)
