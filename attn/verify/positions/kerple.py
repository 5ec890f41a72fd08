"""Proofs of biases that fall with the distance as each head learns."""

import torch

from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.schemes import around, bare, line, scheme


def _falls(case: Case) -> None:
    bias = scheme(case).bias(line(1), line(40))[0, :, 0]
    same(bias[:, 0], torch.zeros(4), 0.0)
    holds((bias.diff() < 0).all(), "it does not fall with the distance")
    whole = scheme(case).bias(line(7), line(7))
    same(whole, whole.transpose(-2, -1), 0.0)


def _none(case: Case) -> None:
    attention, query = around(case), stream(3, 7)
    plain = bare(attention)
    holds((attention(query).y - plain(query).y).abs().max() > 1e-3, "the bias does nothing")
    with torch.no_grad():
        attention.position.log_scale.fill_(-torch.inf)  # type: ignore[attr-defined]
    same(attention(query).y, plain(query).y)


def _definite(case: Case) -> None:
    bias = scheme(case).bias(line(20), line(20))[0].detach()
    centring = torch.eye(20).double() - 1 / 20
    eigenvalues = torch.linalg.eigvalsh(centring @ bias @ centring)
    holds((eigenvalues > -1e-10).all(), f"an eigenvalue is {float(eigenvalues.min()):.3g}")


def _shift(case: Case) -> None:
    bias = scheme(case).bias
    same(bias(line(7), line(9)), bias(line(7, 50), line(9, 50)), 0.0)


for _name in ("kerple", "kerple_power"):
    proof("position", _name, "falls with the distance, alike to both sides")(_falls)
    proof("position", _name, "is no positions as its scale goes to zero")(_none)
    proof("position", _name, "is a conditionally positive definite kernel")(_definite)
    proof("position", _name, "does not change when all positions move")(_shift)


@proof("position", "kerple", "equals the formula written out")
def _logarithm(case: Case) -> None:
    position = scheme(case)
    scale, rate = position.log_scale.exp(), position.log_rate.exp()
    bias = position.bias(line(5), line(5))[0]
    same(bias[:, 4, 1], -scale * (1 + rate * 3).log())


@proof("position", "kerple_power", "equals the formula written out, ALiBi at a power of 1")
def _power(case: Case) -> None:
    position = scheme(case)
    scale = position.log_scale.exp()
    bias = position.bias(line(5), line(5))[0]
    same(bias[:, 4, 1], -scale * 3 ** (2 * position.exponent.sigmoid()))
    with torch.no_grad():
        position.exponent.zero_()
    distance = (line(5).t() - line(5)).abs()
    same(position.bias(line(5), line(5))[0], -scale[:, None, None] * distance)
