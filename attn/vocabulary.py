"""Tokenizers trained once for the same text, and kept in the user's cache."""

import contextlib
import hashlib
import json
import os
import shutil
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

    The cache is keyed by the section and the text. Folders come into it by renaming, so that
    processes may race; a cache that cannot be written is done without.
    """
    key = hashlib.sha256(json.dumps(dict(section), sort_keys=True).encode())
    for line in lines:
        key.update(line.encode() + b"\n")
    folder = cache_folder() / "tokenizers" / key.hexdigest()[:32]
    tokenizer = build()
    if folder.is_dir():
        tokenizer.load(folder)
        return tokenizer
    tokenizer.train(lines)
    with contextlib.suppress(OSError):
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=folder.parent))
        tokenizer.save(beside)
        try:
            beside.rename(folder)
        except OSError:  # another process was first
            shutil.rmtree(beside)
    return tokenizer
