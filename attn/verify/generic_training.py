"""What every attention proves of training: gradients, dropout, formats, saving, compiling."""

import contextlib
import copy
import dataclasses
import logging
import warnings
from collections.abc import Iterator

import torch
from torch import Tensor

from attn.contract import Role, Stream
from attn.verify.cases import Case, stream
from attn.verify.proofs import ROUNDED, holds, proof, same
from attn.verify.streams import LENGTHS, in_steps, leaf, module_of

SHORT = 5e-2  # bf16 beside float32, of the largest value


@proof("attention", None, "G7: gradients are exact", learns=True)
def _gradients(case: Case) -> None:
    attention, query = case.build(), stream(2, 3, lengths=(3, 2))
    memory = case.memory((5, 0))
    parameters = list(module_of(attention).parameters())

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
    for name, parameter in module_of(attention).named_parameters():
        holds(parameter.grad is not None, f"no gradient reaches {name}")
        assert parameter.grad is not None
        holds(parameter.grad.isfinite().all(), f"the gradient of {name} is not finite")
        holds(parameter.grad.abs().sum() > 0, f"the gradient of {name} is zero")


@proof("attention", None, "G13: the same seed gives the same, and so does training undropped")
def _repeats(case: Case) -> None:
    query, memory = stream(3, 7), case.memory()
    first, second = case.build(seed=3), case.build(seed=3)
    y = first(query, memory).y
    same(y, second(query, memory).y, 0.0)
    same(y, first(query, memory).y, 0.0)
    module_of(second).train()
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
    module_of(attention).train()
    first, second = (attention(query, memory, capture=True) for _ in range(2))
    holds((first.y - exact.y).abs().max() > ROUNDED, "training with dropout=0.5 drops nothing")
    holds((first.y - second.y).abs().max() > ROUNDED, "dropout=0.5 drops the same at every call")
    assert first.weights is not None
    assert exact.weights is not None
    same(first.weights, exact.weights, 0.0)


@proof("attention", None, "G15: bf16 stays near, all at once and step by step")
def _short_formats(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7), case.memory()
    module_of(attention).float()
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
    first, second = module_of(case.build(seed=1)), module_of(case.build(seed=2))
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    query, memory = stream(3, 7), case.memory()
    same(first(query, memory).y, second(query, memory).y, 0.0)


@proof("attention", None, "G17: torch.compile takes it whole, and gives the same")
def _compiled(case: Case) -> None:
    query, memory = stream(3, 7, lengths=LENGTHS), case.memory()
    compiled_alike(case, query, memory, "eager")


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """The compiler logs what it raises, beside what is told of the proof."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def compiled_alike(case: Case, query: Stream, memory: Stream | None, backend: str) -> None:
    """The compiled attention gives what the plain one does; by ``eager`` it is traced alone."""
    attention = module_of(case.build())
    with torch.no_grad(), warnings.catch_warnings(), _silenced():
        warnings.simplefilter("ignore")  # of the compiler, about what it was written with
        torch.compiler.reset()  # what was compiled before counts against a limit
        compiled = torch.compile(attention, backend=backend, fullgraph=True)
        same(compiled(query, memory).y, attention(query, memory).y)
