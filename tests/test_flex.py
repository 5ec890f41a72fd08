"""Torch's flexible kernel, which trains on CUDA alone."""

import dataclasses

import pytest
import torch
from builders import build_attention, stream
from messages import exactly

from attn.contract import Place, PositionKind, Role
from attn.registry import build
from attn.score import kernels
from attn.score.kernels import flex, sdpa

SERVED = ["cosine", "dot", "general", "qk_norm", "softmax"]
CUDA_ALONE = "kernel=flex: torch trains it on CUDA alone; choose one of auto, explicit, sdpa"


class Distance:
    """A bias that grows with the distance, otherwise for each head."""

    kind = PositionKind.BIAS

    def bias(self, query, key):
        apart = (query[:, None, :, None] - key[:, None, None, :]).abs()
        return -torch.tensor([0.1, 0.5, 2.0], dtype=torch.float64)[:, None, None] * apart


def both(name, role, position=None):
    """The same attention with explicit products and with the flexible kernel."""
    made = []
    for kernel in ("explicit", "flex"):
        torch.manual_seed(0)
        section = {"name": name, "heads": 3, "kernel": kernel}
        attention = build("attention", section, place=Place(role, 12, 12, 12, position))
        made.append(attention.double().eval())
    return made


def source(role):
    return stream(3, 5, lengths=[5, 2, 0], seed=5) if role is Role.CROSS else None


@pytest.mark.long
@pytest.mark.parametrize("name", SERVED)
@pytest.mark.parametrize("role", list(Role))
@torch.no_grad()
def test_equals_explicit_products(name, role):
    """Padding, a sentence of nothing else, and in the decoder the future are hidden."""
    explicit, flexible = both(name, role)
    query, memory = stream(3, 7, lengths=[7, 4, 0]), source(role)
    expected, found = explicit(query, memory), flexible(query, memory)
    assert torch.allclose(found.y, expected.y, atol=1e-12)
    assert (found.y[2] == 0).all()


@pytest.mark.parametrize("role", [Role.ENCODER, Role.DECODER])
@torch.no_grad()
def test_takes_a_bias(role):
    explicit, flexible = both("softmax", role, lambda _heads, _dim: Distance())
    query = stream(3, 7, lengths=[7, 4, 0])
    assert torch.allclose(flexible(query).y, explicit(query).y, atol=1e-12)


@pytest.mark.long
@torch.no_grad()
def test_step_by_step_is_all_at_once():
    _, flexible = both("softmax", Role.DECODER)
    query, parts = stream(3, 7), []
    state = flexible.start(None, rows=3, capacity=7)
    for start, end in ((0, 3), (3, 4), (4, 7)):
        cut = {name: getattr(query, name)[:, start:end] for name in ("x", "position", "valid")}
        output = flexible(dataclasses.replace(query, **cut), state=state)
        state = output.state
        parts.append(output.y)
    assert torch.allclose(torch.cat(parts, 1), flexible(query).y, atol=1e-12)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("sink", [None, torch.tensor([0.0, 1.0, -2.0, 5.0], dtype=torch.float64)])
@torch.no_grad()
def test_equals_torchs_other_kernel_where_heads_share_keys_and_with_a_sink(groups, sink):
    torch.manual_seed(0)
    query = torch.randn(3, 4, 7, 6, dtype=torch.float64)
    key = torch.randn(3, groups, 5, 6, dtype=torch.float64)
    value = torch.randn(3, groups, 5, 2, dtype=torch.float64)
    mask = torch.rand(3, 1, 7, 5) < 0.6
    mask[1, :, 3] = False
    bias = torch.randn(1, 4, 7, 5, dtype=torch.float64)
    found = flex(query, key, value, mask, bias, scale=0.3, sink=sink)
    expected = sdpa(query, key, value, mask, bias, scale=0.3, dropout=0.0, sink=sink)
    assert torch.allclose(found, expected, atol=1e-12)
    assert (found[1, :, 3] == 0).all()


