"""What every attention proves of decoding: no look ahead, and states that stand for the past."""

import dataclasses
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from attn.contract import Role, Stream
from attn.score.shell import ScoreAttention
from attn.states import KeyValueState
from attn.tracing import begun, mixed
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.streams import apart, cut, in_steps, leaf, rows, stepped, with_holes

WRITES = (Role.DECODER, Role.CROSS)  # where the words to come must not be known
ROUNDED = 1e-6  # float32 beside float64
CUTS = ((1,) * 7, (3, 3, 1), (4, 1, 1, 1), (7,))


@proof("attention", None, "G4: cannot see the future", roles=WRITES)
def _future(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7), case.memory((5, 2, 1))
    changed = query.x.clone()
    changed[:, 4:] += 10
    before = attention(query, memory).y
    after = attention(dataclasses.replace(query, x=changed), memory).y
    same(before[:, :4], after[:, :4], 0.0)
    holds(not torch.allclose(before[:, 4:], after[:, 4:]), "what changed makes no difference")


@proof("attention", None, "G4: learns nothing from the future", roles=WRITES, learns=True)
def _no_gradient(case: Case) -> None:
    attention, memory = case.build(), case.memory((5, 2, 1))
    x, query = leaf(stream(3, 7))
    (gradient,) = torch.autograd.grad(attention(query, memory).y[:, :4].square().sum(), x)
    same(gradient[:, 4:], torch.zeros_like(gradient[:, 4:]), 0.0)


@proof("attention", None, "G5: step by step is all at once", roles=WRITES)
def _steps(case: Case) -> None:
    attention, tolerance = case.build(), max(1e-12, case.capabilities.gap)
    memory = case.memory()
    for query in (stream(3, 7), apart(with_holes(stream(3, 7)))):
        whole = attention(query, memory).y
        for cuts in CUTS:
            same(stepped(attention, query, cuts, memory), whole, tolerance)


@proof("attention", None, "G5: gradients flow through states", roles=[Role.DECODER], learns=True)
def _through_states(case: Case) -> None:
    attention, tolerance = case.build(), max(1e-10, case.capabilities.gap)
    x, query = leaf(stream(3, 7))
    (parts,) = torch.autograd.grad(stepped(attention, query, (3, 4)).square().sum(), x)
    (whole,) = torch.autograd.grad(attention(query).y.square().sum(), x)
    same(parts, whole, tolerance)


@proof("attention", None, "G8: weights step by step are those of all at once", roles=[Role.DECODER])
def _captured_steps(case: Case) -> None:
    attention, query, cuts = case.build(), stream(4, 7), (3, 1, 3)
    plain, picked = attention.start(stream(2, 5), rows=4, capacity=7), torch.tensor([1, 1, 2, 3])
    captured, at = begun(attention, stream(2, 5), rows=4, capacity=7, capture=True), 0
    for count in cuts:
        now, at = cut(query, at, at + count), at + count
        bare, output = attention(now, state=plain), mixed(attention, now, state=captured)
        same(output.y, bare.y, 0.0)
        whole = attention(cut(query, 0, at), capture=True).weights
        assert whole is not None
        assert output.weights is not None
        same(output.weights, whole[:, :, -count:], max(ROUNDED, case.capabilities.gap))
        assert output.state is not None
        assert bare.state is not None
        query = rows(query, picked)
        plain, captured = bare.state.reorder(picked), output.state.reorder(picked)


def _after(case: Case, change: Callable[[Stream], Stream], rows_of: Tensor, kept: bool) -> None:
    """A state that is reordered or kept goes on as that of the sentences picked so."""
    with torch.no_grad():
        attention, query = case.build(), change(stream(6, 7))
        state = attention.start(stream(3, 5), rows=6, capacity=7)
        moved = attention(cut(query, 0, 4), state=state).state
        assert moved is not None
        moved = moved.keep(torch.tensor([0, 2])) if kept else moved.reorder(rows_of)
        y = attention(cut(rows(query, rows_of), 4, 7), state=moved).y
        expected = attention(rows(query, rows_of)).y[:, 4:]
        same(y, expected, max(1e-12, case.capabilities.gap))


