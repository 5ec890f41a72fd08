"""From config sections to objects; the only reader of composed configs."""

import contextlib
import dataclasses
import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import nn

from attn import attention as _attention  # noqa: F401 - registers
from attn import corpora, models, optim, positions, registry, search, tokenizers, vocabulary  # noqa: F401
from attn.batching import Batches
from attn.contract import (
    OUTSIDE,
    Attention,
    InnerPosition,
    Place,
    Position,
    Role,
)
from attn.filters import Filters, counted
from attn.loss import Loss
from attn.precision import Precision
from attn.registry import ConfigError
from attn.roles import NONE, Roles, kind_of
from attn.scoring import Scoring, fingerprint
from attn.snapshot import weights_at
from attn.touched import Stamps, files_read
from attn.trainer import Trainer
from attn.translation import Translator
from attn.vocabulary import Vocabularies
from attn.weights import load_weights

Config = Mapping[str, Any]
FIXED: dict[str, Callable[..., Any]] = {
    "batches": Batches,
    "filters": Filters,
    "loss": Loss,
    "precision": Precision,
    "scoring": Scoring,
    "trainer": Trainer,
}
SECTIONS = {
    "dataset": "dataset",
    "tokenizer": "tokenizer",
    "target_tokenizer": "tokenizer",
    "search": "search",
    "validation_search": "search",
}


def part(config: Config, key: str, kind: str | None = None, **given: Any) -> Any:
    """The component of a section, its complaints as lines that begin with the option's key."""
    with _complaints(key):
        if kind is not None:
            return registry.build(kind, config[key], key=key, **given)
        section = config.get(key) or {}  # older runs lack sections that came later
        return FIXED[key](**registry.options(FIXED[key], section, key=key))


class Mixers:
    """The attentions of a config, each made for its place.

    A scheme of positions that layers share is made once for all of them.
    """

    def __init__(self, config: Config) -> None:
        self.config, self.roles = config, Roles(config)
        name = config["position"]["name"]
        self.kind = kind_of(name)
        self._shared: bool = getattr(registry.find("position", name), "shared", False)
        self.outside = self.kind in OUTSIDE
        self._common: dict[tuple[Role, int, int], InnerPosition] = {}

    def attention(self, role: Role, layer: int, dim: int) -> Attention | None:
        """The attention of one layer; None where it is to do without."""
        key, section = self.roles.section(role, layer)
        if section["name"] == NONE:
            return None
        within = not (self.outside or role is Role.CROSS)
        return self.placed(key, section, role, dim, within=within, layer=layer)

    def placed(
        self, key: str, section: Config, role: Role, dim: int, *, within: bool, layer: int = 0
    ) -> Attention:
        """The attention of a section, positions acting within it or not."""
        inner = functools.partial(self._scheme, role, dim) if within else None
        place = Place(role, dim, dim, dim, inner, layer)
        built: Attention = part({key: section}, key, "attention", place=place)
        return built

    def position(self, dim: int) -> Position | None:
        """What is added to the embeddings, if anything."""
        return part(self.config, "position", "position", dim=dim) if self.outside else None

    def _scheme(self, role: Role, dim: int, heads: int, head_dim: int) -> InnerPosition:
        given = {"role": role, "dim": dim, "heads": heads, "head_dim": head_dim}
        if not self._shared:
            made: InnerPosition = part(self.config, "position", "position", **given)
            return made
        if (role, heads, head_dim) not in self._common:
            self._common[role, heads, head_dim] = part(self.config, "position", "position", **given)
        return self._common[role, heads, head_dim]


def model(config: Config, *, source_size: int, target_size: int) -> nn.Module:
    """The model of a config, with its attentions and positions."""
    mixers = Mixers(config)
    built: nn.Module = part(
        config,
        "model",
        "model",
        source_size=source_size,
        target_size=target_size,
        joint=config.get("target_tokenizer") is None,
        attention=mixers.attention,
        position=mixers.position,
    )
    return built