@pytest.mark.parametrize("sink", [None, torch.zeros(2)])
@torch.no_grad()
def test_what_is_no_number_is_not_hidden_but_in_a_row_without_keys(sink):
    query, key, value = (torch.randn(2, 2, 3, 4) for _ in "qkv")
    value[0] = torch.nan
    mask = torch.ones(2, 1, 3, 3, dtype=torch.bool)
    mask[:, :, 1] = False
    found = flex(query, key, value, mask, None, scale=1.0, sink=sink)
    assert found[0, :, 0::2].isnan().all()
    assert found[1].isfinite().all()
    assert (found[1, :, 1] == 0).all()


@pytest.mark.parametrize("role", list(Role))
def test_gradients_on_a_cpu_are_refused(role):
    attention = build_attention("softmax", role, kernel="flex")
    with pytest.raises(ValueError, match=exactly(CUDA_ALONE)):
        attention(stream(3, 7), source(role))


def test_a_bias_that_learns_is_refused_on_a_cpu():
    tensors = (torch.randn(1, 2, 3, 4) for _ in "qkv")
    bias = torch.zeros(1, 2, 3, 3, requires_grad=True)
    mask = torch.ones(1, 1, 3, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match=exactly(CUDA_ALONE)):
        flex(*tensors, mask, bias, scale=1.0, sink=None)


def test_what_learns_nothing_is_taken_with_gradients_on():
    query, key, value = (torch.randn(1, 2, 3, 4) for _ in "qkv")
    mask = torch.ones(1, 1, 3, 3, dtype=torch.bool)
    found = flex(query, key, value, mask, None, scale=1.0, sink=None)
    assert torch.allclose(found, kernels.mix((query @ key.mT).softmax(-1), value), atol=1e-6)


def test_dropout_is_refused():
    message = "dropout=0.1: must be 0 with kernel=flex, which drops no weights"
    with pytest.raises(ValueError, match=exactly(message)):
        build_attention("softmax", Role.ENCODER, kernel="flex", dropout=0.1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("role", list(Role))
def test_trains_on_cuda(role):
    found = []
    for kernel in ("explicit", "flex"):
        torch.manual_seed(0)
        place = Place(role, 64, 64, 64)
        section = {"name": "softmax", "heads": 4, "kernel": kernel}
        attention = build("attention", section, place=place).cuda()
        query, memory = on_cuda(stream(3, 7, 64, lengths=[7, 4, 0])), None
        if role is Role.CROSS:
            memory = on_cuda(stream(3, 5, 64, lengths=[5, 2, 0], seed=5))
        y = attention(query, memory).y
        found.append((y, *torch.autograd.grad(y.square().sum(), list(attention.parameters()))))
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize(("dtype", "far"), [(torch.float32, 1e-3), (torch.bfloat16, 0.1)], ids=str)
@pytest.mark.parametrize("biased", [False, True], ids=["bare", "bias"])
@pytest.mark.parametrize("sunk", [False, True], ids=["no sink", "sink"])
def test_a_row_without_keys_gives_zeros_on_cuda(dtype, far, biased, sunk):
    """Whichever of torch's fused kernels is taken, forward and backward; others are as on a CPU."""
    torch.manual_seed(0)
    leaves = [torch.randn(2, 2, 64, 64).requires_grad_() for _ in "qkv"]
    mask = torch.rand(2, 1, 64, 64) < 0.6
    mask[0], mask[1, :, 3] = False, False
    bias = torch.randn(1, 2, 64, 64) if biased else None
    sink = torch.ones(2) if sunk else None
    found = []
    for device, format_ in (("cpu", torch.float32), ("cuda", dtype)):
        q, k, v = (leaf.to(device, format_) for leaf in leaves)
        more = [None if one is None else one.to(device) for one in (bias, sink)]
        y = sdpa(q, k, v, mask.to(device), more[0], scale=0.1, dropout=0.0, sink=more[1]).float()
        found.append([y.cpu(), *torch.autograd.grad(y.square().sum(), leaves)])
    for expected, one in zip(*found, strict=True):
        assert (one - expected).abs().max() < far
    y, *gradients = found[1]
    assert (y[0] == 0).all()
    assert (y[1, :, 3] == 0).all()
    assert (gradients[0][1, :, 3] == 0).all()
    assert all((gradient[0] == 0).all() for gradient in gradients)


def on_cuda(made):
    return dataclasses.replace(
        made, x=made.x.float().cuda(), position=made.position.cuda(), valid=made.valid.cuda()
    )
