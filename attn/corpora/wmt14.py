"""WMT 2014: English with German and with French, the corpora of "Attention Is All You Need"."""

from collections.abc import Sequence

from attn.corpora import Pair, check_languages, check_split
from attn.corpora.archives import Archives, Sides, segments
from attn.corpora.download import Remote
from attn.registry import register

URL = "https://www.statmt.org"
EUROPARL = "training-parallel-europarl-v7.tgz"
CRAWL = "training-parallel-commoncrawl.tgz"
NEWS = "training-parallel-nc-v9.tgz"
UN = "training-parallel-un.tgz"
GIGA = "training-giga-fren.tar"
DEV, TEST = "test.tgz", "test-full.tgz"
# The sha256 are of TensorFlow Datasets, the md5 of sacreBLEU; of two archives none is published.
REMOTES = {
    EUROPARL: Remote(
        f"{URL}/wmt13/{EUROPARL}",
        "sha256:0224c7c710c8a063dfd893b0cc0830202d61f4c75c17eb8e31836103d27d96e7",
        657632379,
    ),
    CRAWL: Remote(
        f"{URL}/wmt13/{CRAWL}",
        "sha256:c7a74e2ea01ac6c920123108627e35278d4ccb5701e15428ffa34de86fa3a9e5",
        918311367,
    ),
    NEWS: Remote(
        f"{URL}/wmt14/{NEWS}",
        "sha256:cb8953f292298e6877ae433c98912b927cb0766b303f4540512ddd286c748485",
        80418416,
    ),
    UN: Remote(f"{URL}/wmt13/{UN}"),
    GIGA: Remote(f"{URL}/wmt10/{GIGA}", size=2595102720),
    DEV: Remote(f"{URL}/wmt13/{DEV}", "md5:48eca5d02f637af44e85186847141f67"),
    TEST: Remote(f"{URL}/wmt14/{TEST}", "md5:a8cd784e006feb32ac6f3d9ec7eb389a"),
}
COMMON = (
    (EUROPARL, "training/europarl-v7.PAIR.LANGUAGE"),
    (CRAWL, "commoncrawl.PAIR.LANGUAGE"),
    (NEWS, "training/news-commentary-v9.PAIR.LANGUAGE"),
)
TRAINING = {
    "de-en": COMMON,
    "fr-en": (
        *COMMON,
        (UN, "un/undoc.2000.PAIR.LANGUAGE"),
        (GIGA, "giga-fren.release2.fixed.LANGUAGE.gz"),
    ),
}


@register("dataset", "wmt14")
class Wmt14:
    """News and more, 4.5 million pairs English-German, 40.8 English-French; Bojar et al. 2014.

    ``train`` is Europarl 7, Common Crawl and News Commentary 9; with French the UN corpus and the
    10^9 corpus too. ``dev`` is newstest2013, ``newstest2014`` the whole test set of 3,003. Without
    ``root`` archives are fetched when they are first read, 1.7 GB, with French 6.6 GB, from
    https://www.statmt.org; of the UN and the 10^9 corpus no checksum is published. ``root`` is a
    folder with these archives (newstest2013 is in ``test.tgz`` of wmt13), or with what is in them.
    All pairs are held in memory, some 2.5 GB (25 with French), and training holds their ids, some
    10 GB more (100).

    Raises:
        ValueError: an unknown choice, a file that ``root`` lacks.
    """

    def __init__(self, *, root: str | None = None, source: str = "en", target: str = "de") -> None:
        check_languages(source, target, ("en", "de", "fr"))
        if "en" not in {source, target}:
            raise ValueError(f"target={target}: must be en, where source={source}")
        self.source_language, self.target_language = source, target
        self.splits: tuple[str, ...] = ("train", "dev", "newstest2014")
        self._archives = Archives("wmt14", REMOTES, root)
        wanted = [sides for split in self.splits for sides in self._parts(split)]
        self._archives.need(member for sides in wanted for member in sides)

    def read(self, split: str) -> Sequence[Pair]:
        """The pairs of a split."""
        check_split(self, split)
        reader = list if split == "train" else segments
        parts = self._parts(split)
        return [pair for sides in parts for pair in self._archives.pairs(sides, reader)]

    def _parts(self, split: str) -> list[Sides]:
        other = self.source_language if self.target_language == "en" else self.target_language
        if split == "train":
            pair = f"{other}-en"
            named = [(archive, name.replace("PAIR", pair)) for archive, name in TRAINING[pair]]
            return [self._sides(archive, name, name) for archive, name in named]
        if split == "dev":
            name = "test/newstest2013-src.LANGUAGE.sgm"
            return [self._sides(DEV, name, name)]
        name = f"test-full/newstest2014-{other}en-SIDE.LANGUAGE.sgm"
        return [self._sides(TEST, name.replace("SIDE", "src"), name.replace("SIDE", "ref"))]

    def _sides(self, archive: str, source: str, target: str) -> Sides:
        return (
            (archive, source.replace("LANGUAGE", self.source_language)),
            (archive, target.replace("LANGUAGE", self.target_language)),
        )
