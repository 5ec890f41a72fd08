"""How much memory tensors take, at their peak."""

import contextlib
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Held(TorchDispatchMode):
    """Counts the bytes of all tensors that are made inside and still held, and their peak.

    What a kernel takes for itself while it runs is not seen; a GPU's own count has that too.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now, self.peak = 0, 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run an operation, and count what it has made."""
        given = {one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)}
        known = {id(one.untyped_storage()) for one in given}
        made = func(*args, **(kwargs or {}))
        for one in tree_leaves(made):
            if isinstance(one, Tensor):
                self._see(one.untyped_storage(), known)
        return made

    def _see(self, storage: torch.UntypedStorage, given: set[int]) -> None:
        key, size = id(storage), storage.nbytes()
        if key in self._known or key in given:
            return
        self._known.add(key)
        weakref.finalize(storage, self._free, key, size)
        self.now += size
        self.peak = max(self.peak, self.now)

    def _free(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


@contextlib.contextmanager
def peak(device: torch.device, model: nn.Module, more: Sequence[Tensor]) -> Iterator[list[int]]:
    """The most bytes that are held inside, with a model and ``more``; known when it is left."""
    found: list[int] = []
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        yield found
        found.append(torch.cuda.max_memory_allocated(device))
        return
    with Held() as held:
        yield found
    found.append(held.peak + nbytes([*model.parameters(), *model.buffers(), *more]))


def nbytes(tensors: Sequence[Tensor]) -> int:
    """The bytes of tensors, each memory once."""
    sizes = {id(s): s.nbytes() for s in (one.untyped_storage() for one in tensors)}
    return sum(sizes.values())
