"""All heads of a model over many sentences: what they do, and how well they align the words."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from attn import alignment, heads
from attn.alignment import Agreement, Gold
from attn.batching import Batch, IdPair, collate
from attn.contract import Role
from attn.corpora import Pair
from attn.heads import Head, Tally
from attn.translation import Translator
from attn.vocabulary import Vocabularies

SAID, READ = "said", "read"  # a step aligns the word that it says, or the one that it reads
Sum = TypeVar("Sum", Tally, Agreement)


@dataclasses.dataclass(frozen=True)
class Best:
    """The head whose alignment agrees the most with the gold one, and of which words."""

    head: str
    words: str
    error_rate: float


@dataclasses.dataclass(frozen=True)
class Survey:
    """The sums of all layers over sentences, which a model was made to say.

    ``agreements`` are those of cross-attention, by layer and by what a step is taken to align:
    the word it says, or the one it reads. ``left_out`` counts the pairs with an empty or too long
    side, ``unknown`` those of which the pieces do not tell the words.
    """

    tallies: Mapping[str, Tally] = dataclasses.field(default_factory=dict)
    agreements: Mapping[tuple[str, str], Agreement] = dataclasses.field(default_factory=dict)
    sentences: int = 0
    left_out: int = 0
    unknown: int = 0

    def __add__(self, other: "Survey") -> "Survey":
        """That of more sentences."""
        return Survey(
            _summed(self.tallies, other.tallies),
            _summed(self.agreements, other.agreements),
            self.sentences + other.sentences,
            self.left_out + other.left_out,
            self.unknown + other.unknown,
        )

    def heads(self) -> dict[str, Head]:
        """What each head does, by name: ``cross.0.head.1``."""
        return {
            _named(layer, number): head
            for layer, one in self.tallies.items()
            for number, head in enumerate(one.heads())
        }

    def error_rates(self) -> dict[tuple[str, str], float]:
        """The alignment error rate of each head, by its name and what a step aligns."""
        return {
            (_named(layer, number), which): rate
            for (layer, which), one in self.agreements.items()
            for number, rate in enumerate(one.error_rate.tolist())
        }

    def best(self) -> Best | None:
        """The head with the lowest rate; None where nothing is known of alignments."""
        rates = self.error_rates()
        if not rates:
            return None
        head, which = min(rates, key=lambda one: rates[one])
        return Best(head, which, rates[head, which])


def _summed(some: Mapping[Any, Sum], more: Mapping[Any, Sum]) -> dict[Any, Sum]:
    return {**some, **{key: some[key] + one if key in some else one for key, one in more.items()}}


def _named(layer: str, head: int) -> str:
    return f"{layer}.head.{head}"


def over(translator: Translator, pairs: Sequence[Pair], golds: Sequence[Gold | None]) -> Survey:
    """Survey the heads of a model that is made to say the targets of some pairs."""
    ids = translator.vocabularies.ids(pairs)
    usable, _ = translator.batches.usable(ids)
    found = Survey(left_out=len(pairs) - len(usable))
    for group in translator.batches.in_order([ids[number] for number in usable]):
        numbers = [usable[place] for place in group]
        batch = collate([ids[number] for number in numbers], numbers).to(translator.device)
        weights = attended(translator, batch)
        found += Survey(heads.of_batch(batch, weights), sentences=len(numbers))
        cross = {name: one.cpu() for name, one in weights.items() if is_cross(name)}
        for row, number in enumerate(numbers):
            gold = golds[number]
            if gold is not None and cross:
                own = {name: one[row] for name, one in cross.items()}
                found += _aligned(translator.vocabularies, pairs[number], ids[number], own, gold)
    return found


@torch.no_grad()
def attended(translator: Translator, batch: Batch) -> dict[str, Tensor]:
    """The weights of all layers, given the targets of a batch; see ``EncoderDecoder.attend``."""
    model: Any = translator.model
    with translator.autocast():
        weights: dict[str, Tensor] = model.attend(batch.source, batch.source_valid, batch.inputs)
    return weights


def is_cross(name: str) -> bool:
    """Whether weights of this name look from the target at the source."""
    return name.startswith(f"{Role.CROSS.value}.")


def _aligned(
    known: Vocabularies, pair: Pair, ids: IdPair, weights: Mapping[str, Tensor], gold: Gold
) -> Survey:
    """How the heads of each layer align one pair."""
    source = alignment.words(known.source, ids[0], pair.source)
    target = alignment.words(known.target, ids[1], pair.target)
    if source is None or target is None:
        return Survey(unknown=1)
    # The step after the one that says a piece is the one that reads it.
    rows = {SAID: target, READ: [range(one.start + 1, one.stop + 1) for one in target]}
    agreements = {}
    for name, one in weights.items():
        for which, some in rows.items():
            links = alignment.hard(alignment.merged(one, some, source))
            agreements[name, which] = alignment.agreement(links, gold, len(source))
    return Survey(agreements=agreements)
