"""What finished runs have left."""

import contextlib
import dataclasses
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attn import checking, identity, results, runs, snapshot
from attn.checkpoint import Checkpoints
from attn.compare.evaluation import Evaluation
from attn.files import read_json, whole_lines
from attn.registry import ConfigError
from attn.remarks import warn
from attn.weights import CheckpointError


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
    best: str | None
    scores: Mapping[str, Mapping[str, Any]]

    def score(self, split: str) -> Score | None:
        """BLEU of the best checkpoint on a split, by the run's own search, if it was evaluated."""
        evaluation = self.evaluation(split)
        if evaluation is None:
            return None
        bleu = evaluation.entry["BLEU"]
        return Score(bleu["score"], bleu["signature"])

    def evaluation(self, split: str) -> Evaluation | None:
        """That evaluation; see ``score``."""
        name = self.test if split == "test" else split
        for title, one in self.scores.get(name, {}).items():
            own = _whole(one["search"]) == _whole(self.config.get("search"))
            if own and self.best is not None and one["checkpoint"]["name"] == self.best:
                return Evaluation(self.folder, name, title, one)
        return None


def _whole(search: Any) -> Any:
    """A search with all its options: a program knows some that an older one did not."""
    return {**checking.defaults("search", search), **search} if search else search


def read(paths: Sequence[str]) -> list[Run]:
    """The runs at and below some paths.

    Raises:
        ConfigError: a path that is no folder, or below which there is no run; a run's config.
    """
    return [_run(folder) for folder in _folders(paths)]


def check(paths: Sequence[str]) -> None:
    """Look for runs at and below some paths; says nothing of what is odd in them.

    Raises:
        ConfigError: as ``read`` does.
    """
    for folder in _folders(paths):
        runs.load_config(folder)


def _folders(paths: Sequence[str]) -> list[Path]:
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
    return list(found)


def _run(folder: Path) -> Run:
    best, meta = _best(folder)
    config = runs.load_config(folder)
    if changed := _changed(folder, config):
        warn(f"{folder / runs.CONFIG}: is not what the run was trained with: {', '.join(changed)}")
    told = figures(folder)
    rates = [one["tokens_per_second"] for one in told if "tokens_per_second" in one]
    minutes = [one["minutes"] for one in told if "minutes" in one]
    bleu = meta.get("dev", {}).get("BLEU")
    return Run(
        folder=folder,
        config=config,
        state=runs.status(folder) or "unknown",
        test=_test_split(folder / "data.json"),
        parameters=meta.get("parameters"),
        dev=Score(bleu["score"], bleu["signature"]) if bleu else None,
        tokens_per_second=statistics.median(rates) if rates else None,
        minutes=max(minutes, default=None),
        best=best,
        scores=results.load_scores(folder),
    )


def _best(folder: Path) -> tuple[str | None, dict[str, Any]]:
    """The best checkpoint by name, and what it tells; nothing, and a remark, if it is not known."""
    try:
        best = Checkpoints(folder / "checkpoints").best()
        return (None, {}) if best is None else (best.name, snapshot.load_meta(best))
    except CheckpointError as error:
        warn(str(error))
        return None, {}


def _changed(folder: Path, config: Mapping[str, Any]) -> list[str]:
    """The options of the trained model that the newest checkpoint has otherwise."""
    last = Checkpoints(folder / "checkpoints").last()
    try:
        then = None if last is None else snapshot.load_meta(last).get("config")
    except CheckpointError as error:
        warn(str(error))
        then = None
    if not then:
        return []
    try:
        return identity.differences(then, config)
    except (ConfigError, LookupError, TypeError, ValueError, AttributeError):
        return sorted(key for key in {**then, **config} if then.get(key) != config.get(key))


def _test_split(path: Path) -> str:
    """The split that ``test`` stands for; runs of older programs do not tell."""
    try:
        return str(read_json(path)["test"]) if path.exists() else "test"
    except (OSError, ValueError, RecursionError, TypeError, KeyError):
        warn(f"{path}: is not as it was written; {runs.AGAIN}")
        return "test"


def figures(run: Path) -> list[dict[str, Any]]:
    """The lines of a run's metrics.jsonl; what is no line of figures is left out."""
    found = []
    for line in whole_lines(run / "metrics.jsonl"):
        with contextlib.suppress(ValueError, RecursionError):
            found.append(json.loads(line))
    return [one for one in found if isinstance(one, dict)]
