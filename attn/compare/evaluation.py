"""One evaluation of one run: its entry of scores, and the texts and statistics behind them."""

import dataclasses
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from attn import results
from attn.files import whole_lines
from attn.scoring import fingerprint


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A split as a run translated it: where that lies, and its entry in ``scores.json``."""

    folder: Path
    split: str
    title: str
    entry: Mapping[str, Any]

    def statistics(self, metric: str) -> Float64[np.ndarray, "sentences counts"] | None:
        """The statistics of its sentences; nothing if they are not there as they were written."""
        try:
            found = results.load_sentences(self.folder, self.split, self.title)
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
            return None
        return found.get(metric)

    def translations(self) -> list[str] | None:
        """What was said; nothing if it is not there as it was written."""
        return self._checked(f"{results.stem_of(self.split, self.title)}.txt", "translations")

    def references(self) -> list[str] | None:
        """What it was scored by; nothing if that is not there any more."""
        return self._checked(f"{self.split}.ref", "reference")

    def sources(self) -> list[str] | None:
        """What was translated; nothing if that was not kept."""
        path = self.folder / "translations" / f"{self.split}.src"
        return whole_lines(path) if path.exists() else None

    def _checked(self, name: str, mark: str) -> list[str] | None:
        lines = whole_lines(self.folder / "translations" / name)
        return lines if fingerprint(lines) == self.entry.get(mark) else None
