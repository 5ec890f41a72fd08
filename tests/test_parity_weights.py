"""Attentions that weigh in their own way beside those of outside packages."""

from types import SimpleNamespace

import pytest
import torch
from builders import build_attention, stream
from parity import needs
from torch import nn

from attn.contract import Place, Role
from attn.registry import build

pytestmark = pytest.mark.parity
CAUSAL = torch.full((7, 7), -torch.inf, dtype=torch.float64).triu(1)


@pytest.mark.parametrize("kernel", ["explicit", "sdpa"])
def test_a_sink_is_that_of_gpt_oss(kernel):
    package = needs("transformers.models.gpt_oss.modeling_gpt_oss")
    attention = build_attention("sink", Role.DECODER, kernel=kernel)
    sinks = attention.core.normaliser.scores.data = torch.randn(3, dtype=torch.float64)
    query = stream(2, 7)
    q, k, v = attention.projections.all_of(query.x)
    module = SimpleNamespace(sinks=sinks, num_key_value_groups=1, training=False)
    context, weights = package.eager_attention_forward(module, q, k, v, CAUSAL, scaling=0.5)
    output = attention(query, capture=True)
    assert torch.allclose(output.y, attention.projections.out(context.flatten(2)), atol=1e-12)
    assert torch.allclose(output.weights.double(), weights, atol=1e-6)


@pytest.mark.parametrize("role", [Role.ENCODER, Role.DECODER])
def test_talking_heads_are_those_of_x_transformers(role):
    package = needs("x_transformers")
    ours = build_attention("talking_heads", role)
    before, after = torch.randn(2, 3, 3, dtype=torch.float64)
    ours.core.before.weight.data, ours.core.after.weight.data = before, after
    theirs = package.Attention(
        12,
        heads=3,
        dim_head=4,
        causal=role is Role.DECODER,
        pre_talking_heads=True,
        post_talking_heads=True,
    )
    theirs = theirs.double().eval()
    q, k, v = ours.projections.joint.weight.split(12)
    theirs.to_q.weight.data, theirs.to_k.weight.data, theirs.to_v.weight.data = q, k, v
    theirs.to_out.weight.data = ours.projections.out.weight
    # Theirs adds what it mixes to the scores.
    more = before - torch.eye(3, dtype=torch.float64)
    theirs.attend.pre_softmax_talking_heads.weight.data = more[..., None, None]
    theirs.attend.post_softmax_talking_heads.weight.data = after[..., None, None]
    query = stream(3, 7, lengths=[7, 4, 1])
    y = theirs(query.x, mask=query.valid)
    # Theirs takes the softmax in float32.
    assert torch.allclose(ours(query).y[query.valid], y[query.valid], atol=1e-5)


@pytest.mark.parametrize("role", [Role.ENCODER, Role.DECODER])
def test_sigmoids_are_those_of_x_transformers(role):
    package = needs("x_transformers.attend")
    ours, query = build_attention("sigmoid", role), stream(3, 7, lengths=[7, 4, 1])
    theirs = package.Attend(sigmoid=True, causal=role is Role.DECODER, heads=3)
    seen = query.valid[:, None, None].expand(-1, 1, 7, -1)
    seen = seen.tril() if role is Role.DECODER else seen
    count = seen.sum(-1, keepdim=True).expand(-1, 3, -1, 7)
    q, k, v = ours.projections.all_of(query.x)
    # Theirs leaves out that a weight is the smaller the more keys there are.
    context, _ = theirs(q, k, v, mask=query.valid[:, None, None], attn_bias=-count.double().log())
    y = ours.projections.join(context)
    assert torch.allclose(ours(query).y[query.valid], y[query.valid], atol=1e-12)


