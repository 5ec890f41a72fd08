"""The memory of tensors at their peak."""

import pytest
import torch
from torch import nn

from attn import memory

CPU = torch.device("cpu")


def peak(run, model=None, more=()):
    with memory.peak(CPU, nn.Module() if model is None else model, more) as found:
        run()
    return found[0]


def test_what_is_let_go_is_counted_no_more():
    def one_after_the_other():
        for _ in range(5):
            torch.zeros(100)

    def side_by_side():
        kept = [torch.zeros(100) for _ in range(5)]
        assert len(kept) == 5

    assert peak(one_after_the_other) == 400
    assert peak(side_by_side) == 2000


def test_views_and_changes_in_place_take_nothing():
    x = torch.ones(50)

    def look():
        x[3:].reshape(-1, 1).add_(1)

    assert peak(look) == 0


def test_what_gradients_need_is_held_until_they_are_there():
    x = torch.ones(1000, requires_grad=True)

    def forward():
        assert x.exp().sin().requires_grad

    def without():
        with torch.no_grad():
            x.exp().sin()

    assert peak(forward) == peak(without) == 8000
    assert peak(lambda: x.exp().sin().tanh()) == 12000  # what exp gave, what sin gave, tanh


@pytest.fixture
def told(monkeypatch, tmp_path):
    """What the system tells, in files of a test."""

    def write(meminfo="", most="", taken=""):
        for name, text in (("meminfo", meminfo), ("max", most), ("current", taken)):
            (tmp_path / name).write_text(text)
        monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
        missing = (tmp_path / "not", tmp_path / "there")
        groups = (missing, (tmp_path / "max", tmp_path / "current"))
        monkeypatch.setattr(memory, "GROUPS", groups)

    return write


MEMINFO = "MemTotal:       24684092 kB\nMemFree:        999 kB\nMemAvailable:   2000 kB\n"


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ((MEMINFO, "", ""), 2000 * 1024),
        ((MEMINFO, "max\n", "5\n"), 2000 * 1024),
        ((MEMINFO, "7000\n", "3000\n"), 4000),
        ((MEMINFO, "7000\n", "8000\n"), 0),
        (("", "7000\n", "3000\n"), 4000),
        (("", "", ""), None),
    ],
)
def test_what_is_free_is_what_system_and_container_leave(told, files, free):
    told(*files)
    assert memory.free() == free


def test_the_model_and_what_its_optimiser_keeps_are_held_too():
    model = nn.Linear(10, 10, bias=False)
    assert peak(lambda: torch.zeros(5), model, [torch.zeros(7)]) == 4 * (100 + 7 + 5)
    assert memory.nbytes([model.weight, model.weight.t()]) == 400
