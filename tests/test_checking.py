"""What is wrong with a config is told before anything of size is made."""

import copy

import pytest
import torch
from direct import composed

from attn import assemble, checking

SOFTMAX = {"name": "softmax", "heads": 2}
LOCATION = {"name": "location", "heads": 2}
FLEX = {**SOFTMAX, "kernel": "flex"}
CUDA_ALONE = "kernel=flex: torch trains it on CUDA alone; choose one of auto, explicit, sdpa"


def config(changes):
    """The config of the smoke experiment, changed."""
    changed = copy.deepcopy(assemble.plain(composed("train", ("experiment=smoke",))))
    for key, value in changes.items():
        section, _, option = key.rpartition(".")
        (changed[section] if section else changed)[option] = value
    return changed


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"model.encoder_layers": 1001}, ["model.encoder_layers=1001: must be at most 1000"]),
        (
            {"position": {"name": "learned", "max_positions": 256}},
            ["batches.max_length=256: must be below the 256 positions that position=learned knows"],
        ),
        (
            {"cross_attention": {**LOCATION, "max_source_length": 256}},
            [
                "batches.max_length=256: must be below the 256 positions that "
                "cross_attention=location knows"
            ],
        ),
        ({"cross_attention": {**LOCATION, "max_source_length": 257}}, []),
        (
            {"attention": {**LOCATION, "max_source_length": 9}},
            ["batches.max_length=256: must be below the 9 positions that attention=location knows"],
        ),
        (
            {"cross_layers": [{**LOCATION, "layers": "0", "max_source_length": 9}]},
            [
                "batches.max_length=256: must be below the 9 positions that "
                "cross_layers.0=location knows"
            ],
        ),
        (
            {
                "cross_attention": {**LOCATION, "max_source_length": 9},
                "position": {"name": "learned", "max_positions": 7},
            },
            [
                "batches.max_length=256: must be below the 7 positions that position=learned knows",
                "batches.max_length=256: must be below the 9 positions that "
                "cross_attention=location knows",
            ],
        ),
    ],
)
def test_what_is_too_large_is_named(changes, problems):
    assert checking.problems(config(changes)) == problems


def test_what_no_tensor_can_hold_is_named():
    (said,) = checking.problems(config({"model.dim": 2**62, "model.feedforward_dim": 8}))
    reason = said.removeprefix(f"model.dim={2**62}: too large for a tensor (").removesuffix(")")
    assert said == f"model.dim={2**62}: too large for a tensor ({reason})"


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"attention": FLEX}, ["attention"]),
        ({"attention": FLEX, "cross_attention": FLEX}, ["attention", "cross_attention"]),
        ({"encoder_layers": [{**FLEX, "layers": "0"}]}, ["encoder_layers.0"]),
        ({"attention_elsewhere": FLEX}, []),  # no layer takes it
        ({"attention": FLEX, "attention_elsewhere": FLEX, "precision.device": "tpu"}, None),
    ],
)
def test_a_kernel_that_does_not_train_here_is_named(changes, keys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    expected = (
        ["precision.device=tpu: unknown; choose one of auto, cuda, mps, cpu"]
        if keys is None
        else [f"{key}.{CUDA_ALONE}" for key in keys]
    )
    assert checking.problems(config(changes)) == expected


def test_a_kernel_that_does_not_train_here_may_translate(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert checking.model_problems(config({"attention": FLEX})) == []


def test_every_kernel_trains_on_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert checking.problems(config({"attention": FLEX})) == []


ELSEWHERE = "no layer takes it; attention=softmax serves every role"
OWN = "no layer takes it; every one has an attention of its own"


@pytest.mark.parametrize(
    ("own", "unused", "why"),
    [
        ((), "cross_attention", OWN),
        (("decoder",), "attention_elsewhere", ELSEWHERE),
        (("encoder", "decoder", "cross"), "attention", OWN),
        (("encoder", "decoder", "cross"), "attention_elsewhere", OWN),
    ],
)
def test_a_section_in_vain_is_named(own, unused, why):
    chosen = config({f"{role}_attention": SOFTMAX for role in own})
    assert checking.unused(chosen)[unused] == why
