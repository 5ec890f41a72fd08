"""What finished runs have left."""

import dataclasses
import functools
import json
import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attn import checking, identity, results, runs
from attn.checkpoint import Checkpoints, ranked
from attn.compare import folders
from attn.compare.evaluation import METRICS, Evaluation, Score, version
from attn.files import read_json
from attn.registry import ConfigError
from attn.remarks import warn
from attn.weights import CheckpointError

NUMBER = rb'"%s": (-?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)[,}]'


@dataclasses.dataclass(frozen=True)
class Run:
    """One run: its config, and what its files tell."""

    folder: Path
    config: Mapping[str, Any]
    state: str
    test: str
    parameters: int | None
    tokens_per_second: float | None
    minutes: float | None
    best: str | None
    scores: Mapping[str, Mapping[str, Any]]
    dev_scores: Mapping[str, Score] = dataclasses.field(default_factory=dict)
    memory: float | None = None
    version: str | None = None

    @property
    def dev(self) -> Score | None:
        """BLEU of the best checkpoint on dev."""
        return self.dev_scores.get("BLEU")

    def score(self, split: str, metric: str = "BLEU") -> Score | None:
        """A score of the best checkpoint, by the run's own search, if it was evaluated."""
        if split == "dev":
            return self.dev_scores.get(metric)
        evaluation = self.evaluation(split)
        return None if evaluation is None else evaluation.score(metric)

    def evaluation(self, split: str) -> Evaluation | None:
        """That evaluation; see ``score``."""
        title, name = self.title(split), self.named(split)
        if title is None:
            return None
        return Evaluation(self.folder, name, title, self.scores[name][title])

    def title(self, split: str) -> str | None:
        """Under which title ``scores`` has it; see ``named``."""
        for title, one in self.scores.get(self.named(split), {}).items():
            if self.best is None or one["checkpoint"]["name"] != self.best:
                continue
            mine, its = self.config.get("search"), one["search"]
            if mine == its or _whole(mine) == _whole(its):
                return title
        return None

    def named(self, split: str) -> str:
        """A split by its own name, which ``test`` may not be."""
        return self.test if split == "test" else split


def _whole(search: Any) -> Any:
    """A search with all its options: a program knows some that an older one did not."""
    return {**_defaults(json.dumps(search)), **search} if search else search


@functools.lru_cache(maxsize=1024)
def _defaults(search: str) -> dict[str, Any]:
    return checking.defaults("search", json.loads(search))


def read(paths: Sequence[str]) -> list[Run]:
    """The runs at and below some paths.

    Raises:
        ConfigError: a path that is no folder, or below which there is no run; a run's config.
    """
    return [_run(folder) for folder in folders.find(paths)]


def check(paths: Sequence[str]) -> None:
    """Look for runs at and below some paths; says nothing of what is odd in them.

    Raises:
        ConfigError: as ``read`` does.
    """
    for folder in folders.find(paths):
        folders.config(folder)


def _run(folder: Path) -> Run:
    config = folders.config(folder)
    best, last = _checkpoints(folder)
    if changed := _changed(last, config):
        warn(f"{folder / runs.CONFIG}: is not what the run was trained with: {', '.join(changed)}")
    data = _data(folder / "data.json")
    metrics = _metrics(folder)
    rates, minutes = _values(metrics, "tokens_per_second"), _values(metrics, "minutes")
    name, meta = best if best is not None else (None, {})
    return Run(
        folder=folder,
        config=config,
        state=runs.status(folder) or "unknown",
        test=str(data.get("test", "test")),
        parameters=meta.get("parameters"),
        tokens_per_second=statistics.median(rates) if rates else None,
        minutes=max(minutes, default=None),
        best=name,
        scores=results.load_scores(folder),
        dev_scores=_dev(meta, data),
        memory=max(_values(metrics, "memory_gib"), default=None),
        version=version(meta.get("version"), meta.get("code")),
    )


def _dev(meta: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Score]:
    reference = data.get("references", {}).get("dev")
    return {
        metric: Score(one["score"], one["signature"], reference)
        for metric, one in meta.get("dev", {}).items()
        if metric in METRICS
    }


Told = tuple[str, dict[str, Any]]


def _checkpoints(folder: Path) -> tuple[Told | None, dict[str, Any]]:
    """The best checkpoint by name, with what it tells; what the newest tells.

    Nothing, and a remark, if the best is not known.
    """
    try:
        metas = Checkpoints(folder / "checkpoints").metas()
    except CheckpointError as error:
        warn(str(error))
        return None, {}
    best = [(f"step-{step}", metas[step]) for step in ranked(metas)[:1]]
    return (best[0] if best else None), (metas[max(metas)] if metas else {})


def _changed(then: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """The options of the trained model that the newest checkpoint has otherwise."""
    trained = then.get("config")
    if not trained or trained == config:
        return []
    try:
        return identity.differences(trained, config)
    except (ConfigError, LookupError, TypeError, ValueError, AttributeError):
        keys = {**trained, **config}
        return sorted(key for key in keys if trained.get(key) != config.get(key))


def _data(path: Path) -> dict[str, Any]:
    """What is told of the data; runs of older programs do not tell all."""
    try:
        told: Any = read_json(path) if path.exists() else {"test": "test"}
        return {"test": told["test"], "references": dict(told.get("references", {}))}
    except (OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError):
        warn(f"{path}: is not as it was written; {runs.AGAIN}")
        return {}


def _metrics(run: Path) -> bytes:
    """The text of a run's metrics.jsonl; what a kill left of a line is left out."""
    path = run / runs.METRICS
    text = path.read_bytes() if path.exists() else b""
    return text[: text.rfind(b"\n") + 1]


def _values(metrics: bytes, key: str) -> list[float]:
    """All values of a key, found in the text: thousands of long files are slow to take apart."""
    return list(map(float, re.findall(NUMBER % key.encode(), metrics)))
