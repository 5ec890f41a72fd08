"""Where each piece of a sentence looks while a model says it, and where the words belong."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from attn import survey
from attn.alignment import Link, Words, merged, words
from attn.batching import Batch, collate
from attn.contract import Role
from attn.corpora import Pair
from attn.registry import ConfigError
from attn.remarks import warn
from attn.search import Search
from attn.translation import Translator

WHOLE, STEPS = "whole", "steps"
Heads = Float[Tensor, "heads rows columns"]
LABELS = {
    Role.ENCODER: ("source: looked at", "source: looks"),
    Role.DECODER: ("target: looked at", "target: said"),
    Role.CROSS: ("source: looked at", "target: said"),
}


@dataclasses.dataclass(frozen=True)
class Looked:
    """The maps of one role: what stands at columns and rows, the weights of each layer.

    ``gold`` has a pair of ranges, of rows and of columns, for each pair of words.
    """

    columns: tuple[str, ...]
    rows: tuple[str, ...]
    layers: tuple[Heads, ...]
    gold: tuple[tuple[range, range], ...] = ()
    labels: tuple[str, str] = LABELS[Role.CROSS]


@dataclasses.dataclass(frozen=True)
class Side:
    """A row of pieces, and those of each word, begin and end being words of their own."""

    pieces: tuple[str, ...]
    names: tuple[str, ...]
    words: tuple[range, ...]


@dataclasses.dataclass(frozen=True)
class Reading:
    """A pair as a model reads it: pieces, the pieces of each word, the weights of each layer.

    A step reads a piece of ``read`` and says that of ``target``. The pieces of words are None where
    the pieces do not tell them. ``gold`` has the links of words, None where they are not known.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    read: tuple[str, ...]
    texts: tuple[str, str]
    words: tuple[Words | None, Words | None]
    weights: Mapping[str, Heads]
    gold: tuple[Link, ...] | None = None

    def roles(self) -> list[Role]:
        """The roles that there are weights of."""
        return [role for role in Role if self._layers(role)]

    def looked(self, role: Role) -> Looked:
        """The maps of a role, of pieces; gold is left out, and that told, where words are lost."""
        columns = self.read if role is Role.DECODER else self.source
        rows = self.source if role is Role.ENCODER else self.target
        return Looked(columns, rows, self._layers(role), self._framed(role), LABELS[role])

    def of_words(self, role: Role) -> Looked | None:
        """The maps of a role, of whole words; None where the pieces do not tell them."""
        sides = self.sides()
        if sides is None:
            return None
        source, said, read = sides
        columns = read if role is Role.DECODER else source
        rows = source if role is Role.ENCODER else said
        layers = (merged(one, list(rows.words), list(columns.words)) for one in self._layers(role))
        links = self.gold or () if role is Role.CROSS else ()
        gold = tuple((range(j, j + 1), range(i, i + 1)) for i, j in links)
        return Looked(columns.names, rows.names, tuple(layers), gold, LABELS[role])

    def sides(self) -> tuple[Side, Side, Side] | None:
        """The words of the source, of what is said and of what is read, if the pieces tell them."""
        source, target = self.words
        if source is None or target is None:
            return None
        end, stop = range(len(self.source) - 1, len(self.source)), len(self.target)
        ended = [range(stop - 1, stop)] if target[-1].stop < stop else []
        # A step reads what the one before it has said; what the last one says is not read.
        read = [range(one.start + 1, min(one.stop + 1, stop)) for one in target]
        return (
            _side(self.source, self.texts[0], [*source, end], behind=self.source[-1:]),
            _side(self.target, self.texts[1], [*target, *ended], behind=self.target[-1:]),
            _side(self.read, self.texts[1], [range(1), *filter(len, read)], before=self.read[:1]),
        )

    def _layers(self, role: Role) -> tuple[Heads, ...]:
        names = [name for name in self.weights if name.startswith(f"{role.value}.")]
        names.sort(key=lambda name: int(name.rpartition(".")[2]))
        return tuple(self.weights[name] for name in names)

    def _framed(self, role: Role) -> tuple[tuple[range, range], ...]:
        """The pieces of words that are aligned."""
        of_source, of_target = self.words
        if role is not Role.CROSS or self.gold is None:
            return ()
        if of_source is None or of_target is None:
            warn("the gold alignment is left out: some words of the sentence are unknown to the "
                 "model")  # fmt: skip
            return ()
        return tuple((of_target[j], of_source[i]) for i, j in self.gold)


