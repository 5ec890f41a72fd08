"""Tables of parts of a test set, from what evaluations have kept of it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attn.compare import groups
from attn.compare.columns import Column, columns
from attn.compare.evaluation import Evaluation
from attn.compare.groups import Group
from attn.compare.table import Asked, Table, parted_table
from attn.compare.variants import Variant
from attn.registry import ConfigError
from attn.scoring import Scoring

HELD_OUT = {"dev", "test", "held_out_tag", "dev_size", "test_size"}  # of these it does not
Trained = Callable[[Mapping[str, Any]], Sequence[str]]  # of a config, the lines of its target side


def by_split(variants: Sequence[Variant], asked: Asked) -> Table:
    """A column for each split, dev left out."""
    found, signatures = columns(variants, asked.splits, asked.metrics)
    rows = range(len(variants))
    made = [Group(one.title, one.metric, [one.values(row) for row in rows]) for one in found]
    return parted_table(variants, made, signatures, asked.splits)


def by_length(variants: Sequence[Variant], asked: Asked, bounds: Sequence[int]) -> Table:
    """The scores of sentences by the words of their sources; of what has most scores alone."""
    made, remarks = list[Group](), list[str]()
    for metric in asked.metrics:
        column, told = _main(variants, asked, metric)
        sources = _first(column, variants, "sources", lambda one: one.sources())
        made += groups.by_length(column, variants, sources, bounds)
        remarks += [f"{column.title}: {column.key[0]}", *told]
        remarks += [
            f"no statistics of sentences: {one.label}"
            for row, one in enumerate(variants)
            if column.values(row) and column.statistics(row, variants) is None
        ]
    return parted_table(variants, made, list(dict.fromkeys(remarks)), asked.splits[:1])


def by_frequency(
    variants: Sequence[Variant], asked: Asked, bounds: Sequence[int], trained: Trained
) -> Table:
    """F1 of words by how often the training text has them; of what has most scores alone."""
    column, told = _main(variants, asked, "BLEU")
    signature = column.key[0]
    references = _first(column, variants, "references", lambda one: one.references())
    words = Scoring.of(signature).words
    first, *others = [run for one in variants for run in one.runs if run.config]
    known = Counter(word for line in trained(first.config) for word in words(line))
    every = [
        [
            evaluation
            for run, score in zip(one.runs, scores, strict=True)
            if score is not None and (evaluation := run.evaluation(column.split)) is not None
        ]
        for one, scores in zip(variants, column.scores, strict=True)
    ]
    made = groups.by_frequency(every, references, known, bounds, words)
    remarks = [
        f"F1 of the words of {column.split}, by how often the training text has them; in brackets, "
        "how many words of the references that are",
        f"words as BLEU has them: {signature}",
        *told,
    ]
    if any(_text(run.config) != _text(first.config) for run in others):
        remarks.append(f"not all runs have one training text; here it is that of {first.folder}")
    unkept = [one for runs in every for one in runs if one.translations() is None]
    remarks += [f"translations were not kept: {one.folder}" for one in unkept]
    return parted_table(variants, made, remarks, asked.splits[:1])


def _text(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a run's training text depends on, before anything is filtered."""
    return {key: value for key, value in config["dataset"].items() if key not in HELD_OUT}


def _main(variants: Sequence[Variant], asked: Asked, metric: str) -> tuple[Column, list[str]]:
    """The column of most scores, of several that may not be compared; a remark on the others."""
    found, _ = columns(variants, asked.splits[:1], [metric])
    counts = [sum(len(one.values(row)) for row in range(len(variants))) for one in found]
    best = counts.index(max(counts))
    rest = sum(counts) - counts[best]
    told = f"scored otherwise by {metric}, and left out: {rest} runs"
    return found[best], [told] if rest else []


def _first(
    column: Column,
    variants: Sequence[Variant],
    what: str,
    lines: Callable[[Evaluation], list[str] | None],
) -> list[str]:
    """Lines of a split that some run has kept."""
    for variant, scores in zip(variants, column.scores, strict=True):
        for run, score in zip(variant.runs, scores, strict=True):
            evaluation = run.evaluation(column.split) if score is not None else None
            if evaluation is not None and (found := lines(evaluation)) is not None:
                return found
    raise ConfigError([
        f"split={column.split}: no run has kept its {what}; "
        f"attn evaluate run=FOLDER split={column.split} keeps them"
    ])
