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


@proof("attention", None, "G1: where there is nothing to see, the scores give zeros")
def _nothing(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7, lengths=LENGTHS), case.memory()
    if isinstance(attention, ScoreAttention):
        last = attention(query, memory).y[2]
        same(last, torch.zeros_like(last), 0.0)


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
    behind = stream(3, 7, lengths=LENGTHS), case.memory()
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
    attention, small = case.build(), stream(2, 5)
    # So near to each other that no score is too low for any weight.
    x, query = leaf(dataclasses.replace(small, x=small.x / 10))
    (gradient,) = torch.autograd.grad(attention(query).y[:, 2].sum(), x)
    counts = gradient.abs().sum(-1) > 0
    holds(counts[:, :2].any(1).all(), "nothing before the middle counts for it")
    holds(counts[:, 3:].any(1).all(), "nothing behind the middle counts for it")
    if case.position == "none":
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
    if case.position != "none":
        return
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


@proof("attention", None, "G17: torch.compile gives the same")
def _compiled(case: Case) -> None:
    query, memory = stream(3, 7, lengths=LENGTHS), case.memory()
    compiled_alike(case, query, memory, "eager")


def compiled_alike(case: Case, query: Stream, memory: Stream | None, backend: str) -> None:
    """The compiled attention gives what the plain one does; by ``eager`` it is traced alone."""
    attention = _module(case.build())
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the compiler, about what it was written with
        torch.compiler.reset()  # what was compiled before counts against a limit
        compiled = torch.compile(attention, backend=backend)
        same(compiled(query, memory).y, attention(query, memory).y)
