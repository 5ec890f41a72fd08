"""What finished runs have left."""

import dataclasses
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attn import checkpoint, results, runs
from attn.checkpoint import Checkpoints
from attn.files import read_json
from attn.registry import ConfigError


@dataclasses.dataclass(frozen=True)
class Score:
    """One score, and what it may be compared with: nothing of another signature."""

    value: float
    signature: str


@dataclasses.dataclass(frozen=True)
class Run:
    """One run: its config, and what its files tell."""

    folder: Path
    config: Mapping[str, Any]
    state: str
    test: str
    parameters: int | None
    dev: Score | None
    tokens_per_second: float | None
    minutes: float | None

    def score(self, split: str) -> Score | None:
        """BLEU of the best checkpoint on a split, by the run's own search, if it was evaluated."""
        best = Checkpoints(self.folder / "checkpoints").best()
        split = self.test if split == "test" else split
        for one in results.load_scores(self.folder).get(split, {}).values():
            own = one["search"] == self.config["search"]
            if own and best is not None and one["checkpoint"]["name"] == best.name:
                return Score(one["BLEU"]["score"], one["BLEU"]["signature"])
        return None


def read(paths: Sequence[str]) -> list[Run]:
    """The runs at and below some paths.

    Raises:
        ConfigError: a path that is no folder, or below which there is no run.
    """
    found: dict[Path, None] = {}
    problems = []
    for path in paths:
        below = sorted(config.parent for config in Path(path).rglob(runs.CONFIG))
        if not Path(path).is_dir():
            problems.append(f"runs={path}: there is no such folder")
        elif not below:
            problems.append(f"runs={path}: holds no run; a run's folder holds {runs.CONFIG}")
        found |= dict.fromkeys(below)
    if problems:
        raise ConfigError(problems)
    return [_run(folder) for folder in found]


def _run(folder: Path) -> Run:
    best = Checkpoints(folder / "checkpoints").best()
    meta = {} if best is None else checkpoint.load_meta(best)
    figures = _figures(folder / "metrics.jsonl")
    rates = [one["tokens_per_second"] for one in figures if one["group"] == "train"]
    minutes = [one["minutes"] for one in figures if one["group"] == "dev"]
    bleu = meta.get("dev", {}).get("BLEU")
    return Run(
        folder=folder,
        config=runs.load_config(folder),
        state=runs.status(folder) or "unknown",
        test=_test_split(folder / "data.json"),
        parameters=meta.get("parameters"),
        dev=Score(bleu["score"], bleu["signature"]) if bleu else None,
        tokens_per_second=statistics.median(rates) if rates else None,
        minutes=max(minutes, default=None),
    )


def _test_split(path: Path) -> str:
    """The split that ``test`` stands for; runs of older programs do not tell."""
    return str(read_json(path)["test"]) if path.exists() else "test"


def _figures(path: Path) -> list[dict[str, Any]]:
    """The whole lines of metrics.jsonl; one that is being written is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]
