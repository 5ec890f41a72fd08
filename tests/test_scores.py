"""Attentions that differ from softmax in how well a key answers a query."""

import dataclasses

import pytest
import torch
from builders import build_attention, stream
from messages import exactly

from attn.contract import Place, PositionKind, Role
from attn.registry import build
from attn.score.norms import RootMeanSquare, TemperedUnit, Unit
from attn.score.scores import Additive
from attn.score.shell import ScoreAttention

FUSABLE = ["cosine", "dot", "general", "qk_norm"]
HIDDEN = ["additive", "concat"]


def source(role, lengths=(5, 2, 0)):
    return stream(3, 5, lengths=list(lengths), seed=5) if role is Role.CROSS else None


class Turn:
    """Rotary positions of one frequency."""

    kind = PositionKind.ROTARY

    def rotate(self, x, position):
        angle = position[:, None, :, None].to(x.dtype) * 0.7
        one, two = x.chunk(2, -1)
        return torch.cat(
            (one * angle.cos() - two * angle.sin(), one * angle.sin() + two * angle.cos()), -1
        )


def turning(name, role):
    torch.manual_seed(0)
    place = Place(role, 12, 12, 12, lambda _heads, _dim: Turn())
    made = build("attention", {"name": name, "heads": 3}, place=place)
    assert isinstance(made, ScoreAttention)
    return made.double().eval()


@pytest.mark.parametrize("name", FUSABLE)
@pytest.mark.parametrize("role", [Role.ENCODER, Role.DECODER])
def test_with_rotary_positions_distances_alone_count(name, role):
    attention, query = turning(name, role), stream(2, 7, lengths=[7, 4])
    later = dataclasses.replace(query, position=query.position + 9)
    other = dataclasses.replace(query, position=query.position * 2)
    y = attention(query).y
    assert torch.allclose(y, attention(later).y, atol=1e-12)
    assert not torch.allclose(y, attention(other).y, atol=1e-3)


@pytest.mark.parametrize("name", FUSABLE)
@pytest.mark.parametrize("role", list(Role))
def test_kernels_agree_in_values_and_gradients(name, role):
    found = []
    for kernel in ("explicit", "sdpa"):
        attention = build_attention(name, role, kernel=kernel)
        y = attention(stream(3, 7, lengths=[7, 4, 0]), source(role)).y
        found.append((y, *torch.autograd.grad(y.square().sum(), list(attention.parameters()))))
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, atol=1e-10)


