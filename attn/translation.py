"""Text in, text out: tokenize, search, detokenize; the one way of validation and translation."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import chain
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from attn.batching import EVALUATED, SEARCHED, Batch, Batches, IdPair, collate
from attn.parallel import in_parallel
from attn.precision import is_out_of_memory
from attn.search import Decoder, Hypothesis, Reading, Search
from attn.tokenizers import PAD
from attn.vocabulary import Vocabularies

Made = TypeVar("Made")


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


class PrefixError(ValueError):
    """Translations cannot begin as they should: why, by the number of the text, from 0."""

    def __init__(self, problems: Mapping[int, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = dict(problems)


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
        self,
        texts: Sequence[str],
        search: Search,
        *,
        best: int = 1,
        prefixes: Sequence[str] | None = None,
    ) -> list[list[Translation]]:
        """Up to ``best`` translations of each text, the better first; see ``translate``.

        Each begins with the prefix of its text, if there are prefixes; nothing still gives nothing.

        Raises:
            PrefixError: prefixes that the vocabulary cannot write, or the length limit not hold.
        """
        search = self.told(search)
        sources = [self.vocabularies.source.encode(text) for text in texts]
        begins = None if prefixes is None else self._begins(prefixes, sources, search)
        most = self.batches.max_length
        some = [number for number, source in enumerate(sources) if source]
        pairs = [(sources[number][:most], ()) for number in some]

        def hypotheses(batch: Batch) -> list[list[Hypothesis]]:
            more: dict[str, Tensor] = {}
            if begins is not None:
                padded = pad_sequence([begins[some[i]] for i in batch.indices], True, PAD)
                more["prefix"] = padded.to(self.device)
            return search(self.model, batch.source, batch.source_valid, best=best, **more)

        found = [[NOTHING]] * len(texts)
        for number, several in zip(
            some, self.by_batch(pairs, hypotheses, least=SEARCHED, rows=search.rows), strict=True
        ):
            cut = len(sources[number]) > most
            found[number] = [self._written(one, cut=cut) for one in several]
        return found

    def by_batch(
        self,
        pairs: Sequence[IdPair],
        work: Callable[[Batch], Sequence[Made]],
        *,
        least: int = EVALUATED,
        rows: int = 1,
    ) -> list[Made]:
        """What ``work`` makes of each pair, in the order of the pairs; see ``Batches.in_order``.

        It is called without gradients, in the number format of the model, by all workers. A batch
        for which there is no memory is halved.
        """
        workers = self.workers
        groups = self.batches.in_order(pairs, least=least, rows=rows, workers=workers)
        groups.reverse()  # the longest first

        @torch.no_grad()  # not inference_mode: autocast would cast every weight anew at each use
        def made(group: list[int]) -> Sequence[Made]:
            try:
                batch = collate([pairs[i] for i in group], group).to(self.device)
                with self.autocast():
                    return work(batch)
            except (RuntimeError, MemoryError) as error:
                if len(group) == 1 or not is_out_of_memory(error):
                    raise
            half = len(group) // 2  # beyond the error, which holds what was made so far
            return [*made(group[:half]), *made(group[half:])]

        every = in_parallel(made, groups, workers=workers)
        by_index = dict(zip(chain(*groups), chain(*every), strict=True))
        return [by_index[index] for index in range(len(pairs))]

    def _begins(
        self, prefixes: Sequence[str], sources: Sequence[Sequence[int]], search: Search
    ) -> list[Tensor]:
        """The ids of each prefix, if all can be said."""
        target, most, begins = self.vocabularies.target, self.batches.max_length, []
        problems = {}
        for number, (text, source) in enumerate(zip(prefixes, sources, strict=True)):
            ids = target.encode(text)
            begins.append(torch.tensor(ids, dtype=torch.long))
            tokens = torch.ones(1, min(len(source), most) + 1, dtype=torch.bool)
            limit = int(search.limit.of(tokens, self.model.room))
            if (written := target.decode(ids)) != text:
                problems[number] = f"the model's vocabulary writes it {written!r}"
            elif source and len(ids) >= limit:
                problems[number] = (
                    f"its length in tokens is {len(ids)}, and the whole translation may have "
                    f"{limit} with its end; raise search.max_extra"
                )
        if problems:
            raise PrefixError(problems)
        return begins

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
