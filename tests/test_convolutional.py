"""The convolutional model: what a layer computes, how far it sees, what it keeps."""

import dataclasses
import math
from itertools import product

import pytest
import torch
from builders import build_model, stream
from messages import exactly

from attn.gated_convolution import SQRT_HALF, GatedConvolution
from attn.roles import capabilities, made_names

SOURCE = torch.tensor([[5, 6, 7, 8, 9], [4, 5, 6, 0, 0], [9, 0, 0, 0, 0]])
INPUTS = torch.tensor([[1, 5, 6, 7, 8, 9, 4], [1, 7, 5, 9, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0]])
VALID = SOURCE != 0
KERNELS = [(1, 1), (2, 3), (3, 2), (5, 4)]
CROSS = [name for name in made_names() if "cross" in {r.value for r in capabilities(name).roles}]


def build(attention="softmax", **options):
    section = {"name": attention, "heads": 2}
    return build_model("convolutional", attention_options=section, position="learned", **options)


def sizes(kernels):
    return dict(zip(("encoder_kernel", "decoder_kernel"), kernels, strict=True))


def stepped(model, cuts, **options):
    state = model.start(model.encode(SOURCE, VALID), rows=3, capacity=7, **options)
    parts, weights = [], []
    for tokens in INPUTS.split(cuts, 1):
        hidden, state = model.step(tokens, state)
        parts.append(hidden)
        weights.append(state.weights)
    return torch.cat(parts, 1), state, weights


def formula(layer, x):
    """A gated convolution, output by output and tap by tap."""
    time, size, dim = x.shape[1], layer.kernel_size, x.shape[2]
    taps = layer.map.weight.unflatten(1, (size, dim))
    rows = []
    for i in range(time):
        total = layer.map.bias.expand(len(x), -1)
        for tap in range(size):
            j = i - layer.before + tap
            if 0 <= j < time:
                total = total + x[:, j] @ taps[:, tap].T
        value, gate = total[:, :dim], total[:, dim:]
        rows.append(value / (1 + (-gate).exp()))
    return torch.stack(rows, 1)


@torch.no_grad()
@pytest.mark.parametrize(("size", "causal"), product((1, 2, 3, 5), (True, False)))
def test_a_gated_convolution_is_its_formula(size, causal):
    layer = GatedConvolution(6, size, causal=causal, dropout=0.0).double()
    layer.map.bias.normal_()
    x = torch.randn(2, 4, 6).double()
    all_real = torch.ones(2, 4, dtype=torch.bool)
    assert torch.allclose(layer(x, all_real), formula(layer, x), atol=1e-12)


@torch.no_grad()
def test_the_encoder_is_its_formula():
    encoder, read = build(encoder_layers=1).encoder, stream(2, 5)
    x = read.x @ encoder.enter.weight.T + encoder.enter.bias
    x = (formula(encoder.layers[0], x) + x) / math.sqrt(2)
    x = (x @ encoder.leave.weight.T + encoder.leave.bias + read.x) / math.sqrt(2)
    memory, weights = encoder(read)
    assert torch.allclose(memory.x, x, atol=1e-12)
    assert weights == {}


@torch.no_grad()
def test_the_decoder_is_its_formula():
    decoder = build(decoder_layers=1).decoder
    target, memory = stream(2, 4), stream(2, 5, lengths=(5, 2), seed=1)
    layer, x = decoder.layers[0], decoder.enter(target.x)
    h = formula(layer.convolution, x)
    d = (h @ layer.query.weight.T + layer.query.bias + target.x) / math.sqrt(2)
    c = layer.cross(dataclasses.replace(target, x=d), memory).y
    h = (h + c * torch.tensor([5.0, 2.0]).double().sqrt()[:, None, None]) / math.sqrt(2)
    y, state, weights = decoder(target, memory)
    assert torch.allclose(y, decoder.leave((h + x) / math.sqrt(2)), atol=1e-12)
    assert (state, weights) == (None, {})


