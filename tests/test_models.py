"""Truths of every model, and of the Transformer in particular."""

import math

import pytest
import torch
from builders import build_model
from messages import exactly
from torch import nn

from attn import registry

SOURCE = torch.tensor([[5, 6, 7, 8, 9], [4, 5, 6, 0, 0], [9, 0, 0, 0, 0]])
INPUTS = torch.tensor([[1, 5, 6, 7, 8, 9, 4], [1, 7, 5, 9, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0]])
VALID = SOURCE != 0


@pytest.mark.parametrize("name", registry.names("model"))
class TestEveryModel:
    def test_cannot_see_the_future(self, name):
        model = build_model(name)
        changed = INPUTS.clone()
        changed[:, 3:] = 3
        before, after = model(SOURCE, VALID, INPUTS), model(SOURCE, VALID, changed)
        assert torch.equal(before[:, :3], after[:, :3])
        assert not torch.allclose(before[0, 3:], after[0, 3:])

    def test_padding_changes_nothing(self, name):
        model = build_model(name)
        together = model(SOURCE, VALID, INPUTS)
        alone = model(SOURCE[1:2, :3], VALID[1:2, :3], INPUTS[1:2, :4])
        assert torch.allclose(together[1:2, :4], alone, atol=1e-12)

    @torch.no_grad()
    @pytest.mark.parametrize("cuts", [(1,) * 7, (3, 4)])
    def test_step_by_step_is_all_at_once(self, name, cuts):
        model = build_model(name)
        state = model.start(model.encode(SOURCE, VALID), rows=3, capacity=7)
        parts = []
        for tokens in INPUTS.split(cuts, 1):
            hidden, state = model.step(tokens, state)
            parts.append(hidden)
        assert torch.allclose(torch.cat(parts, 1), model(SOURCE, VALID, INPUTS), atol=1e-12)

    @torch.no_grad()
    def test_hypotheses_move_and_sentences_leave(self, name):
        model = build_model(name)
        state = model.start(model.encode(SOURCE, VALID), rows=6, capacity=7)
        inputs = INPUTS.repeat_interleave(2, 0)
        inputs[1::2, 1:] = 3
        _, state = model.step(inputs[:, :4], state)
        state = state.reorder(torch.tensor([1, 0, 2, 2, 5, 4])).keep(torch.tensor([0, 1]))
        rows = torch.tensor([1, 0, 2, 2])
        hidden, state = model.step(inputs[rows][:, 4:5], state)
        sentences = rows // 2
        whole = model(SOURCE[sentences], VALID[sentences], inputs[rows][:, :5])
        assert torch.allclose(hidden, whole[:, 4:], atol=1e-12)
        assert state.nbytes() > 0

    @torch.no_grad()
    @pytest.mark.parametrize("attention", ["softmax", "linear"])
    def test_weights_step_by_step_are_those_of_all_at_once(self, name, attention):
        model = build_model(name, attention_options={"name": attention})
        whole, memory = model.attend(SOURCE, VALID, INPUTS), model.encode(SOURCE, VALID)
        plain = model.start(memory, rows=3, capacity=7)
        state = model.start(memory, rows=3, capacity=7, capture=True)
        at = 0
        for tokens in INPUTS.split((3, 4), 1):
            bare, plain = model.step(tokens, plain)
            hidden, state = model.step(tokens, state)
            assert torch.equal(hidden, bare)
            assert plain.weights == {}
            past, at = at, at + tokens.shape[1]
            for layer in (one for one in whole if not one.startswith("encoder")):
                expected = whole[layer][:, :, past:at]
                if layer.startswith("decoder"):
                    expected = expected[..., :at]
                assert torch.allclose(state.weights[layer], expected, atol=1e-6)
        assert state.nbytes() > plain.nbytes()
        assert state.keep(torch.tensor([1])).weights == {}

    def test_every_parameter_learns(self, name):
        model = build_model(name)
        model.project(model(SOURCE, VALID, INPUTS)).square().sum().backward()
        for parameter_name, parameter in model.named_parameters():
            assert parameter.grad is not None, f"no gradient for {parameter_name}"
            assert parameter.grad.isfinite().all()

    def test_same_seed_same_weights(self, name):
        for one, other in zip(
            build_model(name).parameters(), build_model(name).parameters(), strict=True
        ):
            assert torch.equal(one, other)


def test_attention_of_every_layer_can_be_seen():
    weights = build_model().attend(SOURCE, VALID, INPUTS)
    assert set(weights) == {
        f"{role}.{n}" for role in ("encoder", "decoder", "cross") for n in (0, 1)
    }
    assert weights["cross.1"].shape == (3, 3, 7, 5)
    assert torch.allclose(weights["cross.1"].sum(-1), torch.ones(3, 3, 7))


