"""Small components for tests, built as the program builds them."""

import torch

from attn import attention, models, positions, registry  # noqa: F401 - registers
from attn.contract import OUTSIDE, Place, Role
from attn.verify import Case, cases


def build_attention(name, role, *, dim=12, position="none", **options):
    """An attention in float64, in evaluation mode."""
    component = registry.find("attention", name)
    taken = registry.option_types(component)
    pairs = component.capabilities.even_heads or "kv_heads" in taken
    chosen = {"heads": 2 if pairs else 3} if "heads" in taken else {}
    return Case(name, role, position).build(dim=dim, **{**chosen, **options})


def stream(batch, time, dim=12, **options):
    """Random sequences in float64; real up to ``lengths``."""
    return cases.stream(batch, time, dim, **options)


def build_model(
    name="transformer",
    *,
    size=11,
    attention_options=None,
    position="sinusoidal",
    position_options=None,
    lacks=False,
    **options,
):
    """A small model in float64, in evaluation mode; ``lacks``: without attention to the source."""
    torch.manual_seed(0)
    small = {
        "encoder_layers": 2,
        "decoder_layers": 2,
        "dim": 12,
        "feedforward_dim": 17,
        "dropout": 0.0,
    }

    def make_attention(role, layer, dim):
        if lacks and role is Role.CROSS:
            return None
        section = {"name": "softmax", "heads": 3, **(attention_options or {})}
        return registry.build(
            "attention",
            section,
            place=Place(role, dim, dim, dim, Case("softmax", role, position).inner(dim)),
        )

    def make_position(dim):
        section = {"name": position, **(position_options or {})}
        outside = registry.find("position", position).kind in OUTSIDE
        return registry.build("position", section, dim=dim) if outside else None

    taken = registry.option_types(registry.find("model", name))
    section = {key: value for key, value in small.items() if key in taken}
    built = registry.build(
        "model",
        {"name": name, **section, **options},
        source_size=size,
        target_size=size,
        joint=True,
        attention=make_attention,
        position=make_position,
    )
    return built.double().eval()