def test_cosines_are_those_of_swin():
    package = needs("transformers.models.swinv2.modeling_swinv2")
    config = needs("transformers").Swinv2Config(qkv_bias=False, attention_probs_dropout_prob=0.0)
    theirs = package.Swinv2SelfAttention(config, 12, 3, (1, 7)).double().eval()
    for parameter in theirs.continuous_position_bias_mlp.parameters():
        parameter.data.zero_()  # no positions
    theirs.logit_scale.data = torch.tensor([0.5, 2.0, 9.0]).double().view(3, 1, 1)
    ours = build_attention("cosine", Role.ENCODER)
    maps = theirs.query, theirs.key, theirs.value
    ours.projections.joint.weight.data = torch.cat([linear.weight.data for linear in maps])
    ours.projections.out.weight.data = torch.eye(12, dtype=torch.float64)
    # Theirs learns the logarithm of what the cosines are multiplied by, which is at most 100.
    ours.norms.query.log_temperature.data = -theirs.logit_scale.data.flatten()
    query = stream(3, 7)
    assert torch.allclose(ours(query).y, theirs(query.x)[0], atol=1e-10)


@pytest.mark.parametrize("role", [Role.ENCODER, Role.DECODER])
def test_gates_are_those_of_qwen3_next(role):
    package = needs("transformers.models.qwen3_next.modeling_qwen3_next")
    config = needs("transformers").Qwen3NextConfig(
        hidden_size=12,
        num_attention_heads=3,
        num_key_value_heads=3,
        head_dim=4,
        attention_bias=False,
        attn_implementation="eager",
    )
    theirs = package.Qwen3NextAttention(config, layer_idx=0).double().eval()
    theirs.q_norm, theirs.k_norm = nn.Identity(), nn.Identity()
    ours = build_attention("gated", role)
    queries, gates = theirs.q_proj.weight.data.view(3, 2, 4, 12).unbind(1)
    parts = queries.flatten(0, 1), theirs.k_proj.weight.data, theirs.v_proj.weight.data
    ours.projections.joint.weight.data = torch.cat(parts)
    ours.gate.map.weight.data = gates.flatten(0, 1)
    ours.projections.out.weight.data = theirs.o_proj.weight.data
    query = stream(3, 7)
    unturned = torch.ones(3, 7, 4).double(), torch.zeros(3, 7, 4).double()  # cosines, sines
    y, _ = theirs(query.x, unturned, CAUSAL if role is Role.DECODER else None)
    # Their weights are computed in float32.
    assert torch.allclose(ours(query).y, y, atol=1e-6)


@pytest.mark.parametrize("layer", [0, 5])
def test_differential_attention_is_that_of_diffllama(layer):
    package = needs("transformers.models.diffllama.modeling_diffllama")
    config = needs("transformers").DiffLlamaConfig(
        hidden_size=24, num_attention_heads=6, attn_implementation="eager"
    )
    theirs = package.DiffLlamaAttention(config, layer).double().eval()
    place = Place(Role.DECODER, 24, 24, 24, layer=layer)
    ours = build("attention", {"name": "differential", "heads": 6}, place=place).double().eval()
    assert ours.core.lambda_init == pytest.approx(theirs.lambda_init)
    # Theirs pairs heads i and i + 3, ours neighbours.
    order = torch.tensor([0, 2, 4, 1, 3, 5])
    parts = ours.projections.joint.weight.split(24)
    for linear, part in zip((theirs.q_proj, theirs.k_proj, theirs.v_proj), parts, strict=True):
        linear.weight.data = part.view(6, 4, 24)[order].flatten(0, 1)
    theirs.o_proj.weight.data = ours.projections.out.weight
    vectors = ours.core.vectors.data
    theirs.lambda_q1.data, theirs.lambda_k1.data = vectors[0]
    theirs.lambda_q2.data, theirs.lambda_k2.data = vectors[1]
    theirs.groupnorm.eps = 1e-5
    query = stream(2, 7, 24)
    unturned = torch.ones(2, 7, 4).double(), torch.zeros(2, 7, 4).double()
    y, _ = theirs(query.x, unturned, CAUSAL)
    assert torch.allclose(ours(query).y, y, atol=1e-6)
