"""Subwords, learned and applied by SentencePiece."""

import abc
import bisect
import functools
import io
import itertools
import math
import random
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import sentencepiece

from attn.cutting import WORDS, Draw, Merges, Ways
from attn.files import write_bytes
from attn.registry import register
from attn.tokenizers import BOS, EOS, PAD, UNK

FILE = "sentencepiece.model"
QUIET = 2  # errors only
LONGEST = 4096  # characters to learn from at once: SentencePiece is slow beyond, or leaves them out
ALL = -1  # ways to cut a text
SPACE = "\u2581"  # how SentencePiece writes a space; in a text, a character like any other


class SentencePiece(abc.ABC):
    """Kudo and Richardson 2018, "SentencePiece"; text is taken as it is, spaces included.

    With ``byte_fallback`` a character that training did not see is spelled in bytes, so that every
    text comes back as it was. ``size`` is reached unless the text has too little to learn from.

    Raises:
        ValueError: sizes or shares out of their range; when trained, no text, or more characters
            in it than ``size`` has room for.
    """

    model_type: str

    def __init__(
        self,
        *,
        size: int,
        byte_fallback: bool,
        character_coverage: float,
        samples: bool,
    ) -> None:
        least = 4 + 256 * byte_fallback + 1
        if size < least:
            raise ValueError(f"size={size}: must be at least {least}")
        if not 0 < character_coverage <= 1:
            raise ValueError(
                f"character_coverage={character_coverage}: must be above 0 and at most 1"
            )
        self.wanted, self.byte_fallback = size, byte_fallback
        self.character_coverage = character_coverage
        self.samples = samples
        self._processor = sentencepiece.SentencePieceProcessor()

    @property
    def size(self) -> int:
        """How many pieces there are, the special ones included."""
        count: int = self._processor.get_piece_size()
        return count

    def train(self, lines: Iterable[str]) -> None:
        """Learn the pieces."""
        some = [
            f" {line[start : start + LONGEST]}"
            for line in lines
            if line.strip()
            for start in range(0, len(line), LONGEST)
        ]
        if not some:
            raise ValueError("there is no text to learn a vocabulary from")
        try:
            self._use(self._trained(some))
        except RuntimeError as error:
            if not (counts := re.search(r"required_chars\. \d+ vs (\d+)", str(error))):
                raise
            raise ValueError(
                f"size={self.wanted}: must be at least {counts[1]}, for the characters of this "
                f"text alone; or lower character_coverage={self.character_coverage}"
            ) from None

    def _trained(self, lines: Iterable[str]) -> bytes:
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            model_type=self.model_type,
            vocab_size=self.wanted,
            hard_vocab_limit=False,
            byte_fallback=self.byte_fallback,
            character_coverage=self.character_coverage,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            add_dummy_prefix=False,  # encode and decode see to it
            max_sentence_length=5 * LONGEST,  # bytes
            pad_id=PAD,
            bos_id=BOS,
            eos_id=EOS,
            unk_id=UNK,
            num_threads=1,
            minloglevel=QUIET,
        )
        return model.getvalue()

    def encode(self, text: str) -> list[int]:
        """The ids of a text; a word at its begin is the same as after a space."""
        return self._parted(text, self._processor.encode) if text else []

    def sample(self, text: str, seed: int) -> list[int]:
        """The ids of a text, cut at random; the seed alone decides how."""
        if not self.samples:
            return self.encode(text)
        draw = random.Random(seed).random
        return self._parted(text, lambda part: self._drawn(part, draw)) if text else []

    @abc.abstractmethod
    def _drawn(self, text: str, draw: Draw) -> list[int]:
        """The ids of a text without the character for a space, cut by draws."""

    def _parted(self, text: str, cut: Callable[[str], list[int]]) -> list[int]:
        first, *others = f" {text}".split(SPACE)
        ids = list(cut(first))
        for part in others:
            ids += [*self._space, *cut(part)]
        return ids

    def _by_word(self, text: str, cut: Callable[[str], Sequence[str]]) -> list[int]:
        """The ids of a text whose words are cut each for itself: no piece reaches over a space."""
        words = re.findall(f"{SPACE}[^{SPACE}]*|[^{SPACE}]+", text.replace(" ", SPACE))
        return self._ids([piece for word in words for piece in cut(word)])

    def _ids(self, pieces: Iterable[str]) -> list[int]:
        """The ids of pieces; what is none is spelled in bytes, or is one that is not known."""
        ids: list[int] = []
        for piece in pieces:
            if (known := self._known.get(piece)) is not None:
                ids.append(known)
            elif self.byte_fallback:
                ids += self._bytes(piece)
            elif ids[-1:] != [UNK]:  # several in a row are one, as for SentencePiece
                ids.append(UNK)
        return ids

    def _bytes(self, text: str) -> list[int]:
        return [self._processor.piece_to_id(f"<0x{byte:02X}>") for byte in text.encode()]

    @property
    def _space(self) -> list[int]:
        """The ids of the character that SentencePiece would take for a space."""
        return self._bytes(SPACE) if self.byte_fallback else [UNK]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""
        text: str = self._processor.decode([i for i in ids if i not in (PAD, BOS, EOS)])
        return text.removeprefix(" ")

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The written form of each id."""
        return [self._processor.id_to_piece(int(i)) for i in ids]

    def save(self, folder: Path) -> None:
        """Write the model into a folder."""
        write_bytes(folder / FILE, self._processor.serialized_model_proto())

    def load(self, folder: Path) -> None:
        """Read the model from a folder."""
        self._use((folder / FILE).read_bytes())

    def _use(self, model: bytes) -> None:
        self._processor.load_from_serialized_proto(model)
        if not self.samples:
            return
        ids = range(UNK + 1, self.size)
        pieces = {self._processor.id_to_piece(i): i for i in ids if not self._processor.is_byte(i)}
        self._known = pieces
        self._begin({piece: self._processor.get_score(i) for piece, i in pieces.items()})

    @abc.abstractmethod
    def _begin(self, scores: dict[str, float]) -> None:
        """Take the scores of the pieces of a model, to cut by draws."""


@register("tokenizer", "bpe")
class BytePairs(SentencePiece):
    """Byte-pair encoding; Sennrich, Haddow and Birch 2016.

    In training each merge is left out with probability ``dropout``, anew in each epoch; Provilkov,
    Emelianenko and Voita 2020, "BPE-Dropout: Simple and Effective Subword Regularization".

    Raises:
        ValueError: sizes or shares out of their range; when trained, no text, or more characters
            in it than ``size`` has room for.
    """

    model_type = "bpe"

    def __init__(
        self,
        *,
        size: int = 8000,
        byte_fallback: bool = True,
        character_coverage: float = 1.0,
        dropout: float = 0.0,
    ) -> None:
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout={dropout}: must be at least 0 and below 1")
        super().__init__(
            size=size,
            byte_fallback=byte_fallback,
            character_coverage=character_coverage,
            samples=dropout > 0,
        )
        self.dropout = dropout
        cut = functools.partial(self._parted, cut=self._processor.encode)
        self._word = functools.lru_cache(WORDS)(cut)

    def encode(self, text: str) -> list[int]:
        """The ids of a text; no merge reaches over a space, so that each word is cut once."""
        return [i for word in text.split(" ") for i in self._word(word)] if text else []

    def _drawn(self, text: str, draw: Draw) -> list[int]:
        return self._by_word(text, lambda word: self._merges.cut(word, draw))

    def _use(self, model: bytes) -> None:
        self._word.cache_clear()
        super()._use(model)

    def _begin(self, scores: dict[str, float]) -> None:
        self._merges = Merges(scores, self.dropout)


@register("tokenizer", "unigram")
class Unigram(SentencePiece):
    """The unigram language model; Kudo 2018, "Subword Regularization".

    In training a text is cut in one of its ``nbest`` likeliest ways x, drawn anew in each epoch
    with probability proportional to ``p(x)^alpha``.

    Raises:
        ValueError: sizes or shares out of their range; when trained, no text, or more characters
            in it than ``size`` has room for.
    """

    model_type = "unigram"

    def __init__(
        self,
        *,
        size: int = 8000,
        byte_fallback: bool = True,
        character_coverage: float = 1.0,
        nbest: int = 1,
        alpha: float = 0.1,
    ) -> None:
        if nbest < 1 and nbest != ALL:
            raise ValueError(f"nbest={nbest}: must be at least 1, or {ALL} for all")
        if not 0 <= alpha < math.inf:
            raise ValueError(f"alpha={alpha}: must be at least 0, and finite")
        super().__init__(
            size=size,
            byte_fallback=byte_fallback,
            character_coverage=character_coverage,
            samples=nbest != 1,
        )
        self.nbest, self.alpha = nbest, alpha

    def _drawn(self, text: str, draw: Draw) -> list[int]:
        if self.nbest == ALL:
            return self._by_word(text, lambda word: self._ways.cut(word, draw))
        found: list[list[int]] = self._processor.nbest_encode(text, nbest_size=self.nbest)
        # What is no piece is spelled in each of them alike, and so does not count.
        scores = [sum(self._scores.get(i, 0.0) for i in ids) for ids in found]
        shares = [math.exp(self.alpha * (score - scores[0])) for score in scores]
        drawn = draw() * math.fsum(shares)
        chosen = bisect.bisect(list(itertools.accumulate(shares)), drawn)
        return found[min(chosen, len(found) - 1)]

    def _begin(self, scores: dict[str, float]) -> None:
        self._ways = Ways(scores, self.alpha)
        self._scores = {self._known[piece]: score for piece, score in scores.items()}
