"""Modules without numbers: built to be looked at, whatever their size."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode


@contextlib.contextmanager
def shapes_alone() -> Iterator[None]:
    """Tensors that are made inside have a shape and a format, and take no memory."""
    with torch.device("meta"), _Undrawn():
        yield


class _Undrawn(TorchFunctionMode):
    """Leaves out what would be drawn from a normal distribution.

    Nothing is lost by it, and a second gained: for tensors without numbers torch does this, alone
    of what most models begin with, in Python, by way of its compiler, which is imported for it.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        return given["tensor"] if function is nn.init.normal_ else function(*args, **given)
