"""Subwords, learned and applied by SentencePiece."""

import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import sentencepiece

from attn.files import write_bytes
from attn.registry import register
from attn.tokenizers import BOS, EOS, PAD, UNK

FILE = "sentencepiece.model"
QUIET = 2  # errors only
LONGEST = 4096  # characters to learn from at once: SentencePiece is slow beyond, or leaves them out
SPACE = "\u2581"  # how SentencePiece writes a space; in a text, a character like any other


class SentencePiece:
    """Kudo and Richardson 2018, "SentencePiece"; text is taken as it is, spaces included.

    With ``byte_fallback`` a character that training did not see is spelled in bytes, so that every
    text comes back as it was. ``size`` is reached unless the text has too little to learn from.

    Raises:
        ValueError: sizes or shares out of their range; when trained, no text, or more characters
            in it than ``size`` has room for.
    """

    model_type: str

    def __init__(
        self, *, size: int = 8000, byte_fallback: bool = True, character_coverage: float = 1.0
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
            self._processor.load_from_serialized_proto(self._trained(some))
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
        if not text:
            return []
        first, *others = f" {text}".split(SPACE)
        ids: list[int] = self._processor.encode(first)
        for part in others:
            ids += [*self._space, *self._processor.encode(part)]
        return ids

    @property
    def _space(self) -> list[int]:
        """The ids of the character that SentencePiece would take for a space."""
        if not self.byte_fallback:
            return [UNK]
        return [self._processor.piece_to_id(f"<0x{byte:02X}>") for byte in SPACE.encode()]

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
        self._processor.load_from_serialized_proto((folder / FILE).read_bytes())


@register("tokenizer", "bpe")
class BytePairs(SentencePiece):
    """Byte-pair encoding; Sennrich, Haddow and Birch 2016."""

    model_type = "bpe"


@register("tokenizer", "unigram")
class Unigram(SentencePiece):
    """The unigram language model; Kudo 2018, "Subword Regularization"."""

    model_type = "unigram"