def _uneven(whole: Stream) -> Stream:
    """Sequences apart from each other, with padding in the past of every other one."""
    valid = whole.valid.clone()
    valid[::2, 1] = False
    return apart(dataclasses.replace(whole, valid=valid))


@proof(
    "attention", None, "G6: a reordered state is of the sentences so ordered", roles=[Role.DECODER]
)
def _reordered(case: Case) -> None:
    for picked in ([1, 1, 2, 3, 5, 4], [0, 1, 2, 3, 4, 5]):
        for change in (lambda whole: whole, _uneven):
            _after(case, change, torch.tensor(picked), kept=False)


@proof("attention", None, "G6: a kept state is of the sentences kept", roles=[Role.DECODER])
def _kept(case: Case) -> None:
    for change in (lambda whole: whole, _uneven):
        _after(case, change, torch.tensor([0, 1, 4, 5]), kept=True)


@proof("attention", None, "G6: hypotheses share the source of their sentence", roles=[Role.CROSS])
def _shared(case: Case) -> None:
    attention, memory = case.build(), apart(stream(2, 5, lengths=[5, 3], seed=4))
    query, each = stream(6, 3), torch.tensor([0, 0, 0, 1, 1, 1])
    state = attention.start(memory, rows=6, capacity=3)
    traced = begun(attention, memory, rows=6, capacity=3, capture=True)
    output = mixed(attention, query, state=traced.reorder(torch.arange(6)))
    expected = attention(query, rows(memory, each), capture=True)
    same(output.y, expected.y)
    same(output.y, attention(query, state=state).y, 0.0)
    assert output.weights is not None
    assert expected.weights is not None
    same(output.weights, expected.weights, ROUNDED)
    plain, shared = (attention.start(memory, rows=n, capacity=9).nbytes() for n in (2, 6))
    own = case.capabilities.remembers  # what each hypothesis has for itself
    holds((shared > plain) is own, f"{shared} bytes for 3 hypotheses, {plain} for 1")
    alone = state.keep(torch.tensor([1]))
    picked = torch.tensor([3, 4, 5])
    same(attention(rows(query, picked), state=alone).y, expected.y[picked])


@proof(
    "attention", None, "G6: hypotheses of a sentence take each other's place", roles=[Role.CROSS]
)
@torch.no_grad()
def _moved(case: Case) -> None:
    attention, query = case.build(), stream(6, 7)
    memory, each = apart(stream(2, 5, lengths=[5, 3], seed=4)), torch.tensor([0, 0, 0, 1, 1, 1])
    state = attention(cut(query, 0, 4), state=attention.start(memory, rows=6, capacity=7)).state
    assert state is not None
    picked = torch.tensor([2, 0, 0, 5, 5, 4])
    expected = attention(rows(query, picked), rows(memory, each)).y[:, 4:]
    moved = state.reorder(picked)
    same(attention(cut(rows(query, picked), 4, 7), state=moved).y, expected)
    alone, picked = moved.keep(torch.tensor([1])), picked[3:]
    same(attention(cut(rows(query, picked), 4, 7), state=alone).y, expected[3:])


@proof("attention", None, "G10: the state grows as declared", roles=[Role.DECODER])
def _growth(case: Case) -> None:
    attention, query = case.build(), stream(2, 70)
    with torch.no_grad():
        states = [output.state for output in in_steps(attention, query, (2, 2, 60, 2, 2, 2))]
    sizes = [state.nbytes() for state in states if state is not None]
    first, *_, before, last = [after - before for before, after in pairwise(sizes)]
    if type(states[-1]) is KeyValueState and isinstance(attention, ScoreAttention):
        maps = attention.projections  # two rows of two tokens, numbers of 8 bytes, where, whether
        formula = 2 * 2 * (8 * maps.kv_heads * (maps.head_dim + maps.value_dim) + 8 + 1)
        holds(first == formula, f"kv: {first} bytes for 2 tokens of 2 rows, not {formula}")
    if case.capabilities.state == "kv":
        holds(0 < first == before == last, f"kv: {sizes} bytes at 2, 4, 64, 66, 68, 70 tokens")
    else:  # which may be filled first
        holds(before == last == 0, f"not kv: {sizes} bytes at 2, 4, 64, 66, 68, 70 tokens")
