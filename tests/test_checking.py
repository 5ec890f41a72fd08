"""What is wrong with a config is told before anything of size is made."""

import copy
import subprocess
import sys

import hydra
import pytest
import torch
from direct import composed

from attn import assemble, checking, overrides, vain
from attn.commands import train
from attn.preflight import Preflight

SOFTMAX = {"name": "softmax", "heads": 2}
LOCATION = {"name": "location", "heads": 2}
ALL = {f"{role}_attention": SOFTMAX for role in ("encoder", "decoder", "cross")}
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
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    assert checking.problems(config({"attention": FLEX})) == []


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        (
            {
                "model.encoder_layers": 6,
                "encoder_layers": [
                    {"layers": "0-4", "name": "window", "radius": -8, "global_tokens": -1},
                    {"layers": 5, "name": "window", "radius": -7},
                    {"layers": "x", "name": "softmax"},
                ],
            },
            [
                "encoder_layers.2.layers=x: must look like 3 or 0-2",
                "encoder_layers.0.radius=-8: must not be negative",
                "encoder_layers.0.global_tokens=-1: must not be negative",
                "encoder_layers.1.radius=-7: must not be negative",
            ],
        ),
        (
            {
                "cross_layers": [{"layers": "x", "name": "softmax"}],
                "position": {"name": "alibi", "encoder": "left"},
            },
            [
                "cross_layers.0.layers=x: must look like 3 or 0-2",
                "position.encoder=left: unknown; choose one of symmetric, asymmetric, shifted",
            ],
        ),
        (
            {
                "encoder_layers": [{"layers": "x", "name": "softmax"}],
                "position": {"name": "sinusoidal", "base": -1.0},
            },
            [
                "encoder_layers.0.layers=x: must look like 3 or 0-2",
                "position.base=-1.0: must be positive",
            ],
        ),
        (
            {"dataset": {"name": "parallel", "root": "/nowhere", "columns": ["a"]}},
            [
                "dataset.columns=[a]: must be two, of source and target",
                "dataset.root=/nowhere: there is no folder /nowhere",
            ],
        ),
        # What an option was mended to is nobody's, and neither is a complaint that names it.
        (
            {"position": {"name": "t5", "buckets": 3, "max_distance": 1}},
            ["position.buckets=3: must be a multiple of 4, at least 4"],
        ),
        (
            {"position": {"name": "t5", "buckets": 8, "max_distance": 1}},
            ["position.max_distance=1: must be above half of buckets=8"],
        ),
        (
            {
                "position": {"name": "learned", "max_positions": -1},
                "batches.max_length": 5000,
                "batches.tokens": 6000,
            },
            ["position.max_positions=-1: must be at least 1"],
        ),
    ],
)
def test_one_fault_hides_no_other_and_makes_up_none(changes, problems):
    assert checking.problems(config(changes)) == problems


ELSEWHERE = "no layer takes it; attention=softmax serves every role"
OWN = "no layer takes it; every one has an attention of its own"
AVERAGE = "no layer takes it; attention=average cannot serve the encoder or cross role"


@pytest.mark.parametrize(
    ("changes", "unused", "why"),
    [
        ({}, "cross_attention", OWN),
        ({"decoder_attention": SOFTMAX}, "attention_elsewhere", ELSEWHERE),
        (ALL, "attention", OWN),
        (ALL, "attention_elsewhere", OWN),
        (
            {"attention": {"name": "average"}, "decoder_attention": {"name": "average"}},
            "attention",
            f"{AVERAGE}; every other has an attention of its own",
        ),
        (
            {"attention": LOCATION, "encoder_attention": SOFTMAX, "decoder_attention": SOFTMAX},
            "attention_elsewhere",
            "no layer takes it; attention=location serves every role that has no attention of its "
            "own",
        ),
    ],
)
def test_a_section_in_vain_is_named(changes, unused, why):
    assert vain.unused(config(changes))[unused] == why


LINEAR = {"name": "linear", "heads": 2}
MLA = {"name": "mla", "heads": 2, "rotary_dim": 4}
WINDOW = {"name": "window", "heads": 2, "global_tokens": 3}
ROPE = {"name": "rope"}
TURNED = "acts within self-attention with a rotary position scheme alone"
ENCODER = "acts within an encoder alone"


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({}, {}),
        ({"attention": WINDOW}, {}),  # the same section serves encoder and decoder
        ({"decoder_attention": WINDOW}, {"decoder_attention.global_tokens": ENCODER}),
        ({"decoder_attention": {**WINDOW, "global_tokens": 0}}, {}),
        (
            {"decoder_layers": [{**WINDOW, "layers": "0"}]},
            {"decoder_layers.0.global_tokens": ENCODER},
        ),
        ({"attention": MLA}, {"attention.rotary_dim": TURNED}),
        ({"attention": MLA, "position": ROPE}, {}),
        ({"attention": {**MLA, "rotary_dim": None}}, {}),
        (
            {"cross_attention": MLA, "position": ROPE},
            {"cross_attention.rotary_dim": TURNED},
        ),
        ({"model.attention_dropout": 0.3}, {}),
        ({"attention": LINEAR}, {}),
        (
            {"attention": LINEAR, "model.attention_dropout": 0.3},
            {
                "model.attention_dropout": "no attention takes it (encoder linear, decoder linear, "
                "cross linear)"
            },
        ),
        ({"attention": LINEAR, "cross_attention": SOFTMAX, "model.attention_dropout": 0.3}, {}),
    ],
)
def test_an_option_that_acts_nowhere_is_named(changes, options):
    found = vain.unused(config(changes))
    assert {key: why for key, why in found.items() if "." in key} == options


def said(*arguments, multirun=False):
    """What ``attn train`` has against arguments."""
    given, problems = overrides.parse(["experiment=smoke", *arguments])
    with hydra.initialize_config_module("attn.conf", version_base="1.3"):
        checked = Preflight("train", train.check, train.unused)
        return problems + checked.problems(given, multirun=multirun)


@pytest.mark.long
def test_what_is_given_in_vain_is_told_as_it_was_typed():
    assert said(
        "attention=mla",
        "attention.rotary_dim=4",
        "model.attention_dropout=0.1",
        "decoder_layers=[{layers: 0, name: window, global_tokens: 3}]",
    ) == [
        f"attention.rotary_dim=4: {TURNED}",
        f"decoder_layers.0.global_tokens=3: {ENCODER}",
    ]


@pytest.mark.long
def test_what_acts_in_one_job_of_a_sweep_is_not_in_vain():
    positions = ["position=rope,sinusoidal", "position=alibi,sinusoidal"]
    options = ("attention=mla", "attention.rotary_dim=4")
    assert [said(*options, one, multirun=True) for one in positions] == [
        [],
        [f"attention.rotary_dim=4: {TURNED}"],
    ]


@pytest.mark.long
def test_a_model_is_checked_without_a_compiler():
    """Torch imports its own for some of what is done with shapes alone, which takes a second."""
    code = """\
import sys
from attn import checking
section = {"name": "softmax", "heads": 4}
config = {
    "model": {"name": "transformer", "dim": 16, "encoder_layers": 1, "decoder_layers": 1},
    "position": {"name": "sinusoidal"},
    "attention": section, "attention_elsewhere": section, "tokenizer": {"name": "words"},
    "batches": {},
}
assert checking.model_problems(config) == []
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
