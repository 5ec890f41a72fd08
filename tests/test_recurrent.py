"""Recurrent models: their cells, how they read, what they are fed, what cannot be made."""

import dataclasses
from itertools import product

import pytest
import torch
from builders import build_model
from direct import call
from messages import exactly
from torch import nn

from attn import checkpoint, runs
from attn.cli import main
from attn.models import recurrent_decoder
from attn.recurrence import STATES, Recurrence, RecurrentLayer

SOURCE = torch.tensor([[5, 6, 7, 8, 9], [4, 5, 6, 0, 0], [9, 0, 0, 0, 0]])
INPUTS = torch.tensor([[1, 5, 6, 7, 8, 9, 4], [1, 7, 5, 9, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0]])
VALID = SOURCE != 0
WIRINGS = {
    "plain": {"attention": None, "output": "plain"},
    "vector fed": {"attention": None, "feed_source": True, "fed_layers": "all", "output": "deep"},
    "luong": {},
    "luong fed": {"input_feeding": True, "bidirectional": False, "reverse_source": True},
    "coverage": {"attention": "coverage", "bridge": "linear", "residual": True},
    "bahdanau": {"attention": "additive", "query": "previous", "output": "deep", "bridge": "mean"},
    "all fed": {
        "attention": "linear", "query": "previous", "input_feeding": True, "feed_source": True,
        "fed_layers": "all", "variational": True, "encoder_layers": 1, "bridge": "linear",
    },
}  # fmt: skip


def build(wiring="luong", **changes):
    options = {**WIRINGS[wiring], **changes}
    attention = options.pop("attention", "general")
    section = None if attention is None else {"name": attention, "heads": 2}
    return build_model("recurrent", attention_options=section, lacks=attention is None, **options)


@pytest.mark.parametrize(("wiring", "cell"), list(product(WIRINGS, STATES)))
class TestEveryWiring:
    @torch.no_grad()
    def test_sees_no_future_and_no_padding(self, wiring, cell):
        model, changed = build(wiring, cell=cell), INPUTS.clone()
        changed[:, 3:] = 3
        before, after = model(SOURCE, VALID, INPUTS), model(SOURCE, VALID, changed)
        assert torch.equal(before[:, :3], after[:, :3])
        assert not torch.allclose(before[0, 3:], after[0, 3:])
        alone = model(SOURCE[1:2, :3], VALID[1:2, :3], INPUTS[1:2, :4])
        assert torch.allclose(before[1:2, :4], alone, atol=1e-12)

    @torch.no_grad()
    def test_step_by_step_is_all_at_once(self, wiring, cell):
        model = build(wiring, cell=cell)
        whole, shown = model(SOURCE, VALID, INPUTS), model.attend(SOURCE, VALID, INPUTS)
        for cuts in ((1,) * 7, (3, 4)):
            state = model.start(model.encode(SOURCE, VALID), rows=3, capacity=7, capture=True)
            parts, weights = [], []
            for tokens in INPUTS.split(cuts, 1):
                hidden, state = model.step(tokens, state)
                parts.append(hidden)
                weights += state.weights.values()
            assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-12)
            if shown:
                assert torch.allclose(torch.cat(weights, 2), shown["cross.0"], atol=1e-6)

    def test_every_parameter_learns(self, wiring, cell):
        model = build(wiring, cell=cell)
        model.project(model(SOURCE, VALID, INPUTS)).square().sum().backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, f"no gradient for {name}"
            assert parameter.grad.isfinite().all()

    def test_short_formats_stay_near(self, wiring, cell):
        model = build(wiring, cell=cell).float()
        exact = model(SOURCE, VALID, INPUTS)
        with torch.autocast("cpu", torch.bfloat16):
            short = model(SOURCE, VALID, INPUTS)
            state = model.start(model.encode(SOURCE, VALID), rows=3, capacity=7)
            hidden, _ = model.step(INPUTS[:, :2], state)
        near = 0.1 * exact.abs().max()
        assert (short - exact).abs().max() < near
        assert (hidden - exact[:, :2]).abs().max() < near


@torch.no_grad()
def test_one_step_is_not_prepared_as_many_are(monkeypatch):
    monkeypatch.setattr(recurrent_decoder, "Stepping", None)
    model = build("luong fed")
    state = model.start(model.encode(SOURCE, VALID), rows=3, capacity=7)
    _, state = model.step(INPUTS[:, :1], state)
    with pytest.raises(TypeError, match="not callable"):
        model.step(INPUTS[:, 1:3], state)


