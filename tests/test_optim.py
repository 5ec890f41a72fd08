"""Optimisers equal torch's; schedules are their formulas."""

import math

import pytest
import torch
from messages import exactly
from torch import nn

from attn import optim, registry  # noqa: F401 - registers


def weights():
    torch.manual_seed(2)
    return nn.Linear(3, 5)


def moved(optimizer, layer, steps=4):
    for step in range(steps):
        optimizer.zero_grad()
        (layer(torch.ones(2, 3)) * (step + 1)).square().sum().backward()
        optimizer.step()
    return [p.detach().clone() for p in layer.parameters()]


@pytest.mark.parametrize("name", registry.names("optimizer"))
def test_every_optimizer_lowers_a_loss(name):
    layer = weights()
    optimizer = registry.build("optimizer", {"name": name}, parameters=layer.parameters())
    before = layer(torch.ones(1, 3)).square().sum().item()
    moved(optimizer, layer, steps=20)
    assert layer(torch.ones(1, 3)).square().sum().item() < before


def test_adam_equals_torch():
    ours, theirs = weights(), weights()
    built = registry.build("optimizer", {"name": "adam"}, parameters=ours.parameters())
    reference = torch.optim.Adam(theirs.parameters(), lr=1e-3, betas=(0.9, 0.98), eps=1e-9)
    for one, other in zip(moved(built, ours), moved(reference, theirs), strict=True):
        assert torch.allclose(one, other, atol=1e-7)


def test_adamw_decays_matrices_only():
    layer = weights()
    section = {"name": "adamw", "weight_decay": 0.5, "learning_rate": 0.1}
    optimizer = registry.build("optimizer", section, parameters=layer.parameters())
    matrix, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
    for parameter in layer.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    assert torch.allclose(layer.weight, matrix * 0.95)
    assert torch.equal(layer.bias, bias)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"name": "adam", "learning_rate": 0.0}, "learning_rate=0.0: must be positive"),
        ({"name": "adam", "beta2": 1.0}, "beta2=1.0: must be at least 0 and below 1"),
        ({"name": "adam", "epsilon": 0.0}, "epsilon=0.0: must be positive"),
        ({"name": "adamw", "weight_decay": -1.0}, "weight_decay=-1.0: must not be negative"),
    ],
)
def test_wrong_options_are_named(section, message):
    with pytest.raises(ValueError, match=exactly(message)):
        registry.build("optimizer", section, parameters=weights().parameters())


def schedule(name, **options):
    return registry.build("schedule", {"name": name, **options}, dim=64, steps=100)


@pytest.mark.parametrize("name", registry.names("schedule"))
def test_every_schedule_warms_up_and_stays_positive(name):
    factor = schedule(name, warmup=10)
    rates = [factor(step) for step in range(1, 100)]
    assert all(rate > 0 for rate in rates)
    assert rates[:10] == sorted(rates[:10])
    assert rates[4] == pytest.approx(rates[9] / 2)


def test_schedules_are_their_formulas():
    assert schedule("noam", warmup=10)(40) == pytest.approx(64**-0.5 * 40**-0.5)
    assert schedule("inverse_sqrt", warmup=10)(40) == pytest.approx(0.5)
    assert schedule("constant")(40) == 1
    assert schedule("linear", warmup=0, final=0.2)(25) == pytest.approx(0.8)
    assert schedule("linear", warmup=10)(100) == 0
    cosine = 0.1 + 0.9 * (1 + math.cos(math.pi * 0.25)) / 2
    assert schedule("cosine", warmup=0, final=0.1)(25) == pytest.approx(cosine)


def test_only_those_that_end_need_the_length():
    assert {n for n in registry.names("schedule") if schedule(n, warmup=10).needs_steps} == {
        "cosine",
        "linear",
    }


@pytest.mark.parametrize(
    ("name", "warmup", "message"),
    [
        ("noam", 0, "warmup=0: must be at least 1"),
        ("inverse_sqrt", -1, "warmup=-1: must not be negative"),
    ],
)
def test_wrong_warmup_is_named(name, warmup, message):
    with pytest.raises(ValueError, match=exactly(message)):
        schedule(name, warmup=warmup)


@pytest.mark.parametrize("name", ["cosine", "linear"])
def test_wrong_end_is_named(name):
    with pytest.raises(ValueError, match=exactly("final=-1.0: must be at least 0 and at most 1")):
        schedule(name, final=-1.0)
