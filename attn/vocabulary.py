"""Tokenizers trained once for the same text, and kept in the user's cache."""

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attn.tokenizers import Tokenizer


def cache_folder() -> Path:
    """``ATTN_CACHE``, else ``attn`` in the user's cache folder."""
    if chosen := os.environ.get("ATTN_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "attn"


def trained(
    section: Mapping[str, Any], build: Callable[[], Tokenizer], lines: Sequence[str]
) -> Tokenizer:
    """The tokenizer of a config section, trained on these lines, or read if that was done before.

    The cache is keyed by the section, the text and the tokenizer's own code. Folders come into it
    by renaming, so that processes may race; a cache that cannot be used is done without.
    """
    tokenizer = build()
    key = hashlib.sha256(json.dumps(dict(section), sort_keys=True).encode())
    key.update(_code(type(tokenizer)))
    for line in lines:
        key.update(line.encode() + b"\n")
    folder = cache_folder() / "tokenizers" / key.hexdigest()[:32]
    try:
        if folder.is_dir():
            tokenizer.load(folder)
            return tokenizer
    except (OSError, ValueError, RuntimeError):  # damaged: made again
        shutil.rmtree(folder, ignore_errors=True)
        tokenizer = build()
    tokenizer.train(lines)
    with contextlib.suppress(OSError):
        _keep(tokenizer, folder)
    return tokenizer


def _code(made: type) -> bytes:
    """The files that a class and its bases are written in, so that a change in them counts."""
    names = {str(getattr(sys.modules[base.__module__], "__file__", "")) for base in made.__mro__}
    return b"".join(Path(name).read_bytes() for name in sorted(names) if name.endswith(".py"))


def _keep(tokenizer: Tokenizer, folder: Path) -> None:
    """Save beside a folder, then rename; if another process was first, the folder is as good."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        tokenizer.save(beside)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