@torch.no_grad()
def test_hypotheses_move_and_sentences_leave():
    for wiring in WIRINGS:
        model = build(wiring)
        state = model.start(model.encode(SOURCE, VALID), rows=6, capacity=7)
        inputs = INPUTS.repeat_interleave(2, 0)
        inputs[1::2, 1:] = 3
        _, state = model.step(inputs[:, :4], state)
        state = state.reorder(torch.tensor([1, 0, 2, 2, 5, 4])).keep(torch.tensor([0, 1]))
        rows = torch.tensor([1, 0, 2, 2])
        hidden, state = model.step(inputs[rows][:, 4:5], state)
        whole = model(SOURCE[rows // 2], VALID[rows // 2], inputs[rows][:, :5])
        assert torch.allclose(hidden, whole[:, 4:], atol=1e-12)
        assert state.nbytes() > 0


@torch.no_grad()
@pytest.mark.parametrize(("cell", "theirs"), [("rnn", nn.RNN), ("gru", nn.GRU), ("lstm", nn.LSTM)])
def test_cells_are_those_of_torch(cell, theirs):
    ours, x = Recurrence(cell, 5, 7), torch.randn(3, 11, 5)
    other = theirs(5, 7, batch_first=True)
    other.weight_ih_l0.copy_(ours.cell.weight_ih_l0[:, :5])
    other.bias_ih_l0.copy_(ours.cell.weight_ih_l0[:, 5])
    other.weight_hh_l0.copy_(ours.cell.weight_hh_l0)
    other.bias_hh_l0.zero_()
    y, state = ours(x)
    expected, last = other(x)
    assert torch.allclose(y, expected, atol=1e-6)
    kept = last if cell == "lstm" else (last,)
    assert torch.allclose(state, torch.stack([part[0] for part in kept], 1), atol=1e-6)


@torch.no_grad()
def test_the_layer_normalised_lstm_is_its_formula():
    layer, x = Recurrence("layer_norm_lstm", 5, 7).double(), torch.randn(2, 3, 5).double()
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    cell = layer.cell

    def norm(z, parts):
        z = (z - z.mean(-1, keepdim=True)) / (z.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
        return z * parts.weight + parts.bias

    h, c, ones = torch.zeros(2, 7).double(), torch.zeros(2, 7).double(), torch.ones(2, 1).double()
    y, state = layer(x)
    for step in range(3):
        given = torch.cat((x[:, step], ones), -1) @ cell.input.weight.T
        i, f, g, o = (
            norm(given, cell.input_norm) + norm(h @ cell.recurrent.weight.T, cell.recurrent_norm)
        ).chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * norm(c, cell.cell_norm).tanh()
        assert torch.allclose(y[:, step], h, atol=1e-12)
    assert torch.allclose(state, torch.stack((h, c), 1), atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("cell", STATES)
def test_padding_does_not_move_what_was_read(cell):
    for ways in (("left_to_right",), ("right_to_left",), ("left_to_right", "right_to_left")):
        reader, x = RecurrentLayer(cell, 6, ways).double(), torch.randn(3, 5, 6).double()
        valid = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0]]).bool()
        y, state = reader(x, valid)
        alone, last = reader(x[1:2, :3], valid[1:2, :3])
        assert torch.allclose(y[1:2, :3], alone, atol=1e-12)
        assert torch.allclose(state[1:2], last, atol=1e-12)
        assert not state[2].any()


@torch.no_grad()
def test_one_way_is_the_other_on_the_reversed_source():
    there, back = (
        RecurrentLayer("lstm", 6, (way,)).double() for way in ("left_to_right", "right_to_left")
    )
    for one, other in zip(there.parameters(), back.parameters(), strict=True):
        other.copy_(one)
    x, valid = torch.randn(2, 5, 6).double(), torch.ones(2, 5, dtype=torch.bool)
    y, state = there(x, valid)
    turned, last = back(x.flip(1), valid)
    assert torch.allclose(y, turned.flip(1), atol=1e-12)
    assert torch.equal(state, last)


@torch.no_grad()
def test_without_attention_the_source_is_one_vector():
    for wiring in ("plain", "vector fed"):
        model = build(wiring)
        memory = model.encode(SOURCE, VALID)
        other = dataclasses.replace(memory, x=torch.randn_like(memory.x))
        first, second = (model.start(one, rows=3, capacity=7) for one in (memory, other))
        assert torch.equal(model.step(INPUTS, first)[0], model.step(INPUTS, second)[0])
        assert model.attend(SOURCE, VALID, INPUTS) == {}


def seen_by(model, watched):
    """What the modules given take in a pass of training, and what the model gives."""
    taken = [[] for _ in watched]
    for module, seen in zip(watched, taken, strict=True):
        module.register_forward_hook(
            lambda _, given, __, seen=seen: seen.append(given[0]), always_call=True
        )
    hidden = model.train()(SOURCE, torch.ones_like(VALID), INPUTS)
    return [torch.cat(one, 1) for one in taken], hidden


def dropped(x, steps):
    """Of a sequence, where numbers are zero, in the first dimensions of what a layer takes."""
    return x[:, :steps, :12].detach() == 0


@pytest.mark.parametrize("variational", [True, False])
@pytest.mark.parametrize("wiring", ["luong", "luong fed"])
def test_dropout_stands_at_every_place_and_variational_is_the_same_at_each_step(
    wiring, variational
):
    """Before each layer, and before the output projection."""
    model = build(wiring, dropout=0.5, variational=variational, cell="rnn")
    readers = [one.ways["right_to_left"] for one in model.encoder.layers]
    places, hidden = seen_by(model, readers)
    for x in (*places, hidden):
        zeros = dropped(x, 5)
        assert 0.2 < zeros.double().mean() < 0.8
        assert (zeros == zeros[:, :1]).all() == variational
        assert not (zeros[0] == zeros[1]).all()
    x = model._stream(INPUTS, INPUTS >= 0, 0, source=False).x
    assert ((x == 0) == (x == 0)[:, :1]).all() == variational
    model.eval()
    assert torch.equal(*(model(SOURCE, VALID, INPUTS) for _ in range(2)))


@pytest.mark.parametrize("variational", [True, False])
def test_between_layers_of_a_decoder_too(variational):
    for options in ({"wiring": "luong"}, {"wiring": "luong fed"}):
        model = build(**options, dropout=0.5, variational=variational)
        model.decoder.bridge.forward = lambda memory: memory.final * 0 + 1
        drop = model.train().decoder.between.dropping()
        x = torch.ones(3, 7, 12).double()
        zeros = torch.cat([drop(1, one) for one in x.split(1, 1)], 1) == 0
        assert (zeros == zeros[:, :1]).all() == variational
        assert (drop(2, x) == 0).ne(drop(1, x) == 0).any()


def test_what_is_fed_to_the_next_step_is_not_dropped():
    model = build("luong fed", dropout=0.5, embedding_dropout=0.0, decoder_layers=1,
                  encoder_layers=1).train()  # fmt: skip
    memory = model.encode(SOURCE, VALID)
    state = model.decoder.start(memory, rows=3, capacity=7)
    stream = model._stream(INPUTS[:, :1], INPUTS[:, :1] > 0, 0, source=False)
    hidden, after, _ = model.decoder(stream, None, state=state)
    assert (hidden == 0).any()
    assert not (after.parts[0].output == 0).any()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"cell": "elman"}, "cell=elman: unknown; choose one of rnn, gru, lstm, layer_norm_lstm"),
        ({"bridge": "x"}, "bridge=x: unknown; choose one of copy, linear, mean"),
        ({"query": "x"}, "query=x: unknown; choose one of current, previous"),
        ({"fed_layers": "x"}, "fed_layers=x: unknown; choose one of first, all"),
        (
            {"output": "plain"},
            "output=plain: what the attention sees would go nowhere; choose one of attentional, "
            "deep, or set query=previous or attention=none",
        ),
        ({"output": "x"}, "output=x: unknown; choose one of attentional, deep, plain"),
        ({"dim": 7, "position": "none"}, "dim=7: must be even, for each way has half of it"),
        ({"decoder_layers": 0}, "decoder_layers=0: must be at least 1"),
        (
            {"decoder_layers": 3},
            "bridge=copy: needs as many decoder layers as encoder layers, not 3 for 2; "
            "choose one of linear, mean",
        ),
        (
            {"reverse_source": True},
            "reverse_source=true: is for an encoder that reads one way; "
            "set bidirectional=false, or reverse_source=false",
        ),
    ],
)
def test_what_cannot_be_made(options, problem):
    with pytest.raises(ValueError, match=exactly(problem)):
        build(**options)


