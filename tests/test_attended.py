"""Attention whose gradient is written out is the readable form, its gradient included."""

import pytest
import torch

from attn.score.attended import attended
from attn.score.core import Core
from attn.score.scores import Dot

SCALE, SIZES = 0.3, {"batch": 2, "queries": 3, "keys": 5}


def given(heads=6, groups=3, dtype=torch.float64, bias=None):
    """Queries, keys and values as projections lay them out, a mask, and a bias of some shape."""
    rows, queries, keys = SIZES.values()
    made = (
        torch.randn(rows, time, count, dim, dtype=dtype).transpose(1, 2).requires_grad_()
        for time, count, dim in ((queries, heads, 4), (keys, groups, 4), (keys, groups, 7))
    )
    mask = torch.rand(rows, 1, queries, keys) < 0.6
    mask[0, :, 1] = False  # a query that may see nothing
    mask[1] = True
    bias = None if bias is None else torch.randn(*bias, dtype=dtype, requires_grad=True)
    return *made, mask, bias


def readable(query, key, value, mask, bias, dropout):
    """The form that is used without gradients, with them."""
    core = Core(score=Dot(SCALE), dropout=dropout, kernel="explicit")
    core._is_written_out = lambda _: False
    return core(query, key, value, mask, bias)


def gradients(y, inputs):
    wanted = [x for x in inputs if x is not None and x.dtype != torch.bool]
    return torch.autograd.grad(y, wanted, torch.arange(y.numel(), dtype=y.dtype).view(y.shape))


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("bias", [None, (1, 6, 3, 5), (2, 6, 3, 5)])
@pytest.mark.parametrize(("heads", "groups"), [(6, 6), (6, 3), (6, 1)])
def test_equals_the_readable_form(heads, groups, bias, dropout):
    inputs = given(heads, groups, torch.float32, bias)
    torch.manual_seed(3)
    found = attended(*inputs, scale=SCALE, dropout=dropout)
    torch.manual_seed(3)
    expected = readable(*inputs, dropout)
    assert torch.allclose(found, expected, atol=1e-6)
    for one, other in zip(gradients(found, inputs), gradients(expected, inputs), strict=True):
        assert torch.allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("bias", [None, (1, 6, 3, 5)])
def test_gradients_are_exact(bias):
    *inputs, mask, bias = given(bias=bias)

    def seeded(query, key, value, *bias):
        torch.manual_seed(3)
        return attended(query, key, value, mask, *(bias or [None]), scale=SCALE, dropout=0.4)

    assert torch.autograd.gradcheck(seeded, (*inputs, *([] if bias is None else [bias])))


def test_a_query_that_may_see_nothing_gets_zeros_and_gives_none():
    query, key, value, mask, _ = given()
    context = attended(query, key, value, mask, None, scale=SCALE, dropout=0.4)
    assert (context[0, :, 1] == 0).all()
    (grad,) = torch.autograd.grad(context.sum(), query)
    assert (grad[0, :, 1] == 0).all()
    assert (grad[1] != 0).any()


def test_short_formats_have_wide_scores():
    inputs = given(dtype=torch.float32)
    exact = attended(*inputs, scale=SCALE, dropout=0.0)
    with torch.autocast("cpu", torch.bfloat16):
        short = attended(*inputs, scale=SCALE, dropout=0.0)
    assert short.dtype == torch.bfloat16
    assert torch.allclose(short.float(), exact, atol=3e-2)
    for one, other in zip(gradients(short, inputs), gradients(exact, inputs), strict=True):
        assert one.dtype == torch.float32
        assert (one - other).abs().max() < 3e-2 * other.abs().max()


def test_the_weights_are_all_that_is_kept_of_what_is_made():
    query, key, value, mask, _ = given()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
        attended(query, key, value, mask, None, scale=SCALE, dropout=0.4)
    pairs = [x for x in kept if x.shape[-2:] == (3, 5) and x.shape[:2] == query.shape[:2]]
    assert sorted(str(x.dtype) for x in pairs) == ["torch.float64", "torch.int16"]
