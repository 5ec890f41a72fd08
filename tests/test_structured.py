"""What grouped, windowed, latent, Gaussian and local attentions refuse."""

import pytest
from builders import build_attention
from messages import exactly

from attn.contract import Role

WHOLE = Role.ENCODER


@pytest.mark.parametrize(
    ("name", "role", "options", "message"),
    [
        ("gqa", WHOLE, {"heads": 3, "kv_heads": 2}, "kv_heads=2: must divide heads=3"),
        ("gqa", WHOLE, {"heads": 2, "kv_heads": 0}, "kv_heads=0: must divide heads=2"),
        ("window", WHOLE, {"radius": -1}, "radius=-1: must not be negative"),
        ("window", WHOLE, {"global_tokens": -1}, "global_tokens=-1: must not be negative"),
        ("mla", WHOLE, {"heads": 5}, "heads=5: must divide the width 12"),
        ("mla", WHOLE, {"latent_dim": 0}, "latent_dim=0: must be at least 1"),
        ("mla", WHOLE, {"rotary_dim": 0}, "rotary_dim=0: must be at least 1"),
        ("gaussian", WHOLE, {"heads": 5}, "heads=5: must divide the width 12"),
        ("gaussian", WHOLE, {"offsets": []}, "offsets=[]: must be some numbers from -8 to 8"),
        ("gaussian", WHOLE, {"offsets": [9]}, "offsets=[9]: must be some numbers from -8 to 8"),
        ("local_m", Role.CROSS, {"radius": -1}, "radius=-1: must not be negative"),
        ("local_p", Role.CROSS, {"radius": 0}, "radius=0: must be at least 1"),
        (
            "local_p",
            Role.CROSS,
            {"kernel": "sdpa"},
            "kernel=sdpa: cannot serve, for a Gaussian follows its softmax; "
            "choose one of auto, explicit",
        ),
    ],
)
def test_wrong_options_are_named(name, role, options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        build_attention(name, role, **options)
