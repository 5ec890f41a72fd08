"""Which program this is, beside its version: a checksum of its sources."""

import functools
from pathlib import Path

from attn.files import checksum, checksum_of


@functools.cache
def code() -> str:
    """Eight digits, which change with any line of the package's Python files."""
    root = Path(__file__).parent
    sources = sorted(root.rglob("*.py"))
    every = {one.relative_to(root).as_posix(): checksum(one.read_bytes()) for one in sources}
    return checksum_of(every)[:8]
