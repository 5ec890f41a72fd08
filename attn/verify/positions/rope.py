"""Proofs of rotary positions."""

import torch

from attn.verify.cases import DIM, HEADS, Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.schemes import around, bare, line, scheme

WIDTH = 8  # of a head that two halves of pairs fit in


def _vectors(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 3, 6, WIDTH, generator=generator, dtype=torch.float64)


@proof("position", "rope", "has products that depend on differences of positions alone")
def _shift(case: Case) -> None:
    for pairing in ("interleaved", "halves"):
        turn = scheme(case, heads=2, pairing=pairing).rotate
        q, k = _vectors(1), _vectors(2)
        here = turn(q, line(6)) @ turn(k, line(6, 3)).transpose(-2, -1)
        there = turn(q, line(6, 100)) @ turn(k, line(6, 103)).transpose(-2, -1)
        same(here, there, 1e-10)


@proof("position", "rope", "keeps every length, and all that stands at position 0")
def _lengths(case: Case) -> None:
    turn = scheme(case, heads=2).rotate
    same(turn(_vectors(1), line(6, 50)).norm(dim=-1), _vectors(1).norm(dim=-1))
    same(turn(_vectors(1), torch.zeros(1, 6, dtype=torch.long)), _vectors(1), 0.0)


@proof("position", "rope", "equals the formula written out")
def _formula(case: Case) -> None:
    q, position = _vectors(1), line(6, 4)
    rate = 10000.0 ** (-torch.arange(0, WIDTH, 2).double() / WIDTH)
    angle = position[0, :, None] * rate
    (a, b), turned = q.unflatten(-1, (-1, 2)).unbind(-1), scheme(case, heads=2).rotate(q, position)
    same(turned[..., 0::2], a * angle.cos() - b * angle.sin())
    same(turned[..., 1::2], a * angle.sin() + b * angle.cos())


@proof("position", "rope", "pairs halves as interleaved pairs in another order")
def _pairings(case: Case) -> None:
    order = torch.arange(WIDTH).unflatten(0, (-1, 2)).t().flatten()  # 0 2 4 6 1 3 5 7
    interleaved, halves = (
        scheme(case, heads=2, pairing=pairing) for pairing in ("interleaved", "halves")
    )
    q = _vectors(1)
    same(interleaved.rotate(q, line(6))[..., order], halves.rotate(q[..., order], line(6)), 0.0)


@proof("position", "rope", "leaves what is beyond the fraction, which alone is no positions")
def _fraction(case: Case) -> None:
    half = scheme(case, heads=2, fraction=0.5)
    q = _vectors(1)
    turned, whole = half.rotate(q, line(6, 1)), scheme(case, heads=4).rotate
    same(turned[..., 4:], q[..., 4:], 0.0)
    same(turned[..., :4], whole(q[..., :4], line(6, 1)), 0.0)
    attention, query = around(case, fraction=0.5), stream(3, 7)
    holds((attention(query).y - bare(attention)(query).y).abs().max() > 1e-3, "nothing is turned")
    width = DIM // HEADS
    with torch.no_grad():  # queries that are zero where they would be turned
        weight = attention.projections.joint.weight  # type: ignore[attr-defined]
        weight[:DIM].view(HEADS, width, DIM)[:, : width // 2] = 0
    same(attention(query).y, bare(attention)(query).y)


@proof("position", "rope", "turns by exact angles in any format")
def _precision(case: Case) -> None:
    turn = scheme(case, heads=2).rotate
    x, far = torch.ones(1, 1, 6, WIDTH), line(6, 5000)
    exact = turn(x.double(), far)
    same(turn(x, far), exact, 2e-3)
    with torch.autocast("cpu", torch.bfloat16):
        same(turn(x, far), exact, 2e-3)
    same(turn(x.bfloat16(), far), exact, 1e-2)
