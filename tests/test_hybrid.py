"""Recurrent layers on one side and the Transformer's on the other."""

from itertools import product

import pytest
import torch
from builders import build_model
from messages import exactly
from torch import nn

from attn import registry
from attn.contract import Role
from attn.models.recurrent_decoder import Bridge, mean_of
from attn.models.recurrent_encoder import Wiring
from attn.recurrence import STATES
from attn.roles import Roles

SOURCE = torch.tensor([[5, 6, 7, 8, 9], [4, 5, 6, 0, 0], [9, 0, 0, 0, 0]])
INPUTS = torch.tensor([[1, 5, 6, 7, 8, 9, 4], [1, 7, 5, 9, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0]])
VALID = SOURCE != 0
WIRINGS = {
    "recurrent_transformer": [
        {},
        {"bidirectional": False, "residual": True, "norm": "pre"},
        {"cell": "gru", "variational": True, "activation": "swiglu", "encoder_layers": 3},
    ],
    "transformer_recurrent": [
        {},
        {"input_feeding": True, "norm": "pre", "decoder_layers": 1},
        {"query": "previous", "output": "deep", "feed_source": True, "fed_layers": "all"},
        {"cell": "layer_norm_lstm", "residual": True, "variational": True},
        {"query": "previous", "output": "plain", "cell": "rnn"},
    ],
}
CASES = [(name, options) for name, each in WIRINGS.items() for options in each]
KINDS = [("recurrent_transformer", "decoder"), ("transformer_recurrent", "encoder")]


@pytest.mark.parametrize(("name", "options"), CASES)
class TestEveryWiring:
    @torch.no_grad()
    def test_sees_no_future_and_no_padding(self, name, options):
        model, changed = build_model(name, **options), INPUTS.clone()
        changed[:, 3:] = 3
        before, after = model(SOURCE, VALID, INPUTS), model(SOURCE, VALID, changed)
        assert torch.equal(before[:, :3], after[:, :3])
        alone = model(SOURCE[1:2, :3], VALID[1:2, :3], INPUTS[1:2, :4])
        assert torch.allclose(before[1:2, :4], alone, atol=1e-12)

    @torch.no_grad()
    def test_step_by_step_is_all_at_once(self, name, options):
        model = build_model(name, **options)
        whole = model(SOURCE, VALID, INPUTS)
        for cuts in ((1,) * 7, (3, 4), (2, 1, 4)):
            state, parts = model.start(model.encode(SOURCE, VALID), rows=3, capacity=7), []
            for tokens in INPUTS.split(cuts, 1):
                hidden, state = model.step(tokens, state)
                parts.append(hidden)
            assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-12)

    def test_every_parameter_learns(self, name, options):
        model = build_model(name, **options)
        model.project(model(SOURCE, VALID, INPUTS)).square().sum().backward()
        for parameter_name, parameter in model.named_parameters():
            assert parameter.grad is not None, f"no gradient for {parameter_name}"
            assert parameter.grad.isfinite().all()

    def test_short_formats_stay_near(self, name, options):
        model = build_model(name, **options).float()
        exact = model(SOURCE, VALID, INPUTS)
        with torch.autocast("cpu", torch.bfloat16):
            short = model(SOURCE, VALID, INPUTS)
            state = model.start(model.encode(SOURCE, VALID), rows=3, capacity=7)
            hidden, _ = model.step(INPUTS[:, :2], state)
        near = 0.1 * exact.abs().max()
        assert (short - exact).abs().max() < near
        assert (hidden - exact[:, :2]).abs().max() < near


@torch.no_grad()
@pytest.mark.parametrize(("name", "side"), KINDS)
def test_positions_are_those_of_the_side_with_self_attention(name, side):
    for position in ("sinusoidal", "learned"):
        model = build_model(name, position=position)
        schemes = {"encoder": model.source_position, "decoder": model.target_position}
        assert [one for one, scheme in schemes.items() if scheme is not None] == [side]
    assert model.room == 512
    assert build_model(name, position="rope").room is None


@torch.no_grad()
@pytest.mark.parametrize(("name", "position"), product(WIRINGS, ["rope", "alibi", "shaw", "none"]))
def test_positions_act_within_self_attention(name, position):
    model = build_model(name, position=position, attention_options={"heads": 2})
    state, whole = model.start(model.encode(SOURCE, VALID), rows=3, capacity=7), []
    for tokens in INPUTS.split((3, 4), 1):
        hidden, state = model.step(tokens, state)
        whole.append(hidden)
    assert torch.allclose(torch.cat(whole, 1), model(SOURCE, VALID, INPUTS), atol=1e-12)


