"""The table of variants: a row for each, over its seeds."""

import statistics
from collections.abc import Iterator, Sequence

from attn.compare.reading import Run, Score
from attn.compare.variants import MISSING, variants


def table(runs: Sequence[Run], split: str) -> tuple[list[str], list[list[str]], list[str]]:
    """Header, rows and remarks: a row a variant, the best first by its mean on the dev split."""
    every = variants(runs)
    groups = [one.runs for one in every]
    by_split = {
        "dev": [[run.dev for run in group] for group in groups],
        split: [[run.score(split) for run in group] for group in groups],
    }
    signatures = sorted({one.signature for rows in by_split.values() for one in _scores(rows)})
    columns = [(key, [one.options[key] for one in every]) for key in every[0].options]
    columns.append(("seeds", [str(len(group)) for group in groups]))
    columns.append(("parameters", [_parameters(group[0]) for group in groups]))
    for name, rows in by_split.items():
        columns += _scored(name, rows, signatures)
    rates = [[run.tokens_per_second for run in group] for group in groups]
    minutes = [[run.minutes for run in group] for group in groups]
    columns.append(("tokens/s", [_middle(some, ".0f") for some in rates]))
    columns.append(("minutes", [_middle(some, ".1f") for some in minutes]))
    header = [name for name, _ in columns]
    rows_of_text = [list(row) for row in zip(*(cells for _, cells in columns), strict=True)]
    return header, rows_of_text, list(_remarks(runs, split, signatures))


def bare(cell: str) -> str:
    """A cell as programs read it: numbers without commas, and nothing for what is not known."""
    if cell == MISSING:
        return ""
    number = cell.replace(",", "")
    return number if number.isdecimal() else cell


def _scored(
    name: str, rows: Sequence[Sequence[Score | None]], signatures: Sequence[str]
) -> Iterator[tuple[str, list[str]]]:
    """A column for each signature that a split was scored with; an empty one if with none."""
    used = {one.signature for one in _scores(rows)}
    for signature in [one for one in signatures if one in used] or [""]:
        mark = f" [{signatures.index(signature) + 1}]" if signature and len(signatures) > 1 else ""
        yield f"BLEU {name}{mark}", [_mean(row, signature) for row in rows]


def _parameters(run: Run) -> str:
    return MISSING if run.parameters is None else f"{run.parameters:,}"


def _scores(rows: Sequence[Sequence[Score | None]]) -> list[Score]:
    return [one for row in rows for one in row if one is not None]


def _mean(row: Sequence[Score | None], signature: str) -> str:
    """Mean and deviation over seeds, and over how many if not over all of them."""
    values = [one.value for one in row if one is not None and one.signature == signature]
    if not values:
        return MISSING
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    some = f" ({len(values)} of {len(row)})" if len(values) < len(row) else ""
    return f"{statistics.fmean(values):.2f}{spread}{some}"


def _middle(values: Sequence[float | None], form: str) -> str:
    known = [value for value in values if value is not None]
    return format(statistics.median(known), form) if known else MISSING


def _remarks(runs: Sequence[Run], split: str, signatures: Sequence[str]) -> Iterator[str]:
    for number, signature in enumerate(signatures, 1):
        yield f"{f'[{number}] ' if len(signatures) > 1 else ''}BLEU {signature}"
    for run in runs:
        if run.state != "finished":
            yield f"{run.state}: {run.folder}"
    unscored = [run for run in runs if run.score(split) is None]
    if unscored:
        yield f"not evaluated on {split}, by their own search with the best checkpoint:"
        yield from (f"  attn evaluate run={run.folder} split={split}" for run in unscored)
