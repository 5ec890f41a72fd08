"""Weights by which many steps multiply."""

import torch
from torch import nn

from attn.stepwise import Stepwise


def fed(multiply, x):
    """Four steps, each of which gets what the last one gave."""
    said, every = torch.zeros_like(x[:, 0]), []
    for one in x.unbind(1):
        said = multiply(one + said).tanh()
        every.append(said)
    return torch.stack(every, 1)


def given():
    weight = torch.randn(3, 3, dtype=torch.float64, requires_grad=True)
    return weight, torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)


def test_is_a_linear_map_with_its_gradients():
    weight, x = given()
    results = []
    for multiply in (Stepwise(weight), lambda one: one @ weight.t()):
        y = fed(multiply, x)
        results.append([y, *torch.autograd.grad(y.square().sum(), [weight, x])])
    for ours, theirs in zip(*results, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-12)


def test_a_pass_for_the_inputs_alone_leaves_nothing_to_the_next():
    weight, x = given()
    y = fed(Stepwise(weight), x).square().sum()
    expected = torch.autograd.grad(fed(lambda one: one @ weight.t(), x).square().sum(), weight)
    for _ in range(2):
        torch.autograd.grad(y, x, retain_graph=True)
    assert torch.allclose(torch.autograd.grad(y, weight, retain_graph=True)[0], expected[0])
    assert torch.allclose(torch.autograd.grad(y, weight)[0], expected[0])


def test_what_no_step_used_has_no_gradient():
    weight, _ = given()
    Stepwise(weight)
    assert torch.autograd.grad((weight * 0).sum(), weight)[0].eq(0).all()


def test_short_formats_give_gradients_in_the_format_of_the_weight():
    weight = nn.Parameter(torch.randn(3, 3))
    x = torch.randn(2, 4, 3, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        y = fed(Stepwise(weight), x.to(torch.bfloat16))
    assert y.dtype is torch.bfloat16
    y.float().square().sum().backward()
    exact = torch.autograd.grad(fed(lambda one: one @ weight.t(), x).square().sum(), weight)[0]
    assert weight.grad is not None
    assert weight.grad.dtype is torch.float32
    assert torch.allclose(weight.grad, exact, atol=0.1 * exact.abs().max())


def test_without_gradients_nothing_is_put_aside():
    weight, x = given()
    with torch.no_grad():
        assert torch.allclose(fed(Stepwise(weight), x), fed(lambda one: one @ weight.t(), x))