def optimizer(config: Config, built: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of a model's weights."""
    made: torch.optim.Optimizer = part(
        config, "optimizer", "optimizer", parameters=built.parameters()
    )
    return made


def scoring(config: Config, corpus: corpora.Corpus) -> Scoring:
    """How translations of a corpus are scored; ``auto`` leaves tokenized text as it is."""
    section = dict(config.get("scoring") or {})
    if section.get("tokenize", "auto") == "auto" and getattr(corpus, "tokenized", False):
        section["tokenize"] = "none"
    made: Scoring = part({"scoring": section}, "scoring")
    return made


def schedule(config: Config) -> optim.Schedule:
    """The learning rate over the steps."""
    steps, dim = config["trainer"]["steps"], config["model"].get("dim", 1)
    made: optim.Schedule = part(config, "schedule", "schedule", dim=dim, steps=steps)
    return made


@contextlib.contextmanager
def _complaints(key: str) -> Iterator[None]:
    """Turn a ValueError inside into a ConfigError, the key before the option."""
    try:
        yield
    except ValueError as error:
        said = str(error)
        raise ConfigError([said if said.startswith(key) else f"{key}.{said}"]) from None


def read(corpus: corpora.Corpus, split: str) -> Sequence[corpora.Pair]:
    """The pairs of a split, its complaints as problems of the dataset."""
    with _complaints("dataset"):
        return corpus.read(split)


@dataclasses.dataclass(frozen=True)
class Material:
    """What is trained on: text, tokenizer, ids, and what was counted on the way.

    ``left_out`` counts the training pairs that were filtered, by reason; ``held_out`` are dev and
    the test split, by name. ``files`` are those that the corpus was read from.
    """

    corpus: corpora.Corpus
    train: Sequence[corpora.Pair]
    held_out: Mapping[str, Sequence[corpora.Pair]]
    vocabularies: Vocabularies
    left_out: Mapping[str, int]
    files: Stamps = dataclasses.field(default_factory=dict)

    @property
    def dev(self) -> Sequence[corpora.Pair]:
        """The split to validate on."""
        return self.held_out["dev"]

    @property
    def fingerprint(self) -> str:
        """The content of the splits that training reads: every side and weight of every pair."""
        splits = [
            [(p.source, p.target, *([p.weight] if p.weight != 1 else [])) for p in split]
            for split in (self.train, self.dev)
        ]
        return fingerprint([json.dumps(split) for split in splits])

    @functools.cached_property
    def ids(self) -> list[tuple[list[int], list[int]]]:
        """The training split in ids."""
        return self.vocabularies.ids(self.train)

    def cut(self, *, seed: int, epoch: int, most: int) -> list[tuple[list[int], list[int]]]:
        """The training split in ids, its texts cut anew for an epoch if subwords are sampled.

        What is over ``most`` tokens when it is cut otherwise is as it is.
        """
        if not self.vocabularies.samples:
            return self.ids
        sampled = self.vocabularies.sampled(self.train, seed=seed, epoch=epoch)
        return [
            pair if max(map(len, pair)) <= most else plain
            for pair, plain in zip(sampled, self.ids, strict=True)
        ]

    @functools.cached_property
    def weights(self) -> list[float] | None:
        """How often an epoch holds each pair; None where each comes once."""
        weights = [pair.weight for pair in self.train]
        return weights if any(weight != 1 for weight in weights) else None


def material(config: Config) -> Material:
    """The corpus of a config, read, and its tokenizers, trained on the training split."""
    with files_read() as files:
        corpus: corpora.Corpus = part(config, "dataset", "dataset")
        pairs, test = read(corpus, "train"), corpora.test_split(corpus)
        held_out = {s: read(corpus, s) for s in ("dev", test) if s in corpus.splits}
    if not any(pair.source.strip() and pair.target.strip() for pair in held_out["dev"]):
        raise ConfigError(["dataset: no pair of dev has text on both sides; dev is what judges"])
    chosen: Filters = part(config, "filters")
    train, left_out = chosen(pairs)
    if not train:
        raise ConfigError([f"filters: no pair is left to train on; left out: {counted(left_out)}"])
    return Material(corpus, train, held_out, _learned(config, train), left_out, files)


def _learned(config: Config, train: Sequence[corpora.Pair]) -> Vocabularies:
    """The tokenizers, trained on the sides that they are for."""

    def learned(key: str, lines: Sequence[str]) -> tokenizers.Tokenizer:
        with _complaints(key):
            build = functools.partial(part, config, key, "tokenizer")
            return vocabulary.trained(config[key], build, lines)

    sources, targets = [pair.source for pair in train], [pair.target for pair in train]
    if config.get("target_tokenizer") is None:
        both = [side for pair in zip(sources, targets, strict=True) for side in pair]
        joint = learned("tokenizer", both)
        return Vocabularies(joint, joint)
    return Vocabularies(learned("tokenizer", sources), learned("target_tokenizer", targets))


def vocabularies(config: Config, run: Path) -> Vocabularies:
    """The tokenizers that a run was trained with."""
    source: tokenizers.Tokenizer = part(config, "tokenizer", "tokenizer")
    target = source
    if config.get("target_tokenizer") is not None:
        target = part(config, "target_tokenizer", "tokenizer")
    made = Vocabularies(source, target)
    made.load(run)
    return made


def plain(cfg: DictConfig) -> dict[str, Any]:
    """A composed config as a plain dictionary, every reference resolved."""
    made = OmegaConf.to_container(cfg, resolve=True)
    assert isinstance(made, dict)
    return {str(key): value for key, value in made.items() if key != "hydra"}


def trained(config: Config, run: Path, checkpoint: Path, precision: Precision) -> Translator:
    """A trained model, ready to translate."""
    known = vocabularies(config, run)
    built = model(config, source_size=known.source.size, target_size=known.target.size)
    load_weights(built, weights_at(checkpoint))
    built = built.to(precision.device).eval()
    return translator(built, known, part(config, "batches"), precision)


def translator(
    model: nn.Module, known: Vocabularies, batches: Batches, precision: Precision
) -> Translator:
    """All that turns text into text by a model."""
    return Translator(
        model,  # type: ignore[arg-type]
        known,
        batches,
        precision.device,
        precision.autocast,
        precision.workers,
    )
