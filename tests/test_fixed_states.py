"""Attentions whose states do not grow with the tokens: what the proofs leave to say."""

import pytest
import torch
from builders import build_attention, stream
from messages import exactly

from attn.contract import Role


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("linear", {"chunk": 0}, "chunk=0: must be at least 1"),
        ("retention", {"chunk": 0}, "chunk=0: must be at least 1"),
        ("retention", {"head_dim": 3}, "head_dim=3: must be even, for pairs are turned"),
        ("lightconv", {"heads": 5}, "heads=5: must divide the width 12"),
        ("dynconv", {"heads": 0}, "heads=0: must divide the width 12"),
        ("dynconv", {"kernel_size": 0}, "kernel_size=0: must be at least 1"),
        ("average", {"feedforward_dim": 0}, "feedforward_dim=0: must be at least 1"),
    ],
)
def test_wrong_options_are_named(name, options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        build_attention(name, Role.DECODER, **options)


@pytest.mark.long
@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", ["lightconv", "dynconv"])
def test_taps_are_dropped_in_training_alone(name):
    attention, query = build_attention(name, Role.ENCODER, dropout=0.25), stream(1, 9)
    exact = attention(query).y
    attention.train()
    dropped = torch.stack([attention(query).y for _ in range(2000)])
    assert not torch.allclose(dropped[0], exact)
    assert torch.allclose(dropped.mean(0), exact, atol=0.05)
