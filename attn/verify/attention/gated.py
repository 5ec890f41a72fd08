"""Proofs of gated attention."""

import warnings
from typing import Any

import torch

from attn.verify import written
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same

GATES = ("elementwise", "headwise")


@proof("attention", "gated", "equals the formula written out")
def _formula(case: Case) -> None:
    query, memory = written.streams(case)
    for gate in GATES:
        attention: Any = case.build(gate=gate, bias=True, value_dim=3)
        linear = attention.gate.map
        linear.bias.data = written.random(len(linear.bias))
        s, mask, v = written.scores(attention, query, memory)
        context = torch.einsum("bhqk,bhkd->bqhd", written.softmax(s, mask), v)
        gates = torch.sigmoid(query.x @ linear.weight.T + linear.bias)
        gated = context * gates.unflatten(-1, (4, -1))
        same(attention(query, memory).y, attention.projections.out(gated.flatten(2)))


@proof("attention", "gated", "is softmax where all gates are open, half of it where half open")
def _open(case: Case) -> None:
    query, memory = stream(3, 7, lengths=(7, 4, 0)), case.memory()
    for gate in GATES:
        attention: Any = case.build(gate=gate, bias=True)
        expected = written.output(attention, written.softmax, query, memory).nan_to_num()
        attention.gate.map.weight.data.zero_()
        for bias, share in ((100.0, 1.0), (0.0, 0.5), (-800.0, 0.0)):
            attention.gate.map.bias.data.fill_(bias)
            same(attention(query, memory).y, share * expected)


@proof("attention", "gated", "a gate a head equals a gate a number where those of a head are tied")
def _tied(case: Case) -> None:
    query, memory = written.streams(case)
    one: Any = case.build(gate="headwise")
    each: Any = case.build(gate="elementwise")
    kept = {name: x for name, x in one.state_dict().items() if not name.startswith("gate")}
    each.load_state_dict(kept, strict=False)
    each.gate.map.weight.data = one.gate.map.weight.repeat_interleave(4, 0)
    same(each(query, memory).y, one(query, memory).y)


@proof("attention", "gated", "all kernels agree")
def _kernels(case: Case) -> None:
    query, memory = stream(3, 7, lengths=(7, 4, 0)), case.memory()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that flex is not compiled: it need not be fast here
        built = (case.build(kernel=kernel) for kernel in ("explicit", "sdpa", "flex"))
        explicit, *others = (attention(query, memory).y for attention in built)
    for y in others:
        same(y, explicit)


@proof("attention", "gated", "learns a row of weights for each gate")
def _parameters(case: Case) -> None:
    softmax: Any = Case("softmax", case.role).build()
    for gate, gates in zip(GATES, (16, 4), strict=True):
        attention: Any = case.build(gate=gate)
        more = sum(p.numel() for p in attention.parameters())
        more -= sum(p.numel() for p in softmax.parameters())
        holds(more == 16 * gates, f"{gate}: {more} numbers more than softmax")
