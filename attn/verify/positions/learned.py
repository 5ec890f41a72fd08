"""Proofs of learned positions."""

from attn.contract import Role
from attn.verify.cases import Case
from attn.verify.proofs import ProofError, proof, same
from attn.verify.schemes import line, scheme


@proof("position", "learned", "is a table, and refuses what is beyond it", roles=(Role.ENCODER,))
def _table(case: Case) -> None:
    encoder = scheme(case, max_positions=6)
    same(encoder(line(6))[0], encoder.table.weight, 0.0)
    try:
        encoder(line(2, 5))
    except ValueError:
        return
    raise ProofError("a position beyond the table is taken")
