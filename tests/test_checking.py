"""What is wrong with a config is told before anything of size is made."""

import copy

import pytest
from direct import composed

from attn import assemble, checking

SOFTMAX = {"name": "softmax", "heads": 2}


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
    ],
)
def test_what_is_too_large_is_named(changes, problems):
    assert checking.problems(config(changes)) == problems


def test_what_no_tensor_can_hold_is_named():
    (said,) = checking.problems(config({"model.dim": 2**62, "model.feedforward_dim": 8}))
    reason = said.removeprefix(f"model.dim={2**62}: too large for a tensor (").removesuffix(")")
    assert said == f"model.dim={2**62}: too large for a tensor ({reason})"


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
