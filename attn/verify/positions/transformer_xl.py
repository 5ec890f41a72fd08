"""Proofs of relative positions as projected sines and cosines."""

from typing import Any

import torch
import torch.nn.functional as F

from attn.contract import Role
from attn.verify.cases import DIM, HEADS, Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.schemes import around, bare, line, scheme, silence

WIDTH = DIM // HEADS


def _trained(case: Case) -> Any:
    """The scheme with vectors u and v that are not zero."""
    made = scheme(case)
    with torch.no_grad():
        made.content_bias += torch.randn_like(made.content_bias)
        made.place_bias += torch.randn_like(made.place_bias)
    return made


def _heads(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, HEADS, 7, WIDTH, generator=generator, dtype=torch.float64)


def _places(position: Any, distances: torch.Tensor) -> torch.Tensor:
    """``W_R r`` of each distance by head, of shape (heads, distances, dim)."""
    rate = 10000.0 ** (-torch.arange(0, DIM, 2).double() / DIM)
    angle = distances[:, None].double() * rate
    encoded = torch.cat((angle.sin(), angle.cos()), -1)
    return (encoded @ position.projection.weight.t()).unflatten(-1, (HEADS, -1)).transpose(0, 1)


def _seen(case: Case, scores: torch.Tensor) -> torch.Tensor:
    """The scores of keys that may be seen; the others are of no account."""
    return scores.tril() if case.role is Role.DECODER else scores


@proof("position", "transformer_xl", "equals the formula with a place for each pair of tokens")
def _formula(case: Case) -> None:
    position, q, k = _trained(case), _heads(1), _heads(2)
    distances = (line(7).t() - line(7)).flatten()
    places = _places(position, distances).unflatten(1, (7, 7))
    expected = torch.einsum("hxd,bhkd->bhk", position.content_bias, k)[:, :, None]
    expected = expected + torch.einsum("bhqd,hqkd->bhqk", q + position.place_bias, places)
    same(_seen(case, position.content(q, k, line(7), line(7))), _seen(case, expected))


@proof("position", "transformer_xl", "gathers what the paper's shift of rows would give")
def _shift_of_rows(case: Case) -> None:
    position, q, k = _trained(case), _heads(1), _heads(2)
    with torch.no_grad():
        position.content_bias.zero_()
    places = _places(position, torch.arange(6, -7, -1))
    by_distance = (q + position.place_bias) @ places.transpose(-2, -1)
    # Row i, of distances 6 to -6, is to begin at its distance i to key 0.
    shifted = F.pad(by_distance, (1, 0)).flatten(-2)[..., 7:].unflatten(-1, (7, 13))[..., :7]
    same(_seen(case, position.content(q, k, line(7), line(7))), _seen(case, shifted))


@proof("position", "transformer_xl", "does not change when all positions move")
def _shift(case: Case) -> None:
    position, q, k = _trained(case), _heads(1), _heads(2)
    here, there = (position.content(q, k, line(7, at), line(7, at)) for at in (0, 90))
    same(here, there)


@proof("position", "transformer_xl", "with weights of zero is no positions")
def _zero(case: Case) -> None:
    attention, query = around(case), stream(3, 7)
    plain = bare(attention)
    holds((attention(query).y - plain(query).y).abs().max() > 1e-3, "the places do nothing")
    silence(attention.position)  # type: ignore[attr-defined]
    same(attention(query).y, plain(query).y)
