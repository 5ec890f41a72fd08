"""Device and number format: the only file that knows fp32, bf16, fp16 and TF32."""

import contextlib
import os
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from attn import heap

DEVICES = ("auto", "cuda", "mps", "cpu")
# A CPU's allocator, and the libraries of a GPU, have no class of error of their own.
OUT_OF_MEMORY = ("DefaultCPUAllocator", "CUDA error: out of memory", "_STATUS_ALLOC_FAILED")
FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """Where tensors live and in which format products are computed; weights stay in float32.

    ``dtype=auto`` takes bf16 where the device multiplies it in hardware, else fp32. With fp16 the
    loss is scaled so that small gradients survive, and steps with overflow are skipped
    (Micikevicius et al. 2018, "Mixed Precision Training").

    Raises:
        ValueError: an unknown device or format, or a device that this machine lacks.
    """

    def __init__(
        self,
        *,
        device: str = "auto",
        dtype: str = "auto",
        tf32: bool = True,
        threads: int = 0,
        workers: str | int = "auto",
        keep_memory: bool = True,
    ) -> None:
        self.device = _device(device)
        self.format = _format(dtype, self.device)
        if threads < 0:
            raise ValueError(f"threads={threads}: must be 0 (torch's own choice) or more")
        if workers != "auto" and not (isinstance(workers, int) and workers >= 1):
            raise ValueError(f"workers={workers}: must be at least 1, or auto")
        if workers not in {"auto", 1} and self.device.type != "cpu":
            raise ValueError(f"workers={workers}: must be 1 on {self.device.type}, or auto")
        self.tf32, self.threads, self.keep_memory = tf32, threads, keep_memory
        self._workers = workers
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.format == "fp16")

    def apply(self) -> None:
        """Set what holds for the whole process: threads, freed memory, TF32 products on CUDA."""
        if self.threads:
            torch.set_num_threads(self.threads)
        if self.keep_memory and self.device.type == "cpu":
            heap.keep()
        if self.device.type == "cuda":
            torch.set_float32_matmul_precision("high" if self.tf32 else "highest")
            torch.backends.cudnn.allow_tf32 = self.tf32  # recurrent layers and convolutions

    def wait(self) -> None:
        """Until the device has done what it was told; a CPU is done at once."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    @property
    def workers(self) -> int:
        """How many processes translate at once: as many as threads on a CPU, else one."""
        if self._workers != "auto":
            return int(self._workers)
        return torch.get_num_threads() if self.device.type == "cpu" else 1

    def autocast(self) -> AbstractContextManager[None]:
        """The context of a forward pass."""
        if self.format == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=FORMATS[self.format])

    def step(self, optimizer: torch.optim.Optimizer, norm: Tensor) -> None:
        """Move the weights, unless the gradient, whose norm this is, is not finite.

        Where the optimiser can leave a step out by itself, nothing is read from the device.
        """
        if self.scaler.is_enabled():
            self.scaler.step(optimizer)
            self.scaler.update()
        elif getattr(optimizer, "_step_supports_amp_scaling", False):
            optimizer.found_inf = (~norm.isfinite()).float()  # type: ignore[attr-defined]
            optimizer.step()
        elif norm.isfinite():
            optimizer.step()

    def memory(self) -> float:
        """Peak memory of the device in GiB; of the process where there is no device."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated() / 2**30
        return _resident() / 2**30


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error tells that there was no memory left."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and any(text in str(error) for text in OUT_OF_MEMORY)
    )


def stream_format(x: Tensor) -> Tensor:
    """Activations in the format that bf16 products want, so that a block casts nothing twice.

    In fp16 the residual stream stays in float32: its range is too small for sums over layers.
    """
    device = x.device.type
    if torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device) == torch.bfloat16:
        return x.to(torch.bfloat16)
    return x


def product_format(x: Tensor) -> torch.dtype:
    """The format in which autocast multiplies a tensor; its own outside of autocast."""
    device = x.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype


def at_least_float32(dtype: torch.dtype) -> torch.dtype:
    """float32 for the short formats, else the format itself."""
    return torch.promote_types(dtype, torch.float32)


def _device(name: str) -> torch.device:
    if name not in DEVICES:
        raise ValueError(f"device={name}: unknown; choose one of {', '.join(DEVICES)}")
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next((device for device, there in present.items() if there), "cpu")
    if not present.get(name, True):
        raise ValueError(f"device={name}: this machine has none; use device=auto or device=cpu")
    return torch.device(name)


def _format(name: str, device: torch.device) -> str:
    if name not in ("auto", *FORMATS):
        raise ValueError(f"dtype={name}: unknown; choose one of auto, {', '.join(FORMATS)}")
    if name != "auto":
        return name
    if device.type == "cuda":
        # Older devices emulate bf16, which is slow.
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if device.type == "cpu" and fast_bf16() else "fp32"


def fast_bf16() -> bool:
    """Whether this CPU multiplies bf16 faster than fp32: its tiles (AMX) do.

    AVX-512's bf16 instructions alone do not: measured, they give half of the fp32 rate.
    """
    return torch.cpu._is_amx_tile_supported()


def _resident() -> float:
    """Bytes of memory this process holds, by the kernel's own count; 0 where there is none."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123
            return float(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0.0
