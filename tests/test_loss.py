"""The loss is F.cross_entropy, whatever is fused and however batches are cut."""

import pytest
import torch
import torch.nn.functional as F
from messages import exactly

from attn import loss as loss_module
from attn.loss import Loss


def example(rows=13, size=7, dim=5, dtype=torch.float64):
    hidden = torch.randn(rows, dim, dtype=dtype, requires_grad=True)
    weight = torch.randn(size, dim, dtype=dtype, requires_grad=True)
    labels = torch.randint(1, size, (rows,))
    labels[::4] = 0
    return hidden, weight, labels


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("chunk", [3, 256])
def test_equals_torch(monkeypatch, smoothing, chunk):
    monkeypatch.setattr(loss_module, "CHUNK", chunk)
    hidden, weight, labels = example()
    smoothed, plain = Loss(label_smoothing=smoothing)(hidden, weight, labels, 0)
    ours = torch.autograd.grad(smoothed * 3, (hidden, weight))
    options = {"ignore_index": 0, "reduction": "sum"}
    expected = F.cross_entropy(hidden @ weight.T, labels, label_smoothing=smoothing, **options)
    theirs = torch.autograd.grad(expected * 3, (hidden, weight))
    assert torch.allclose(smoothed, expected)
    assert torch.allclose(plain, F.cross_entropy(hidden @ weight.T, labels, **options))
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one, other)


def test_padding_that_is_computed_counts_for_nothing():
    """As on a GPU, which is not asked how much is real."""
    hidden, weight, labels = example()
    smoothed, plain = loss_module._ProjectedCrossEntropy.apply(
        hidden, weight, labels, labels != 0, 0.1
    )
    left_out = Loss(label_smoothing=0.1)(hidden, weight, labels, 0)
    assert torch.allclose(torch.stack((smoothed, plain)), torch.stack(left_out))
    for one, other in zip(
        torch.autograd.grad(smoothed, (hidden, weight)),
        torch.autograd.grad(left_out[0], (hidden, weight)),
        strict=True,
    ):
        assert torch.allclose(one, other)


@pytest.mark.parametrize("factor", [1e-30, 1e3])
def test_large_and_small_logits_lose_nothing(factor):
    hidden, weight, labels = example(dtype=torch.float32)
    weight = (weight.detach() * factor).requires_grad_()
    smoothed, _ = Loss(label_smoothing=0.1)(hidden, weight, labels, 0)
    expected = F.cross_entropy(
        hidden @ weight.T, labels, label_smoothing=0.1, ignore_index=0, reduction="sum"
    )
    assert torch.allclose(smoothed, expected, rtol=1e-5)
    for one, other in zip(
        torch.autograd.grad(smoothed, (hidden, weight)),
        torch.autograd.grad(expected, (hidden, weight)),
        strict=True,
    ):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5 * float(other.abs().max()))


def test_no_tokens_cost_nothing():
    hidden, weight, labels = example()
    smoothed, plain = Loss()(hidden, weight, torch.zeros_like(labels), 0)
    smoothed.backward()
    assert smoothed.item() == plain.item() == 0
    assert not hidden.grad.any()
    assert not weight.grad.any()


def test_gradients_are_exact():
    hidden, weight, labels = example()
    assert torch.autograd.gradcheck(
        lambda h, w: Loss(label_smoothing=0.1)(h, w, labels, 0)[0], (hidden, weight)
    )


def test_batches_add_up():
    hidden, weight, labels = example()
    whole, _ = Loss()(hidden, weight, labels, 0)
    parts = [
        Loss()(h, weight, y, 0)[0] for h, y in zip(hidden.split(5), labels.split(5), strict=True)
    ]
    assert torch.allclose(whole, sum(parts))


def test_no_gradients_are_made_in_evaluation():
    hidden, weight, labels = example()
    with torch.no_grad():
        smoothed, _ = Loss()(hidden, weight, labels, 0)
    assert not smoothed.requires_grad


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_short_formats_stay_near(dtype):
    hidden, weight, labels = example(dtype=torch.float32)
    exact, _ = Loss()(hidden, weight, labels, 0)
    expected = torch.autograd.grad(exact, (hidden, weight))
    with torch.autocast("cpu", dtype):
        short, _ = Loss()(hidden, weight, labels, 0)
    gradients = torch.autograd.grad(short, (hidden, weight))
    assert torch.allclose(short, exact, rtol=2e-2)
    for one, other in zip(gradients, expected, strict=True):
        assert one.dtype == torch.float32
        assert (one - other).abs().max() < 5e-2 * other.abs().max()


def test_smoothing_out_of_range_is_named():
    with pytest.raises(
        ValueError, match=exactly("label_smoothing=1.0: must be at least 0 and below 1")
    ):
        Loss(label_smoothing=1.0)
