"""Dropout within a sum and behind a rectifier is dropout, with less to keep."""

import pytest
import torch
import torch.nn.functional as F

from attn.dropout import Dropout


def seeded(function):
    """The same masks at each call."""

    def call(*given):
        torch.manual_seed(3)
        return function(*given)

    return call


def numbers(dtype=torch.float64):
    return [torch.randn(5, 7, dtype=dtype, requires_grad=True) for _ in range(2)]


def plain_add(drop):
    return lambda x, y: x + drop(y)


def plain_relu(drop):
    return lambda x: drop(F.relu(x))


FORMS = [("add", plain_add, 2), ("relu", plain_relu, 1)]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("name", "plain", "count"), FORMS)
def test_equals_the_plain_form(name, plain, count, training):
    drop = Dropout(0.3).train(training)
    inputs = numbers(torch.float32)[:count]
    found, expected = (seeded(form)(*inputs) for form in (getattr(drop, name), plain(drop)))
    assert torch.allclose(found, expected, atol=1e-6)
    weights = torch.randn(found.shape)
    for one, other in zip(
        torch.autograd.grad(found, inputs, weights),
        torch.autograd.grad(expected, inputs, weights),
        strict=True,
    ):
        assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize(("name", "count"), [("forward", 1), ("add", 2), ("relu", 1)])
def test_gradients_are_exact(name, count):
    form = getattr(Dropout(0.3), name)
    assert torch.autograd.gradcheck(seeded(form), tuple(numbers()[:count]))


def test_a_wide_stream_takes_what_is_short():
    x, y = numbers(torch.float32)
    y = y.detach().to(torch.float16).requires_grad_()
    total = Dropout(0.5).add(x, y)
    total.sum().backward()
    assert (total.dtype, x.grad.dtype, y.grad.dtype) == (
        torch.float32,
        torch.float32,
        torch.float16,
    )


@pytest.mark.parametrize(("name", "count", "most"), [("forward", 1, 2), ("add", 2, 2)])
def test_two_bytes_a_number_are_kept(name, count, most):
    inputs, kept = numbers(torch.float32)[:count], []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
        getattr(Dropout(0.3), name)(*inputs)
    assert sum(x.nbytes for x in kept) == most * inputs[0].numel()


def test_behind_a_rectifier_only_what_comes_out_is_kept():
    (x, _), kept = numbers(), []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
        y = Dropout(0.3).relu(x)
    assert [one.data_ptr() for one in kept] == [y.data_ptr()]


def test_masks_go_on_where_the_generator_is_set_back():
    drop, x = Dropout(0.3), torch.ones(100)
    drop(x)
    state = torch.get_rng_state()
    first = drop(x)
    assert not torch.equal(first, drop(x))
    torch.set_rng_state(state)
    assert torch.equal(first, drop(x))
