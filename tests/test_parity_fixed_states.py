"""Attentions with states of fixed size give what other people's code gives for the same weights."""

import importlib
import importlib.util
import sys
import types
import warnings
from pathlib import Path

import pytest
import torch
from builders import build_attention, stream
from parity import needs
from torch import nn

from attn.attention.linear import features
from attn.contract import Role
from attn.scan import scan

pytestmark = pytest.mark.parity


@pytest.fixture
def alone(monkeypatch):
    """One module of a package, without what the packages around it import for others."""

    def take(name):
        package, *parts = name.split(".")[:-1]
        found = importlib.util.find_spec(package)
        if found is None:
            needs(package)
        folder = Path(found.submodule_search_locations[0])
        for part in [None, *parts]:
            if part is not None:
                package, folder = f"{package}.{part}", folder / part
            empty = types.ModuleType(package)
            empty.__path__ = [str(folder)]
            monkeypatch.setitem(sys.modules, package, empty)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)

    before = set(sys.modules)
    yield take
    for name in set(sys.modules) - before:
        del sys.modules[name]


class TestFlashLinearAttention:
    def test_linear(self, alone):
        theirs = alone("fla.ops.linear_attn.naive").naive_recurrent_linear_attn
        ours, query = build_attention("linear", Role.DECODER, chunk=3).float(), stream(2, 11)
        q, k, v = ours.projections.all_of(query.x.float())
        in_time = [x.transpose(1, 2) for x in (features(q), features(k), v)]
        context, _ = theirs(*in_time, scale=1, normalize=True)
        y = ours.projections.join(context.transpose(1, 2))
        query = type(query)(query.x.float(), query.position, query.valid)
        assert torch.allclose(ours(query).y, y, atol=1e-5)

    def test_retention(self, alone):
        theirs = alone("fla.ops.retention.naive").naive_retention
        generator = torch.Generator().manual_seed(2)
        q, k, v = torch.randn(3, 2, 4, 11, 6, generator=generator)
        decay = torch.log1p(-(2.0 ** (-5 - torch.arange(4))))[None, :, None].expand(1, 4, 11)
        y, _ = scan(q * 6**-0.5, k, v, decay=decay, chunk=4)
        assert torch.allclose(y, theirs(q, k, v), atol=1e-5)


def test_average_is_that_of_opennmt(alone):
    module = alone("onmt.modules.average_attn")
    theirs = module.AverageAttention(12, dropout=0.0, aan_useffn=True).double().eval()
    ours, query = build_attention("average", Role.DECODER, feedforward_dim=20), stream(2, 7)
    theirs.gating_layer = ours.gates
    # Theirs has a norm before it and a residual around it; in the paper there is neither.
    theirs.average_layer = nn.Sequential(ours.inner, nn.ReLU(), ours.outer)
    assert torch.allclose(ours(query).y, theirs(query.x)[0], atol=1e-6)


def test_retention_is_that_of_torchscale(alone):
    module = alone("torchscale.component.multiscale_retention")
    heads, dim, time = 3, 24, 11
    args = types.SimpleNamespace(multiway=False, layernorm_eps=1e-6)
    theirs = module.MultiScaleRetention(args, dim, 2 * dim, heads).double().eval()
    ours, query = build_attention("retention", Role.DECODER, dim=dim, chunk=4), stream(2, time, dim)
    joint = ours.projections.joint.weight.split(ours.projections.sizes)
    for linear, weight in zip((theirs.q_proj, theirs.k_proj, theirs.v_proj), joint, strict=True):
        linear.weight = nn.Parameter(weight)
    theirs.g_proj, theirs.out_proj = ours.gate, ours.projections.out
    # Theirs norms by the mean square alone; in the paper it is a group norm.
    theirs.group_norm = nn.LayerNorm(dim * 2 // heads, eps=1e-6, elementwise_affine=False)
    position = torch.arange(time).double()
    rates = 10000 ** -torch.linspace(0, 1, dim // heads // 2).double()
    angles = (position[:, None] * rates).repeat_interleave(2, 1)
    paces = 1 - 2 ** (-5 - torch.arange(heads).double())
    mask = (paces[:, None, None] ** (position[:, None] - position).clamp(min=0)).tril()
    turns = angles.sin(), angles.cos()
    assert torch.allclose(ours(query).y, theirs(query.x, (turns, mask)), atol=1e-5)
