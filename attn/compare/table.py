"""The table of variants: a row for each, over its seeds."""

import dataclasses
import itertools
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence

from attn.compare import costs, heads
from attn.compare.columns import Column, columns
from attn.compare.differences import STRONG, Compared, compared
from attn.compare.evaluation import Evaluation
from attn.compare.formulas import LOWER_IS_BETTER
from attn.compare.groups import Group
from attn.compare.reading import Run
from attn.compare.significance import LEVEL, SENTENCES
from attn.compare.significance import MOST as MOST_SEEDS
from attn.compare.variants import MISSING, Variant

ALONE = "'"  # behind a p that is over sentences alone


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a table is to show: splits, metrics, the row that others are compared with."""

    splits: Sequence[str]
    metrics: Sequence[str]
    baseline: int | None = None


@dataclasses.dataclass
class Table:
    """Columns of text, and what is to be said of them; ``best`` and ``marks`` are of cells.

    ``tests`` are the columns that tell of a test, and ``notes`` what is to be said of these: a
    page of a paper has marks in their place, which ``stars`` explains. ``compared`` has the
    differences behind them, of each variant to the baseline; ``values`` the scores behind a
    column, one list a row; ``exact`` the numbers behind one that is rounded for the eye.
    """

    titles: list[str] = dataclasses.field(default_factory=list)
    columns: list[list[str]] = dataclasses.field(default_factory=list)
    remarks: list[str] = dataclasses.field(default_factory=list)
    best: set[tuple[int, int]] = dataclasses.field(default_factory=set)
    marks: dict[tuple[int, int], str] = dataclasses.field(default_factory=dict)
    tests: set[int] = dataclasses.field(default_factory=set)
    stars: str | None = None
    notes: list[str] = dataclasses.field(default_factory=list)
    values: dict[int, Sequence[Sequence[float]]] = dataclasses.field(default_factory=dict)
    exact: dict[int, Sequence[float | None]] = dataclasses.field(default_factory=dict)
    compared: list[tuple[Column, list[Compared | None]]] = dataclasses.field(default_factory=list)

    @property
    def rows(self) -> list[list[str]]:
        """The cells row by row."""
        return [list(row) for row in zip(*self.columns, strict=True)]

    def flat(self) -> "Table":
        """The table as programs read it: bare numbers; mean, deviation and runs in columns."""
        made = Table()
        for number, (title, cells) in enumerate(zip(self.titles, self.columns, strict=True)):
            if (values := self.values.get(number)) is None:
                exact = self.exact.get(number)
                made.add(title, [bare(one) for one in cells] if exact is None else exactly(exact))
                continue
            made.add(title, [f"{statistics.fmean(one):.4f}" if one else "" for one in values])
            spread = [f"{statistics.stdev(one):.4f}" if len(one) > 1 else "" for one in values]
            made.add(f"{title} deviation", spread)
            made.add(f"{title} runs", [str(len(one)) for one in values])
        return made

    def add(
        self, title: str, cells: Sequence[str], exact: Sequence[float | None] | None = None
    ) -> int:
        """One more column, and the numbers that it has rounded; its number."""
        self.titles.append(title)
        self.columns.append(list(cells))
        number = len(self.titles) - 1
        if exact is not None:
            self.exact[number] = exact
        return number

    def scores(
        self, title: str, values: Sequence[Sequence[float]], of: Sequence[int], *, low: bool
    ) -> int:
        """A column of means over seeds, of so many runs, its best marked."""
        number = self.add(title, [_mean(*one) for one in zip(values, of, strict=True)])
        self.values[number] = values
        means = {row: statistics.fmean(one) for row, one in enumerate(values) if one}
        if len(means) > 1:
            best = (min if low else max)(means.values())
            self.best |= {(row, number) for row, mean in means.items() if mean == best}
        return number


def table(variants: Sequence[Variant], asked: Asked) -> Table:
    """Everything that is known of variants."""
    made = _begun(variants)
    split = asked.splits[0]
    splits = list(dict.fromkeys(["dev", *asked.splits]))
    scored, signatures = columns(variants, splits, asked.metrics)
    tested = [_scored(made, variants, column, asked.baseline) for column in scored]
    for cost in costs.ALL:
        middles = [cost.middle(one, split) for one in variants]
        texts = [MISSING if one is None else format(one, cost.form) for one in middles]
        if any(one is not None for one in middles):
            made.add(cost.title, texts, middles)
    if len(variants) > 1:
        # What was not evaluated yet is weighed by dev, which every run knows.
        quality = next(one for one in scored if one.split == split)
        whole = all(quality.mean(row) is not None for row in range(len(variants)))
        quality = quality if whole else scored[0]
        known = [quality.mean(row) for row in range(len(variants))]
        if quality.metric in LOWER_IS_BETTER:
            known = [None if one is None else -one for one in known]
        marked = costs.pareto(known, variants, split)
        title = "Pareto" if whole else "Pareto by dev"
        made.add(title, [one or MISSING for one in marked])
    for title, cells in heads.columns(variants, split):
        made.add(title, cells)
    made.remarks += signatures
    if asked.baseline is not None:
        baseline = variants[asked.baseline].label
        how = "over seeds and sentences, p corrected by Holm for the rows of a column"
        made.stars = f"* p < {LEVEL}, ** p < {STRONG}: of the difference to {baseline}, {how}"
        made.notes.append(f"Δ and p: to {baseline}, {how}")
        made.notes += _notes(made)
        if "dev" in asked.splits:
            made.notes.append("split=dev: not tested, for checkpoints were chosen by it")
        made.remarks += dict.fromkeys(itertools.chain(*tested))
    made.remarks += _remarks(variants, asked.splits)
    return made


def parted_table(
    variants: Sequence[Variant],
    groups: Sequence[Group],
    remarks: Sequence[str],
    splits: Sequence[str],
) -> Table:
    """The scores of parts of a test set, a column each."""
    made = _begun(variants)
    for group in groups:
        low = group.metric in LOWER_IS_BETTER
        made.scores(group.title, group.values, [len(one.runs) for one in variants], low=low)
    made.remarks += [*remarks, *_remarks(variants, splits)]
    return made


def _begun(variants: Sequence[Variant]) -> Table:
    made = Table()
    for option in variants[0].options:
        made.add(option, [one.options[option] for one in variants])
    made.add("seeds", [str(len(one.runs)) for one in variants])
    return made


def _scored(
    made: Table, variants: Sequence[Variant], column: Column, baseline: int | None
) -> list[str]:
    """Add a column of scores, with the differences to the baseline; remarks on these."""
    values = [column.values(row) for row in range(len(variants))]
    low = column.metric in LOWER_IS_BETTER
    number = made.scores(column.title, values, [len(one.runs) for one in variants], low=low)
    if baseline is None or column.split == "dev":
        return []
    found, told = compared(column, variants, baseline)
    made.compared.append((column, found))
    made.marks |= {(row, number): one.mark for row, one in enumerate(found) if one and one.mark}
    exact = [None if one is None else one.difference.value for one in found]
    told_of = (("Δ", _difference, exact), ("p", _p, None), ("more seeds", _more, None))
    for title, cell, numbers in told_of:
        cells = [MISSING if one is None else cell(one) for one in found]
        made.tests.add(made.add(f"{title} {column.title}", cells, numbers))
    return told


def _difference(one: Compared) -> str:
    return f"{one.difference.value:+.2f}"


def _p(one: Compared) -> str:
    alone = ALONE if one.difference.over == SENTENCES else ""
    return f"{'<0.001' if one.p < 0.001 else f'{one.p:.3f}'}{alone}"


def _more(one: Compared) -> str:
    if one.difference.over == SENTENCES:
        return MISSING
    more = one.difference.more_seeds(one.p)
    return f">{MOST_SEEDS}" if more is None else str(more)


def _notes(made: Table) -> Iterator[str]:
    if any(cell.endswith(ALONE) for number in made.tests for cell in made.columns[number]):
        yield f"p{ALONE}: one seed a side, so over sentences alone: of these two trainings"
    tested = (one.difference for _, found in made.compared for one in found if one is not None)
    if any(1 in each.seeds for one in tested for each in one.variances):
        yield "p beside a single seed: that side is taken to vary over seeds as the other does"
    yield "more seeds: of both sides, to find such a difference in 80 % of trials, p not corrected"


def _mean(values: Sequence[float], of: int) -> str:
    """Mean and deviation over seeds, and over how many if not over all of them."""
    if not values:
        return MISSING
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    some = f" ({len(values)} of {of})" if len(values) < of else ""
    return f"{statistics.fmean(values):.2f}{spread}{some}"


def bare(cell: str) -> str:
    """A cell as programs read it: numbers without commas, and nothing for what is not known."""
    if cell == MISSING:
        return ""
    number = cell.replace(",", "")
    return number if re.fullmatch(r"-?\d+(\.\d+)?", number) else cell


def exactly(values: Sequence[float | None]) -> list[str]:
    """Numbers to four places, and nothing for what is not known."""
    return ["" if one is None else f"{one:.4f}".removesuffix(".0000") for one in values]


def _remarks(variants: Sequence[Variant], splits: Sequence[str]) -> Iterator[str]:
    ours = [run for one in variants for run in one.runs if run.config]
    for run in ours:
        if run.state != "finished":
            yield f"{run.state}: {run.folder}"
    for one in variants:
        yield from _doubtful(one)
    yield from versions(ours, splits)
    yield from _searches(ours, splits)
    for split in splits:
        unscored = [run for run in ours if run.score(split) is None]
        if unscored:
            yield f"not evaluated on {split}, by their own search with the best checkpoint:"
            yield from (f"  attn evaluate run={run.folder} split={split}" for run in unscored)


def _doubtful(variant: Variant) -> Iterator[str]:
    """What speaks against it that the runs of a variant differ in their seeds alone."""
    runs = [run for run in variant.runs if run.config]
    folders = ", ".join(str(run.folder) for run in runs)
    if len({run.folder.parent.name.rpartition("-")[2] for run in runs}) > 1:
        yield f"one row, though data, number format or plug-in are not the same: {folders}"
    elif len({run.config["seed"] for run in runs}) < len(runs):
        yield f"one row, in which a seed stands twice and counts twice: {folders}"


def _searches(runs: Sequence[Run], splits: Sequence[str]) -> Iterator[str]:
    """How translations were found, if not all in the same way."""
    for split in splits:
        found = [one for run in runs if (one := run.evaluation(split)) is not None]
        counts = Counter(one.search for one in found)
        if len(counts) > 1:
            told = ", ".join(f"{search} ({count} runs)" for search, count in counts.items())
            yield f"{split} translated in several ways: {told}"


def versions(runs: Sequence[Run], splits: Sequence[str]) -> Iterator[str]:
    """What is to be said if runs were trained or evaluated by several versions of the program."""
    evaluated: list[tuple[Run, Evaluation | None]] = [
        (run, run.evaluation(split)) for run in runs for split in splits
    ]
    every = {
        "trained": [(run, run.version) for run in runs],
        "evaluated": [(run, one.version) for run, one in evaluated if one is not None],
    }
    for what, told in every.items():
        known = sorted({version for _, version in told if version is not None})
        if len(known) > 1:
            counts = (
                f"{version} ({len({run.folder for run, other in told if other == version})} runs)"
                for version in known
            )
            yield f"{what} by several versions of attn: {', '.join(counts)}"
