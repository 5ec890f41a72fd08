"""Whether every choice of attention, role, positions and kernel builds or is refused.

A cell builds, without making a tensor, or is a config error of which every line says what is wrong
and what to choose instead. There is no third outcome.
"""

import collections
import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

from attn import checking, registry
from attn.contract import PositionKind, Role
from attn.roles import capabilities, kind_of
from attn.score import kernels
from attn.score.core import FUSED

DIM, HEADS = 16, 4
SAYS = re.compile(r"[\w.]+=\S+: .+; .*(choose one of \w|set \w|must be)")
WORDS = {
    "role": "it does not serve the role",
    "order": "the encoder would see a bag of words",
    "position": "these positions cannot act within it",
    "kernel": "it has no such kernel",
    "options": "its options do not fit",
}
REASONS = {
    "role": re.compile(r"\w+_attention="),
    "order": re.compile(r"position=\w+: the encoder would see a bag of words"),
    "position": re.compile(r"position[=.]"),
    "kernel": re.compile(r"\w+_attention\.kernel="),
}


@dataclasses.dataclass(frozen=True)
class Cell:
    """One choice; ``kernel`` is always asked for, of attentions that have none too."""

    attention: str
    role: Role
    position: str
    kernel: str

    def __str__(self) -> str:
        """The choice in the words of the command line."""
        own = f"{self.role.value}_attention"
        return f"{own}={self.attention} position={self.position} {own}.kernel={self.kernel}"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What comes of a cell: what it is refused for, and what else is wrong with it."""

    cell: Cell
    refused: tuple[str, ...]
    wrong: str | None


def every(
    attentions: Sequence[str], positions: Sequence[str], stands: Sequence[Role] = tuple(Role)
) -> Iterator[Cell]:
    """All cells of some attentions and positions."""
    for choice in product(attentions, stands, positions, kernels.KERNELS):
        yield Cell(*choice)


def outcome(cell: Cell) -> Outcome:
    """Build a cell, or be told why not, and compare with what the attention declares."""
    try:
        refused = _problems(cell)
    except Exception as error:  # noqa: BLE001 - the third outcome, whatever it is
        return Outcome(cell, (), f"{type(error).__name__}: {' '.join(str(error).split())}")
    mute = [line for line in refused if not SAYS.match(line)]
    if mute:
        return Outcome(cell, refused, f"does not say what to choose instead: {mute[0]}")
    told, due = {reason_of(line) for line in refused}, set(_reasons(cell))
    if told != due:
        said = f"refused for {_listed(told)}; it declares what is refused for {_listed(due)}"
        return Outcome(cell, refused, said)
    return Outcome(cell, refused, None)


def reason_of(line: str) -> str:
    """What a line refuses, in a word."""
    return next((name for name, start in REASONS.items() if start.match(line)), "options")


def _listed(reasons: Iterable[str]) -> str:
    return ", ".join(sorted(reasons)) or "nothing"


def _problems(cell: Cell) -> tuple[str, ...]:
    """Every line against a choice."""
    return tuple(checking.mixer_problems(_config(cell), [cell.role]))


def _config(cell: Cell) -> dict[str, Any]:
    """A small model with softmax attention in the other roles; its encoder may be without order."""
    options = registry.option_types(registry.find("attention", cell.attention))
    heads = {"heads": HEADS} if "heads" in options else {}
    # `auto` is what an attention does that has no choice.
    has_choice = "kernel" in options or cell.kernel != "auto"
    chosen = {"kernel": cell.kernel} if has_choice else {}
    orderless = {"allow_bag_of_words": True} if _may_be_orderless(cell) else {}
    return {
        "model": {"name": "transformer", "encoder_layers": 1, "decoder_layers": 1, "dim": DIM},
        "position": {"name": cell.position, **orderless},
        "attention": {"name": "softmax"},  # which serves every role
        f"{cell.role.value}_attention": {"name": cell.attention, **heads, **chosen},
    }


def _may_be_orderless(cell: Cell) -> bool:
    return kind_of(cell.position) is PositionKind.NONE and cell.role is not Role.ENCODER


def _reasons(cell: Cell) -> Iterator[str]:
    """Why a cell is to be refused, by what is declared."""
    able, scheme = capabilities(cell.attention), kind_of(cell.position)
    if cell.role not in able.roles:
        yield "role"
    if cell.role is not Role.CROSS and scheme not in able.positions:
        yield "position"
    if cell.role is Role.ENCODER and scheme is PositionKind.NONE and not able.order_aware:
        yield "order"
    acts = cell.role in able.roles - {Role.CROSS} and scheme in able.positions
    values = acts and scheme is PositionKind.VALUES and cell.kernel in FUSED
    if cell.kernel not in {*able.kernels, "auto"} or values:
        yield "kernel"


@dataclasses.dataclass
class Count:
    """How many cells were built, how many refused, and for what."""

    built: int = 0
    refused: int = 0
    several: int = 0  # refused for more than one reason
    reasons: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    wrong: list[Outcome] = dataclasses.field(default_factory=list)

    def add(self, one: Outcome) -> None:
        """Take an outcome in."""
        if one.wrong is not None:
            self.wrong.append(one)
        elif one.refused:
            reasons = sorted({reason_of(line) for line in one.refused})
            self.refused += 1
            self.several += len(reasons) > 1
            self.reasons.update(reasons)
        else:
            self.built += 1

    def __str__(self) -> str:
        """The counts in words, a line for each reason."""
        total = self.built + self.refused + len(self.wrong)
        several = [f"  {self.several} of them for several reasons"] if self.several else []
        return "\n".join([
            f"{total} choices of attention, role, position and kernel: {self.built} can be built, "
            f"{self.refused} are refused",
            *(f"  {count} since {WORDS[reason]}" for reason, count in self.reasons.most_common()),
            *several,
        ])


def count(outcomes: Iterable[Outcome]) -> Count:
    """The counts of some outcomes."""
    counted = Count()
    for one in outcomes:
        counted.add(one)
    return counted
