"""Text in, text out: tokenize, search, detokenize; the one way of validation and translation."""

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import torch

from attn.batching import Batches, collate
from attn.parallel import in_parallel
from attn.search import Decoder, Hypothesis, Reading, Search
from attn.vocabulary import Vocabularies


@dataclasses.dataclass(frozen=True)
class Translation:
    """What a model said: as text, as pieces, how likely, and whether it came to an end.

    ``cut`` tells that the text was too long, and that only its beginning was translated.
    """

    text: str
    pieces: tuple[str, ...]
    score: float
    finished: bool
    cut: bool = False


NOTHING = Translation("", (), 0.0, True)


@dataclasses.dataclass(frozen=True)
class Translator:
    """A model in evaluation mode, with all that turns text into text."""

    model: Decoder
    vocabularies: Vocabularies
    batches: Batches
    device: torch.device
    autocast: Callable[[], AbstractContextManager[None]]
    workers: int = 1

    def translate(self, texts: Sequence[str], search: Search) -> list[Translation]:
        """The best translation of each text, each a single line, in the order of the texts.

        Nothing gives nothing. Texts over the batches' ``max_length`` tokens are cut to it.
        """
        return [found[0] for found in self.alternatives(texts, search)]

    def alternatives(
        self, texts: Sequence[str], search: Search, *, best: int = 1
    ) -> list[list[Translation]]:
        """Up to ``best`` translations of each text, the better first; see ``translate``."""
        search = self.told(search)
        sources = [self.vocabularies.source.encode(text) for text in texts]
        most = self.batches.max_length
        some = [number for number, source in enumerate(sources) if source]
        pairs = [(sources[number][:most], ()) for number in some]
        groups = self.batches.in_order(pairs, rows=search.rows)[::-1]  # the longest first

        @torch.no_grad()  # not inference_mode: autocast would cast every weight anew at each use
        def hypotheses(group: list[int]) -> list[list[Hypothesis]]:
            batch = collate([pairs[i] for i in group], group).to(self.device)
            with self.autocast():
                return search(self.model, batch.source, batch.source_valid, best=best)

        found = [[NOTHING]] * len(texts)
        made = in_parallel(hypotheses, groups, workers=self.workers)
        for group, each in zip(groups, made, strict=True):
            for index, several in zip(group, each, strict=True):
                number = some[index]
                cut = len(sources[number]) > most
                found[number] = [self._written(one, cut=cut) for one in several]
        return found

    def told(self, search: Search) -> Search:
        """A search that judges by text, told what the text of tokens is; others as they are."""
        return search.reading(self._text) if isinstance(search, Reading) else search

    def _text(self, tokens: Sequence[int]) -> str:
        # A line stays one line, whatever counts as an end of line in the files of others.
        return " ".join(self.vocabularies.target.decode(tokens).splitlines())

    def _written(self, hypothesis: Hypothesis, *, cut: bool) -> Translation:
        tokens = hypothesis.tokens
        pieces = (" ".join(p.splitlines()) for p in self.vocabularies.target.pieces(tokens))
        score, finished = hypothesis.score, hypothesis.finished
        return Translation(self._text(tokens), tuple(pieces), score, finished, cut)
