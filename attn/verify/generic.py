"""What every attention proves, in each of its roles, whatever it computes.

The names G1 to G17 are the columns of ``attn verify``.
"""

import copy
import dataclasses
import warnings

import torch
from torch import Tensor, nn

from attn.contract import Attention, Role, Stream
from attn.score.core import Core
from attn.score.kernels import mix
from attn.score.shell import BENT, ScoreAttention
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.streams import (
    in_steps,
    leaf,
    longer,
    permuted,
    rows,
    with_holes,
    with_noise,
)

LENGTHS = (7, 4, 0)
SELF = (Role.ENCODER, Role.DECODER)
ROUNDED = 1e-6  # float32 beside float64
LARGE, FAINT, PLAIN = 4.0, 1e-4, 0.1  # inputs, and shares that are next to none, or are some
SHORT = 5e-2  # bf16 beside float32, of the largest value


def _module(attention: Attention) -> nn.Module:
    assert isinstance(attention, nn.Module)
    return attention


def _read(query: Stream, memory: Stream | None) -> Stream:
    """What is looked at: the source in the cross role, else the sequence itself."""
    return query if memory is None else memory


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
    for name, parameter in _module(attention).named_parameters():
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
        noisy = with_noise(_read(query, memory))
        after = attention(query, noisy).y if memory else attention(noisy).y
        same(before[query.valid], after[query.valid])


def _with_holes(memory: Stream | None) -> Stream | None:
    return None if memory is None else with_holes(memory)


@proof("attention", None, "G2: more padding changes nothing")
def _more_padding(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7, lengths=LENGTHS), case.memory()
    wide = longer(_read(query, memory), 2)
    after = attention(query, wide).y if memory else attention(wide).y[:, :7]
    same(attention(query, memory).y[query.valid], after[query.valid])


@proof("attention", None, "G3: each sentence stands alone")
def _alone(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7, lengths=LENGTHS), case.memory()
    together = attention(query, memory).y
    for row in range(3):
        one = torch.tensor([row])
        same(together[one], attention(rows(query, one), memory and rows(memory, one)).y)


@proof("attention", None, "G7: gradients are exact", learns=True)
def _gradients(case: Case) -> None:
    attention, query = case.build(), stream(2, 3, lengths=(3, 2))
    memory = case.memory((5, 0))
    parameters = list(_module(attention).parameters())

    def function(x: Tensor, *_: Tensor) -> Tensor:
        return attention(dataclasses.replace(query, x=x), memory).y

    inputs = (query.x.clone().requires_grad_(), *parameters)
    torch.autograd.gradcheck(function, inputs, fast_mode=True)


@proof("attention", None, "G7: every parameter learns, what cannot be seen does not", learns=True)
def _learns(case: Case) -> None:
    attention, memory = case.build(), case.memory((5, 2, 0))
    x, query = leaf(stream(3, 7, lengths=LENGTHS))
    attention(query, memory).y.square().sum().backward()
    holds(x.grad is not None and x.grad.isfinite().all(), "the gradient of x is not finite")
    for name, parameter in _module(attention).named_parameters():
        holds(parameter.grad is not None, f"no gradient reaches {name}")
        assert parameter.grad is not None
        holds(parameter.grad.isfinite().all(), f"the gradient of {name} is not finite")
        holds(parameter.grad.abs().sum() > 0, f"the gradient of {name} is zero")


@proof("attention", None, "G8: capture changes nothing, to the bit")
def _capture(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7, lengths=LENGTHS), case.memory()
    captured = attention(query, memory, capture=True)
    same(captured.y, attention(query, memory).y, 0.0)
    holds(attention(query, memory).weights is None, "weights come unasked")
    weights = captured.weights
    holds(weights is not None, "capture gives no weights")
    assert weights is not None
    expected = (3, weights.shape[1], 7, 7 if memory is None else 5)
    holds(weights.shape == expected, f"weights are {tuple(weights.shape)}, not {expected}")
    holds(weights.dtype == torch.float32, f"weights are {weights.dtype}, not float32")
    holds(not weights.requires_grad, "gradients are recorded for the weights")


@proof("attention", None, "G8: the weights mix the values into the result")
def _mixed(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7, lengths=LENGTHS), case.memory()
    if not isinstance(attention, ScoreAttention) or attention.kind in BENT:
        return
    if type(attention.core) is not Core:
        return  # it says itself what it does with values
    output = attention(query, memory, capture=True)
    assert output.weights is not None
    maps = attention.projections
    value = maps.all_of(query.x)[2] if memory is None else maps.key_value_of(memory.x)[1]
    same(attention._out(mix(output.weights.double(), value), query), output.y, ROUNDED)