# As a user has them


@pytest.mark.long
@pytest.mark.parametrize(
    "model", ["sutskever", pytest.param("luong_general", marks=pytest.mark.slow)]
)
def test_commands_do_with_it_what_they_do_with_any_model(model, tmp_path, capsys):
    sizes = ["model.dim=16", "model.encoder_layers=1", "model.decoder_layers=1"]
    common = ["experiment=smoke", f"model={model}", *sizes, "model.dropout=0.2"]
    common += ["precision.device=cpu"]
    common += ["dataset.train_size=60", "dataset.dev_size=5", "dataset.test_size=5"]
    common += ["batches.tokens=300", "trainer.keep_last=2"]
    lengths = {"whole": (8,), "parts": (3, 8)}
    for folder, steps in lengths.items():
        for step in steps:
            ends = [f"trainer.steps={step}", "trainer.evaluate_every=4"]
            assert call("train", *common, *ends, output=tmp_path / folder) == (0, "")
    whole, parts = (runs.find(str(tmp_path / folder)) for folder in lengths)
    assert whole.parent.name == parts.parent.name
    one, other = (checkpoint.load(run / "checkpoints" / "step-8")[0] for run in (whole, parts))
    assert all(torch.equal(weight, other[name]) for name, weight in one.items())
    assert main(["average", f"run={whole}", "last=2"]) == 0
    options = ["precision.device=cpu", "search=beam", "search.size=3", f"run={whole}"]
    assert main(["evaluate", *options, "split=test", "checkpoint=average"]) == 0
    capsys.readouterr()
    assert main(["translate", *options, "text=a b c"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