class TestTransformer:
    @pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")  # torch's, of its own layers
    @pytest.mark.parametrize("norm", ["post", "pre"])
    @pytest.mark.parametrize("activation", ["relu", "gelu"])
    def test_equals_torch_with_copied_weights(self, norm, activation):
        ours = build_model(norm=norm, activation=activation, attention_options={"bias": True})
        theirs = nn.Transformer(
            12, 3, 2, 2, 17, 0.0, activation, batch_first=True, norm_first=norm == "pre"
        ).double()
        _copy(ours, theirs)
        if norm == "post":  # torch norms the last layer's output once more
            theirs.encoder.norm = theirs.decoder.norm = None
        source, target = (
            ours.source_embedding(ids) * 12**0.5
            + ours.source_position(torch.arange(ids.shape[1])[None]).double()
            for ids in (SOURCE, INPUTS)
        )
        hidden = theirs.eval()(
            source,
            target,
            tgt_mask=torch.ones(7, 7).triu(1).bool(),
            src_key_padding_mask=~VALID,
            memory_key_padding_mask=~VALID,
        )
        logits = ours.project(hidden)
        assert torch.allclose(ours.project(ours(SOURCE, VALID, INPUTS)), logits, atol=1e-10)

    @pytest.mark.parametrize(("tied", "matrices"), [("all", 1), ("decoder", 2), ("none", 3)])
    def test_tied_embeddings_are_one_matrix(self, tied, matrices):
        model = build_model(tied=tied)
        tables = (model.source_embedding, model.target_embedding, model.output)
        assert len({table.weight.data_ptr() for table in tables}) == matrices
        assert sum(1 for p in model.parameters() if p.shape == (11, 12)) == matrices

    def test_swiglu_is_the_formula(self):
        model = build_model(activation="swiglu")
        block = model.encoder[0].feedforward
        x = torch.randn(2, 3, 12, dtype=torch.float64)
        w1, w3 = block.inner.weight.chunk(2)
        expected = block.outer(torch.nn.functional.silu(x @ w1.T) * (x @ w3.T))
        assert torch.allclose(block(x), expected, atol=1e-12)

    @pytest.mark.parametrize("norm", ["post", "pre"])
    @pytest.mark.parametrize("place", ["dropout", "activation_dropout", "embedding_dropout"])
    def test_each_dropout_acts_in_training_only(self, place, norm):
        model = build_model(**{"embedding_dropout": 0.0, place: 0.5}, norm=norm)
        assert torch.equal(model(SOURCE, VALID, INPUTS), model(SOURCE, VALID, INPUTS))
        model.train()
        assert not torch.equal(model(SOURCE, VALID, INPUTS), model(SOURCE, VALID, INPUTS))

    def test_embeddings_drop_like_the_rest_unless_told(self):
        assert build_model(dropout=0.5).dropout.rate == 0.5
        assert build_model(dropout=0.5, embedding_dropout=0.25).dropout.rate == 0.25

    @torch.no_grad()
    def test_weights_are_drawn_as_described(self):
        model = build_model(size=997, dim=48, feedforward_dim=96, tied="none")
        for embedding in (model.source_embedding, model.target_embedding, model.output):
            assert float(embedding.weight.std()) == pytest.approx(48**-0.5, rel=0.03)
        layer = model.decoder[0]
        joint, key_value = layer.attention.projections.joint, layer.cross.projections.key_value
        glorot = [*joint.weight.split(48), *key_value.weight.split(48)]
        glorot += [layer.cross.projections.query.weight, layer.attention.projections.out.weight]
        glorot += [layer.feedforward.inner.weight, layer.feedforward.outer.weight]
        for matrix in glorot:
            bound = math.sqrt(6 / sum(matrix.shape))
            assert 0.97 * bound < float(matrix.abs().max()) <= bound
            assert float(matrix.std()) == pytest.approx(bound / math.sqrt(3), rel=0.05)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"dim": 0}, "dim=0: must be at least 1"),
            ({"norm": "mid"}, "norm=mid: unknown; choose one of post, pre"),
            ({"activation": "tanh"}, "activation=tanh: unknown; choose one of relu, gelu, swiglu"),
            ({"tied": "some"}, "tied=some: unknown; choose one of none, decoder, all"),
            *(
                ({place: 1.0}, f"{place}=1.0: must be at least 0 and below 1")
                for place in ("dropout", "activation_dropout", "embedding_dropout")
            ),
        ],
    )
    def test_wrong_options_are_named(self, options, message):
        with pytest.raises(ValueError, match=exactly(message)):
            build_model(**options)

    def test_tying_all_needs_one_vocabulary(self):
        with pytest.raises(
            ValueError,
            match=exactly("tied=all: needs a joint vocabulary; choose one of none, decoder"),
        ):
            registry.build(
                "model",
                {"name": "transformer"},
                source_size=7,
                target_size=5,
                joint=False,
                attention=lambda *_: nn.Identity(),
                position=lambda _: nn.Identity(),
            )


