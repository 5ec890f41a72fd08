"""``attn evaluate``: translate a split with a trained model, and score it."""

from typing import Any

from omegaconf import DictConfig

from attn import __version__, assemble, checkpoint, corpora, results
from attn.trained import Trained

PURPOSE = "translate a split with a trained model and score it"
EXAMPLES = """
attn evaluate run=outputs/demo split=test samples=10
attn evaluate run=outputs/demo split=dev search=greedy
attn evaluate -m run=outputs/demo search=beam search.size=1,5,10
"""


def check(cfg: DictConfig) -> list[str]:
    """All problems: the run, its checkpoint, the split, the search."""
    return Trained.problems(assemble.plain(cfg)) or _split_problems(assemble.plain(cfg))


def run(cfg: DictConfig) -> float:
    """Translate and score; returns BLEU."""
    asked = assemble.plain(cfg)
    trained = Trained.of(asked)
    config = trained.config
    corpus: corpora.Corpus = assemble.part(config, "dataset", "dataset")
    split = _named(corpus, asked["split"])
    pairs = corpus.read(split)
    references = [pair.target for pair in pairs]
    translator = trained.translator()
    said = translator.translate([pair.source for pair in pairs], trained.search())
    meta = checkpoint.load_meta(trained.checkpoint)
    scores = results.save(
        trained.folder,
        split,
        said,
        references,
        scoring=assemble.scoring(config, corpus),
        search=trained.search_section,
        checkpoint={"step": meta["step"], "sha256": meta["sha256"], "attn": __version__},
    )
    for pair, one in list(zip(pairs, said, strict=True))[: asked["samples"]]:
        print(f"source       {pair.source}\ntranslation  {one.text}\nreference    {pair.target}\n")  # noqa: T201
    cut = sum(one.cut for one in said)
    if cut:
        print(f"{cut} sources were longer than batches.max_length and cut")  # noqa: T201
    print(f"{trained.folder}  {split}: {len(pairs)} sentences, step {meta['step']}")  # noqa: T201
    for name in ("BLEU", "chrF", "TER"):
        print(f"{name:5} {scores[name]['score']:6.2f}  {scores[name]['signature']}")  # noqa: T201
    bleu: float = scores["BLEU"]["score"]
    return bleu


def _named(corpus: corpora.Corpus, split: str) -> str:
    return corpora.test_split(corpus) if split == "test" else split


def _split_problems(asked: dict[str, Any]) -> list[str]:
    corpus: corpora.Corpus = assemble.part(Trained.of(asked).config, "dataset", "dataset")
    try:
        corpora.check_split(corpus, _named(corpus, asked["split"]))
    except ValueError as error:
        return [str(error)]
    return []
