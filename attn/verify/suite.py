"""Which proofs are due of which cases, and what comes of them."""

import dataclasses
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import torch

from attn import registry
from attn.contract import OUTSIDE, Role
from attn.roles import capabilities, kind_of
from attn.shapes import shapes_alone
from attn.verify import (  # noqa: F401 - each registers proofs
    attention,
    decoding,
    generic,
    generic_positions,
    generic_training,
    generic_weights,
    positions,
)
from attn.verify.cases import Case
from attn.verify.proofs import PROOFS, Proof, ProofError

SELF = (Role.ENCODER, Role.DECODER)
OF_NO_KERNEL = {"G3", "G6", "G10", "G13", "G16"}
OF_PLAIN_CASES = {"G17"}  # what is compiled takes seconds
LONGEST = 300  # of what is said of a failure
NOT_TO_BLAME = {"torch", "jaxtyping", "beartype", "einops"}


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of one proof of one case; ``failed`` says why it does not hold."""

    proof: Proof
    case: Case
    failed: str | None
    seconds: float

    @property
    def size(self) -> tuple[int, int, int]:
        """How much there is to look at where it fails; the number of the proof comes last."""
        apart, number = self.case.position != "none", self.proof.topic.removeprefix("G")
        return len(self.case.options), apart, int(number) if number.isdecimal() else len(PROOFS)

    def __str__(self) -> str:
        """What does not hold, where, and by how much."""
        return f"{self.case}: {self.proof.says}: {self.failed or 'holds'}"


def inner(name: str, role: Role) -> list[str]:
    """The position schemes that may act within an attention in a role."""
    if role is Role.CROSS:
        return []
    taken = capabilities(name).positions - OUTSIDE
    return [one for one in registry.names("position") if kind_of(one) in taken]


def every_role(name: str) -> list[Role]:
    """The roles that an attention serves, in their order."""
    return [role for role in Role if role in capabilities(name).roles]


def plain(name: str) -> list[Case]:
    """One case a role, with the kernel and the positions that are taken unasked."""
    return [Case(name, role) for role in every_role(name)]


def whole(name: str) -> list[Case]:
    """Every role with every scheme that may act within it and every kernel."""
    return [case for case in _every(name) if builds(case)]


def cover(names: Sequence[str]) -> list[Case]:
    """Few cases besides the plain ones that hold every pair of two choices.

    Of attentions, roles, schemes and kernels, as far as they can stand together. First each scheme
    goes once with each attention, kernels and roles taking turns; what is left is added.
    """
    seen = {pair for name in names for case in plain(name) for pair in _pairs(case)}
    found = []
    for case in chain(_turns(names), chain.from_iterable(map(_every, names))):
        if not _pairs(case) <= seen and builds(case):
            found.append(case)
            seen |= _pairs(case)
    return found


def _turns(names: Sequence[str]) -> Iterator[Case]:
    for number, name in enumerate(names):
        roles, kernels = every_role(name), capabilities(name).kernels or ("",)
        inside = [role for role in roles if role in SELF]
        schemes = sorted({scheme for role in inside for scheme in inner(name, role)})
        for turn, position in enumerate(schemes):
            role = inside[(turn + number // len(kernels)) % len(inside)]
            yield _case(name, role, position, kernels[(turn + number) % len(kernels)])


def _every(name: str) -> Iterator[Case]:
    for role in every_role(name):
        for position in ["none", *inner(name, role)]:
            for kernel in capabilities(name).kernels or ("",):
                yield _case(name, role, position, kernel)


def _case(name: str, role: Role, position: str, kernel: str) -> Case:
    chosen = {"kernel": kernel} if kernel not in {"", "auto"} else {}
    return Case(name, role, position, chosen)


def _pairs(case: Case) -> set[frozenset[tuple[str, str]]]:
    """Every pair of the choices of a case."""
    chosen = {
        ("attention", case.attention),
        ("role", case.role.value),
        ("position", case.position),
        ("kernel", case.kernel),
    }
    return {frozenset(pair) for pair in combinations(chosen, 2)}


def builds(case: Case) -> bool:
    """Whether a case is one that can be made; the others are refused, see `attn.verify.cells`."""
    try:
        with shapes_alone():
            case.build()
    except (ValueError, registry.ConfigError):
        return False
    return True


def due(case: Case) -> Iterator[Proof]:
    """The proofs that a case of an attention is to pass: those of all, and its own.

    Its own are of the options that are taken unasked, and due of no other. A kernel that is asked
    for is not put to what no kernel decides. On a CPU the flexible kernel has no gradients, and is
    traced anew at every call: that it agrees with others is enough.
    """
    chosen = case.position != "none" or bool(case.kernel)
    usual = case.is_usual and not chosen
    for proof in PROOFS:
        if proof.kind != "attention" or case.role not in proof.roles:
            continue
        if case.kernel and proof.topic in OF_NO_KERNEL:
            continue
        if chosen and proof.topic in OF_PLAIN_CASES:
            continue
        if case.kernel == "flex" and (proof.learns or proof.topic != "G1"):
            continue
        if proof.name is None or (proof.name == case.attention and usual):
            yield proof


def due_of_position(
    name: str, roles: Iterable[Role] = SELF, options: Mapping[str, Any] | None = None
) -> Iterator[tuple[Proof, Case]]:
    """The proofs that a position scheme is to pass, with softmax attention around it."""
    stands = [role for role in SELF if role in set(roles)]
    cases = [Case("softmax", role, name, position_options=options or {}) for role in stands]
    able = {case.role for case in cases if builds(case)}
    for proof in PROOFS:
        if proof.kind != "position" or proof.name not in {None, name}:
            continue
        for case in cases:  # its own proofs may be of what it refuses
            if case.role in proof.roles and (proof.name == name or case.role in able):
                yield proof, case


def put_to(proof: Proof, case: Case) -> Result:
    """Try a proof on a case."""
    began = time.perf_counter()
    failed = None
    try:
        with torch.set_grad_enabled(case.kernel != "flex"):
            proof.check(case)
    except ProofError as error:
        failed = str(error)
    except Exception as error:  # noqa: BLE001 - a variant may fail in any way
        said = f"{type(error).__name__}: {' '.join(str(error).split())}"[:LONGEST]
        failed = f"{said} ({_place(error)})"
    return Result(proof, case, failed, time.perf_counter() - began)


def _place(error: Exception) -> str:
    """The line that an error came from, not that of a library which was given something wrong."""
    frames = [(Path(one.filename), one.lineno) for one in traceback.extract_tb(error.__traceback__)]
    own = [(path, line) for path, line in frames if not NOT_TO_BLAME & set(path.parts)]
    path, line = (own or frames)[-1]
    return f"{path.name}, line {line}"


def smallest(results: Iterable[Result]) -> Result | None:
    """Of what does not hold, what is easiest to look at."""
    return min((one for one in results if one.failed), key=lambda one: one.size, default=None)