@pytest.mark.parametrize("kernels", KERNELS)
def test_words_reach_as_far_as_the_kernels_say(kernels):
    model = build(encoder_layers=3, decoder_layers=2, **sizes(kernels))
    time, at, (read, written) = 33, 16, kernels
    before = 3 * ((read - 1) // 2)
    after = 3 * (read - 1) - before
    source = stream(1, time)
    source.x.requires_grad_()
    model.encoder(source)[0].x[:, at].sum().backward()
    seen = source.x.grad[0].abs().sum(-1).nonzero().flatten().tolist()
    assert seen == list(range(at - before, at + after + 1))
    target = stream(1, time)
    target.x.requires_grad_()
    model.decoder(target, stream(1, 5))[0][:, at].sum().backward()
    seen = target.x.grad[0].abs().sum(-1).nonzero().flatten().tolist()
    assert seen == list(range(at - 2 * (written - 1), at + 1))


@torch.no_grad()
@pytest.mark.parametrize("kernels", KERNELS)
def test_sees_no_future_and_no_padding(kernels):
    model, changed = build(**sizes(kernels)), INPUTS.clone()
    changed[:, 3:] = 3
    before, after = model(SOURCE, VALID, INPUTS), model(SOURCE, VALID, changed)
    assert torch.equal(before[:, :3], after[:, :3])
    assert not torch.allclose(before[0, 3:], after[0, 3:])
    alone = model(SOURCE[1:2, :3], VALID[1:2, :3], INPUTS[1:2, :4])
    assert torch.allclose(before[1:2, :4], alone, atol=1e-12)
    other = torch.where(VALID, SOURCE, 3)
    assert torch.equal(before, model(other, VALID, INPUTS))


@torch.no_grad()
@pytest.mark.parametrize(
    ("kernels", "cuts"), product(KERNELS, [(1,) * 7, (3, 4), (2, 1, 4), (6, 1), (7,)])
)
def test_step_by_step_is_all_at_once(kernels, cuts):
    model = build(**sizes(kernels))
    hidden, _, weights = stepped(model, cuts, capture=True)
    assert torch.allclose(hidden, model(SOURCE, VALID, INPUTS), atol=1e-12)
    whole = model.attend(SOURCE, VALID, INPUTS)
    assert set(whole) == {"cross.0", "cross.1"}
    for name, expected in whole.items():
        parts = torch.cat([step[name] for step in weights], 2)
        assert torch.allclose(parts, expected, atol=1e-6)
    assert torch.allclose(hidden, stepped(model, cuts)[0], atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("attention", CROSS)
def test_every_attention_to_the_source_can_stand_in_it(attention):
    model = build(attention)
    whole = model(SOURCE, VALID, INPUTS)
    assert torch.allclose(stepped(model, (2, 1, 4))[0], whole, atol=1e-12)
    alone = model(SOURCE[1:2, :3], VALID[1:2, :3], INPUTS[1:2, :4])
    assert torch.allclose(whole[1:2, :4], alone, atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("kernel", [1, 2, 4])
def test_hypotheses_move_and_sentences_leave(kernel):
    model = build(decoder_kernel=kernel)
    state = model.start(model.encode(SOURCE, VALID), rows=6, capacity=7)
    inputs = INPUTS.repeat_interleave(2, 0)
    inputs[1::2, 1:] = 3
    _, state = model.step(inputs[:, :4], state)
    state = state.reorder(torch.tensor([1, 0, 2, 2, 5, 4])).keep(torch.tensor([1, 0]))
    rows = torch.tensor([2, 2, 1, 0])
    hidden, state = model.step(inputs[rows][:, 4:5], state)
    whole = model(SOURCE[rows // 2], VALID[rows // 2], inputs[rows][:, :5])
    assert torch.allclose(hidden, whole[:, 4:], atol=1e-12)


@torch.no_grad()
def test_what_is_kept_of_a_sentence_does_not_grow():
    model = build(decoder_kernel=4)
    kept = {stepped(model, cuts)[1].nbytes() for cuts in ((7,), (1,) * 7)}
    start = model.start(model.encode(SOURCE, VALID), rows=3, capacity=7)
    assert kept == {start.nbytes()}
    assert start.state.parts[1].parts[0].inputs.shape == (3, 3, 12)


@pytest.mark.parametrize("kernels", KERNELS)
def test_every_parameter_learns(kernels):
    model = build(**sizes(kernels))
    model.project(model(SOURCE, VALID, INPUTS)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, f"no gradient for {name}"
        assert parameter.grad.isfinite().all()
        assert parameter.grad.any(), f"nothing but zeros for {name}"


def test_short_formats_stay_near():
    model = build().float()
    exact = model(SOURCE, VALID, INPUTS)
    with torch.autocast("cpu", torch.bfloat16):
        short = model(SOURCE, VALID, INPUTS)
        hidden, _, _ = stepped(model, (2, 5))
    near = 0.05 * exact.abs().max()
    assert (short - exact).abs().max() < near
    assert (hidden - exact).abs().max() < near


@torch.no_grad()
def test_a_source_without_tokens_is_finite():
    model, valid = build(), VALID.clone()
    valid[2] = False
    assert model(SOURCE, valid, INPUTS).isfinite().all()


@torch.no_grad()
def test_variance_stays_from_layer_to_layer():
    model = build(dim=64, encoder_layers=8)
    x = stream(8, 30, 64)
    for layer in model.encoder.layers:
        after = SQRT_HALF * (layer(x.x, x.valid) + x.x)
        assert 0.5 < float(after.var() / x.x.var()) < 1.5
        x = dataclasses.replace(x, x=after)


@pytest.mark.parametrize("place", ["dropout", "embedding_dropout"])
def test_each_dropout_acts_in_training_only(place):
    model = build(**{"embedding_dropout": 0.0, place: 0.5})
    assert torch.equal(model(SOURCE, VALID, INPUTS), model(SOURCE, VALID, INPUTS))
    model.train()
    assert not torch.equal(model(SOURCE, VALID, INPUTS), model(SOURCE, VALID, INPUTS))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"encoder_kernel": 0}, "encoder_kernel=0: must be at least 1"),
        ({"decoder_kernel": -1}, "decoder_kernel=-1: must be at least 1"),
        ({"decoder_layers": 0}, "decoder_layers=0: must be at least 1"),
        ({"dropout": 1.0}, "dropout=1.0: must be at least 0 and below 1"),
    ],
)
def test_what_cannot_be_made(options, problem):
    with pytest.raises(ValueError, match=exactly(problem)):
        build(**options)


@pytest.mark.parametrize("tied", ["all", "none"])
def test_deep_models_begin_as_if_they_knew_nothing(tied):
    model = build_model("convolutional", encoder_layers=20, decoder_layers=20, dim=48, tied=tied,
                        dropout=0.1, position="learned").train()  # fmt: skip
    source = torch.randint(4, 11, (7, 13))
    logits = model.project(model(source, source > 0, source))
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), source.flatten())
    assert loss.item() == pytest.approx(math.log(11), rel=0.05)