@proof("attention", None, "G8: the result hangs on keys as their weights say", learns=True)
def _hangs(case: Case) -> None:
    """By how much the last query's result changes with each key, beside the weights of the keys.

    Inputs are large, so that there are keys of next to no weight, and others. A key of next to no
    influence has no large share of the weights; where no weight is negative, and may cancel out in
    a sum, a key of next to no weight has no large share of the influence either.
    """
    attention, memory = case.build(), case.memory((5,) * 16)
    query = stream(16, 7 if memory is None else 1, seed=6)
    query = dataclasses.replace(query, x=LARGE * query.x)
    x, read = leaf(dataclasses.replace(memory, x=LARGE * memory.x) if memory else query)
    output = attention(query, read, capture=True) if memory else attention(read, capture=True)
    # That it is the same for all features of the result would be what some norms take away.
    towards = stream(16, 1, seed=7).x[:, 0]
    (gradient,) = torch.autograd.grad((output.y[:, -1] * towards).sum(), x)
    assert output.weights is not None
    weights = output.weights[:, :, -1].double()
    others = slice(None) if memory else slice(-1)  # its own word reaches the query too
    influence = _shares(gradient.norm(dim=-1)[:, others])
    share = _shares(weights.abs().sum(1)[:, others])
    unseen = share[influence < FAINT]
    holds((unseen < PLAIN).all(), f"without influence, a key has {_most(unseen)} of the weight")
    if not (weights < 0).any():
        unread = influence[share < FAINT]
        holds((unread < PLAIN).all(), f"without weight, a key has {_most(unread)} of the influence")


def _shares(x: Tensor) -> Tensor:
    """Each number of a row as a part of its sum."""
    return x / x.sum(-1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny)


def _most(shares: Tensor) -> str:
    return f"{100 * max(shares.tolist(), default=0.0):.0f}%"


@proof("attention", None, "G9: weights are of the kind that is declared, and zero where hidden")
def _weights(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7, lengths=LENGTHS), case.memory()
    weights, declared = attention(query, memory, capture=True).weights, case.capabilities.weights
    assert weights is not None
    seen = _read(query, memory).valid[:, None, None, :].expand_as(weights)
    if case.role is Role.DECODER:
        seen = seen & torch.ones(7, 7, dtype=torch.bool).tril()
    holds((weights[~seen] == 0).all(), "a hidden key has a weight")
    sums = weights.sum(-1)[seen.any(-1)]
    if declared in {"exact", "partial", "free"}:
        holds((weights >= 0).all(), f"a weight is {float(weights.min()):.3g}, below 0")
    if declared == "exact":
        same(sums, torch.ones_like(sums), ROUNDED)
    if declared == "partial":
        holds((sums <= 1 + ROUNDED).all(), f"a row sums to {float(sums.max()):.6f}, above 1")


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


@proof("attention", None, "G13: the same seed gives the same, and so does training undropped")
def _repeats(case: Case) -> None:
    query, memory = stream(3, 7), case.memory()
    first, second = case.build(seed=3), case.build(seed=3)
    y = first(query, memory).y
    same(y, second(query, memory).y, 0.0)
    same(y, first(query, memory).y, 0.0)
    _module(second).train()
    same(y, second(query, memory).y, 0.0)


@proof("attention", None, "G13: dropout drops in training alone, and is not in what is shown")
def _drops(case: Case) -> None:
    if not case.takes("dropout") or case.position != "none":
        return
    query, memory = stream(3, 7), case.memory((5, 4, 3))
    try:
        attention = case.build(dropout=0.5)
    except ValueError:
        return  # it says that it drops nothing
    exact = attention(query, memory, capture=True)
    same(exact.y, case.build(dropout=0.0)(query, memory).y, 0.0)
    _module(attention).train()
    first, second = (attention(query, memory, capture=True) for _ in range(2))
    holds((first.y - exact.y).abs().max() > ROUNDED, "training with dropout=0.5 drops nothing")
    holds((first.y - second.y).abs().max() > ROUNDED, "dropout=0.5 drops the same at every call")
    assert first.weights is not None
    assert exact.weights is not None
    same(first.weights, exact.weights, 0.0)


@proof("attention", None, "G15: bf16 stays near, all at once and step by step")
def _short_formats(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7), case.memory()
    _module(attention).float()
    query = dataclasses.replace(query, x=query.x.float())
    memory = memory and dataclasses.replace(memory, x=memory.x.float())
    exact = attention(query, memory).y
    near = SHORT * float(exact.detach().abs().max())
    with torch.autocast("cpu", torch.bfloat16):
        short = attention(query, memory).y
        holds(short.isfinite().all(), "bf16 is not finite")
        same(short, exact, near)
        if case.role is Role.DECODER:
            parts = [output.y for output in in_steps(attention, query, (1, 2, 1, 3))]
            same(torch.cat(parts, 1), exact, max(near, case.capabilities.gap))


@proof("attention", None, "G16: weights that are saved and loaded give the same")
def _saved(case: Case) -> None:
    first, second = _module(case.build(seed=1)), _module(case.build(seed=2))
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    query, memory = stream(3, 7), case.memory()
    same(first(query, memory).y, second(query, memory).y, 0.0)


@proof("attention", None, "G17: torch.compile takes it whole, and gives the same")
def _compiled(case: Case) -> None:
    query, memory = stream(3, 7, lengths=LENGTHS), case.memory()
    compiled_alike(case, query, memory, "eager")


def compiled_alike(case: Case, query: Stream, memory: Stream | None, backend: str) -> None:
    """The compiled attention gives what the plain one does; by ``eager`` it is traced alone."""
    attention = _module(case.build())
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the compiler, about what it was written with
        torch.compiler.reset()  # what was compiled before counts against a limit
        compiled = torch.compile(attention, backend=backend, fullgraph=True)
        same(compiled(query, memory).y, attention(query, memory).y)
