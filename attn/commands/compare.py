"""``attn compare``: a table of variants, from the folders of their runs."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import MISSING, DictConfig

from attn import assemble, corpora, scoring, splits, tables
from attn.compare import (
    comet,
    export,
    folders,
    parts,
    reading,
    report,
    rescoring,
    systems,
    tuning,
)
from attn.compare.evaluation import KNOWN
from attn.compare.groups import BOUNDS, BY
from attn.compare.reading import Run
from attn.compare.table import Asked, Table, table
from attn.compare.variants import Variant, named, variants
from attn.registry import ConfigError, RunError, as_yaml, suggest

PURPOSE = "compare runs: a row for each variant, over its seeds"
EXAMPLES = """
attn compare runs=outputs/demo
attn compare runs=outputs/demo baseline='attention=softmax' metrics=[BLEU,chrF]
attn compare runs=[outputs/demo,outputs/other] split=[test,longer]
attn compare runs=outputs/demo by=length bounds=[10,20]
attn compare runs=outputs/demo systems=[theirs:theirs.txt] format=latex > table.tex
attn compare runs=outputs/demo report=report.html
attn compare runs=outputs/demo verify=true
"""
FORMATS = (*tables.FORMATS, "latex", "json")


def check(cfg: DictConfig) -> list[str]:
    """All problems: folders without runs, unknown names, files that cannot be read."""
    asked = assemble.plain(cfg)
    found = tables.format_problems(asked["format"], FORMATS)
    found += [
        f"metrics: {one!r} is unknown; {suggest(str(one), KNOWN.values())}"
        for one in _listed(asked["metrics"])
        if str(one).lower() not in KNOWN
    ]
    found += [f"{key}=[]: names none" for key in ("split", "metrics", "runs") if asked[key] == []]
    found += comet.problems() if "COMET" in _metrics(asked) else []
    if asked["by"] is not None and asked["by"] not in BY:
        found.append(f"by={asked['by']}: unknown; {suggest(asked['by'], BY)}")
    if _listed(asked["bounds"]):
        found += _bounds_problems(asked)
    if asked["by"] in ("length", "frequency") and len(_listed(asked["split"])) > 1:
        found.append(f"split={as_yaml(asked['split'])}: by={asked['by']} is of one; name one")
    found += systems.parse(_listed(asked["systems"]))[1]
    if asked["report"] is not None:
        found += report.problems(str(asked["report"]))
    try:
        if asked["runs"] != MISSING:
            reading.check(_listed(asked["runs"]))
    except ConfigError as error:
        found += error.problems
    return found


def unused(cfg: DictConfig) -> dict[str, str]:
    """What says something of groups where there are none, or of a table that is not shown."""
    if cfg.verify:
        others = (key for key in cfg if key not in {"runs", "verify", "plugins"})
        return dict.fromkeys(map(str, others), "verify=true shows no table; leave one of them out")
    found = {}
    if cfg.by != "frequency":
        found["root"] = "is of by=frequency alone"
    else:
        found["metrics"] = "by=frequency shows F1; leave one of them out"
    if cfg.by not in ("length", "frequency"):
        found["bounds"] = "is of by=length and by=frequency alone"
    if cfg.by is not None:
        found["baseline"] = f"nothing is compared with it in scores by={cfg.by}; leave by out"
        found["report"] = "is of the whole table; leave by out"
    return found


def run(cfg: DictConfig) -> None:
    """Print the table; remarks go to standard error unless it is for a terminal."""
    asked = assemble.plain(cfg)
    paths = _listed(asked["runs"])
    if asked["verify"]:
        _verify(folders.find(paths))
        return
    found, told = tuning.chosen(reading.read(paths))
    if not found:
        raise ConfigError([
            f"runs={','.join(map(str, paths))}: no variant is tuned yet; all runs of a trial need "
            "a score on dev"
        ])
    every, splits_ = variants(found), _splits(asked)
    _check_splits(found, splits_)
    if "COMET" in _metrics(asked):
        comet.complete([one for variant in every for one in variant.runs], splits_)
    if files := systems.parse(_listed(asked["systems"]))[0]:
        every = systems.beside(every, files, splits_[0])
    wanted = Asked(splits_, _metrics(asked), _baseline(every, asked["baseline"]))
    made = table(every, wanted) if asked["by"] is None else _parted(every, wanted, asked)
    made.remarks += told
    if asked["report"] is not None:
        report.write(
            Path(str(asked["report"])),
            f"attn compare: {', '.join(map(str, paths))}",
            variants=every,
            split=splits_[0],
            table=(made.titles, made.rows, [*made.remarks, *made.notes]),
        )
        made.remarks.append(f"report in {asked['report']}")
    whole = (lambda: export.tree(every, wanted, made)) if asked["by"] is None else None
    _show(asked["format"], made, whole)


def _check_splits(found: Sequence[Run], asked: Sequence[str]) -> None:
    """ConfigError if a split, of which there are no scores, is none of any run's dataset."""
    unscored = [one for one in asked if not any(run.score(one) for run in found)]
    unscored = [one for one in unscored if one != "test"]  # a dataset may have nothing to test on
    if not unscored:
        return
    try:
        distinct = {as_yaml(run.config["dataset"]): run.config for run in found}
        every = [splits.corpus_of(config, None) for config in distinct.values()]
    except (ConfigError, KeyError):
        return  # some data lies no longer where it lay
    for split in unscored:
        if not any(split in corpus.splits for corpus in every):
            try:
                corpora.check_split(every[0], split)
            except ValueError as error:
                raise ConfigError([str(error)]) from None


