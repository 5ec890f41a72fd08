"""``torch.compile`` of the forward pass in training, and a count of what was compiled."""

import importlib.util
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from attn.recurrence import Recurrence

CHOICES = ("off", "on", "auto")
BACKEND = "inductor"


def check(choice: str) -> None:
    """Refuse a choice that there is not.

    Raises:
        ValueError: it is none.
    """
    if choice not in CHOICES:
        raise ValueError(
            f"compile={choice}: unknown; choose one of {', '.join(CHOICES)}, "
            "within quotes in a YAML file"
        )


class Compiler:
    """Compiles a model where it is asked to, for lengths and rows of any number.

    ``auto`` compiles on CUDA alone, for on a CPU it did not pay, and where nothing stands in the
    way. Batches differ in rows and lengths; both are symbols, so that a new graph is needed only
    for what the model itself does otherwise, as with a single row.
    """

    def __init__(self, choice: str, device: torch.device) -> None:
        self.choice, self.device, self.graphs = choice, device, 0
        self.obstacle: str | None = None

    def apply(self, model: nn.Module) -> None:
        """Compile the forward pass of a model, to be used when it trains; else leave it."""
        if self.choice == "off" or (self.choice == "auto" and self.device.type != "cuda"):
            return
        self.obstacle = obstacle(model, self.device)
        if self.obstacle is None:
            # The instance has its own forward: names of weights stay, and so does evaluation.
            model.forward = _Forward(model, self._compile)

    def report(self) -> str | None:
        """What was compiled, or why nothing was; nothing to say where that was not asked for."""
        if self.obstacle is not None:
            return f"not compiled (trainer.compile={self.choice}): {self.obstacle}"
        if not self.graphs:
            return None
        again = f"{self.graphs - 1} of them again"
        return f"compiled (trainer.compile={self.choice}): {self.graphs} graphs, {again}"

    def _compile(self, graph: torch.fx.GraphModule, inputs: list[Tensor]) -> Callable[..., Any]:
        self.graphs += 1
        compiled: Callable[..., Any] = torch._dynamo.lookup_backend(BACKEND)(graph, inputs)
        return compiled


class _Forward:
    """The forward pass of a model, compiled in training; decoding and evaluation go as before."""

    def __init__(self, model: nn.Module, backend: Callable[..., Any]) -> None:
        self.model, self.plain = model, model.forward
        self.compiled = torch.compile(model.forward, backend=backend, dynamic=True)

    def __call__(self, *given: Any) -> Any:
        return (self.compiled if self.model.training else self.plain)(*given)


def obstacle(model: nn.Module, device: torch.device) -> str | None:
    """Why a model is not compiled for a device, if so."""
    if any(isinstance(one, Recurrence) for one in model.modules()):
        return "recurrent layers would be compiled anew for each length"
    if device.type == "cuda":
        return (
            None if _has_triton() else "needs triton, which is not installed (pip install triton)"
        )
    compiler = _cpp_compiler()
    if shutil.which(compiler) is None:
        return f"needs a C++ compiler, and there is no {compiler}; install it, or name one in CXX"
    return None


def is_failure(error: BaseException) -> bool:
    """Whether an error comes from the compiler, not from what was compiled."""
    return type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))


def told(error: BaseException) -> str:
    """What a failure of the compiler is to users, in a line."""
    cause: BaseException = getattr(error, "inner_exception", error)
    first = next(iter(str(cause).strip().splitlines()), "")
    return f"torch.compile failed ({type(cause).__name__}: {first}); set trainer.compile=off"


def _has_triton() -> bool:
    return importlib.util.find_spec("triton") is not None


def _cpp_compiler() -> str:
    named = shlex.split(os.environ.get("CXX", ""))
    return named[0] if named else "clang++" if sys.platform == "darwin" else "g++"
