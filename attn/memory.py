"""How much memory tensors take, at their peak."""

import contextlib
import re
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

MEMINFO = Path("/proc/meminfo")
AVAILABLE = re.compile(r"MemAvailable:\s+(\d+) kB")
# What a container may take, and has taken: of control groups in version 2, and in version 1.
GROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ),
)


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


def free() -> int | None:
    """The bytes that this process may still take; None where the system does not tell."""
    known = [int(kib) * 1024 for kib in AVAILABLE.findall(_text(MEMINFO))]
    for most, taken in GROUPS:
        sizes = [_text(path).strip() for path in (most, taken)]
        if all(size.isdecimal() for size in sizes):
            known.append(max(0, int(sizes[0]) - int(sizes[1])))
    return min(known, default=None)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""


def release(device: torch.device) -> None:
    """Give back what a GPU's allocator holds and nobody uses."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
