"""Freed memory that stays with the process, so that the next step finds its pages in place."""

import ctypes
import sys

# What mallopt calls them; glibc's malloc.h.
TRIM_THRESHOLD, MMAP_MAX = -1, -4


def keep() -> bool:
    """Have the C library give no freed memory back to the system; False if it is not glibc.

    By itself it maps every large tensor anew and gives it back when it is freed: each step then
    waits for the system to clear the same pages once more.
    """
    if sys.platform != "linux" or not hasattr(library := ctypes.CDLL(None), "mallopt"):
        return False
    return bool(library.mallopt(MMAP_MAX, 0)) and bool(library.mallopt(TRIM_THRESHOLD, -1))
