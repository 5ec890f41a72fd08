"""Multi30k, English and German."""

from collections.abc import Sequence
from pathlib import Path

from attn.corpora import Pair
from attn.corpora import text as files
from attn.registry import register

LANGUAGES = ("en", "de")
ENDINGS = {"raw": "", "tokenized": "lc.norm.tok."}
FILES = {"train": "train", "dev": "val", "test_2016_flickr": "test_2016_flickr"}


@register("dataset", "multi30k")
class Multi30k:
    """29,000 image captions in English and German; Elliott et al. 2016, "Multi30K".

    ``text=raw`` is the text as it is written; ``tokenized`` the authors' lower-cased, normalised,
    tokenized files, on which published figures are made: score these with scoring.tokenize=none.
    ``root`` is a folder with the authors' files, e.g. ``train.en.gz``.

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
        self.splits = tuple(FILES)
        self.tokenized = text == "tokenized"
        folder = Path(root).expanduser()
        if not folder.is_dir():
            raise ValueError(f"root={root}: there is no such folder")
        self._files = {
            split: _both(folder, stem, ENDINGS[text], source, target)
            for split, stem in FILES.items()
        }

    def read(self, split: str) -> Sequence[Pair]:
        """The pairs of a split."""
        source, target = self._files[split]
        return files.pairs(source, target)


def _both(folder: Path, stem: str, ending: str, source: str, target: str) -> list[Path]:
    return [
        files.find(folder, stem, f"{ending}{language}", option=f"root={folder}")
        for language in (source, target)
    ]
