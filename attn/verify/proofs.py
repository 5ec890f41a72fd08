"""Proofs by name: what a variant says of itself, and how that is checked."""

import dataclasses
from collections.abc import Callable, Collection

from torch import Tensor

from attn.contract import Role
from attn.verify.cases import Case

Check = Callable[[Case], None]
ROUNDED = 1e-6  # float32 beside float64


class ProofError(AssertionError):
    """A property does not hold; the message says by how much, and where."""


@dataclasses.dataclass(frozen=True)
class Proof:
    """One property: of one variant, or with ``name`` None of all of a kind.

    ``learns``: it asks for gradients, which on a CPU the flexible kernel has none of.
    """

    kind: str
    name: str | None
    says: str
    roles: frozenset[Role]
    check: Check
    learns: bool = False

    @property
    def topic(self) -> str:
        """The short name that what it says may begin with, as ``G4`` of ``G4: ...``."""
        before, colon, _ = self.says.partition(": ")
        return before if colon and " " not in before else ""


PROOFS: list[Proof] = []


def proof(
    kind: str,
    name: str | None,
    says: str,
    *,
    roles: Collection[Role] = tuple(Role),
    learns: bool = False,
) -> Callable[[Check], Check]:
    """Register the function below as a proof; it raises :class:`ProofError` where it fails.

    It is called with a case of every role in ``roles`` that the variant serves; for a position
    scheme, with softmax attention around it in the roles of self-attention.
    """

    def add(check: Check) -> Check:
        PROOFS.append(Proof(kind, name, says, frozenset(roles), check, learns))
        return check

    return add


def same(one: Tensor, other: Tensor, tolerance: float = 1e-12) -> None:
    """Both tensors are equal, within a tolerance; 0 asks for every bit."""
    if one.shape != other.shape:
        raise ProofError(f"shapes {tuple(one.shape)} and {tuple(other.shape)} differ")
    if not one.numel():
        return
    distance = (one.detach().double() - other.detach().double()).abs()
    worst = float(distance.max())
    if not worst <= tolerance:
        place = [int(i) for i in (distance == distance.max()).nonzero()[:1].flatten()]
        raise ProofError(f"differs by {worst:.3g} at {place}, more than {tolerance:g}")


def holds(truth: object, said: str) -> None:
    """What is said is true."""
    if not bool(truth):
        raise ProofError(said)
