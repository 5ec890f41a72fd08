"""``attn align``: what the heads of a trained model do, and how well they align the words."""

import dataclasses
import math
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import MISSING, DictConfig

from attn import alignment, assemble, results, snapshot, splits, survey, tables
from attn.alignment import Gold
from attn.contract import Role
from attn.corpora import Pair
from attn.files import output_problems
from attn.registry import RunError
from attn.roles import NONE, Roles
from attn.scoring import fingerprint
from attn.survey import READ, SAID, Best, Survey
from attn.trained import Trained

PURPOSE = "show what each head does: entropy, dead heads, alignment error rate"
EXAMPLES = """
attn align run=outputs/demo
attn align run=outputs/demo split=longer format=csv > heads.csv
attn align run=outputs/multi30k split=test gold=test.align dev_gold=dev.align
"""

ERROR_RATES = {SAID: "AER", READ: "AER of read"}
Asked = Mapping[str, Any]


def check(cfg: DictConfig) -> list[str]:
    """All problems: the run, its checkpoint, the split, files that are not there."""
    asked = assemble.plain(cfg)
    found = Trained.problems(asked)
    if asked["run"] != MISSING:
        found += splits.problems(asked)
        found += [] if found else _model_problems(asked)
    for key in ("gold", "dev_gold"):
        if asked[key] is not None and not Path(asked[key]).is_file():
            found.append(f"{key}={asked[key]}: there is no such file")
    return found + tables.format_problems(str(asked["format"]))


def _model_problems(asked: Asked) -> list[str]:
    folder, config = Trained.config_of(asked)
    roles = Roles(config)
    names = {section["name"] for role in roles.roles for _, section in roles.layers(role)}
    return [] if names - {NONE} else [f"run={folder}: its model has no attention, and so no heads"]


def run(cfg: DictConfig) -> None:
    """Print a row for each head, and keep the figures of all beside the scores of the split."""
    asked = assemble.plain(cfg)
    trained = Trained.of(asked)
    corpus = splits.corpus_of(trained.config, asked["root"])
    split, dev = splits.named(corpus, asked["split"]), corpus.splits[1]
    pairs = assemble.read(corpus, split)
    translator = trained.translator()
    found = survey.over(translator, pairs, _golds(asked, "gold", pairs))
    if not found.tallies:
        raise RunError(
            f"split={split}: no sentence has words on both sides, and at most "
            f"batches.max_length={translator.batches.max_length} tokens, or the model shows no "
            "weights"
        )
    best, on = found.best(), split
    if best is not None and split != dev:
        others = assemble.read(corpus, dev)
        chosen = survey.over(translator, others, _golds(asked, "dev_gold", others)).best()
        best, on = (best, split) if chosen is None else (chosen, dev)
    figures = _figures(found, best, on)
    checkpoint = snapshot.load_meta(trained.checkpoint)
    marks = {
        "checkpoint": {"sha256": checkpoint["sha256"]},
        "reference": fingerprint([pair.target for pair in pairs]),
    }
    writable = not output_problems("run", trained.folder, folder=True)
    kept = results.add_attention(trained.folder, split, marks, figures) if writable else []
    tables.put(asked["format"], list(_rows(found)))
    out = sys.stdout if asked["format"] == "terminal" else sys.stderr
    for line in (f"split {split}, {trained.checkpoint.name}", *_remarks(found, figures)):
        out.write(f"{line}\n")
    if kept:
        out.write(f"kept in scores.json beside {', '.join(kept)}\n")
    elif writable:
        where = f"run={trained.folder} split={split}"
        out.write(
            f"not kept: this checkpoint has no scores of the split; first attn evaluate {where}\n"
        )
    else:
        out.write(f"not kept: {trained.folder} cannot be written to\n")


def _golds(asked: Asked, option: str, pairs: Sequence[Pair]) -> list[Gold | None]:
    """The gold alignment of each pair: of a file, else of the dataset, if it knows any."""
    if asked[option] is None:
        known = (pair.alignment for pair in pairs)
        return [None if links is None else Gold.of(links) for links in known]
    return list(alignment.asked(option, asked[option], pairs))


def _figures(found: Survey, best: Best | None, on: str) -> dict[str, Any]:
    """What is kept of all heads together; ``best_head`` was chosen on the split ``chosen_on``."""
    heads = found.heads()
    by_role = {
        role.value: [
            head.entropy
            for name, head in heads.items()
            if name.startswith(f"{role.value}.") and not math.isnan(head.entropy)
        ]
        for role in Role
    }
    figures: dict[str, Any] = {
        "entropy": {role: statistics.fmean(some) for role, some in by_role.items() if some},
        "dead_heads": sum(head.dead is not None for head in heads.values()),
        "heads": len(heads),
        "sentences": found.sentences,
        "alignment_error_rate": None,
        "best_head": None,
    }
    if best is not None:
        rate = found.error_rates()[best.head, best.words]
        figures |= {"alignment_error_rate": rate, "best_head": best.head}
        figures |= {"aligns": best.words, "chosen_on": on}
    return figures


def _rows(found: Survey) -> Iterator[dict[str, tables.Value]]:
    """The figures of each head."""
    rates = found.error_rates()
    for name, head in found.heads().items():
        figures = {
            key: None if math.isnan(value) else value
            for key, value in dataclasses.asdict(head).items()
        }
        aligned = {title: rates.get((name, which)) for which, title in ERROR_RATES.items()}
        yield {"head": name, **figures, **(aligned if rates else {}), "dead": head.dead}


def _remarks(found: Survey, figures: Mapping[str, Any]) -> Iterator[str]:
    yield f"sentences  {found.sentences}, of which the model is made to say the references"
    if found.left_out:
        yield f"left out   {found.left_out} with an empty or too long side"
    if found.unknown:
        yield f"not aligned  {found.unknown}, some words of which are unknown to the model"
    by_role = ", ".join(f"{role} {value:.3f}" for role, value in figures["entropy"].items())
    yield f"entropy    {by_role} nats, the mean of heads"
    yield f"dead       {figures['dead_heads']} of {figures['heads']} heads"
    if figures["best_head"] is None:
        yield "no alignment error rate: there is no gold alignment; give gold=FILE"
        return
    which = f"{figures['best_head']}, of the words {figures['aligns']}"
    yield f"best head  {which}: AER {figures['alignment_error_rate']:.4f}"
    yield f"           chosen on {figures['chosen_on']}"
