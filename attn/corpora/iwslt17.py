"""IWSLT 2017: TED talks, English with German and with French."""

from collections.abc import Sequence

from attn.corpora import Pair, check_languages, check_split
from attn.corpora.archives import Archives, Sides, segments
from attn.corpora.download import Remote
from attn.registry import register

# The publisher's repository, at its only version.
URL = (
    "https://raw.githubusercontent.com/hlt-mt/WIT3/e43615b79232e9cc0fccc76d90fd1c658146d29d/archive"
)
TRAINING, TESTS = "2017-01-trnted", "2017-01-ted-test"
CHECKSUMS = {  # those of sacreBLEU, which fetches its test sets from there
    f"{TRAINING}/de-en.tgz": "md5:ca2b94d694150d4d6c5dc64c200fa589",
    f"{TRAINING}/en-de.tgz": "md5:d8a32cfc002a4f12b17429cfa78050e6",
    f"{TRAINING}/en-fr.tgz": "md5:3cf07ebe305312b12f7f1a4d5f8f8377",
    f"{TRAINING}/fr-en.tgz": "md5:19927da9de0f40348cad9c0fc61642ac",
    f"{TESTS}/de-en.tgz": "md5:e3f5b2a075a2da1a395c8b60bf1e9be1",
    f"{TESTS}/en-de.tgz": "md5:b68e7097b179491f6c466ef41ad72b9b",
    f"{TESTS}/en-fr.tgz": "md5:1849bcc3b006dc0642a8843b11aa7192",
    f"{TESTS}/fr-en.tgz": "md5:79bf7a2ef02d226875f55fb076e7e473",
}


def _remote(archive: str) -> Remote:
    folder, name = archive.split("/")
    source, target = name.removesuffix(".tgz").split("-")
    return Remote(f"{URL}/{folder}/texts/{source}/{target}/{name}", CHECKSUMS[archive])


REMOTES = {archive: _remote(archive) for archive in CHECKSUMS}
LANGUAGES = ("en", "de", "fr")
DEV = "dev2010"
IN_TRAINING = tuple(f"tst{year}" for year in range(2010, 2016))
APART = ("tst2016", "tst2017")


@register("dataset", "iwslt17")
class Iwslt17:
    """TED talks, 206,112 pairs English-German, 232,825 English-French; Cettolo et al. 2017.

    ``dev`` is dev2010; the test sets are tst2010 to tst2017, the last that of the campaign itself.
    Of the training text what is tagged, titles and descriptions too, is left out. Without ``root``
    archives are fetched when they are first read, from https://github.com/hlt-mt/WIT3. ``root`` is
    a folder with ``2017-01-trnted/en-de.tgz`` (tst2016 and tst2017 need ``2017-01-ted-test/`` of
    both directions), or with what is in them.

    Raises:
        ValueError: an unknown choice, a file that ``root`` lacks.
    """

    def __init__(self, *, root: str | None = None, source: str = "en", target: str = "de") -> None:
        check_languages(source, target, LANGUAGES)
        if "en" not in {source, target}:
            raise ValueError(f"target={target}: must be en, where source={source}")
        self.source_language, self.target_language = source, target
        self.splits = ("train", "dev", *IN_TRAINING, *APART)
        self._archives = Archives("iwslt17", REMOTES, root)
        first = [self._sides(split) for split in self.splits[:3]]
        self._archives.need(member for sides in first for member in sides)

    def read(self, split: str) -> Sequence[Pair]:
        """The pairs of a split."""
        check_split(self, split)
        reader = untagged if split == "train" else segments
        return self._archives.pairs(self._sides(split), reader)

    def _sides(self, split: str) -> Sides:
        source, target = self.source_language, self.target_language
        if split in APART:  # each archive holds the side that is translated from
            there, back = f"{source}-{target}", f"{target}-{source}"
            return (
                (f"{TESTS}/{there}.tgz", f"{there}/IWSLT17.TED.{split}.{there}.{source}.xml"),
                (f"{TESTS}/{back}.tgz", f"{back}/IWSLT17.TED.{split}.{back}.{target}.xml"),
            )
        pair = f"{source}-{target}"
        name = f"IWSLT17.TED.{DEV if split == 'dev' else split}.{pair}.{{}}.xml"
        if split == "train":
            name = f"train.tags.{pair}.{{}}"
        archive = f"{TRAINING}/{pair}.tgz"
        return (
            (archive, f"{pair}/{name.format(source)}"),
            (archive, f"{pair}/{name.format(target)}"),
        )


def untagged(lines: list[str]) -> list[str]:
    """The sentences of the training text alone."""
    return [" ".join(line.split()) for line in lines if not line.lstrip().startswith("<")]
