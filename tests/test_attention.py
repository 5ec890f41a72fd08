"""Softmax attention; what every attention proves is in test_proofs.py."""

import dataclasses

import pytest
import torch
from builders import build_attention, stream
from messages import exactly
from torch import nn

from attn.contract import Role, Stream

LENGTHS = [7, 4, 0]


def memory_of(role, *, seed=5, lengths=(5, 2, 0), time=5):
    return stream(3, time, lengths=list(lengths), seed=seed) if role is Role.CROSS else None


def mixed(attention, query, memory=None, **options):
    return attention(query, memory, **options).y


class TestSoftmax:
    @pytest.mark.parametrize("role", list(Role))
    @pytest.mark.parametrize("options", [{}, {"bias": True, "head_dim": 5, "value_dim": 7}])
    def test_equals_the_formula(self, role, options):
        attention = build_attention("softmax", role, **options)
        query, memory = stream(3, 7), memory_of(role, lengths=(5, 2, 1))
        maps = attention.projections
        if role is Role.CROSS:
            q = maps.query_of(query.x)
            k, v = maps.key_value_of(memory.x)
        else:
            q, k, v = maps.all_of(query.x)
        scores = torch.einsum("bhqd,bhkd->bhqk", q, k) / q.shape[-1] ** 0.5
        scores = scores.masked_fill(~(memory or query).valid[:, None, None], -torch.inf)
        if role is Role.DECODER:
            scores = scores.masked_fill(torch.ones(7, 7).triu(1).bool(), -torch.inf)
        y = maps.join(torch.einsum("bhqk,bhkd->bhqd", scores.softmax(-1), v))
        assert torch.allclose(mixed(attention, query, memory), y, atol=1e-12)

    @pytest.mark.parametrize("role", list(Role))
    def test_kernels_agree_in_values_and_gradients(self, role):
        results = []
        for kernel in ("explicit", "sdpa"):
            attention = build_attention("softmax", role, kernel=kernel)
            query = stream(3, 7, lengths=LENGTHS)
            leaf = query.x.clone().requires_grad_()
            y = mixed(attention, dataclasses.replace(query, x=leaf), memory_of(role))
            (gradient,) = torch.autograd.grad(y.square().sum(), leaf)
            assert gradient.isfinite().all()
            results.append((y, gradient))
        for one, other in zip(*results, strict=True):
            assert torch.allclose(one, other, atol=1e-10)

    @pytest.mark.parametrize("kernel", ["explicit", "sdpa"])
    @pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
    def test_a_sentence_of_padding_gives_zeros(self, kernel, dtype):
        attention = build_attention("softmax", Role.CROSS, kernel=kernel).to(dtype)
        query, memory = stream(2, 3), stream(2, 5, lengths=[0, 5])
        leaf = query.x.to(dtype).requires_grad_()
        memory = dataclasses.replace(memory, x=memory.x.to(dtype))
        y = mixed(attention, dataclasses.replace(query, x=leaf), memory)
        (gradient,) = torch.autograd.grad(y.sum(), leaf)
        assert (y[0] == 0).all()
        assert (gradient[0] == 0).all()
        assert gradient.isfinite().all()

    def test_weights_mix_the_values(self):
        attention = build_attention("softmax", Role.ENCODER)
        query = stream(3, 7, lengths=LENGTHS)
        output = attention(query, capture=True)
        _, _, v = attention.projections.all_of(query.x)
        y = attention.projections.join(output.weights.double() @ v)
        assert torch.allclose(output.y, y, atol=1e-6)
        assert torch.allclose(output.weights[0].sum(-1), torch.ones(3, 7))

    def test_equals_torch_with_copied_weights(self):
        ours = build_attention("softmax", Role.ENCODER)
        theirs = nn.MultiheadAttention(12, 3, bias=False, batch_first=True).double()
        with torch.no_grad():
            theirs.in_proj_weight.copy_(ours.projections.joint.weight)
            theirs.out_proj.weight.copy_(ours.projections.out.weight)
        query = stream(2, 7, lengths=[7, 4])
        y, weights = theirs(
            query.x, query.x, query.x, key_padding_mask=~query.valid, average_attn_weights=False
        )
        output = ours(query, capture=True)
        assert torch.allclose(output.y, y, atol=1e-12)
        assert torch.allclose(output.weights.double(), weights, atol=1e-6)

    def test_dropout_keeps_the_mean(self):
        attention = build_attention("softmax", Role.ENCODER, dropout=0.25)
        query = stream(1, 5)
        exact = mixed(attention, query)
        attention.train()
        torch.manual_seed(3)
        mean = sum(mixed(attention, query) for _ in range(500)) / 500
        assert not torch.equal(mixed(attention, query), exact)
        assert torch.allclose(mean, exact, atol=0.1)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                {"heads": 5},
                "heads=5: must divide the width 12, or head_dim and value_dim must be given",
            ),
            ({"heads": 0}, "heads=0: must be at least 1"),
            (
                {"head_dim": 0},
                "head_dim=0: must be at least 1",
            ),
            ({"kernel": "fast"}, "kernel=fast: unknown; choose one of auto, explicit, sdpa, flex"),
            ({"dropout": 1.0}, "dropout=1.0: must be at least 0 and below 1"),
        ],
    )
    def test_wrong_options_are_named(self, options, message):
        with pytest.raises(ValueError, match=exactly(message)):
            build_attention("softmax", Role.ENCODER, **options)

    def test_a_full_state_refuses_more(self):
        attention, query = build_attention("softmax", Role.DECODER), stream(3, 7)
        state = attention.start(None, rows=3, capacity=6)
        with pytest.raises(
            ValueError, match=exactly("the state has room for 6 tokens, 7 were given")
        ):
            attention(query, state=state)

    def test_parameters_are_those_of_the_paper(self):
        for role in Role:
            count = sum(p.numel() for p in build_attention("softmax", role).parameters())
            assert count == 4 * 12 * 12

    def test_state_grows_with_the_tokens(self):
        attention, query = build_attention("softmax", Role.DECODER), stream(3, 7)
        state = attention.start(None, rows=3, capacity=7)
        assert state.nbytes() == 0
        state = attention(_cut(query, 0, 4), state=state).state
        assert state.nbytes() == 3 * 4 * (2 * 12 * 8 + 8 + 1)


def _cut(whole, start, end):
    return Stream(whole.x[:, start:end], whole.position[:, start:end], whole.valid[:, start:end])
