"""Our scores beside those of JoeyNMT, OpenNMT-py and transformers, up to the context vector."""

import importlib.util
import sys
import types

import pytest
import torch
from builders import stream
from parity import needs

from attn.contract import Place, Role
from attn.registry import build

# OpenNMT-py asks torch for what it has under another name by now.
OLD_NAMES = r"ignore:.torch\.cuda\.amp\.custom_:FutureWarning"
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings(OLD_NAMES)]

DIM, HIDDEN, LENGTHS = 6, 5, [5, 2, 3]


def ours(name, **options):
    """One head, and the form of the papers, which the presets of recurrent models take."""
    section = {"name": name, "heads": 1, "projections": "none", **options}
    return build("attention", section, place=Place(Role.CROSS, DIM, DIM, DIM)).double().eval()


def streams():
    return stream(3, 4, DIM), stream(3, 5, DIM, lengths=LENGTHS, seed=5)


def agree(attention, context, weights):
    output = attention(*streams(), capture=True)
    assert torch.allclose(output.y, context, atol=1e-12)
    assert torch.allclose(output.weights[:, 0].double(), weights, atol=1e-6)


def of_joeynmt(attention):
    """Context and weights; it takes one query at a time."""
    query, memory = streams()
    attention.compute_proj_keys(memory.x)
    mask = memory.valid[:, None]
    steps = [attention(query.x[:, i : i + 1], mask, memory.x) for i in range(query.x.shape[1])]
    return [torch.cat(parts, 1) for parts in zip(*steps, strict=True)]


def test_additive_is_that_of_joeynmt():
    theirs = needs("joeynmt.attention").BahdanauAttention(HIDDEN, DIM, DIM).double()
    attention = ours("additive", head_dim=HIDDEN)
    with torch.no_grad():
        attention.projections.query.weight.copy_(theirs.query_layer.weight)
        attention.projections.key.weight.copy_(theirs.key_layer.weight)
        attention.core.score.vector.copy_(theirs.energy_layer.weight)
    agree(attention, *of_joeynmt(theirs))


def test_general_is_that_of_joeynmt():
    theirs = needs("joeynmt.attention").LuongAttention(DIM, DIM).double()
    attention = ours("general")
    with torch.no_grad():
        attention.norms.query.weight[0].copy_(theirs.key_layer.weight)
    agree(attention, *of_joeynmt(theirs))


def opennmt(monkeypatch, score):
    """Its attention; the packages above it are left empty, for they need much else."""
    for name in ("onmt", "onmt.modules", "onmt.utils"):
        found = importlib.util.find_spec(name)
        if found is None:
            pytest.skip("needs onmt: run `make parity`")
        bare = types.ModuleType(name)
        bare.__path__ = found.submodule_search_locations
        monkeypatch.setitem(sys.modules, name, bare)
    module = importlib.import_module("onmt.modules.global_attention")
    return module.GlobalAttention(DIM, attn_type=score).double()


def of_opennmt(attention):
    """Context and weights; the context is what goes into its last map, before the query."""
    query, memory = streams()
    seen = []
    attention.linear_out.register_forward_hook(lambda _, given, __: seen.append(given[0]))
    _, weights = attention(query.x, memory.x, torch.tensor(LENGTHS))
    return seen[0].view(3, 4, 2 * DIM)[..., :DIM], weights


def test_dot_is_that_of_opennmt(monkeypatch):
    agree(ours("dot"), *of_opennmt(opennmt(monkeypatch, "dot")))


def test_general_is_that_of_opennmt(monkeypatch):
    theirs, attention = opennmt(monkeypatch, "general"), ours("general")
    with torch.no_grad():
        attention.norms.query.weight[0].copy_(theirs.linear_in.weight.T)
    agree(attention, *of_opennmt(theirs))


@pytest.mark.parametrize("name", ["additive", "concat"])
def test_a_hidden_layer_is_that_of_opennmt(monkeypatch, name):
    theirs, attention = opennmt(monkeypatch, "mlp"), ours(name, bias=True)
    maps = attention.projections
    with torch.no_grad():
        maps.query.weight.copy_(theirs.linear_query.weight)
        maps.query.bias.copy_(theirs.linear_query.bias)  # they have none for the source
        maps.key.weight.copy_(theirs.linear_context.weight)
        maps.key.bias.zero_()
        attention.core.score.vector.copy_(theirs.v.weight)
    agree(attention, *of_opennmt(theirs))


@pytest.mark.parametrize("role", [Role.ENCODER, Role.DECODER])
def test_qk_norm_is_that_of_qwen3(role):
    qwen3 = needs("transformers.models.qwen3.modeling_qwen3")
    config = qwen3.Qwen3Config(
        hidden_size=12,
        num_attention_heads=3,
        num_key_value_heads=3,
        head_dim=4,
        attention_bias=False,
        attn_implementation="eager",
    )
    theirs = qwen3.Qwen3Attention(config, layer_idx=0).double().eval()
    section = {"name": "qk_norm", "heads": 3}
    attention = build("attention", section, place=Place(role, 12, 12, 12)).double().eval()
    with torch.no_grad():
        for norm in (theirs.q_norm, theirs.k_norm):
            norm.weight.uniform_(0.5, 2)
        parts = (theirs.q_proj.weight, theirs.k_proj.weight, theirs.v_proj.weight)
        attention.projections.joint.weight.copy_(torch.cat(parts))
        attention.projections.out.weight.copy_(theirs.o_proj.weight)
        attention.norms.query.gain.copy_(theirs.q_norm.weight)
        attention.norms.key.gain.copy_(theirs.k_norm.weight)
    query = stream(3, 7, lengths=[7, 4, 5])
    hidden = ~query.valid[:, None, None].expand(-1, 1, 7, -1)
    if role is Role.DECODER:
        hidden = hidden | torch.ones(7, 7, dtype=torch.bool).triu(1)
    mask = torch.zeros(3, 1, 7, 7, dtype=torch.float64).masked_fill(hidden, -torch.inf)
    unturned = torch.ones(3, 7, 4).double(), torch.zeros(3, 7, 4).double()  # cosines, sines
    y, weights = theirs(query.x, unturned, mask)
    output = attention(query, capture=True)
    # Their norms and weights are computed in float32.
    assert torch.allclose(output.y, y, atol=1e-5)
    assert torch.allclose(output.weights.double(), weights, atol=1e-5)
