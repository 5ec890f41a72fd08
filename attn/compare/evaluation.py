"""One evaluation of one run: its scores, and the texts and statistics behind them."""

import dataclasses
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attn import results
from attn.compare import formulas
from attn.compare.bootstrap import Rows
from attn.files import whole_lines
from attn.scoring import fingerprint

METRICS = ("BLEU", "chrF", "TER")
COMET, COMET_MODEL = "COMET", "Unbabel/wmt22-comet-da"
KNOWN = {name.lower(): name for name in (*METRICS, COMET)}


@dataclasses.dataclass(frozen=True)
class Score:
    """One score, and what it may be compared with: nothing of another signature or reference.

    ``reference`` is the hash of the references; older programs do not tell that of dev.
    """

    value: float
    signature: str
    reference: str | None = None


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A split as a run translated it: where that lies, and its entry in ``scores.json``."""

    folder: Path
    split: str
    title: str
    entry: Mapping[str, Any]

    def score(self, metric: str) -> Score | None:
        """A score, if it was scored by this metric."""
        if metric == COMET:
            return self._by_model()
        if (found := self.entry.get(metric)) is None:
            return None
        return Score(found["score"], found["signature"], self.entry.get("reference"))

    @property
    def version(self) -> str | None:
        """The version of the program that evaluated, and the checksum of its code."""
        checkpoint = self.entry.get("checkpoint", {})
        return version(checkpoint.get("attn"), checkpoint.get("code"))

    @property
    def search(self) -> str:
        """How the translations were found."""
        return self.title.rpartition(" ")[0]

    def statistics(self, metric: str) -> Rows | None:
        """The statistics of its sentences; nothing if they are not there as they were written."""
        part = ".comet" if metric == COMET else ""
        try:
            rows, marks = results.load_marked(self.folder, self.split, self.title, part=part)
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
            return None
        whole = all(marks.get(key) == self.entry.get(key) for key in ("reference", "translations"))
        return rows.get(metric) if whole else None

    def _by_model(self) -> Score | None:
        """What a model of quality says, if it was asked."""
        if (rows := self.statistics(COMET)) is None:
            return None
        return Score(formulas.score(COMET, rows), COMET_MODEL, self.entry.get("reference"))

    def translations(self) -> list[str] | None:
        """What was said; nothing if it is not there as it was written."""
        path = results.text_path(self.folder, self.split, self.title)
        return self._checked(path, "translations")

    def references(self) -> list[str] | None:
        """What it was scored by; nothing if that is not there any more."""
        return self._checked(results.side_path(self.folder, self.split, "ref"), "reference")

    def sources(self) -> list[str] | None:
        """What was translated; nothing if that was not kept, a line for each reference."""
        path, references = results.side_path(self.folder, self.split, "src"), self.references()
        lines = whole_lines(path) if path.exists() else []
        return lines if references is not None and len(lines) == len(references) else None

    def _checked(self, path: Path, mark: str) -> list[str] | None:
        lines = whole_lines(path)
        return lines if fingerprint(lines) == self.entry.get(mark) else None


def version(number: str | None, code: str | None) -> str | None:
    """A version as ``0.1.0+1a2b3c4d``, the code's checksum behind it where that is known."""
    return number if number is None or code is None else f"{number}+{code}"
