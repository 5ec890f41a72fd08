"""What is put to the proof: one attention in one role with one position scheme, built small."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from attn import attention, positions, registry  # noqa: F401 - registers
from attn.contract import OUTSIDE, Attention, Capabilities, InnerPosition, Place, Role, Stream
from attn.roles import capabilities, kind_of

DIM, HEADS = 16, 4
SIZES = {"heads": HEADS, "feedforward_dim": 32}  # unless an option says otherwise


@dataclasses.dataclass(frozen=True)
class Case:
    """One attention in one role, with the position scheme that acts within it."""

    attention: str
    role: Role
    position: str = "none"
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    position_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        """The case in the words of the command line, to be put to its proofs again."""
        named = [f"attention={self.attention}", f"role={self.role.value}"]
        named += words("attention", self.options)
        named += [] if self.position == "none" else [f"position={self.position}"]
        return " ".join([*named, *words("position", self.position_options)])

    @property
    def capabilities(self) -> Capabilities:
        """What the attention declares."""
        return capabilities(self.attention)

    @property
    def kernel(self) -> str:
        """The kernel that is asked for, if any."""
        return str(self.options.get("kernel", ""))

    @property
    def is_usual(self) -> bool:
        """Whether its options, but for the kernel, are those that are taken unasked."""
        return not set(self.options) - {"kernel", "dropout"}

    def takes(self, option: str) -> bool:
        """Whether the attention has an option."""
        return option in registry.option_types(registry.find("attention", self.attention))

    def build(self, *, dim: int = DIM, seed: int = 0, **options: Any) -> Attention:
        """The attention in float64 and evaluation mode; ``options`` come before those of the case.

        Heads are 4 where there are any, unless an option says otherwise. Nothing is dropped unless
        ``options`` ask for it: what the case says of dropout is not put to the proof.
        """
        torch.manual_seed(seed)
        sizes = {option: size for option, size in SIZES.items() if self.takes(option)}
        undropped = {"dropout": 0.0} if self.takes("dropout") else {}
        section = {"name": self.attention, **sizes, **self.options, **undropped, **options}
        place = Place(self.role, dim, dim, dim, self.inner(dim))
        built: Any = registry.build("attention", section, place=place)
        made: Attention = built.double().eval()
        return made

    def inner(self, dim: int = DIM) -> Any:
        """What makes the position scheme within the attention; None where none acts there."""
        if self.role is Role.CROSS or kind_of(self.position) in OUTSIDE:
            return None

        def scheme(heads: int, head_dim: int) -> InnerPosition:
            given: dict[str, Any] = {
                "dim": dim,
                "role": self.role,
                "heads": heads,
                "head_dim": head_dim,
            }
            section = {"name": self.position, **self.position_options}
            made: InnerPosition = registry.build("position", section, **given)
            return made

        return scheme

    def memory(self, lengths: Sequence[int] = (5, 2, 0), *, dim: int = DIM) -> Stream | None:
        """A source of five places for the cross role, else None."""
        if self.role is not Role.CROSS:
            return None
        return stream(len(lengths), 5, dim, lengths=lengths, seed=5)


def words(key: str, options: Mapping[str, Any]) -> list[str]:
    """Options as one types them."""
    typed = (f"{key}.{option}={registry.as_yaml(value)}" for option, value in options.items())
    return [f"'{word}'" if " " in word else word for word in typed]


def stream(
    batch: int, time: int, dim: int = DIM, *, lengths: Sequence[int] | None = None, seed: int = 0
) -> Stream:
    """Random sequences in float64, real up to ``lengths``."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, time, dim, generator=generator, dtype=torch.float64)
    position = torch.arange(time).expand(batch, time)
    limits = torch.tensor([time] * batch if lengths is None else list(lengths))
    return Stream(x, position, torch.arange(time) < limits[:, None])
