"""What a config asks of the machine, and the machine cannot do."""

from collections.abc import Iterator

import torch

from attn import compiling
from attn.assemble import Config, model, part
from attn.contract import Role
from attn.registry import ConfigError
from attn.roles import Roles
from attn.score.kernels import CUDA_ALONE
from attn.shapes import shapes_alone

SIZE = 16  # of a vocabulary, where only the parts of a model are looked at


def problems(config: Config) -> Iterator[str]:
    """Everything of a training config that its device cannot do, one line each."""
    yield from kernel_problems(config)
    yield from _compile_problems(config)


def kernel_problems(config: Config) -> Iterator[str]:
    """Kernels that do not train on the device of the config."""
    device = _device(config)
    if device is None or device.type == "cuda":
        return
    taken = dict(one for role in Role for one in Roles(config).layers(role))
    for key, section in taken.items():
        if section.get("kernel") == "flex":
            yield f"{key}.kernel=flex: {CUDA_ALONE}"


def _compile_problems(config: Config) -> Iterator[str]:
    """Why the model is not compiled, where that is demanded."""
    device = _device(config)
    if device is None or config["trainer"].get("compile") != "on":
        return
    with shapes_alone():
        built = model(config, source_size=SIZE, target_size=SIZE)
    if why := compiling.obstacle(built, device):
        yield f"trainer.compile=on: {why}; choose off or auto"


def _device(config: Config) -> torch.device | None:
    """The device of a config; None if that is wrong, which is told elsewhere."""
    try:
        device: torch.device = part(config, "precision").device
    except ConfigError:
        return None
    return device
