"""``attn evaluate``: translate a split with a trained model, and score it."""

from collections.abc import Mapping
from typing import Any

from omegaconf import MISSING, DictConfig

from attn import __version__, assemble, corpora, results, runs, snapshot
from attn.files import output_problems
from attn.registry import LARGEST, ConfigError, as_yaml
from attn.trained import Trained

PURPOSE = "translate a split with a trained model and score it"
EXAMPLES = """
attn evaluate run=outputs/demo split=test samples=10
attn evaluate run=outputs/demo split=dev search=greedy
attn evaluate -m run=outputs/demo search=beam search.size=1,5,10
"""


def check(cfg: DictConfig) -> list[str]:
    """All problems: the run, its checkpoint, the split, the search."""
    asked = assemble.plain(cfg)
    found = Trained.problems(asked)
    if asked["run"] != MISSING:
        found += _split_problems(asked)
        found += [] if found else output_problems("run", runs.find(str(asked["run"])), folder=True)
    if asked["samples"] < 0:
        found.append(f"samples={asked['samples']}: must be at least 0")
    elif asked["samples"] > LARGEST:
        found.append(f"samples={asked['samples']}: must be within the 64 bits of an integer")
    return found


def run(cfg: DictConfig) -> float:
    """Translate and score; returns BLEU."""
    asked = assemble.plain(cfg)
    trained = Trained.of(asked)
    config = trained.config
    corpus = _corpus(config, asked["root"])
    split = _named(corpus, asked["split"])
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
    bleu: float = scores["BLEU"]["score"]
    return bleu


def _corpus(config: Mapping[str, Any], root: str | None) -> corpora.Corpus:
    """The dataset of a run, in the folder where it lies now."""
    section = dict(config["dataset"])
    if root is not None:
        if "root" not in section:
            raise ConfigError([f"root={root}: dataset={section['name']} of this run has no folder"])
        section["root"] = root
    found: corpora.Corpus = assemble.part({"dataset": section}, "dataset", "dataset")
    return found


def _named(corpus: corpora.Corpus, split: Any) -> str:
    """The split that is asked for; one called 2016 may come as a number."""
    return corpora.test_split(corpus) if split == "test" else str(split)


def _split_problems(asked: dict[str, Any]) -> list[str]:
    try:
        _, config = Trained.config_of(asked)
    except ConfigError:
        return []  # what is wrong with the run is told already
    try:
        corpus = _corpus(config, asked["root"])
        corpora.check_split(corpus, _named(corpus, asked["split"]))
    except ConfigError as error:
        return error.problems
    except ValueError as error:
        return [str(error)]
    return []
