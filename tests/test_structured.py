"""Shared keys, windows, latents, fixed weights, local attention and coverage: what proofs leave."""

import dataclasses

import pytest
import torch
from builders import build_attention, stream
from messages import exactly

from attn.contract import Place, PositionKind, Role
from attn.registry import build
from attn.score.shell import ScoreAttention

SELF = [Role.ENCODER, Role.DECODER]
GAUSSIAN = "cannot serve, for a Gaussian follows its softmax; choose one of auto, explicit"


@pytest.mark.parametrize(
    ("name", "role", "options", "message"),
    [
        ("gqa", Role.CROSS, {"heads": 4, "kv_heads": 3}, "kv_heads=3: must divide heads=4"),
        ("gqa", Role.CROSS, {"heads": 4, "kv_heads": 0}, "kv_heads=0: must divide heads=4"),
        ("gqa", Role.CROSS, {"heads": 4, "kv_heads": 8}, "kv_heads=8: must divide heads=4"),
        ("mqa", Role.CROSS, {"heads": 0}, "heads=0: must be at least 1"),
        ("window", Role.ENCODER, {"radius": -1}, "radius=-1: must not be negative"),
        ("window", Role.ENCODER, {"global_tokens": -1}, "global_tokens=-1: must not be negative"),
        ("mla", Role.DECODER, {"heads": 5}, "heads=5: must divide the width 12"),
        ("mla", Role.DECODER, {"heads": 0}, "heads=0: must divide the width 12"),
        ("mla", Role.DECODER, {"latent_dim": 0}, "latent_dim=0: must be at least 1"),
        ("mla", Role.DECODER, {"rotary_dim": 0}, "rotary_dim=0: must be even and at least 2"),
        ("mla", Role.DECODER, {"rotary_dim": 3}, "rotary_dim=3: must be even and at least 2"),
        ("gaussian", Role.ENCODER, {"heads": 5}, "heads=5: must divide the width 12"),
        ("gaussian", Role.ENCODER, {"heads": 0}, "heads=0: must divide the width 12"),
        (
            "gaussian",
            Role.ENCODER,
            {"offsets": []},
            "offsets=[]: must be some numbers from -8 to 8",
        ),
        (
            "gaussian",
            Role.ENCODER,
            {"offsets": [0, -9]},
            "offsets=[0, -9]: must be some numbers from -8 to 8",
        ),
        ("local_m", Role.CROSS, {"radius": -1}, "radius=-1: must not be negative"),
        ("local_p", Role.CROSS, {"radius": 0}, "radius=0: must be at least 1"),
        ("local_p", Role.CROSS, {"kernel": "sdpa"}, f"kernel=sdpa: {GAUSSIAN}"),
        ("local_p", Role.CROSS, {"kernel": "flex"}, f"kernel=flex: {GAUSSIAN}"),
        (
            "coverage",
            Role.CROSS,
            {"heads": 5},
            "heads=5: must divide the width 12, or head_dim and value_dim must be given",
        ),
        ("coverage", Role.CROSS, {"dropout": 1.0}, "dropout=1.0: must be at least 0 and below 1"),
    ],
)
def test_wrong_options_are_named(name, role, options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        build_attention(name, role, **options)


class Inner:
    """A scheme of any kind within the attention, which knows distances alone."""

    def __init__(self, kind, heads, dim):
        self.kind = kind
        generator = torch.Generator().manual_seed(3)
        self.slopes = torch.randn(heads, 1, 1, generator=generator, dtype=torch.float64)
        self.vector = torch.randn(dim, generator=generator, dtype=torch.float64)

    def rotate(self, x, position):
        angle = position[:, None, :, None].to(x.dtype) * 0.7
        one, two = x.chunk(2, -1)
        return torch.cat(
            (one * angle.cos() - two * angle.sin(), one * angle.sin() + two * angle.cos()), -1
        )

    def bias(self, query, key):
        return self.slopes * (query[:, :, None] - key[:, None, :])[:, None].sin()

    def content(self, query, key, query_position, key_position):
        apart = (query_position[:, :, None] - key_position[:, None, :])[:, None].cos()
        return (query @ self.vector)[..., None] * apart

    def values(self, weights, query_position, key_position):
        apart = (query_position[:, :, None] - key_position[:, None, :])[:, None].cos()
        return (weights * apart).sum(-1, keepdim=True) * self.vector


def with_positions(name, role, kind, **options):
    torch.manual_seed(0)
    place = Place(role, 12, 12, 12, lambda heads, dim: Inner(kind, heads, dim))
    return build("attention", {"name": name, "heads": 3, **options}, place=place).double().eval()


@pytest.mark.parametrize("kind", [k for k in PositionKind if k not in {"none", "input"}])
@pytest.mark.parametrize("role", SELF)
@pytest.mark.parametrize("first", [0, 2])
def test_positions_act_within_blocks_as_without(kind, role, first):
    attention = with_positions("window", role, kind, radius=4, global_tokens=first)
    query = stream(2, 150, lengths=[150, 140])
    q, k, v = attention.projections.all_of(query.x)
    if kind is PositionKind.ROTARY:
        q, k = attention.turn(q, query.position), attention.turn(k, query.position)
    at = query.position
    dense = ScoreAttention.mix(attention, q, k, v, at, at, query.valid)
    assert torch.allclose(attention(query).y, attention.projections.join(dense), atol=1e-12)
    plain = build_attention("window", role, radius=4, global_tokens=first)
    assert not torch.allclose(attention(query).y, plain(query).y, atol=1e-3)


@pytest.mark.parametrize("role", SELF)
def test_a_bias_of_positions_meets_the_scores_of_latents(role):
    attention = with_positions("mla", role, PositionKind.BIAS)
    query = stream(2, 7)
    other = dataclasses.replace(query, position=query.position * 2)
    assert attention.projections.rotary_dim == 0
    assert not torch.allclose(attention(query).y, attention(other).y, atol=1e-3)


def test_widths_of_latents_follow_the_heads():
    for dim, heads, latent, rotary in ((64, 4, 64, 8), (12, 3, 16, 2), (12, 2, 24, 2)):
        place = Place(Role.DECODER, dim, dim, dim, lambda h, d: Inner(PositionKind.ROTARY, h, d))
        maps = build("attention", {"name": "mla", "heads": heads}, place=place).projections
        assert (maps.value_dim, maps.rotary_dim) == (latent, rotary)


@pytest.mark.parametrize("name", ["gqa", "mqa", "window", "mla"])
def test_biases_start_at_zero_and_learn(name):
    attention = build_attention(name, Role.DECODER, bias=True)
    biases = [p for n, p in attention.named_parameters() if n.endswith("bias")]
    assert biases
    assert all((bias == 0).all() for bias in biases)
    attention(stream(3, 7)).y.square().sum().backward()
    assert all(bias.grad.isfinite().all() for bias in biases)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("window", Role.ENCODER),
        ("gaussian", Role.ENCODER),
        ("local_m", Role.CROSS),
        ("local_p", Role.CROSS),
    ],
)
def test_dropout_keeps_the_mean(name, role):
    attention = build_attention(name, role, dropout=0.25)
    memory = stream(1, 5, seed=5) if role is Role.CROSS else None
    query = stream(1, 5)
    exact = attention(query, memory).y
    attention.train()
    torch.manual_seed(3)
    dropped = torch.stack([attention(query, memory).y for _ in range(1000)])
    assert not torch.equal(dropped[0], exact)
    assert torch.allclose(dropped.mean(0), exact, atol=0.1)


