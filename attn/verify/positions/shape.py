"""Proofs of shifted sinusoidal positions."""

import torch

from attn.contract import Role
from attn.verify.cases import DIM, Case
from attn.verify.proofs import holds, proof, same
from attn.verify.schemes import line, scheme

ONE = (Role.ENCODER,)  # the role makes no difference to what is added to the embeddings


@proof(
    "position", "shape", "equals sinusoidal positions in evaluation, and without shifts", roles=ONE
)
def _plain(case: Case) -> None:
    expected = scheme(Case("softmax", case.role, "sinusoidal"))(line(9))
    same(scheme(case)(line(9)), expected, 0.0)
    same(scheme(case, max_shift=0).train()(line(9)), expected, 0.0)


@proof("position", "shape", "shifts a whole sequence at once, each by itself", roles=ONE)
def _one_shift(case: Case) -> None:
    encoder = scheme(case, max_shift=30)
    known = encoder(line(40))[0]
    shifted = encoder.train()(line(9).expand(200, 9))
    distance = (shifted[:, :1] - known[None]).abs().amax(-1)
    offsets = distance.argmin(-1)
    same(distance.amin(-1), torch.zeros(200))
    same(shifted, known[offsets[:, None] + torch.arange(9)])
    holds(len(offsets.unique()) > 25, "200 sequences share few shifts")
    holds(int(offsets.max()) == 30 and int(offsets.min()) == 0, "shifts are not 0 to max_shift")


@proof("position", "shape", "keeps products of positions, so what is relative stays", roles=ONE)
def _differences(case: Case) -> None:
    encoder = scheme(case)
    known, shifted = encoder(line(9))[0], encoder.train()(line(9).expand(5, 9))
    products = shifted @ shifted.transpose(-2, -1)
    same(products, (known @ known.t()).expand(5, 9, 9), 5e-5)
    same(products.diagonal(dim1=-2, dim2=-1), torch.full((5, 9), DIM / 2), 5e-5)
