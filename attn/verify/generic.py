"""What every attention proves, in each of its roles, whatever it computes.

The names G1 to G17 are the columns of ``attn verify``. What is shown of the weights is proven in
``generic_weights``, what training and formats ask for in ``generic_training``.
"""

import dataclasses

import torch

from attn.contract import Role, Stream
from attn.score.shell import ScoreAttention
from attn.verify.cases import Case, stream
from attn.verify.proofs import ROUNDED, holds, proof, same
from attn.verify.streams import (
    LENGTHS,
    leaf,
    longer,
    module_of,
    permuted,
    rows,
    seen_by,
    with_holes,
    with_noise,
)

SELF = (Role.ENCODER, Role.DECODER)


@proof("attention", None, "G1: the result is finite and shaped like the query")
def _shape(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7, lengths=LENGTHS), case.memory()
    y = attention(query, memory).y
    holds(y.shape == query.x.shape, f"the query is {tuple(query.x.shape)}, y {tuple(y.shape)}")
    holds(y.dtype == query.x.dtype, f"the query is {query.x.dtype}, y {y.dtype}")
    holds(y.isfinite().all(), "y is not finite")


@proof("attention", None, "G1: where there is nothing to see, nothing comes of it")
@torch.no_grad()
def _nothing(case: Case) -> None:
    attention, query = case.build(), stream(2, 7, seed=3)
    memory = case.memory((0, 0))
    if memory is None:
        query = dataclasses.replace(query, valid=torch.zeros_like(query.valid))
    for name, parameter in module_of(attention).named_parameters():
        if name.endswith("bias"):
            parameter.zero_()
    y = attention(query, memory).y[:, -1]
    # Of its own word, which may reach the result beside what is mixed, only zeros give zeros.
    blank = y if isinstance(attention, ScoreAttention) else attention(_blank(query), memory).y
    same(blank, torch.zeros_like(blank), 0.0)
    other = stream(2, 7, seed=4)
    if memory is None:
        beside = torch.cat((other.x[:, :-1], query.x[:, -1:]), 1)
        same(attention(dataclasses.replace(query, x=beside)).y[:, -1], y, 0.0)
    else:
        changed = dataclasses.replace(memory, x=other.x[:, :5])
        same(attention(query, changed).y[:, -1], y, 0.0)


def _blank(query: Stream) -> Stream:
    return dataclasses.replace(query, x=torch.zeros_like(query.x))


@proof("attention", None, "G1: an odd number of heads is refused where two work together")
def _pairs(case: Case) -> None:
    if not case.capabilities.even_heads:
        return
    refused = False
    try:
        case.build(dim=12, heads=3)
    except ValueError:
        refused = True
    holds(refused, "three heads are taken")


@proof("attention", None, "G1: a kernel gives what products one by one do")
def _kernel(case: Case) -> None:
    if not case.kernel:
        return
    query, memory = with_holes(stream(3, 7)), _with_holes(case.memory((5, 5, 5)))
    for other in (query, dataclasses.replace(query, valid=query.valid & (query.position < 4))):
        plain = case.build(kernel="explicit")(other, memory).y
        same(case.build()(other, memory).y, plain, 1e-10)


@proof("attention", None, "G2: padding changes nothing, wherever it stands")
def _padding(case: Case) -> None:
    attention = case.build()
    # A target is whole where the source is padding alone, or that would be looked at by none.
    behind = stream(3, 7, lengths=(7, 4, 7) if case.memory() else LENGTHS), case.memory()
    amidst = with_holes(stream(3, 7)), _with_holes(case.memory((5, 5, 5)))
    for query, memory in (behind, amidst):
        before = attention(query, memory).y
        noisy = with_noise(seen_by(query, memory))
        after = attention(query, noisy).y if memory else attention(noisy).y
        same(before[query.valid], after[query.valid])


def _with_holes(memory: Stream | None) -> Stream | None:
    return None if memory is None else with_holes(memory)


@proof("attention", None, "G2: more padding changes nothing")
def _more_padding(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7, lengths=LENGTHS), case.memory()
    wide = longer(seen_by(query, memory), 2)
    after = attention(query, wide).y if memory else attention(wide).y[:, :7]
    same(attention(query, memory).y[query.valid], after[query.valid])


@proof("attention", None, "G3: each sentence stands alone")
def _alone(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7, lengths=LENGTHS), case.memory()
    together = attention(query, memory).y
    for row in range(3):
        one = torch.tensor([row])
        same(together[one], attention(rows(query, one), memory and rows(memory, one)).y)


@proof("attention", None, "G11: sees both sides", roles=[Role.ENCODER], learns=True)
def _both_sides(case: Case) -> None:
    if case.capabilities.order_aware and not case.is_usual:
        return  # how far it sees, and to which side, is what its options are there for
    attention, small = case.build(), stream(2, 5)
    # So near to each other that no score is too low for any weight.
    x, query = leaf(dataclasses.replace(small, x=small.x / 10))
    (gradient,) = torch.autograd.grad(attention(query).y[:, 2].sum(), x)
    counts = gradient.abs().sum(-1) > 0
    holds(counts[:, :2].any(1).all(), "nothing before the middle counts for it")
    holds(counts[:, 3:].any(1).all(), "nothing behind the middle counts for it")
    if case.position == "none" and not case.capabilities.order_aware:
        holds(counts.all(), "a token does not count for the one in the middle")


@proof("attention", None, "G11: depends on the source", roles=[Role.CROSS])
def _source(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7), case.memory((5, 5, 5))
    assert memory is not None
    other = dataclasses.replace(memory, x=memory.x.flip(-1))
    change = (attention(query, memory).y - attention(query, other).y).abs().amax((1, 2))
    holds((change > ROUNDED).all(), "another source gives the same result")


@proof("attention", None, "G11: the order of the source in the tensor is free", roles=[Role.CROSS])
def _order_of_source(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7), case.memory()
    assert memory is not None
    other = permuted(memory, torch.tensor([3, 0, 4, 2, 1]))
    same(attention(query, memory).y, attention(query, other).y)


@proof(
    "attention", None, "G12: sees a bag of words, unless it is order-aware", roles=[Role.ENCODER]
)
def _bag(case: Case) -> None:
    if case.position != "none" or (case.capabilities.order_aware and not case.is_usual):
        return  # some options leave an attention no order to be aware of
    attention, query = case.build(), stream(2, 30)
    order = torch.arange(30).view(5, 6).t().flatten()  # neighbours come apart
    y = attention(dataclasses.replace(query, x=query.x[:, order])).y
    expected = attention(query).y[:, order]
    if case.capabilities.order_aware:
        holds((y - expected).abs().max() > ROUNDED, "is declared order-aware, and is not")
    else:
        same(y, expected)
