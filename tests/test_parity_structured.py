"""Shared keys, windows and latents beside those of torch, transformers and local-attention."""

import pytest
import torch
import torch.nn.functional as F
from builders import build_attention, stream
from parity import needs
from torch import nn

from attn.contract import Place, PositionKind, Role
from attn.registry import build

SELF = [Role.ENCODER, Role.DECODER]
LENGTHS = [7, 4, 5]


def hidden(query, role):
    """A mask that is added to the scores."""
    seen = query.valid[:, None, None].expand(-1, 1, query.x.shape[1], -1)
    if role is Role.DECODER:
        seen = seen.tril()
    return torch.zeros(seen.shape, dtype=torch.float64).masked_fill(~seen, -torch.inf)


@pytest.mark.parametrize("role", SELF)
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_shared_keys_are_those_of_torch(role, groups):
    attention = build_attention("gqa", role, heads=4, kv_heads=groups, kernel="explicit")
    query = stream(3, 7, lengths=LENGTHS)
    context = F.scaled_dot_product_attention(
        *attention.projections.all_of(query.x), attn_mask=hidden(query, role), enable_gqa=True
    )
    assert torch.allclose(attention(query).y, attention.projections.join(context), atol=1e-12)


@pytest.mark.parity
@pytest.mark.parametrize("role", SELF)
def test_gqa_is_that_of_qwen3(role):
    package = needs("transformers.models.qwen3.modeling_qwen3")
    config = package.Qwen3Config(
        hidden_size=12,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=3,
        attention_bias=False,
        attn_implementation="eager",
    )
    theirs = package.Qwen3Attention(config, layer_idx=0).double().eval()
    theirs.q_norm, theirs.k_norm = nn.Identity(), nn.Identity()
    ours = build_attention("gqa", role, heads=4, kv_heads=2)
    parts = (theirs.q_proj.weight, theirs.k_proj.weight, theirs.v_proj.weight)
    ours.projections.joint.weight.data = torch.cat(parts)
    ours.projections.out.weight = theirs.o_proj.weight
    query = stream(3, 7, lengths=LENGTHS)
    unturned = torch.ones(3, 7, 3).double(), torch.zeros(3, 7, 3).double()  # cosines, sines
    y, weights = theirs(query.x, unturned, hidden(query, role))
    output = ours(query, capture=True)
    # Their weights are computed in float32.
    assert torch.allclose(output.y, y, atol=1e-6)
    assert torch.allclose(output.weights.double(), weights, atol=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize("role", SELF)
def test_mqa_is_that_of_gpt_bigcode(role):
    package = needs("transformers.models.gpt_bigcode.modeling_gpt_bigcode")
    config = package.GPTBigCodeConfig(
        n_embd=12, n_head=4, multi_query=True, attn_implementation="eager"
    )
    theirs = package.GPTBigCodeAttention(config, layer_idx=0).double().eval()
    ours = build_attention("mqa", role, heads=4, bias=True)
    ours.projections.joint, ours.projections.out = theirs.c_attn, theirs.c_proj
    query = stream(3, 7, lengths=LENGTHS)
    y, weights = theirs(query.x, attention_mask=hidden(query, role))
    output = ours(query, capture=True)
    assert torch.allclose(output.y, y, atol=1e-6)
    assert torch.allclose(output.weights.double(), weights, atol=1e-6)


class Turn:
    """Pairs as complex numbers, turned by their position."""

    kind = PositionKind.ROTARY
    rates = torch.tensor([1.0, 0.1])

    def turns(self, position):
        angle = position[..., None] * self.rates
        return torch.polar(torch.ones_like(angle), angle)

    def rotate(self, x, position):
        pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
        turned = pairs * self.turns(position)[:, None].to(pairs.dtype)
        return torch.view_as_real(turned).flatten(-2)


@pytest.mark.parity
@pytest.mark.parametrize("role", SELF)
def test_latents_are_those_of_deepseek(role):
    package = needs("transformers.models.deepseek_v2.modeling_deepseek_v2")
    config = package.DeepseekV2Config(
        hidden_size=12,
        num_attention_heads=3,
        num_key_value_heads=3,
        q_lora_rank=None,
        kv_lora_rank=5,
        qk_rope_head_dim=4,
        qk_nope_head_dim=4,
        v_head_dim=4,
        attention_bias=False,
        attn_implementation="eager",
    )
    theirs = package.DeepseekV2Attention(config, layer_idx=0).double().eval()
    theirs.kv_a_layernorm = nn.Identity()  # ours has none
    section = {"name": "mla", "heads": 3, "latent_dim": 5, "rotary_dim": 4}
    place = Place(role, 12, 12, 12, lambda _heads, _dim: Turn())
    ours = build("attention", section, place=place).double().eval()
    maps = ours.projections
    maps.query, maps.latent, maps.out = theirs.q_proj, theirs.kv_a_proj_with_mqa, theirs.o_proj
    key, value = theirs.kv_b_proj.weight.data.view(3, 8, 5).split(4, 1)
    maps.key_up.data, maps.value_up.data = key, value.transpose(1, 2)
    query = stream(3, 7, lengths=LENGTHS)
    turns = Turn().turns(query.position)
    y, weights = theirs(query.x, hidden(query, role), position_embeddings=turns)
    output = ours(query, capture=True)
    # They turn, and compute weights, in float32.
    assert torch.allclose(output.y, y, atol=1e-6)
    assert torch.allclose(output.weights.double(), weights, atol=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize("role", SELF)
@pytest.mark.parametrize(("time", "radius"), [(9, 2), (150, 5)])
def test_a_window_is_that_of_local_attention(role, time, radius):
    package = needs("local_attention")
    # With exact sizes, each query sees itself and window_size more keys before it.
    theirs = package.LocalAttention(
        radius, causal=role is Role.DECODER, exact_windowsize=True, autopad=True
    )
    attention = build_attention("window", role, radius=radius)
    query = stream(3, time, lengths=[time, time - 1, time // 2])
    if role is Role.ENCODER:
        query = type(query)(query.x, query.position, torch.ones_like(query.valid))
    q, k, v = attention.projections.all_of(query.x)
    context = theirs(q, k, v, mask=query.valid)
    y = attention.projections.join(context)
    assert torch.allclose(attention(query).y[query.valid], y[query.valid], atol=1e-10)