@pytest.mark.parametrize("name", [*FUSABLE, *HIDDEN, "location"])
def test_a_sentence_of_padding_gives_zeros(name):
    attention, query = build_attention(name, Role.CROSS), stream(2, 3)
    leaf = query.x.clone().requires_grad_()
    memory = stream(2, 5, lengths=[0, 5])
    words = memory.x.clone().requires_grad_()
    y = attention(dataclasses.replace(query, x=leaf), dataclasses.replace(memory, x=words)).y
    of_query, of_words = torch.autograd.grad(y.square().sum(), [leaf, words])
    assert (y[0] == 0).all()
    assert (of_query[0] == 0).all()
    assert (of_words[0] == 0).all()
    assert of_words[1].any()


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("kernel", ["sdpa", "flex"])
def test_no_fused_kernel_serves_a_hidden_layer(name, kernel):
    message = (
        f"kernel={kernel}: cannot serve, for an additive score is no product of two vectors; "
        "choose one of auto, explicit"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        build_attention(name, Role.ENCODER, kernel=kernel)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("cosine", {"min_temperature": 0.0}, "min_temperature=0.0: must be positive"),
        (
            "cosine",
            {"temperature": 0.001},
            "temperature=0.001: must be at least min_temperature=0.01",
        ),
        ("location", {"heads": 0}, "heads=0: must be at least 1"),
        ("location", {"heads": 5}, "heads=5: must divide the width 12, or value_dim must be given"),
        ("location", {"value_dim": 0}, "value_dim=0: must be at least 1"),
        ("location", {"max_source_length": 0}, "max_source_length=0: must be at least 1"),
        ("additive", {"head_dim": 0}, "head_dim=0: must be at least 1"),
    ],
)
def test_wrong_options_are_named(name, options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        build_attention(name, Role.CROSS, **options)


class TestSizes:
    @pytest.mark.parametrize("name", [*FUSABLE, *HIDDEN])
    @pytest.mark.parametrize("role", list(Role))
    def test_widths_are_free(self, name, role):
        options = {"heads": 5, "head_dim": 2, "value_dim": 3, "bias": True}
        attention = build_attention(name, role, **options)
        assert attention(stream(3, 7), source(role)).y.shape == (3, 7, 12)

    @pytest.mark.parametrize(
        ("name", "more"),
        [("dot", 0), ("general", 3 * 4 * 4), ("qk_norm", 8), ("cosine", 3)]
        + [(name, 12) for name in HIDDEN],
    )
    @pytest.mark.parametrize("role", list(Role))
    def test_parameters_beside_the_projections(self, name, more, role):
        count = sum(p.numel() for p in build_attention(name, role).parameters())
        assert count == 4 * 12 * 12 + more

    def test_parameters_of_location(self):
        attention = build_attention("location", Role.CROSS, max_source_length=9, value_dim=2)
        assert sum(p.numel() for p in attention.parameters()) == 12 * 3 * 9 + 2 * 12 * 3 * 2


class TestAdditive:
    def test_the_hidden_layer_of_all_pairs_is_never_kept(self):
        score = Additive(3, 4).double()
        query, key = (torch.randn(2, 3, 8, 4, dtype=torch.float64).requires_grad_() for _ in "qk")
        sizes = []

        def noted(tensor):
            sizes.append(tensor.numel())
            return tensor

        for at_once, most in ((1 << 24, 2 * 3 * 8 * 8 * 4), (2 * 3 * 8 * 4, 2 * 3 * 8 * 4)):
            score.at_once = at_once
            sizes.clear()
            with torch.autograd.graph.saved_tensors_hooks(noted, lambda kept: kept):
                score(query, key)
            assert max(sizes) == most

    def test_in_parts_without_gradients(self):
        score = Additive(3, 4)
        query, key = torch.randn(2, 3, 8, 4), torch.randn(2, 3, 5, 4)
        with torch.no_grad():
            whole = score(query, key)
            score.at_once = 1
            assert torch.allclose(score(query, key), whole, atol=1e-6)

    def test_scores_are_no_short_format(self):
        score = Additive(3, 4)
        query = torch.randn(2, 3, 8, 4).bfloat16()
        with torch.autocast("cpu", torch.bfloat16):
            assert score(query, query).dtype == torch.float32


class TestNorms:
    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
    def test_lengths_in_short_formats(self, dtype):
        x = (torch.randn(2, 3, 7, 4) * 100).to(dtype)
        assert torch.allclose(Unit()(x).float().norm(dim=-1), torch.ones(2, 3, 7), atol=1e-2)
        warm = TemperedUnit(3, temperature=0.5, least=0.1)(x)
        assert torch.allclose(warm.float().norm(dim=-1), torch.full((2, 3, 7), 2.0), atol=2e-2)
        square = RootMeanSquare(4)(x).float().square().mean(-1)
        assert torch.allclose(square, torch.ones(2, 3, 7), atol=2e-2)
        assert {m(x).dtype for m in (Unit(), RootMeanSquare(4))} == {warm.dtype} == {dtype}

    @pytest.mark.parametrize("norm", [Unit(), RootMeanSquare(4)])
    def test_zero_stays_zero_and_its_gradient_finite(self, norm):
        x = torch.zeros(1, 1, 1, 4, requires_grad=True)
        y = norm(x)
        y.sum().backward()
        assert (y == 0).all()
        assert x.grad.isfinite().all()


class TestLocation:
    def test_a_longer_source_is_refused(self):
        attention = build_attention("location", Role.CROSS, max_source_length=4)
        message = "source position 4 is beyond max_source_length=4; raise it, or shorten the text"
        with pytest.raises(ValueError, match=exactly(message)):
            attention(stream(2, 3), stream(2, 5))

    def test_padding_may_be_longer(self):
        attention = build_attention("location", Role.CROSS, max_source_length=4)
        longer = stream(2, 6, lengths=[4, 2])
        exact = dataclasses.replace(
            longer,
            x=longer.x[:, :4],
            position=longer.position[:, :4],
            valid=longer.valid[:, :4],
        )
        query = stream(2, 3)
        assert torch.allclose(attention(query, longer).y, attention(query, exact).y, atol=1e-12)

    def test_dropout_drops_weights_in_training_alone(self):
        attention = build_attention("location", Role.CROSS, dropout=0.5, bias=True)
        query, memory = stream(2, 3), stream(2, 5)
        assert torch.equal(attention(query, memory).y, attention(query, memory).y)
        attention.train()
        assert not torch.equal(attention(query, memory).y, attention(query, memory).y)

    def test_a_kept_state_is_that_of_the_kept_sentences(self):
        attention, memory = build_attention("location", Role.CROSS), stream(3, 5, lengths=[5, 3, 1])
        kept = attention.start(memory, rows=6, capacity=1).keep(torch.tensor([0, 2]))
        query = stream(4, 1)
        rows = torch.tensor([0, 0, 2, 2])
        each = dataclasses.replace(
            memory, x=memory.x[rows], position=memory.position[rows], valid=memory.valid[rows]
        )
        assert torch.allclose(attention(query, state=kept).y, attention(query, each).y, atol=1e-12)
