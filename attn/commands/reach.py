"""``attn reach``: how far the gradients of a trained model reach back into the source."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from omegaconf import MISSING, DictConfig

from attn import assemble, reach, splits, tables
from attn.batching import Batch, collate
from attn.checking import is_count
from attn.registry import RunError, suggest
from attn.trained import Trained
from attn.translation import Translator

PURPOSE = "show how much each source word moves what a trained model says, by its distance"
EXAMPLES = """
attn reach run=outputs/demo
attn reach run=outputs/demo split=longer by=relative
attn reach run=outputs/demo sentences=null format=csv > reach.csv
"""


def check(cfg: DictConfig) -> list[str]:
    """All problems: the run, its checkpoint, the split, unknown choices."""
    asked = assemble.plain(cfg)
    found = Trained.problems(asked)
    if asked["run"] != MISSING:
        found += splits.problems(asked)
    if asked["by"] not in reach.BY:
        found.append(f"by={asked['by']}: unknown; {suggest(str(asked['by']), reach.BY)}")
    if asked["sentences"] is not None and not is_count(asked["sentences"]):
        found.append(f"sentences={asked['sentences']}: must be at least 1, or null for all")
    return found + tables.format_problems(str(asked["format"]))


def run(cfg: DictConfig) -> None:
    """Print the means over all pairs of words of the sentences."""
    asked = assemble.plain(cfg)
    trained = Trained.of(asked)
    corpus = splits.corpus_of(trained.config, asked["root"])
    pairs = assemble.read(corpus, splits.named(corpus, asked["split"]))[: asked["sentences"]]
    translator = trained.translator()
    model: Any = translator.model
    model.requires_grad_(False)
    ids = translator.vocabularies.ids(pairs)
    if not translator.batches.usable(ids)[0]:
        longest = translator.batches.max_length
        raise RunError(
            f"split={asked['split']}: no sentence has words on both sides, and at most "
            f"batches.max_length={longest} tokens"
        )
    found = reach.over(model, _batches(translator, ids), asked["by"])
    key = {"distance": "j - t", "relative": "j/S - t/T", "position": "j"}[asked["by"]]
    tables.put(
        asked["format"],
        [
            {key: row.pop("at"), **row}
            for row in ({**dataclasses.asdict(one), "at": _whole(one.at)} for one in found)
        ],
    )


def _batches(translator: Translator, ids: list[tuple[list[int], list[int]]]) -> Iterator[Batch]:
    """All pairs in batches, but those with an empty or too long side, as in training."""
    usable, _ = translator.batches.usable(ids)
    kept = [ids[number] for number in usable]
    for group in translator.batches.in_order(kept):
        yield collate([kept[i] for i in group], group).to(translator.device)


def _whole(at: float) -> int | float:
    return int(at) if at == int(at) else at
