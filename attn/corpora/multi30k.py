"""Multi30k, English and German."""

from collections.abc import Sequence
from pathlib import Path

from attn.corpora import Pair, check_split
from attn.corpora import text as files
from attn.registry import register

LANGUAGES = ("en", "de")
ENDINGS = {"raw": "", "tokenized": "lc.norm.tok."}
STEMS = {"train": "train", "dev": "val", "test_2016_flickr": "test_2016_flickr"}


@register("dataset", "multi30k")
class Multi30k:
    """29,000 image captions in English and German; Elliott et al. 2016, "Multi30K".

    ``text=raw`` is the text as it is written; ``tokenized`` the authors' lower-cased, normalised,
    tokenized files, on which published figures are made: score these with scoring.tokenize=none.
    ``root`` is a folder with the authors' files, e.g. ``train.en.gz``, which they publish at
    https://github.com/multi30k/dataset in data/task1/raw and data/task1/tok.

    Raises:
        ValueError: an unknown choice, a file that is missing.
    """

    def __init__(
        self, *, root: str, text: str = "raw", source: str = "en", target: str = "de"
    ) -> None:
        if text not in ENDINGS:
            raise ValueError(f"text={text}: unknown; choose one of {', '.join(ENDINGS)}")
        for key, language in (("source", source), ("target", target)):
            if language not in LANGUAGES:
                raise ValueError(f"{key}={language}: unknown; choose one of en, de")
        if source == target:
            raise ValueError(f"target={target}: must differ from source")
        self.source_language, self.target_language = source, target
        self.splits = tuple(STEMS)
        self.tokenized = text == "tokenized"
        folder, option = Path(root).expanduser().absolute(), f"root={root}"
        endings = (ENDINGS[text] + source, ENDINGS[text] + target)
        self._files = {
            split: (option, *files.find(option, folder, stem, endings))
            for split, stem in STEMS.items()
        }

    def read(self, split: str) -> Sequence[Pair]:
        """The pairs of a split."""
        check_split(self, split)
        return files.pairs(*self._files[split])
