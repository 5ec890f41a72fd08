"""Position schemes against those of outside packages."""

from types import SimpleNamespace

import pytest
import torch
from builders import build_attention, stream
from parity import needs

from attn import positions, registry  # noqa: F401 - registers
from attn.contract import Role
from attn.positions.alibi import slopes

pytestmark = pytest.mark.parity
MODELS = "transformers.models"
LINE = torch.arange(300)[None]


def build(name, *, role=Role.ENCODER, dim=16, heads=2, **options):
    given = {"role": role, "dim": dim, "heads": heads, "head_dim": dim // heads}
    return registry.build("position", {"name": name, **options}, **given)


def heads_of(seed, time=50, width=8):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 3, time, width, generator=generator)


@pytest.mark.parametrize("role", [Role.ENCODER, Role.DECODER])
@pytest.mark.parametrize(("buckets", "most"), [(32, 128), (64, 300), (8, 20)])
def test_buckets_are_those_of_t5(role, buckets, most):
    theirs = needs(f"{MODELS}.t5.modeling_t5").T5Attention._relative_position_bucket
    scheme = build("t5", role=role, heads=1, buckets=buckets, max_distance=most)
    with torch.no_grad():
        scheme.table.weight.copy_(torch.arange(float(buckets))[:, None])
    distance = torch.arange(-400, 401)
    expected = theirs(distance, role is Role.ENCODER, buckets, most)
    ours = scheme.bias(torch.zeros(1, 1, dtype=torch.long), distance[None])[0, 0, 0]
    assert torch.equal(ours.long(), expected)


@pytest.mark.parametrize("heads", [1, 2, 3, 6, 8, 12, 16, 20])
def test_slopes_are_those_of_bloom(heads):
    theirs = needs(f"{MODELS}.bloom.modeling_bloom").build_alibi_tensor
    biases = theirs(torch.ones(1, 5), heads, torch.float32)  # slope times key position
    assert torch.allclose(torch.tensor(slopes(heads)), biases[:, 0, 1], rtol=1e-6)


def test_sinusoids_are_those_of_marian_in_another_order():
    theirs = needs(f"{MODELS}.marian.modeling_marian").MarianSinusoidalPositionalEmbedding
    expected = theirs(300, 16).create_weight()
    ours = build("sinusoidal")(LINE)[0]
    assert torch.allclose(torch.cat((ours[:, 0::2], ours[:, 1::2]), 1), expected, atol=1e-4)


def test_sinusoids_in_halves_are_those_of_tensor2tensor():
    module = needs(f"{MODELS}.m2m_100.modeling_m2m_100")
    expected = module.M2M100SinusoidalPositionalEmbedding.get_embedding(300, 16)
    assert torch.allclose(build("sinusoidal", layout="halves")(LINE)[0], expected, atol=1e-4)


@pytest.mark.parametrize("fraction", [1.0, 0.5])
def test_interleaved_rotation_is_that_of_rotary_embedding_torch(fraction):
    theirs = needs("rotary_embedding_torch").RotaryEmbedding(dim=int(8 * fraction))
    x = heads_of(1)
    ours = build("rope", fraction=fraction).rotate(x, torch.arange(50)[None])
    assert torch.allclose(ours, theirs.rotate_queries_or_keys(x), atol=1e-5)


def test_interleaved_rotation_is_that_of_roformer():
    module = needs(f"{MODELS}.roformer.modeling_roformer")
    table = module.RoFormerSinusoidalPositionalEmbedding(50, 8)
    table.weight.data.copy_(table.create_weight())
    q, k = heads_of(1), heads_of(2)
    rotate = module.RoFormerSelfAttention.apply_rotary_position_embeddings
    expected = rotate(table(torch.Size((2, 50)))[None, None], q, k)
    ours = [build("rope").rotate(x, torch.arange(50)[None]) for x in (q, k)]
    for one, other in zip(ours, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_rotation_in_halves_is_that_of_llama():
    module = needs(f"{MODELS}.llama.modeling_llama")
    configs = needs(f"{MODELS}.llama.configuration_llama")
    table = module.LlamaRotaryEmbedding(
        configs.LlamaConfig(hidden_size=16, num_attention_heads=2, max_position_embeddings=64)
    )
    q, k, position = heads_of(1), heads_of(2), torch.arange(50)[None]
    expected = module.apply_rotary_pos_emb(q, k, *table(q, position))
    ours = [build("rope", pairing="halves").rotate(x, position) for x in (q, k)]
    for one, other in zip(ours, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("role", [Role.ENCODER, Role.DECODER])
def test_transformer_xl_is_the_relative_attention_of_xlnet(role):
    module = needs(f"{MODELS}.xlnet.modeling_xlnet")
    config = SimpleNamespace(d_model=12, n_head=3, d_head=4, dropout=0.0, layer_norm_eps=1e-5)
    theirs = module.XLNetRelativeAttention(config).double()
    ours = build_attention("softmax", role, position="transformer_xl")
    query = stream(2, 7)
    with torch.no_grad():
        for bias in (ours.position.content_bias, ours.position.place_bias):
            bias += torch.randn_like(bias)
        maps = ours.projections
        for name, weight in zip("qkv", maps.joint.weight.split(12), strict=True):
            getattr(theirs, name).copy_(weight.t().unflatten(1, (3, 4)))
        theirs.r.copy_(ours.position.projection.weight.t().unflatten(1, (3, 4)))
        theirs.o.copy_(maps.out.weight.unflatten(1, (3, 4)))
        theirs.r_w_bias.copy_(ours.position.content_bias[:, 0])
        theirs.r_r_bias.copy_(ours.position.place_bias[:, 0])
        distance = torch.arange(7, -7, -1.0).double()
        angle = distance[:, None] / 10000 ** (torch.arange(0, 12, 2).double() / 12)
        places = torch.cat((angle.sin(), angle.cos()), -1)[:, None]
        x = query.x.transpose(0, 1)
        hidden = torch.ones(7, 7).triu(1)[:, :, None, None].double()
        core = theirs.rel_attn_core(
            *(torch.einsum("ibh,hnd->ibnd", x, getattr(theirs, name)) for name in "qkv"),
            torch.einsum("ibh,hnd->ibnd", places, theirs.r),
            attn_mask=hidden if role is Role.DECODER else None,
        )
        expected = torch.einsum("ibnd,hnd->bih", core, theirs.o)
        assert torch.allclose(ours(query).y, expected, atol=1e-12)
