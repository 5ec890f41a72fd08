"""Of the trials of each variant, the one with the best score on the development split."""

import dataclasses
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from attn import snapshot, trials
from attn.compare.reading import Run
from attn.compare.variants import APART, WATCHING
from attn.identity import flat
from attn.registry import as_yaml
from attn.weights import CheckpointError


@dataclasses.dataclass(frozen=True)
class Trial:
    """What was tried, in words, its runs, and the mean of their scores on dev if all have one.

    A score is of the run's own metric, the higher the better.
    """

    tried: str
    runs: Sequence[Run]
    score: float | None


@dataclasses.dataclass(frozen=True)
class Choice:
    """The trials of a variant."""

    trials: Sequence[Trial]

    @property
    def best(self) -> Trial | None:
        """The trial that is chosen, of equals the first; None as long as none has a score."""
        scored = [one for one in self.trials if one.score is not None]
        return max(scored, key=lambda one: one.score or 0.0, default=None)

    @property
    def final(self) -> bool:
        """Whether every trial is finished, so that no other can be chosen any more."""
        return all(run.state == "finished" for trial in self.trials for run in trial.runs)


def chosen(runs: Sequence[Run]) -> tuple[list[Run], list[str]]:
    """The runs that count, and what is to be told of the others.

    Of studies in which something is tuned these are the runs of what was chosen for each variant,
    of others all runs. Runs that were not chosen are not to be shown, above all not with their
    scores on a test split, by which nothing may be chosen.
    """
    kept, choices = _parted(runs)
    shown = [run for one in choices if one.best for run in one.best.runs]
    order = {id(run): number for number, run in enumerate(runs)}
    return sorted([*kept, *shown], key=lambda run: order[id(run)]), remarks(choices)


def choices_of(runs: Sequence[Run]) -> list[Choice]:
    """The trials of each variant, of the runs of studies in which something is tuned."""
    return _parted(runs)[1]


def remarks(choices: Sequence[Choice]) -> list[str]:
    """How many trials each variant had, and which are not finished."""
    if not choices:
        return []
    counts = sorted({len(one.trials) for one in choices})
    said = f"{counts[0]}" if len(counts) == 1 else f"from {counts[0]} to {counts[-1]}"
    found = [f"tuned: the best on dev of {said} trials of each variant is shown alone"]
    if len(counts) > 1:
        found.append("unequal numbers of trials: variants with more of them are at an advantage")
    left = [run for one in choices for trial in one.trials for run in trial.runs]
    found += [f"{run.state}, and not chosen from yet: {run.folder}" for run in left if _open(run)]
    return found


def _open(run: Run) -> bool:
    return run.state not in {"finished", "failed"}


def _parted(runs: Sequence[Run]) -> tuple[list[Run], list[Choice]]:
    """The runs of studies in which nothing is tuned, and the choices of the others."""
    tuned = {study: trials.options(study) for study in {_study(run) for run in runs}}
    kept = [run for run in runs if not tuned[_study(run)]]
    by_variant: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        if options := tuned[_study(run)]:
            tried = by_variant.setdefault(_variant(run, options), {})
            tried.setdefault(_tried(run, options), []).append(run)
    return kept, [
        Choice([Trial(words, some, _score(some)) for words, some in tried.items()])
        for tried in by_variant.values()
    ]


def _study(run: Run) -> Any:
    return run.folder.parent.parent


def _variant(run: Run, tuned: Sequence[str]) -> str:
    """All that tells variants apart, without what is tuned."""
    config = {key: value for key, value in run.config.items() if key not in APART}
    kept = {
        key: value
        for key, value in flat(config)
        if key not in WATCHING and not any(_within(key, one) for one in tuned)
    }
    return json.dumps([str(_study(run)), kept], sort_keys=True)


def _tried(run: Run, tuned: Sequence[str]) -> str:
    options = dict(flat(run.config))
    return " ".join(f"{key}={as_yaml(_value(options, run.config, key))}" for key in tuned)


def _value(options: Mapping[str, Any], config: Mapping[str, Any], key: str) -> Any:
    """The value of an option; of a part all that it holds, but for how it is spelled."""
    section = config.get(key)
    return section if isinstance(section, Mapping) else options.get(key)


def _within(key: str, option: str) -> bool:
    return key == option or key.startswith(f"{option}.")


def _score(runs: Sequence[Run]) -> float | None:
    """The mean score of the best checkpoints; None if one is missing."""
    scores = [_best(run) for run in runs]
    known = [one for one in scores if one is not None and math.isfinite(one)]
    return statistics.fmean(known) if len(known) == len(runs) else None


def _best(run: Run) -> float | None:
    if run.best is None:
        return None
    try:
        score = snapshot.load_meta(run.folder / "checkpoints" / run.best).get("score")
    except CheckpointError:
        return None
    return None if score is None else float(score)
