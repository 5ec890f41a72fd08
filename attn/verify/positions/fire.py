"""Proofs of biases by a small network of the distance."""

import torch

from attn.contract import Role
from attn.verify.cases import Case
from attn.verify.proofs import holds, proof, same
from attn.verify.schemes import line, scheme


@proof("position", "fire", "equals the formula written out")
def _formula(case: Case) -> None:
    position = scheme(case, threshold=5.0)
    bias = position.bias(line(12), line(12))[0]
    for i, j in ((3, 1), (9, 2), (11, 11)):
        rate, longest = position.log_rate.exp(), max(5.0, i)
        x = (rate * (i - j) + 1).log() / (rate * longest + 1).log()
        hidden = (position.inner.weight[:, 0] * x + position.inner.bias).relu()
        same(bias[:, i, j], position.outer(hidden), 1e-7)


@proof("position", "fire", "reads shares within -1 to 1, the sides by their sign, at any length")
def _bounded(case: Case) -> None:
    share = scheme(case, threshold=4.0).share(line(300), line(300))[0].detach()
    holds((share.abs() <= 1).all(), f"a share is {float(share.abs().max()):.3g}")
    same(share.diagonal(), torch.zeros(300), 0.0)
    same(share[5:, 0], torch.ones(295), 0.0)
    past = share.tril(-1)[1:]
    holds((past.sum(-1) > 0).all() and (past >= 0).all(), "a key behind has no positive share")
    holds((share.triu(1) <= 0).all(), "a key ahead has no negative share")
    holds((share[250, :251].diff() < 0).all(), "it does not fall towards the query")


@proof("position", "fire", "depends on no position but the query's and the key's own")
def _row_only(case: Case) -> None:
    position = scheme(case, threshold=4.0)
    whole = position.bias(line(30), line(30))
    same(position.bias(line(1, 20), line(21)), whole[:, :, 20:21, :21])
    same(position.bias(line(3, 5), line(30)), whole[:, :, 5:8])
    moved = position.bias(line(30, 7), line(30, 7))
    if case.role is Role.DECODER:  # measured against the query, the same distance is less
        holds((moved - whole)[..., 10, 2].abs().max() > 1e-6, "the query's position does not count")
    below = scheme(case, threshold=64.0)
    same(below.bias(line(30, 7), line(30, 7)), below.bias(line(30), line(30)))


@proof("position", "fire", "reads the plain share of the distance as its rate goes to zero")
def _limit(case: Case) -> None:
    position = scheme(case, threshold=8.0, rate=1e-9)
    distance = line(20).t() - line(20)
    longest = line(20).t().clamp(min=8)
    same(position.share(line(20), line(20))[0], (distance / longest).clamp(-1, 1), 1e-6)
