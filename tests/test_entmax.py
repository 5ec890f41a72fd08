"""Wrong options of the sparse normalisers, and what float32 leaves of them."""

import pytest
import torch
from builders import build_attention
from messages import exactly

from attn.contract import Role
from attn.score.entmax import entmax, entmax15, sparsemax


@pytest.mark.parametrize("name", ["sparsemax", "entmax15", "entmax"])
@pytest.mark.parametrize("kernel", ["sdpa", "flex"])
def test_fused_kernels_are_refused(name, kernel):
    message = (
        f"kernel={kernel}: cannot serve, for entmax is no softmax; choose one of auto, explicit"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        build_attention(name, Role.ENCODER, kernel=kernel)


@pytest.mark.parametrize("alpha", [1.0, 1.01, 2.0, 2.5])
def test_an_alpha_out_of_range_is_named(alpha):
    message = f"alpha={alpha}: must be above 1.01 (near to 1, softmax) and below 2 (sparsemax)"
    with pytest.raises(ValueError, match=exactly(message)):
        build_attention("entmax", Role.ENCODER, alpha=alpha)


@pytest.mark.parametrize("alpha", [1.02, 1.25, 1.75])
def test_heads_start_from_the_alpha_given(alpha):
    normaliser = build_attention("entmax", Role.ENCODER, alpha=alpha).core.normaliser
    assert torch.allclose(normaliser.alpha(), torch.full((3,), alpha, dtype=torch.float64))


@pytest.mark.parametrize("keys", [1, 7, 1000])
@pytest.mark.parametrize("alpha", [1.01, 1.5, 2.0])
@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0])
def test_float32_is_near(keys, alpha, scale):
    scores = scale * torch.randn(50, keys)
    alphas = torch.tensor([alpha])
    exact = entmax(scores.double(), alphas.double())
    same = {1.5: [entmax15], 2.0: [sparsemax]}.get(alpha, [])
    for weights in (entmax(scores, alphas), *(function(scores) for function in same)):
        assert torch.allclose(weights, exact.float(), atol=1e-5)
        assert torch.allclose(weights.sum(-1), torch.ones(50), atol=1e-4)
