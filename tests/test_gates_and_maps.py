"""Wrong options of attentions that change the weights or what comes of them."""

import pytest
from builders import build_attention
from messages import exactly

from attn import assemble
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


@pytest.mark.parametrize(
    ("given", "shares"),
    [({}, [0.2, 0.35550907, 0.47071302]), ({"lambda_init": 0.8}, [0.8] * 3)],
)
def test_differential_attention_knows_its_layer(given, shares):
    """By the paper, in every role; ``lambda_init`` sets it for all layers that it stands in."""
    attention = {"name": "differential", "heads": 2, **given}
    config = {
        "model": {"name": "transformer", "encoder_layers": 3, "decoder_layers": 3, "dim": 8,
                  "feedforward_dim": 8, "heads": 2},
        "attention": attention,
        "attention_elsewhere": attention,
        "position": {"name": "none"},
    }  # fmt: skip
    model = assemble.model(config, source_size=7, target_size=7)
    stands = {
        Role.ENCODER: [layer.attention for layer in model.encoder],
        Role.DECODER: [layer.attention for layer in model.decoder],
        Role.CROSS: [layer.cross for layer in model.decoder],
    }
    for role, layers in stands.items():
        assert [one.role for one in layers] == [role] * 3
        assert [one.core.lambda_init for one in layers] == pytest.approx(shares)