class TestPositions:
    def test_sinusoidal_is_the_formula(self):
        scheme = registry.build("position", {"name": "sinusoidal"}, dim=6)
        encoding = scheme(torch.tensor([[0, 3, 1000]]))
        for p, row in zip((0, 3, 1000), encoding[0], strict=True):
            for i in range(3):
                angle = torch.tensor(p / 10000 ** (2 * i / 6))
                assert torch.isclose(row[2 * i], angle.sin(), atol=1e-4)
                assert torch.isclose(row[2 * i + 1], angle.cos(), atol=1e-4)

    def test_sinusoidal_products_depend_on_the_distance_alone(self):
        scheme = registry.build("position", {"name": "sinusoidal"}, dim=16)
        near = scheme(torch.tensor([[2, 5]]))[0]
        far = scheme(torch.tensor([[92, 95]]))[0]
        assert torch.isclose(near[0] @ near[1], far[0] @ far[1], atol=1e-4)

    def test_learned_refuses_what_lies_beyond_its_table(self):
        scheme = registry.build("position", {"name": "learned", "max_positions": 3}, dim=4)
        assert scheme(torch.tensor([[0, 2]])).shape == (1, 2, 4)
        with pytest.raises(
            ValueError,
            match=exactly(
                "position 3 is beyond position.max_positions=3; raise it, or shorten the text"
            ),
        ):
            scheme(torch.tensor([[3]]))

    def test_without_positions_an_encoder_sees_a_bag(self):
        model = build_model(position="none")
        order = torch.tensor([3, 0, 4, 1, 2])
        shuffled = model.encode(SOURCE[:1, order], VALID[:1, order]).x
        assert torch.allclose(model.encode(SOURCE[:1], VALID[:1]).x[:, order], shuffled)
        assert (model.source_position(torch.tensor([[1, 2]])) == 0).all()

    @pytest.mark.parametrize(
        ("section", "dim", "message"),
        [
            ({"name": "sinusoidal"}, 5, "dim=5: must be even for sinusoidal positions"),
            ({"name": "sinusoidal", "base": 0.0}, 4, "base=0.0: must be positive"),
            ({"name": "learned", "max_positions": 0}, 4, "max_positions=0: must be at least 1"),
        ],
    )
    def test_wrong_options_are_named(self, section, dim, message):
        with pytest.raises(ValueError, match=exactly(message)):
            registry.build("position", section, dim=dim)


def _copy_attention(theirs, ours):
    maps = ours.projections
    joint = [maps.joint] if hasattr(maps, "joint") else [maps.query, maps.key_value]
    theirs.in_proj_weight.copy_(torch.cat([linear.weight for linear in joint]))
    theirs.in_proj_bias.copy_(torch.cat([linear.bias for linear in joint]))
    theirs.out_proj.load_state_dict(maps.out.state_dict())


def _copy_rest(theirs, ours):
    theirs.linear1.load_state_dict(ours.feedforward.inner.state_dict())
    theirs.linear2.load_state_dict(ours.feedforward.outer.state_dict())
    for number, residual in enumerate(ours.residuals, 1):
        getattr(theirs, f"norm{number}").load_state_dict(residual.norm.state_dict())


@torch.no_grad()
def _copy(ours, theirs):
    """Give torch's Transformer the weights of ours, drawn anew so that no bias is zero."""
    for parameter in ours.parameters():
        parameter.add_(torch.randn_like(parameter), alpha=0.1)
    for one, other in zip(theirs.encoder.layers, ours.encoder, strict=True):
        _copy_attention(one.self_attn, other.attention)
        _copy_rest(one, other)
    for one, other in zip(theirs.decoder.layers, ours.decoder, strict=True):
        _copy_attention(one.self_attn, other.attention)
        _copy_attention(one.multihead_attn, other.cross)
        _copy_rest(one, other)
    if isinstance(ours.encoder_norm, nn.LayerNorm):
        theirs.encoder.norm.load_state_dict(ours.encoder_norm.state_dict())
        theirs.decoder.norm.load_state_dict(ours.decoder_norm.state_dict())
