"""Small components for tests, built as the program builds them."""

import torch

from attn import attention, models, positions, registry  # noqa: F401 - registers
from attn.contract import OUTSIDE, Place, Role, Stream


def inner(name, role, dim, **options):
    """What makes the position scheme within an attention; None where none acts there."""
    if role is Role.CROSS or registry.find("position", name).kind in OUTSIDE:
        return None

    def scheme(heads, head_dim):
        given = {"dim": dim, "role": role, "heads": heads, "head_dim": head_dim}
        return registry.build("position", {"name": name, **options}, **given)

    return scheme


def build_attention(name, role, *, dim=12, memory_dim=None, position="none", **options):
    """An attention in float64, in evaluation mode."""
    torch.manual_seed(0)
    component = registry.find("attention", name)
    heads = {"heads": 2 if component.capabilities.even_heads else 3}
    accepted = registry.option_types(component)
    chosen = {**heads, **options} if "heads" in accepted else options
    built = registry.build(
        "attention",
        {"name": name, **chosen},
        place=Place(role, dim, memory_dim or dim, dim, inner(position, role, dim)),
    )
    return built.double().eval()


def stream(batch, time, dim=12, *, lengths=None, seed=0):
    """Random sequences in float64; real up to ``lengths``."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, time, dim, generator=generator, dtype=torch.float64)
    position = torch.arange(time).expand(batch, time)
    limits = torch.tensor(lengths if lengths is not None else [time] * batch)
    return Stream(x, position, torch.arange(time) < limits[:, None])


def build_model(
    name="transformer",
    *,
    size=11,
    attention_options=None,
    position="sinusoidal",
    position_options=None,
    **options,
):
    """A small model in float64, in evaluation mode."""
    torch.manual_seed(0)
    small = {
        "encoder_layers": 2,
        "decoder_layers": 2,
        "dim": 12,
        "feedforward_dim": 17,
        "dropout": 0.0,
    }

    def make_attention(role, layer, dim):
        section = {"name": "softmax", "heads": 3, **(attention_options or {})}
        return registry.build(
            "attention", section, place=Place(role, dim, dim, dim, inner(position, role, dim))
        )

    def make_position(dim):
        section = {"name": position, **(position_options or {})}
        outside = registry.find("position", position).kind in OUTSIDE
        return registry.build("position", section, dim=dim) if outside else None

    built = registry.build(
        "model",
        {"name": name, **small, **options},
        source_size=size,
        target_size=size,
        joint=True,
        attention=make_attention,
        position=make_position,
    )
    return built.double().eval()
