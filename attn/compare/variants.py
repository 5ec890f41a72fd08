"""Runs that differ in nothing but their seed are one variant."""

import dataclasses
import json
import re
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from attn.compare.presets import NAME, brief
from attn.compare.reading import Run
from attn.identity import flat
from attn.registry import as_yaml

# What tells no variants apart: the seed, places, and how a run is made and watched.
APART = {"seed", "output", "study", "plugins", "search", "validation_search"}
WATCHING = {
    "dataset.root",
    "trainer.log_every",
    "trainer.samples",
    "trainer.compile",
    "trainer.checkpoint_activations",
    "precision.device",
    "precision.threads",
    "precision.workers",
    "precision.keep_memory",
}
NEXT = re.compile(r"\s+(?=[\w.@]+=)")  # between two options of a label
MISSING = "-"  # of an option that a variant does not have
ALONE = "all runs"  # the label of a variant beside which there is no other


@dataclasses.dataclass(frozen=True)
class Variant:
    """Runs of one configuration, and in what it differs from the others.

    ``options`` has the value, as YAML, of each option that differs among the variants; ``label`` is
    all of them in a line, ``attention=linear position=rope``, and of no two variants the same.
    """

    label: str
    options: Mapping[str, str]
    runs: Sequence[Run]


def variants(runs: Sequence[Run]) -> list[Variant]:
    """The variants among some runs, the best first by its mean on the dev split."""
    groups = _groups(runs)
    every = brief([_options(group[0]) for group in groups])
    keys = _differing(every)
    found: dict[str, Variant] = {}
    for options, group in zip(every, groups, strict=True):
        told = {key.removesuffix(NAME): _value(options, key) for key in keys}
        label = _unused(" ".join(f"{key}={value}" for key, value in told.items()) or ALONE, found)
        found[label] = Variant(label, told, group)
    return list(found.values())


def named(known: Sequence[Variant], text: str) -> list[Variant]:
    """Those of some variants that have this label, or else all of the options in a text.

    These are written as in a label; an option that does not differ may be among them.
    """
    if same := [one for one in known if one.label == text]:
        return same
    wanted = [part.partition("=") for part in NEXT.split(text.strip())]
    return [
        one
        for one in known
        if all(equals and _told(one, key) == value for key, equals, value in wanted)
    ]


def _told(variant: Variant, key: str) -> str | None:
    """The value of an option of a variant, as YAML."""
    if key in variant.options or not variant.runs:
        return variant.options.get(key)
    options = _options(variant.runs[0])
    full = key if key in options else f"{key}{NAME}"
    return as_yaml(options[full]) if full in options else None


def _unused(label: str, used: Mapping[str, Any]) -> str:
    """The label, with a number if another variant has it: unlike values may look alike."""
    numbered = (f"{label} ({number})" for number in range(2, len(used) + 2))
    return next(one for one in (label, *numbered) if one not in used)


def _groups(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs of each variant, the best mean first."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(json.dumps(_options(run), sort_keys=True), []).append(run)

    def quality(group: list[Run]) -> float:
        known = [run.dev.value for run in group if run.dev is not None]
        return statistics.fmean(known) if known else -1.0

    return sorted(found.values(), key=quality, reverse=True)


def _options(run: Run) -> dict[str, Any]:
    """The options of a run that tell variants apart, by dotted key."""
    config = {key: value for key, value in run.config.items() if key not in APART}
    # A part that is left out is one whose name is null: one column beside the runs that have it.
    named = {f"{key}{NAME}" if value is None else key: value for key, value in config.items()}
    return {key: value for key, value in flat(named) if key not in WATCHING}


def _differing(every: Sequence[Mapping[str, Any]]) -> list[str]:
    """The options that differ; of those that always differ alike, the first."""
    keys = list(dict.fromkeys(key for options in every for key in options))
    columns: dict[str, str] = {}
    for key in keys:
        values = [_value(options, key) for options in every]
        if len(set(values)) > 1:
            columns.setdefault(json.dumps(values), key)
    return list(columns.values())


def _value(options: Mapping[str, Any], option: str) -> str:
    return as_yaml(options[option]) if option in options else MISSING