def test_coverage_counts_weights_before_dropout():
    attention = build_attention("coverage", Role.CROSS, dropout=0.5).train()
    query, memory = stream(2, 7), stream(2, 5)
    output = attention(query, memory, capture=True)
    assert torch.allclose(output.state.coverage.sum(-1), torch.full((2, 3), 7.0).double())
    assert torch.allclose(output.weights.sum(-1), torch.ones(2, 3, 7))


def test_heads_take_turns_with_the_offsets_given():
    attention = build_attention("gaussian", Role.ENCODER, offsets=[2, 0])
    weights = attention(stream(1, 21), capture=True).weights
    assert weights[0, :, 10].argmax(-1).tolist() == [12, 10, 12]


@pytest.mark.parametrize("name", ["local_p", "coverage"])
def test_weights_are_made_in_float32_in_short_formats(name):
    attention = build_attention(name, Role.CROSS).float()
    query, memory = stream(2, 7), stream(2, 5)
    query, memory = (dataclasses.replace(one, x=one.x.float()) for one in (query, memory))
    exact = attention(query, memory, capture=True).weights
    with torch.autocast("cpu", torch.bfloat16):
        short = attention(query, memory, capture=True)
    assert (short.weights - exact).abs().max() < 2e-2
    if name == "coverage":
        assert short.state.coverage.dtype == torch.float32
    assert not torch.equal(short.weights, short.weights.bfloat16().float())
