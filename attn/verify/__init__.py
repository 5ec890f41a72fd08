"""Proofs of attentions and positions: those that all must pass, and those of each.

A plug-in proves its own with the same decorator::

    from attn.verify import Case, proof, same

    @proof("attention", "mine", "equals softmax at a temperature of 1")
    def _(case: Case) -> None:
        ...
"""

from attn.verify.cases import Case as Case
from attn.verify.cases import stream as stream
from attn.verify.proofs import Proof as Proof
from attn.verify.proofs import ProofError as ProofError
from attn.verify.proofs import holds as holds
from attn.verify.proofs import proof as proof
from attn.verify.proofs import same as same
