"""Attentions whose states do not grow with the tokens: what the proofs leave to say."""

import pytest
from builders import build_attention
from messages import exactly

from attn.contract import Role


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("linear", {"chunk": 0}, "chunk=0: must be at least 1"),
        ("retention", {"chunk": 0}, "chunk=0: must be at least 1"),
        ("retention", {"head_dim": 3}, "head_dim=3: must be even, for pairs are turned"),
    ],
)
def test_wrong_options_are_named(name, options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        build_attention(name, Role.DECODER, **options)
