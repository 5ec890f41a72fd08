"""Where each piece of a translation looks in its source, and where the words belong."""

import dataclasses
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from attn.batching import collate
from attn.corpora import Pair
from attn.registry import ConfigError
from attn.remarks import warn
from attn.search import Search
from attn.tokenizers import Tokenizer
from attn.translation import Translator

PREFIX = "cross."
Heads = Float[Tensor, "heads target source"]
Words = list[range]


@dataclasses.dataclass(frozen=True)
class Looked:
    """A sentence in pieces, the weights of each layer, the pieces of words that say the same.

    ``gold`` has a pair of ranges, in the target and in the source, for each pair of words.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    layers: tuple[Heads, ...]
    gold: tuple[tuple[range, range], ...] = ()


def of_text(translator: Translator, text: str, search: Search) -> Looked:
    """What the model looks at while it says its own translation of a text."""
    source = _source(translator, text, "text")
    batch = collate([(source, ())], [0]).to(translator.device)
    with torch.no_grad(), translator.autocast():
        (found,) = translator.told(search)(translator.model, batch.source, batch.source_valid)
    return _looked(translator, source, found[0].tokens, ended=found[0].finished)


def of_pair(translator: Translator, pair: Pair, *, key: str = "sentence") -> Looked:
    """What the model looks at when it is made to say the reference; gold where that is known.

    ``key`` is how the pair was asked for.
    """
    known = translator.vocabularies
    source, target = _source(translator, pair.source, key), known.target.encode(pair.target)
    room, count = translator.model.room, len(target) + 1
    if room is not None and count > room:
        raise ConfigError([
            f"{key}: its reference takes {count} positions, and the model knows {room}; "
            "choose a shorter one"
        ])
    looked = _looked(translator, source, target, ended=True)
    if pair.alignment is None:
        return looked
    sides = (known.source, source, pair.source), (known.target, target, pair.target)
    of_source, of_target = (words(*side) for side in sides)
    if of_source is None or of_target is None:
        warn("the gold alignment is left out: some words of the sentence are unknown to the model")
        return looked
    gold = tuple((of_target[j], of_source[i]) for i, j in pair.alignment)
    return dataclasses.replace(looked, gold=gold)


def _source(translator: Translator, text: str, key: str) -> list[int]:
    ids, most = translator.vocabularies.source.encode(text), translator.batches.max_length
    if not ids:
        raise ConfigError([f"{key}: there is nothing to translate"])
    if len(ids) > most:
        raise ConfigError([f"{key}: has {len(ids)} tokens, above batches.max_length={most}"])
    return ids


@torch.no_grad()
def _looked(
    translator: Translator, source: Sequence[int], target: Sequence[int], *, ended: bool
) -> Looked:
    model, known, count = translator.model, translator.vocabularies, len(target) + ended
    batch = collate([(source, target)], [0]).to(translator.device)
    inputs = batch.inputs[:, :count]
    with translator.autocast():
        weights = model.attend(batch.source, batch.source_valid, inputs)  # type: ignore[attr-defined]
    cross = [name for name in weights if name.startswith(PREFIX)]
    cross.sort(key=lambda name: int(name.removeprefix(PREFIX)))
    said = batch.labels[0, :count].tolist()
    return Looked(
        tuple(known.source.pieces(batch.source[0].tolist())),
        tuple(known.target.pieces(said)),
        tuple(weights[name][0].float().cpu() for name in cross),
    )


def words(tokenizer: Tokenizer, ids: Sequence[int], text: str) -> Words | None:
    """The pieces of each word of a text; None if the pieces do not tell the words."""
    ends = [len(tokenizer.decode(ids[:count]).split()) for count in range(1, len(ids) + 1)]
    found = [
        range(ends.index(number), len(ends) - ends[::-1].index(number))
        for number in range(1, len(text.split()) + 1)
        if number in ends
    ]
    return found if len(found) == len(text.split()) == ends[-1] else None