def _splits(asked: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(map(str, _listed(asked["split"]))))


def _parted(every: Sequence[Variant], wanted: Asked, asked: dict[str, Any]) -> Table:
    """The scores of parts of the test set."""
    by = asked["by"]
    if by == "split":
        return parts.by_split(every, wanted)
    bounds = _listed(asked["bounds"]) or BOUNDS[by]
    if by == "length":
        return parts.by_length(every, wanted, bounds)

    def trained(config: Mapping[str, Any]) -> list[str]:
        corpus = splits.corpus_of(config, asked["root"])
        return [pair.target for pair in assemble.read(corpus, "train")]

    return parts.by_frequency(every, wanted, bounds, trained)


def _show(form: str, made: Table, tree: Callable[[], dict[str, Any]] | None = None) -> None:
    people = form == "terminal"
    if form == "json":
        objects = [dict(zip(made.titles, row, strict=True)) for row in made.rows]
        told = tree() if tree else {"rows": objects, "remarks": made.remarks}
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        return
    if people:
        tables.show(made.titles, made.rows)
    elif form == "latex":
        sys.stdout.write(_latex(made))
    else:
        shown = made.flat() if form == "csv" else made
        sys.stdout.write(tables.FORMATS[form](shown.titles, shown.rows))
    stars = [made.stars] if made.stars else []
    remarks = [*made.remarks, *(stars if form == "latex" else made.notes)]
    (sys.stdout if people else sys.stderr).write("".join(f"{line}\n" for line in remarks))


def _latex(made: Table) -> str:
    """The table without the columns of tests, of which the marks are left."""
    kept = [number for number in range(len(made.titles)) if number not in made.tests]
    place = {number: at for at, number in enumerate(kept)}
    return tables.latex(
        [made.titles[number] for number in kept],
        [[row[number] for number in kept] for row in made.rows],
        bold={(row, place[number]) for row, number in made.best},
        marks={(row, place[number]): mark for (row, number), mark in made.marks.items()},
    )


def _verify(found: Sequence[Path]) -> None:
    """Score everything again.

    Raises:
        RunError: some score is not that of its texts.
    """
    count, wrong = rescoring.check(found)
    if wrong:
        sys.stdout.write("".join(f"{line}\n" for line in wrong))
        told = f"{len(wrong)} mismatch{'es' if len(wrong) > 1 else ''}"
        raise RunError(f"verify=true: {told} in the scores of {_runs(count)}")
    sys.stdout.write(f"the scores of {_runs(count)} are those of their translations\n")


def _runs(count: int) -> str:
    return f"{count} run{'s' if count != 1 else ''}"


def _baseline(every: Sequence[Variant], text: str | None) -> int | None:
    """The number of the variant that is named."""
    if text is None:
        return None
    found = named(every, str(text))
    if len(found) == 1:
        return next(number for number, one in enumerate(every) if one is found[0])
    what = "no variant" if not found else f"{len(found)} variants"
    labels = "; ".join(one.label for one in (found or every)[:20])
    raise ConfigError([f"baseline={text}: names {what}; choose one of: {labels}"])


def _bounds_problems(asked: dict[str, Any]) -> list[str]:
    """Why length or frequency cannot be parted; of words that were never seen, 0 is a bound."""
    bounds = _listed(asked["bounds"])
    if asked["by"] == "frequency" and bounds[:1] == [0]:
        bounds = bounds[1:]
        return [] if not bounds else scoring.bounds_problems("bounds", bounds)
    return scoring.bounds_problems("bounds", bounds)


def _metrics(asked: dict[str, Any]) -> list[str]:
    """The metrics that are known, by their own names."""
    given = (str(one).lower() for one in _listed(asked["metrics"]))
    return list(dict.fromkeys(KNOWN[one] for one in given if one in KNOWN))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
