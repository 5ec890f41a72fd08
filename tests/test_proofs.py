"""Every registered attention and position proves what it says of itself."""

import pytest

from attn import registry
from attn.contract import Role
from attn.verify import Case, proofs
from attn.verify import attention as _attention  # noqa: F401 - registers proofs
from attn.verify import positions as _positions  # noqa: F401


def own():
    """Every proof of a single variant, in each role that it serves."""
    for proof in proofs.PROOFS:
        if proof.name is None:
            continue
        variant = "softmax" if proof.kind == "position" else proof.name
        serves = registry.find("attention", variant).capabilities.roles
        roles = proof.roles & serves - ({Role.CROSS} if proof.kind == "position" else set())
        for role in sorted(roles):
            yield pytest.param(proof, role, id=f"{proof.name}-{role.value}-{proof.says}")


@pytest.mark.parametrize(("proof", "role"), own())
def test_it_is_so(proof, role):
    if proof.kind == "position":
        proof.check(Case("softmax", role, proof.name))
    else:
        proof.check(Case(proof.name, role))
