"""``attn evaluate``: translate a split with a trained model, and score it."""

import copy
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import MISSING, DictConfig

from attn import assemble, cost, results, runs, scoring, splits, tables
from attn.files import output_problems
from attn.members import Members, each
from attn.registry import LARGEST, as_yaml
from attn.translation import Translation, Translator

PURPOSE = "translate a split with a trained model and score it"
EXAMPLES = """
attn evaluate run=outputs/demo split=test samples=10
attn evaluate run=outputs/demo split=longer by_length=[10,15,20]
attn evaluate -m run=outputs/demo search=beam search.size=1,5,10
attn evaluate run=[outputs/demo,outputs/other] split=test
"""


LENGTH = 32  # of the sentences by which operations are counted


def check(cfg: DictConfig) -> list[str]:
    """All problems: the run, its checkpoint, the split, the search."""
    asked = assemble.plain(cfg)
    found = Members.problems(asked)
    if asked["run"] != MISSING:
        found += splits.problems(asked)
        found += [] if found else _kept_problems(asked)
    if asked["samples"] < 0:
        found.append(f"samples={asked['samples']}: must be at least 0")
    elif asked["samples"] > LARGEST:
        found.append(f"samples={asked['samples']}: must be within the 64 bits of an integer")
    return found + scoring.bounds_problems("by_length", asked["by_length"])


def run(cfg: DictConfig) -> float:
    """Translate and score; returns BLEU."""
    asked = assemble.plain(cfg)
    models = Members.of(asked)
    config = models.first.config
    corpus = splits.corpus_of(config, asked["root"])
    split = splits.named(corpus, asked["split"])
    pairs = assemble.read(corpus, split)
    sources, references = [pair.source for pair in pairs], [pair.target for pair in pairs]
    translator = models.translator()
    began = time.perf_counter()
    said = translator.translate(sources, models.search())
    seconds = time.perf_counter() - began
    folder, search = models.folder(Path(str(asked["output"]))), models.first.search_section
    scores = results.save(
        folder,
        split,
        said,
        references,
        sources=sources,
        scoring=assemble.scoring(config, corpus),
        search=search,
        groups=scoring.by_length(sources, asked["by_length"]),
        checkpoint=models.tell(),
        cost=_cost(models, translator, said, seconds),
    )
    for pair, one in list(zip(pairs, said, strict=True))[: asked["samples"]]:
        print(f"source       {pair.source}\ntranslation  {one.text}\nreference    {pair.target}\n")  # noqa: T201
    cut = sum(one.cut for one in said)
    if cut:
        print(f"sources longer than batches.max_length, and cut: {cut}")  # noqa: T201
    how = " ".join(f"{key}={as_yaml(value)}" for key, value in search.items())
    for which in models.each:
        print(f"run     {which.folder}, {which.checkpoint.name}")  # noqa: T201
    if folder != models.first.folder:
        print(f"scores  {folder}")  # noqa: T201
    print(f"split   {split}: {len(pairs)} sentences\nsearch  {how.removeprefix('name=')}")  # noqa: T201
    for name in ("BLEU", "chrF", "TER"):
        print(f"{name:7} {scores[name]['score']:6.2f}  {scores[name]['signature']}")  # noqa: T201
    if asked["by_length"]:
        print()  # noqa: T201
        tables.put("terminal", _by_length(scores["by_length"]))
    bleu: float = scores["BLEU"]["score"]
    return bleu


def _cost(
    models: Members, translator: Translator, said: Sequence[Translation], seconds: float
) -> dict[str, Any]:
    """Seconds and tokens of the translations, ends included; operations of a token of the model.

    These are of a sentence of ``LENGTH`` tokens a side, as ``attn profile`` counts them: in a
    training step by target token, to encode a source token, to say a target token greedily.
    """
    told = {"seconds": seconds, "tokens": sum(len(one.pieces) + 1 for one in said)}
    if len(models.each) > 1:
        return told
    length = min(LENGTH, translator.batches.max_length)
    known, loss = translator.vocabularies, assemble.part(models.first.config, "loss")
    model: Any = copy.deepcopy(translator.model)
    sizes = {"source_size": known.source.size, "target_size": known.target.size}
    one = cost.flops(model.cpu(), loss, rows=1, length=length, **sizes)
    flops = {"train": one.step / length, "encode": one.encode, "decode": one.decode}
    return {**told, "flops": {**flops, "length": length}}


def _kept_problems(asked: Mapping[str, Any]) -> list[str]:
    """Why scores could not be kept, if so: in the run, or below the output folder."""
    one, *others = each(asked)
    if not others and not output_problems("run", runs.find(str(one["run"])), folder=True):
        return []
    if asked["output"] is None:
        return ["output=null: needs a folder; write output=FOLDER"]
    return output_problems("output", Path(str(asked["output"])), folder=True)


def _by_length(groups: Mapping[str, Mapping[str, Any]]) -> tables.Values:
    """The scores by the lengths of sources; none where there are no sentences."""
    names = ("BLEU", "chrF", "TER")
    return [
        {
            "words": words,
            "sentences": one["sentences"],
            **{name: f"{one[name]:.2f}" if name in one else "-" for name in names},
        }
        for words, one in groups.items()
    ]
