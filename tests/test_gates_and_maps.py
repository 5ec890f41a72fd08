"""Wrong options of attentions that change the weights or what comes of them."""

import pytest
from builders import build_attention
from messages import exactly

from attn.contract import Role


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "gated",
            {"gate": "rowwise"},
            "gate=rowwise: unknown; choose one of elementwise, headwise",
        ),
        (
            "talking_heads",
            {"heads": 1},
            "heads=1: has no other to talk to; must be at least 2",
        ),
        (
            "talking_heads",
            {"kernel": "sdpa"},
            "kernel=sdpa: cannot serve, for scores are mixed across heads and weights are mixed "
            "across heads; choose one of auto, explicit",
        ),
        (
            "differential",
            {"heads": 3},
            "heads=3: must be even; two heads attend together",
        ),
        (
            "differential",
            {"dropout": 0.1},
            "dropout=0.1: must be 0 with attention=differential, which drops no weights; "
            "model.attention_dropout=0 sets it for all",
        ),
        (
            "differential",
            {"lambda_init": 1.0},
            "lambda_init=1.0: must be at least 0 and below 1; the output is multiplied by "
            "1 - lambda_init",
        ),
        (
            "sigmoid",
            {"kernel": "flex"},
            "kernel=flex: cannot serve, for a sigmoid is no softmax; choose one of auto, explicit",
        ),
    ],
)
def test_wrong_options_are_named(name, options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        build_attention(name, Role.ENCODER, **options)
