"""Activations computed again in the backward pass: the same gradients, of less memory."""

import copy

import pytest
import torch
from builders import build_model

from attn import memory
from attn.activations import checkpoint_activations
from attn.batching import collate

MODELS = {
    "transformer": {"activation_dropout": 0.1, "attention_options": {"dropout": 0.2}},
    "convolutional": {},
    "recurrent": {},
    "recurrent, by step": {"input_feeding": True},
    "recurrent_transformer": {},
    "transformer_recurrent": {},
}


def pair_of(name, **more):
    """The same model in training, with activations kept and without."""
    options = {**MODELS[name], **more}
    plain = build_model(name.partition(",")[0], dropout=0.3, **options).train()
    other = copy.deepcopy(plain)
    checkpoint_activations(other)
    return plain, other


@pytest.fixture
def batch():
    return collate([([5] * 7, [6] * 11), ([7] * 5, [8] * 3)], range(2))


def gradients(model, batch):
    torch.manual_seed(3)
    hidden = model(batch.source, batch.source_valid, batch.inputs)
    hidden.sin().sum().backward()
    after = torch.rand(1)
    found = {name: weight.grad for name, weight in model.named_parameters()}
    return {**found, "hidden": hidden, "drawn next": after}


@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_the_same_to_the_bit_with_dropout(name, batch):
    one, other = (gradients(model, batch) for model in pair_of(name))
    assert one.keys() == other.keys()
    assert [key for key in one if not torch.equal(one[key], other[key])] == []


def test_other_masks_would_give_other_gradients(batch, monkeypatch):
    """The comparison sees it where random numbers are not drawn again as they were."""
    plain, other = pair_of("transformer")
    expected = gradients(plain, batch)
    checkpoint = torch.utils.checkpoint.checkpoint
    monkeypatch.setattr(
        "attn.activations.checkpoint",
        lambda *given, **options: checkpoint(*given, **options, preserve_rng_state=False),
    )
    found = gradients(other, batch)
    assert torch.equal(found["hidden"], expected["hidden"])
    assert not torch.equal(found["target_embedding.weight"], expected["target_embedding.weight"])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_format_of_the_forward_pass_is_that_of_the_second(dtype, batch):
    plain, other = (model.float() for model in pair_of("transformer"))
    with torch.autocast("cpu", dtype=dtype):
        one, two = (model(batch.source, batch.source_valid, batch.inputs).dtype
                    for model in (plain, other))  # fmt: skip
    assert one == two

    def under_autocast(model):
        torch.manual_seed(3)
        with torch.autocast("cpu", dtype=dtype):
            hidden = model(batch.source, batch.source_valid, batch.inputs)
        hidden.float().sin().sum().backward()
        return [weight.grad for weight in model.parameters()]

    for found, expected in zip(under_autocast(other), under_autocast(plain), strict=True):
        assert torch.equal(found, expected)


def test_less_is_held():
    layers = {"encoder_layers": 6, "decoder_layers": 6}
    pairs = [([5] * 29, [6] * 31)] * 7
    batch = collate(pairs, range(7))
    peaks = []
    for model in pair_of("transformer", **layers):
        with memory.peak(torch.device("cpu"), model, []) as found:
            gradients(model, batch)
        peaks.append(found[0])
    assert peaks[1] < 0.6 * peaks[0]


@pytest.mark.parametrize("name", MODELS)
def test_names_of_weights_and_evaluation_are_the_same(name, batch):
    plain, other = (model.eval() for model in pair_of(name))
    assert list(plain.state_dict()) == list(other.state_dict())
    with torch.no_grad():
        one, two = (model(batch.source, batch.source_valid, batch.inputs)
                    for model in (plain, other))  # fmt: skip
    assert torch.equal(one, two)
