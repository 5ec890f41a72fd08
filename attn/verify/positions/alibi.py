"""Proofs of linear biases of the scores."""

import torch

from attn.contract import Role
from attn.positions.alibi import slopes
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.schemes import around, line, scheme

ENCODER, DECODER = (Role.ENCODER,), (Role.DECODER,)


@proof("position", "alibi", "has geometric slopes, of two series where heads are no power of two")
def _slopes(case: Case) -> None:
    for heads in (1, 2, 4, 8, 16):
        own = torch.tensor(slopes(heads)).double()
        same(own, 2 ** (-8 * torch.arange(1, heads + 1).double() / heads), 1e-7)
    same(torch.tensor(slopes(12)[:8]), 0.5 ** torch.arange(1, 9), 1e-7)
    same(torch.tensor(slopes(12)[8:]), 0.5 ** (torch.arange(4) + 0.5), 1e-7)
    holds(len(set(slopes(12))) == 12, "two heads have the same slope")
    same(-scheme(case).bias(line(2), line(2))[0, :, 1, 0], torch.tensor(slopes(4)).double(), 1e-7)


@proof("position", "alibi", "does not change when all positions move")
def _shift(case: Case) -> None:
    for form in ("symmetric", "asymmetric", "shifted"):
        bias = scheme(case, encoder=form).bias
        same(bias(line(7), line(9)), bias(line(7, 50), line(9, 50)), 0.0)


@proof("position", "alibi", "is a sum of the same decay over every step between", roles=DECODER)
def _additive(case: Case) -> None:
    bias = scheme(case).bias(line(7), line(7))[0]
    decay = torch.full((7,), -1.0).double().cumsum(0) * torch.tensor(slopes(4)).double()[:, None]
    same(bias.tril(), (decay[:, :, None] - decay[:, None, :]).tril())
    same(bias[:, 5, 1], bias[:, 5, 3] + bias[:, 3, 1])


@proof(
    "position", "alibi", "falls with the distance, in an encoder alike to both sides", roles=ENCODER
)
def _symmetric(case: Case) -> None:
    bias = scheme(case).bias(line(7), line(7))
    same(bias, bias.transpose(-2, -1), 0.0)
    holds((bias[..., 0, :].diff() < 0).all(), "it does not fall with the distance")
    same(scheme(case, encoder="asymmetric").bias(line(7), line(7)), bias, 1e-7)


@proof("position", "alibi", "asymmetric, has a slope of each side that is learned", roles=ENCODER)
def _asymmetric(case: Case) -> None:
    attention = around(case, encoder="asymmetric")
    attention(stream(3, 7)).y.square().sum().backward()
    learned = attention.position.log_slopes  # type: ignore[attr-defined]
    holds((learned.grad != 0).all(), "a slope does not learn")
    with torch.no_grad():
        learned[1] += 1.0
    bias = attention.position.bias(line(7), line(7))  # type: ignore[attr-defined]
    ratio = bias.transpose(-2, -1).tril(-1) / bias.tril(-1)
    same(ratio[..., 1:, 0], torch.full((1, 4, 6), torch.e), 1e-6)


@proof("position", "alibi", "shifted, is highest half a token ahead of the query", roles=ENCODER)
def _shifted(case: Case) -> None:
    bias = scheme(case, encoder="shifted").bias(line(7), line(7))[0]
    steep = torch.tensor(slopes(4)).double()
    same(bias[:, 3, 3], -steep / 2, 1e-7)
    same(bias[:, 3, 4], -steep / 2, 1e-7)
    same(bias[:, 3, 2], -steep * 1.5, 1e-7)