def _side(
    pieces: tuple[str, ...],
    text: str,
    parts: Sequence[range],
    *,
    before: tuple[str, ...] = (),
    behind: tuple[str, ...] = (),
) -> Side:
    names = (*before, *text.split(), *behind)
    return Side(pieces, names[: len(parts)], tuple(parts))


def of_text(
    translator: Translator, text: str, search: Search, *, key: str = "text", how: str = WHOLE
) -> Reading:
    """What the model looks at while it says its own translation of a text.

    ``key`` is how the text was asked for, ``how`` whether it is read as a whole or step by step.
    """
    source = _source(translator, text, key)
    batch = collate([(source, ())], [0]).to(translator.device)
    with torch.no_grad(), translator.autocast():
        (found,) = translator.told(search)(translator.model, batch.source, batch.source_valid)
    said = translator.vocabularies.target.decode(found[0].tokens)
    sides = (source, found[0].tokens), (text, said)
    return _reading(translator, *sides, ended=found[0].finished, how=how)


def of_pair(
    translator: Translator, pair: Pair, *, key: str = "sentence", how: str = WHOLE
) -> Reading:
    """What the model looks at when it is made to say the target; gold where that is known.

    ``key`` and ``how`` as above.
    """
    known = translator.vocabularies
    source, target = _source(translator, pair.source, key), known.target.encode(pair.target)
    room, count = translator.model.room, len(target) + 1
    if room is not None and count > room:
        raise ConfigError([
            f"{key}: its reference takes {count} positions, and the model knows {room}; "
            "choose a shorter one"
        ])
    sides = (source, target), (pair.source, pair.target)
    reading = _reading(translator, *sides, ended=True, how=how)
    return dataclasses.replace(reading, gold=pair.alignment)


def _source(translator: Translator, text: str, key: str) -> list[int]:
    ids, most = translator.vocabularies.source.encode(text), translator.batches.max_length
    if not ids:
        raise ConfigError([f"{key}: there is nothing to translate"])
    if len(ids) > most:
        raise ConfigError([f"{key}: has {len(ids)} tokens, above batches.max_length={most}"])
    return ids


def _reading(
    translator: Translator,
    ids: tuple[Sequence[int], Sequence[int]],
    texts: tuple[str, str],
    *,
    ended: bool,
    how: str,
) -> Reading:
    known = translator.vocabularies
    batch = collate([ids], [0])
    batch = dataclasses.replace(batch, target=batch.target[:, : len(ids[1]) + ended + 1])
    weights = _by_steps if how == STEPS else survey.attended
    found = weights(translator, batch.to(translator.device))
    return Reading(
        source=tuple(known.source.pieces(batch.source[0].tolist())),
        target=tuple(known.target.pieces(batch.labels[0].tolist())),
        read=tuple(known.target.pieces(batch.inputs[0].tolist())),
        texts=texts,
        words=(words(known.source, ids[0], texts[0]), words(known.target, ids[1], texts[1])),
        weights={name: one[0].float().cpu() for name, one in found.items()},
    )


@torch.no_grad()
def _by_steps(translator: Translator, batch: Batch) -> dict[str, Tensor]:
    """The weights as they are while the target is said, one piece after the other."""
    model: Any = translator.model
    found = survey.attended(translator, batch)
    count = batch.inputs.shape[1]
    with translator.autocast():
        memory = model.encode(batch.source, batch.source_valid)
        state = model.start(memory, rows=1, capacity=count, capture=True)
        steps = []
        for tokens in batch.inputs.split(1, 1):
            _, state = model.step(tokens, state)
            steps.append(state.weights)
    said = {
        name: torch.cat(
            [F.pad(one[name], (0, found[name].shape[-1] - one[name].shape[-1])) for one in steps], 2
        )
        for name in steps[0]
    }
    return {**found, **said}
