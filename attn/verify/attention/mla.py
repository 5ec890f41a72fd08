"""Proofs of multi-head latent attention."""

import dataclasses
from typing import Any

import torch
from torch import Tensor

from attn import registry
from attn.contract import InnerPosition, Place, PositionKind, Role
from attn.score.projections import by_head
from attn.verify import written
from attn.verify.cases import DIM, HEADS, Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.streams import stepped

INNER = DIM // HEADS


class _Turned:
    """The plainest rotary scheme: the first two dimensions are turned by the position."""

    kind = PositionKind.ROTARY

    def rotate(self, x: Tensor, position: Tensor) -> Tensor:
        """The pair, turned; the rest as it is."""
        angle = position[:, None].to(x.dtype)
        one, other = x[..., 0], x[..., 1]
        turned = (one * angle.cos() - other * angle.sin(), one * angle.sin() + other * angle.cos())
        return torch.cat((torch.stack(turned, -1), x[..., 2:]), -1)


def _built(case: Case, *, turned: bool, **options: Any) -> Any:
    """The attention, within which the plainest rotary scheme acts, or none."""
    if not turned or case.role is Role.CROSS:
        return case.build(**options)
    torch.manual_seed(0)

    def scheme(heads: int, head_dim: int) -> InnerPosition:  # noqa: ARG001
        made: InnerPosition = _Turned()
        return made

    place = Place(case.role, DIM, DIM, DIM, scheme)
    made: Any = registry.build(
        "attention", {"name": case.attention, "heads": HEADS, **options}, place=place
    )
    return made.double().eval()


@proof("attention", "mla", "equals keys and values made for each head")
def _materialised(case: Case) -> None:
    query, memory = written.streams(case)
    source = memory or query
    for turned in (False, True):
        attention = _built(case, turned=turned, latent_dim=6, rotary_dim=4)
        maps, rotary = attention.projections, 4 * (turned and case.role is not Role.CROSS)
        q, q_turned = by_head(maps.query(query.x), HEADS).split([INNER, rotary], -1)
        latent, k_turned = maps.latent(source.x).split([6, rotary], -1)
        keys = torch.einsum("hdc,bkc->bhkd", maps.key_up, latent)
        values = torch.einsum("hcd,bkc->bhkd", maps.value_up, latent)
        s = torch.einsum("bhqd,bhkd->bhqk", q, keys)
        if rotary:
            left = _Turned().rotate(q_turned, query.position)
            right = _Turned().rotate(k_turned[:, None], query.position)
            s = s + torch.einsum("bhqd,bgkd->bhqk", left, right)
        mask = source.valid[:, None, None].expand(-1, 1, 7, -1)
        if case.role is Role.DECODER:
            mask = mask & torch.ones(7, 7, dtype=torch.bool).tril()
        context = written.softmax(s / (INNER + rotary) ** 0.5, mask) @ values
        expected = maps.out(context.transpose(1, 2).flatten(2))
        same(attention(query, memory).y, expected)


@proof("attention", "mla", "is softmax where the latent is the input")
def _softmax(case: Case) -> None:
    attention: Any = case.build(latent_dim=DIM)
    softmax: Any = Case("softmax", case.role).build()
    maps, theirs = attention.projections, softmax.projections
    if case.role is Role.CROSS:
        query, (key, value) = theirs.query.weight, theirs.key_value.weight.split(DIM)
    else:
        query, key, value = theirs.joint.weight.split(DIM)
    maps.query.weight.data, maps.out.weight.data = query.data, theirs.out.weight.data
    maps.latent.weight.data = torch.eye(DIM, dtype=torch.float64)
    maps.key_up.data = key.data.unflatten(0, (HEADS, INNER))
    maps.value_up.data = value.data.unflatten(0, (HEADS, INNER)).transpose(1, 2)
    queries, memory = stream(3, 7, lengths=(7, 4, 0)), case.memory((5, 2, 0))
    same(attention(queries, memory).y, softmax(queries, memory).y)


@proof("attention", "mla", "keeps the latent and the turned part alone", roles=[Role.DECODER])
@torch.no_grad()
def _kept(case: Case) -> None:
    for turned in (False, True):
        attention = _built(case, turned=turned, latent_dim=6, rotary_dim=4)
        query = stream(3, 7)
        state = attention(query, state=attention.start(None, rows=3, capacity=9)).state
        kept = 3 * 7 * ((6 + 4 * turned) * 8 + 9)
        holds(state.nbytes() == kept, f"{state.nbytes()} bytes are kept, not {kept}")


@proof(
    "attention", "mla", "step by step is all at once with turned parts too", roles=[Role.DECODER]
)
def _stepped(case: Case) -> None:
    attention, query = _built(case, turned=True), stream(3, 7)
    same(stepped(attention, query, (1,) * 7), attention(query).y)


@proof("attention", "mla", "does not know positions, and turned parts the distance alone")
def _positions(case: Case) -> None:
    query, memory = stream(3, 7), case.memory((5, 2, 1))
    later = dataclasses.replace(query, position=query.position + 100)
    apart = dataclasses.replace(query, position=query.position * 2)
    plain, turned = _built(case, turned=False), _built(case, turned=True)
    for moved in (later, apart):
        same(plain(moved, memory).y, plain(query, memory).y, 0.0)
    same(turned(later, memory).y, turned(query, memory).y)
    if case.role is not Role.CROSS:
        moved = (turned(apart, memory).y - turned(query, memory).y).abs().max()
        holds(moved > 1e-3, "the turned part does not know the distance")


@proof("attention", "mla", "learns maps from and to the latent")
def _parameters(case: Case) -> None:
    for turned in (False, True):
        attention = _built(case, turned=turned, latent_dim=6, rotary_dim=4)
        rotary = 4 * (turned and case.role is not Role.CROSS)
        learned = sum(p.numel() for p in attention.parameters())
        expected = DIM * (DIM + HEADS * rotary) + DIM * (6 + rotary) + 2 * 6 * DIM + DIM**2
        holds(learned == expected, f"{learned} numbers are learned, not {expected}")
