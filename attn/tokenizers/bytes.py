"""Bytes of UTF-8."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from attn.registry import register
from attn.tokenizers import UNK

FIRST = UNK + 1


@register("tokenizer", "bytes")
class Bytes:
    """Each byte of the text in UTF-8 is an id: nothing is learned, and nothing is unknown.

    Xue et al. 2022, "ByT5: Towards a Token-Free Future with Pre-trained Byte-to-Byte Models".

    Raises:
        ValueError: when trained, no text.
    """

    size = FIRST + 256

    def train(self, lines: Iterable[str]) -> None:
        """There is nothing to learn, but there must be text."""
        if not any(lines):
            raise ValueError("there is no text to learn a vocabulary from")

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        return [FIRST + byte for byte in text.encode()]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; bytes that make no character become U+FFFD."""
        return bytes(i - FIRST for i in ids if i >= FIRST).decode(errors="replace")

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """A byte in ASCII as its character, another one as its number."""
        return [_piece(i) for i in ids]

    def save(self, folder: Path) -> None:
        """Nothing needs to be kept."""

    def load(self, folder: Path) -> None:
        """Nothing was kept."""


def _piece(i: int) -> str:
    if i < FIRST:
        return ("<pad>", "<s>", "</s>", "<unk>")[i]
    byte = i - FIRST
    return chr(byte) if 32 < byte < 127 else f"<0x{byte:02X}>"