@torch.no_grad()
def test_the_parts_are_those_of_their_own_models():
    """A side of a hybrid is that side of the other model, weight by weight."""
    for name, side, other in (
        ("recurrent_transformer", "encoder", "recurrent"),
        ("recurrent_transformer", "decoder", "transformer"),
        ("transformer_recurrent", "encoder", "transformer"),
        ("transformer_recurrent", "decoder", "recurrent"),
    ):
        bridge = {"bridge": "mean"} if other == "recurrent" else {}
        ours = getattr(build_model(name), side)
        theirs = getattr(build_model(other, **bridge), side)
        theirs.load_state_dict(ours.state_dict())


def test_attention_of_every_layer_can_be_seen():
    shown = {name: set(build_model(name).attend(SOURCE, VALID, INPUTS)) for name in WIRINGS}
    assert shown == {
        "recurrent_transformer": {"decoder.0", "decoder.1", "cross.0", "cross.1"},
        "transformer_recurrent": {"encoder.0", "encoder.1", "cross.0"},
    }


@torch.no_grad()
def test_a_recurrent_decoder_can_do_without_attention():
    model = build_model("transformer_recurrent", lacks=True, output="plain")
    memory = model.encode(SOURCE, VALID)
    state = model.start(memory, rows=3, capacity=7)
    expected = (mean_of(memory) @ model.decoder.bridge.map.weight.T).tanh()
    assert torch.allclose(state.state.parts[0].layers.flatten(1), expected, atol=1e-12)
    assert torch.allclose(model.step(INPUTS, state)[0], model(SOURCE, VALID, INPUTS), atol=1e-12)
    assert set(model.attend(SOURCE, VALID, INPUTS)) == {"encoder.0", "encoder.1"}


@pytest.mark.parametrize(
    ("name", "chosen", "said"),
    [
        ("recurrent_transformer", {}, "decoder softmax, cross softmax"),
        ("transformer_recurrent", {}, "encoder softmax, cross softmax"),
        ("transformer_recurrent", {"attention": {"name": "none"}}, "encoder softmax, cross none"),
    ],
)
def test_who_stands_where(name, chosen, said):
    roles = Roles({
        "model": {"name": name, "encoder_layers": 2, "decoder_layers": 2},
        "position": {"name": "rope"},
        "attention": {"name": "softmax", "heads": 4},
        "attention_elsewhere": {"name": "softmax", "heads": 4},
        **chosen,
    })
    roles.check()
    assert roles.summary() == said


def test_roles_are_those_of_the_parts():
    first, second = (registry.find("model", name) for name in WIRINGS)
    assert set(first.roles) == {Role.DECODER, Role.CROSS}
    assert set(second.roles) == {Role.ENCODER, Role.CROSS}


@pytest.mark.parametrize("how", ["copy", "linear"])
@pytest.mark.parametrize("cell", STATES)
def test_states_are_taken_over_from_a_recurrent_encoder_alone(how, cell):
    problem = f"bridge={how}: needs the states of a recurrent encoder; choose mean"
    with pytest.raises(ValueError, match=exactly(problem)):
        Bridge(how, Wiring(cell, 2, 12, False, 0.0, False), encoder_layers=0)
    assert isinstance(
        Bridge("mean", Wiring(cell, 2, 12, False, 0.0, False), encoder_layers=0).map, nn.Linear
    )


@pytest.mark.parametrize(
    ("name", "options", "problem"),
    [
        ("recurrent_transformer", {"feedforward_dim": 0}, "feedforward_dim=0: must be at least 1"),
        ("transformer_recurrent", {"decoder_layers": 0}, "decoder_layers=0: must be at least 1"),
        (
            "recurrent_transformer",
            {"dim": 9},
            "dim=9: must be even, for each way has half of it",
        ),
        (
            "transformer_recurrent",
            {"query": "next"},
            "query=next: unknown; choose one of current, previous",
        ),
    ],
)
def test_what_cannot_be_made(name, options, problem):
    with pytest.raises(ValueError, match=exactly(problem)):
        build_model(name, position="none", **options)
