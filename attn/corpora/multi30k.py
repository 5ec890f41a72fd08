"""Multi30k: image captions in English, German, French and Czech."""

from collections.abc import Sequence
from pathlib import Path

from attn.corpora import Pair, check_languages, check_split
from attn.corpora import text as files
from attn.corpora.download import Remote, fetched
from attn.corpora.multi30k_files import SHA256
from attn.files import data_folder
from attn.registry import as_yaml, register

# The authors' repository as it was when these checksums were taken.
URL = (
    "https://raw.githubusercontent.com/multi30k/dataset/"
    "a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1"
)
FOLDERS = {"raw": "raw", "tokenized": "tok"}
ENDINGS = {"raw": "", "tokenized": "lc.norm.tok."}
PACKING = {"raw": ".gz", "tokenized": ""}
LANGUAGES = ("en", "de", "fr", "cs")
STEMS = {
    "train": "train",
    "dev": "val",
    "test_2016_flickr": "test_2016_flickr",
    "test_2017_flickr": "test_2017_flickr",
    "test_2017_mscoco": "test_2017_mscoco",
    "test_2018_flickr": "test_2018_flickr",
}
NOT_IN_CZECH = {"test_2017_flickr", "test_2017_mscoco"}


@register("dataset", "multi30k")
class Multi30k:
    """29,000 image captions in four languages; Elliott et al. 2016, "Multi30K".

    French is of Elliott et al. 2017, Czech of Barrault et al. 2018; the test sets of 2017 are not
    in Czech. ``text=raw`` is the text as it is written; ``tokenized`` the authors' lower-cased,
    normalised, tokenized files, on which published figures are made: these are scored with
    scoring.tokenize=none. Without ``root`` a split is fetched when it is first read, from
    https://github.com/multi30k/dataset, into ATTN_DATA or the user's cache. ``root`` is a folder
    with the same files, packed or not, e.g. ``train.en.gz``; of the test sets it needs the first.

    Raises:
        ValueError: an unknown choice, a file that ``root`` lacks.
    """

    def __init__(
        self, *, root: str | None = None, text: str = "raw", source: str = "en", target: str = "de"
    ) -> None:
        if text not in ENDINGS:
            raise ValueError(f"text={text}: unknown; choose one of {', '.join(ENDINGS)}")
        check_languages(source, target, LANGUAGES)
        self.source_language, self.target_language = source, target
        self.tokenized = text == "tokenized"
        self.splits = tuple(
            split for split in STEMS if not ("cs" in {source, target} and split in NOT_IN_CZECH)
        )
        self._root = None if root is None else Path(root).expanduser().absolute()
        self._option, self._text = f"root={as_yaml(root)}", text
        if self._root is not None:
            for split in self.splits[:3]:
                self._local(split, self._root)

    def read(self, split: str) -> Sequence[Pair]:
        """The pairs of a split."""
        check_split(self, split)
        if self._root is not None:
            return files.pairs(self._option, *self._local(split, self._root))
        languages = (self.source_language, self.target_language)
        source, target = (self._fetched(STEMS[split], language) for language in languages)
        return files.pairs(self._option, source, target)

    def _local(self, split: str, folder: Path) -> tuple[Path, Path]:
        ending = ENDINGS[self._text]
        endings = (ending + self.source_language, ending + self.target_language)
        return files.find(self._option, folder, STEMS[split], endings)

    def _fetched(self, stem: str, language: str) -> Path:
        name = f"{stem}.{ENDINGS[self._text]}{language}{PACKING[self._text]}"
        checksum = f"sha256:{SHA256[self._text][f'{stem}.{language}']}"
        url = f"{URL}/{FOLDERS[self._text]}/{name}"
        return fetched(Remote(url, checksum), data_folder() / "multi30k" / name)
