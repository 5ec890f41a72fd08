"""``attn evaluate``: translate a split with a trained model, and score it."""

from collections.abc import Mapping
from typing import Any

from omegaconf import MISSING, DictConfig

from attn import __version__, assemble, results, runs, scoring, snapshot, splits, tables
from attn.files import output_problems
from attn.registry import LARGEST, as_yaml
from attn.trained import Trained

PURPOSE = "translate a split with a trained model and score it"
EXAMPLES = """
attn evaluate run=outputs/demo split=test samples=10
attn evaluate run=outputs/demo split=longer by_length=[10,15,20]
attn evaluate -m run=outputs/demo search=beam search.size=1,5,10
"""


def check(cfg: DictConfig) -> list[str]:
    """All problems: the run, its checkpoint, the split, the search."""
    asked = assemble.plain(cfg)
    found = Trained.problems(asked)
    if asked["run"] != MISSING:
        found += splits.problems(asked)
        found += [] if found else output_problems("run", runs.find(str(asked["run"])), folder=True)
    if asked["samples"] < 0:
        found.append(f"samples={asked['samples']}: must be at least 0")
    elif asked["samples"] > LARGEST:
        found.append(f"samples={asked['samples']}: must be within the 64 bits of an integer")
    return found + scoring.bounds_problems("by_length", asked["by_length"])


def run(cfg: DictConfig) -> float:
    """Translate and score; returns BLEU."""
    asked = assemble.plain(cfg)
    trained = Trained.of(asked)
    config = trained.config
    corpus = splits.corpus_of(config, asked["root"])
    split = splits.named(corpus, asked["split"])
    pairs = assemble.read(corpus, split)
    references = [pair.target for pair in pairs]
    translator = trained.translator()
    said = translator.translate([pair.source for pair in pairs], trained.search())
    meta = snapshot.load_meta(trained.checkpoint)
    scores = results.save(
        trained.folder,
        split,
        said,
        references,
        scoring=assemble.scoring(config, corpus),
        search=trained.search_section,
        groups=scoring.by_length([pair.source for pair in pairs], asked["by_length"]),
        checkpoint={
            "name": trained.checkpoint.name,
            "step": meta["step"],
            "sha256": meta["sha256"],
            "attn": __version__,
        },
    )
    for pair, one in list(zip(pairs, said, strict=True))[: asked["samples"]]:
        print(f"source       {pair.source}\ntranslation  {one.text}\nreference    {pair.target}\n")  # noqa: T201
    cut = sum(one.cut for one in said)
    if cut:
        print(f"sources longer than batches.max_length, and cut: {cut}")  # noqa: T201
    how = " ".join(f"{key}={as_yaml(value)}" for key, value in trained.search_section.items())
    print(f"run     {trained.folder}, {trained.checkpoint.name}")  # noqa: T201
    print(f"split   {split}: {len(pairs)} sentences\nsearch  {how.removeprefix('name=')}")  # noqa: T201
    for name in ("BLEU", "chrF", "TER"):
        print(f"{name:7} {scores[name]['score']:6.2f}  {scores[name]['signature']}")  # noqa: T201
    if asked["by_length"]:
        print()  # noqa: T201
        tables.put("terminal", _by_length(scores["by_length"]))
    bleu: float = scores["BLEU"]["score"]
    return bleu


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
