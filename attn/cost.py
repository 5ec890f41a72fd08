"""What a model costs, counted from the model itself: parameters, operations, growth with length."""

import contextlib
import dataclasses
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from attn import registry
from attn.batching import Batch
from attn.contract import Growth
from attn.loss import Loss
from attn.score.core import explicit
from attn.search import Decoder, next_logits
from attn.tokenizers import BOS, PAD, UNK


def _read(given: Tensor, enter: Tensor, again: Tensor, *_: Any, **__: Any) -> int:
    """A fused layer over ``given``, of shape (time, rows, input): ``W x_t + U h_{t-1}``."""
    return 2 * math.prod(given.shape[:2]) * (enter.numel() + again.numel())


def _read_back(*given: Any, **more: Any) -> int:
    """Its gradients: of the inputs and states, and of the weights."""
    return 2 * _read(*given, **more)


# Torch's, and of the one recurrent kernel that a CPU does not take apart.
FORMULAS: dict[Any, Callable[..., int]] = {
    **flop_registry,
    torch.ops.aten.addmm_: flop_registry[torch.ops.aten.addmm],
    torch.ops.aten.mkldnn_rnn_layer: _read,
    torch.ops.aten.mkldnn_rnn_layer_backward: _read_back,
}


class Products(TorchDispatchMode):
    """Counts what torch's ``FlopCounterMode`` does, by no module, and so in a fifth of the time."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: to be skipped by the compiler, it would be imported first, which takes seconds."""
        return False

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run an operation, and count it if it is one of products."""
        given = kwargs or {}
        made = func(*args, **given)
        formula = FORMULAS.get(func._overloadpacket)
        if formula is not None:
            self.count += formula(*args, **given, out_val=made)
        return made


@dataclasses.dataclass(frozen=True)
class Layer:
    """Layers of a model that are alike, and how each grows with its sequence."""

    part: str
    kind: str
    count: int
    growth: Growth
    example: nn.Module = dataclasses.field(compare=False, repr=False)

    def sequential(self, tokens: int) -> int:
        """How many operations must follow each other for a sequence of so many tokens."""
        return tokens if self.growth.sequential == "T" else int(self.growth.sequential)

    def path(self, tokens: int) -> int | None:
        """The most layers, or steps, between two of its positions; None: they never meet."""
        steps, _, reach = self.growth.path.partition(" / ")
        length = tokens if steps == "T" else int(steps)
        seen = getattr(self.example, reach) if reach else 1
        return max(1, math.ceil(length / seen)) if seen else None


@dataclasses.dataclass(frozen=True)
class Flops:
    """Floating-point operations of products, an addition and a multiplication each.

    ``step`` is of a training step over a whole batch; ``encode`` of a source token, ``decode`` of a
    target token said greedily, with the states kept.
    """

    step: int
    encode: float
    decode: float


def parameters(model: nn.Module) -> dict[str, int]:
    """The parameters of each part of a model; what is shared counts once, where it comes first."""
    found: dict[str, int] = {}
    for name, weight in model.named_parameters():
        part = part_of(name.rpartition(".")[0])
        found[part] = found.get(part, 0) + weight.numel()
    return found


def layers(model: nn.Module) -> list[Layer]:
    """What lets the positions of a model know of each other, as table 1 of the paper has it."""
    found: dict[tuple[str, str, Growth], Layer] = {}
    above = ""  # the layer that was counted last, whose own parts are not counted again
    by_step = [name for name, one in model.named_modules() if getattr(one, "by_step", False)]
    for name, module in model.named_modules():
        growth = _growth(module)
        if growth is None or (above and name.startswith(f"{above}.")):
            continue
        above = name
        if any(name.startswith(f"{owner}.") for owner in by_step):
            growth = dataclasses.replace(growth, sequential="T")
        key = (part_of(name), _kind(module), growth)
        count = found[key].count + 1 if key in found else 1
        found[key] = Layer(key[0], key[1], count, growth, module)
    return list(found.values())


def part_of(name: str) -> str:
    """The part of a model that a module is of: its first two names, numbers left out."""
    names = [one for one in name.split(".") if not re.fullmatch(r"\d+", one)]
    return ".".join(names[:2])


def sentences(rows: int, length: int, vocabulary: int) -> Batch:
    """Random pairs, all tokens of both sides real; ``length`` counts the end."""
    words = torch.randint(UNK + 1, vocabulary, (2, rows, length))
    target = torch.cat((torch.full((rows, 1), BOS), words[1]), 1)
    return Batch(words[0], target, rows * length, tuple(range(rows)))


def flops(
    model: nn.Module, loss: Loss, *, rows: int, length: int, source_size: int, target_size: int
) -> Flops:
    """The operations of a model on a CPU for ``rows`` sentences of ``length`` tokens a side."""
    size = min(source_size, target_size)
    step = step_flops(model, loss, rows=rows, length=length, size=size)
    pair = sentences(1, length, size)
    decoder: Any = model
    with torch.no_grad(), _evaluated(model):
        encode = _counted(model, lambda: decoder.encode(pair.source, pair.source_valid))
        memory = decoder.encode(pair.source, pair.source_valid)
        decode = _counted(model, lambda: _say(decoder, memory, length))
    return Flops(step, encode / length, decode / length)


def step_flops(model: nn.Module, loss: Loss, *, rows: int, length: int, size: int) -> int:
    """The operations of a training step, of a vocabulary of ``size`` tokens."""
    one, two = (_step(model, loss, sentences(n, length, size)) for n in (1, 2))
    # What all sentences share, such as biases of positions, is computed once a batch.
    return one + (rows - 1) * (two - one)


def _step(model: nn.Module, loss: Loss, batch: Batch) -> int:
    """The operations of a training step but those of the optimiser, which multiplies no matrix."""

    def run() -> None:
        hidden = model(batch.source, batch.source_valid, batch.inputs)
        smoothed, _ = loss(hidden, model.output_weight, batch.labels, PAD)  # type: ignore[arg-type]
        smoothed.backward()

    counted = _counted(model, run)
    model.zero_grad(set_to_none=True)
    return counted


def _say(model: Decoder, memory: Any, length: int) -> None:
    state = model.start(memory, rows=1, capacity=length)
    tokens = torch.full((1, 1), BOS)
    for _ in range(length):
        logits, state = next_logits(model, tokens, state)
        tokens = logits.argmax(-1, keepdim=True)


def _counted(model: nn.Module, run: Callable[[], Any]) -> int:
    """The operations of what is run, by kernels of which every product is counted."""
    with explicit(model), Products() as products:
        run()
    return products.count


@contextlib.contextmanager
def _evaluated(model: nn.Module) -> Iterator[None]:
    before = model.training
    try:
        model.eval()
        yield
    finally:
        model.train(before)


def _growth(module: nn.Module) -> Growth | None:
    declared = getattr(module, "growth", None)
    if declared is None and hasattr(module, "capabilities"):
        declared = module.capabilities.growth  # type: ignore[union-attr]
    return declared


def _kind(module: nn.Module) -> str:
    """The name by which a part is chosen; of what is none, its own or that of its class."""
    if hasattr(module, "label"):
        return str(module.label)
    known = registry.get_kind("attention").components
    names = [name for name, component in known.items() if component is type(module)]
    return names[0] if names else type(module).__name__.lower()
