"""Devices and number formats."""

import pytest
import torch
from messages import exactly

from attn import precision
from attn.dropout import Dropout
from attn.precision import Precision


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "tpu"}, "device=tpu: unknown; choose one of auto, cuda, mps, cpu"),
        ({"dtype": "int8"}, "dtype=int8: unknown; choose one of auto, fp32, bf16, fp16"),
        ({"threads": -1}, "threads=-1: must be 0 (torch's own choice) or more"),
        ({"workers": 0}, "workers=0: must be at least 1, or auto"),
        ({"workers": "all"}, "workers=all: must be at least 1, or auto"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        Precision(**options)


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_missing_device_is_named(monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(
        ValueError,
        match=exactly(f"device={device}: this machine has none; use device=auto or device=cpu"),
    ):
        Precision(device=device)


@pytest.mark.parametrize(("hardware", "chosen"), [(True, "bf16"), (False, "fp32")])
def test_auto_takes_bf16_where_the_hardware_multiplies_it_faster(monkeypatch, hardware, chosen):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: hardware)
    assert Precision(device="cpu").format == chosen


@pytest.mark.parametrize(("name", "dtype"), list(precision.FORMATS.items()))
def test_products_are_in_the_format_asked_for(name, dtype):
    chosen = Precision(device="cpu", dtype=name)
    with chosen.autocast():
        x = torch.ones(2, 3)
        assert (x @ x.T).dtype == dtype
        assert precision.product_format(x) == dtype
        assert precision.stream_format(x).dtype == (dtype if name == "bf16" else torch.float32)


def test_fp16_scales_the_loss_and_the_others_do_not():
    assert Precision(device="cpu", dtype="fp16").scaler.is_enabled()
    assert not Precision(device="cpu", dtype="bf16").scaler.is_enabled()


@pytest.mark.parametrize("tf32", [True, False])
def test_on_a_gpu_tf32_is_for_all_products_or_for_none(monkeypatch, tf32):
    """Those of recurrent layers and convolutions have a switch of their own."""
    set_ = {}
    monkeypatch.setattr(
        torch, "set_float32_matmul_precision", lambda value: set_.update(matmul=value)
    )
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", not tf32)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    Precision(device="cuda", dtype="fp32", tf32=tf32).apply()
    assert set_ == {"matmul": "high" if tf32 else "highest"}
    assert torch.backends.cudnn.allow_tf32 is tf32


@pytest.mark.parametrize(("hardware", "chosen"), [(True, "bf16"), (False, "fp16")])
def test_on_a_gpu_auto_takes_bf16_only_where_it_is_not_emulated(monkeypatch, hardware, chosen):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        torch.cuda,
        "is_bf16_supported",
        lambda including_emulation=True: including_emulation or hardware,
    )
    assert Precision(device="cuda").format == chosen


@pytest.mark.parametrize(
    ("error", "is_so"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling it"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("something else"), False),
        (ValueError("DefaultCPUAllocator"), False),
    ],
    ids=str,
)
def test_a_lack_of_memory_is_known_by_class_or_by_words(error, is_so):
    assert precision.is_out_of_memory(error) is is_so


def test_memory_is_that_of_the_process():
    assert 0.01 < Precision(device="cpu").memory() < 100


class TestDropout:
    @pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
    def test_every_lane_drops_at_the_rate(self, rate):
        dropped = (Dropout(rate)(torch.ones(200_003)) == 0).float()
        for lane in range(4):
            assert dropped[lane::4].mean() == pytest.approx(rate, abs=0.01)

    def test_the_rest_is_scaled_and_so_is_the_gradient(self):
        x = torch.ones(101, requires_grad=True)
        y = Dropout(0.5)(x)
        y.sum().backward()
        assert set(y.tolist()) == {0.0, 2.0}
        assert torch.equal(x.grad, y.detach())

    def test_same_seed_same_mask(self):
        draws = []
        for _ in range(2):
            torch.manual_seed(5)
            draws.append(Dropout(0.3)(torch.ones(7, 11)))
        assert torch.equal(*draws)

    def test_nothing_is_dropped_in_evaluation(self):
        x = torch.randn(5)
        assert Dropout(0.5).eval()(x) is x
        assert Dropout(0.0)(x) is x

    def test_a_rate_out_of_range_is_named(self):
        with pytest.raises(
            ValueError, match=exactly("dropout=1.5: must be at least 0 and below 1")
        ):
            Dropout(1.5)


def test_several_workers_are_for_a_cpu(monkeypatch):
    monkeypatch.setattr("attn.precision._device", lambda _: torch.device("cuda"))
    with pytest.raises(ValueError, match=exactly("workers=2: must be 1 on cuda, or auto")):
        Precision(dtype="fp32", workers=2)
    assert Precision(dtype="fp32").workers == 1
