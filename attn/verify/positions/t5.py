"""Proofs of learned biases by bucket of distances."""

import torch

from attn.contract import Role
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.schemes import around, bare, line, scheme, silence

HERE = torch.zeros(1, 1, dtype=torch.long)


def _buckets(case: Case, distances: torch.Tensor) -> torch.Tensor:
    """The bucket of each distance: the scheme with a table of row numbers tells it."""
    biases = scheme(case, heads=1)
    with torch.no_grad():
        biases.table.weight.copy_(torch.arange(32.0)[:, None])
    return biases.bias(HERE, distances[None])[0, 0, 0].long()


@proof("position", "t5", "puts distances into the buckets of the paper's code")
def _table(case: Case) -> None:
    distances = torch.tensor([-500, -40, -20, -10, -1, 0, 1, 10, 40, 500])
    if case.role is Role.ENCODER:
        expected = torch.tensor([15, 12, 10, 8, 1, 0, 17, 24, 28, 31])
    else:
        expected = torch.tensor([31, 23, 17, 10, 1, 0, 0, 0, 0, 0])
    same(_buckets(case, distances), expected, 0.0)


@proof("position", "t5", "never puts a greater distance into a lower bucket")
def _monotone(case: Case) -> None:
    before = _buckets(case, -torch.arange(300))
    holds((before.diff() >= 0).all(), "buckets fall")
    used = set(before.tolist())
    if case.role is Role.ENCODER:
        ahead = _buckets(case, torch.arange(1, 300))
        holds((ahead.diff() >= 0).all(), "buckets fall")
        same(ahead, before[1:] + 16, 0.0)
        used |= set(ahead.tolist())
        used |= {16}  # the bucket of a distance of 0 ahead, which is one before
    holds(used == set(range(32)), "a bucket is never used")


@proof("position", "t5", "with a table of zeros is no positions")
def _zero(case: Case) -> None:
    attention, query = around(case), stream(3, 7)
    plain = bare(attention)
    holds((attention(query).y - plain(query).y).abs().max() > 1e-3, "the table does nothing")
    silence(attention.position)  # type: ignore[attr-defined]
    same(attention(query).y, plain(query).y)


@proof("position", "t5", "does not change when all positions move")
def _shift(case: Case) -> None:
    bias = scheme(case).bias
    same(bias(line(7), line(200)), bias(line(7, 50), line(200, 50)), 0.0)
