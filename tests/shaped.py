"""Shapes and types are checked in every module of tensors; to be imported before the program is.

The types of all others are known to mypy.
"""

import importlib.util
import re
from pathlib import Path

from jaxtyping import install_import_hook

found = importlib.util.find_spec("attn")
assert found is not None
ROOT = Path(found.submodule_search_locations[0])
WITH_TENSORS = [
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
    if re.search(r"\bTensor\b|jaxtyping|score.kernels import", path.read_text(encoding="utf-8"))
]
install_import_hook(WITH_TENSORS, "beartype.beartype")
