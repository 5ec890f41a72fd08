"""Variants as JSON: every score with all that it depends on."""

from collections.abc import Sequence
from typing import Any

from attn.compare import costs
from attn.compare.reading import Run
from attn.compare.table import Asked, Table
from attn.compare.variants import Variant

KEPT = ("reference", "translations", "checkpoint", "search", "cost", "attention")


def tree(variants: Sequence[Variant], asked: Asked, made: Table) -> dict[str, Any]:
    """What a table of variants tells, and the runs behind it."""
    split = asked.splits[0]
    return {
        "variants": [
            {
                "label": one.label,
                "options": dict(one.options),
                **{cost.title: cost.middle(one, split) for cost in costs.ALL},
                "runs": [_run(run, asked) for run in one.runs],
            }
            for one in variants
        ],
        "baseline": None if asked.baseline is None else variants[asked.baseline].label,
        "differences": _differences(variants, made),
        "remarks": [*made.remarks, *made.notes],
    }


def _run(run: Run, asked: Asked) -> dict[str, Any]:
    dev = {
        metric: {"score": one.value, "signature": one.signature, "reference": one.reference}
        for metric in asked.metrics
        if (one := run.score("dev", metric)) is not None
    }
    return {
        "folder": str(run.folder),
        "seed": run.config.get("seed"),
        "state": run.state,
        "attn": run.version,
        "checkpoint": run.best,
        "scores": {
            "dev": dev,
            **{split: _scores(run, split, asked.metrics) for split in asked.splits},
        },
    }


def _scores(run: Run, split: str, metrics: Sequence[str]) -> dict[str, Any] | None:
    found = run.evaluation(split)
    if found is None:
        return None
    told = {metric: found.score(metric) for metric in metrics}
    scores = {
        metric: {"score": one.value, "signature": one.signature}
        for metric, one in told.items()
        if one is not None
    }
    kept = {key: found.entry[key] for key in KEPT if key in found.entry}
    return {"split": found.split, "title": found.title, "attn": found.version, **scores, **kept}


def _differences(variants: Sequence[Variant], made: Table) -> list[dict[str, Any]]:
    found = []
    for column, cells in made.compared:
        for variant, one in zip(variants, cells, strict=True):
            if one is not None:
                found.append({
                    "variant": variant.label,
                    "metric": column.metric,
                    "split": column.split,
                    "signature": column.key[0],
                    "reference": column.key[1],
                    "difference": one.difference.value,
                    "interval": [one.difference.low, one.difference.high],
                    "p": one.difference.p,
                    "p_holm": one.p,
                    "over": one.difference.over,
                    "more_seeds": one.difference.more_seeds(one.p),
                })
    return found
