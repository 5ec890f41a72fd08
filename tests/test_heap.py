"""Freed memory stays with the process where it is asked for."""

import ctypes
import subprocess
import sys

import pytest

from attn import heap, precision
from attn.precision import Precision

GLIBC = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt")
FAULTS = """
import resource, sys
from attn import heap
if sys.argv[1] == "keep":
    assert heap.keep()
for count in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        bytearray(1 << 25)[::4096] = bytes(1 << 13)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not GLIBC, reason="needs glibc")
def test_memory_that_is_freed_is_found_in_place():
    kept, returned = (
        int(
            subprocess.run(
                [sys.executable, "-c", FAULTS, how], check=True, capture_output=True
            ).stdout
        )
        for how in ("keep", "return")
    )
    assert kept < 100
    assert returned > 10 * 100


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not heap.keep()


@pytest.mark.parametrize("keep", [True, False])
def test_it_is_an_option(monkeypatch, keep):
    asked = []
    monkeypatch.setattr(precision.heap, "keep", lambda: asked.append(True))
    Precision(device="cpu", keep_memory=keep).apply()
    assert bool(asked) == keep
