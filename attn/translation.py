"""Text in, text out: tokenize, search, detokenize; the one way of validation and translation."""

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import torch

from attn.batching import Batches, collate
from attn.search import Decoder, Search
from attn.tokenizers import Tokenizer


@dataclasses.dataclass(frozen=True)
class Translation:
    """What a model said: as text, as pieces, how likely, and whether it came to an end."""

    text: str
    pieces: tuple[str, ...]
    score: float
    finished: bool


NOTHING = Translation("", (), 0.0, True)


@dataclasses.dataclass(frozen=True)
class Translator:
    """A model in evaluation mode, with all that turns text into text."""

    model: Decoder
    tokenizer: Tokenizer
    batches: Batches
    device: torch.device
    autocast: Callable[[], AbstractContextManager[None]]

    @torch.inference_mode()
    def translate(self, texts: Sequence[str], search: Search) -> list[Translation]:
        """One translation a text, in the order of the texts; nothing for nothing.

        Texts over the batches' ``max_length`` tokens are cut to it.
        """
        sources = [self.tokenizer.encode(text)[: self.batches.max_length] for text in texts]
        some = [number for number, source in enumerate(sources) if source]
        pairs = [(sources[number], ()) for number in some]
        found = [NOTHING] * len(texts)
        for group in self.batches.in_order(pairs):
            batch = collate([pairs[i] for i in group], group).to(self.device)
            with self.autocast():
                hypotheses = search(self.model, batch.source, batch.source_valid)
            for index, hypothesis in zip(group, hypotheses, strict=True):
                pieces = tuple(self.tokenizer.pieces(hypothesis.tokens))
                text = self.tokenizer.decode(hypothesis.tokens).replace("\n", " ")
                found[some[index]] = Translation(
                    text, pieces, hypothesis.score, hypothesis.finished
                )
        return found

    def cut(self, texts: Sequence[str]) -> int:
        """How many texts are longer than what is translated of them."""
        most = self.batches.max_length
        return sum(len(self.tokenizer.encode(text)) > most for text in texts)
