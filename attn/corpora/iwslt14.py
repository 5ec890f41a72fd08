"""IWSLT 2014, German and English, as most papers use it."""

import functools
from collections.abc import Sequence

from attn.corpora import Pair, check_languages, check_split
from attn.corpora.archives import Archives, Sides, segments
from attn.corpora.download import Remote
from attn.corpora.moses import words
from attn.registry import register

ARCHIVE = "de-en.tgz"
REMOTES = {
    ARCHIVE: Remote(
        "https://dl.fbaipublicfiles.com/fairseq/data/iwslt14/de-en.tgz",
        "md5:10936dfdf616504ddbd844e91b94ef4a",
        19982877,
    )
}
TEST_SETS = ("TED.dev2010", "TEDX.dev2012", "TED.tst2010", "TED.tst2011", "TED.tst2012")
TEXTS = ("raw", "lowercased")
DROPPED = ("<url>", "<talkid>", "<keywords>")
STRIPPED = ("<title>", "</title>", "<description>", "</description>")
APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
MOST_WORDS, MOST_RATIO, DEV_EVERY = 175, 1.5, 23


@register("dataset", "iwslt14")
class Iwslt14:
    """160,239 pairs of TED talks, German-English, split as most papers do; Cettolo et al. 2014.

    The splits are those of the preparation that published figures are made with, the script
    prepare-iwslt14.sh of fairseq, after Ranzato et al. 2016: of the training text, titles and
    descriptions stay and what else is tagged goes; pairs of 1 to 175 words, at most 1.5 times as
    many on one side as on the other, are kept; every 23rd of these is in ``dev`` (7,283), the
    others in ``train``; ``test`` (6,750) is dev2010, dev2012 and tst2010 to tst2012 together. Words
    are counted by the rules of Moses' tokenizer with a shorter list of abbreviations, so that some
    borderline pair may be kept or left out otherwise, which would move later ones between ``train``
    and ``dev``. The text itself is not tokenized; ``text=lowercased`` is lower-cased as published
    figures have it. Without ``root`` the archive is fetched (20 MB) from where fairseq keeps it,
    since the publisher's own site, wit3.fbk.eu, gives it out by hand only; its checksum is of
    others who fetched it. ``root`` is a folder with ``de-en.tgz``, or with what is in it.

    Raises:
        ValueError: an unknown choice, a file that ``root`` lacks.
    """

    def __init__(
        self, *, root: str | None = None, text: str = "raw", source: str = "de", target: str = "en"
    ) -> None:
        if text not in TEXTS:
            raise ValueError(f"text={text}: unknown; choose one of {', '.join(TEXTS)}")
        check_languages(source, target, ("de", "en"))
        self.source_language, self.target_language = source, target
        self.splits: tuple[str, ...] = ("train", "dev", "test")
        self._lowercased = text == "lowercased"
        self._archives = Archives("iwslt14", REMOTES, root)
        self._tests = [self._sides(f"IWSLT14.{name}.de-en.{{}}.xml") for name in TEST_SETS]
        self._train = self._sides("train.tags.de-en.{}")
        self._archives.need(member for sides in (self._train, *self._tests) for member in sides)

    def read(self, split: str) -> Sequence[Pair]:
        """The pairs of a split."""
        check_split(self, split)
        pairs = self._test() if split == "test" else self._trained_on(dev=split == "dev")
        if self._lowercased:
            pairs = [Pair(pair.source.lower(), pair.target.lower()) for pair in pairs]
        return pairs

    def _trained_on(self, *, dev: bool) -> list[Pair]:
        numbered = enumerate(self._clean, 1)
        return [pair for number, pair in numbered if (number % DEV_EVERY == 0) is dev]

    def _test(self) -> list[Pair]:
        """The test sets; the published preparation writes their apostrophes so."""
        pairs = [pair for sides in self._tests for pair in self._archives.pairs(sides, segments)]
        return [
            Pair(pair.source.replace(APOSTROPHE, "'"), pair.target.replace(APOSTROPHE, "'"))
            for pair in pairs
        ]

    @functools.cached_property
    def _clean(self) -> list[Pair]:
        return [pair for pair in self._archives.pairs(self._train, untagged) if self._kept(pair)]

    def _kept(self, pair: Pair) -> bool:
        source = words(pair.source, self.source_language)
        target = words(pair.target, self.target_language)
        shorter, longer = min(source, target), max(source, target)
        return shorter >= 1 and longer <= min(MOST_WORDS, MOST_RATIO * shorter)

    def _sides(self, name: str) -> Sides:
        source, target = (
            (ARCHIVE, f"de-en/{name.format(language)}")
            for language in (self.source_language, self.target_language)
        )
        return source, target


def untagged(lines: list[str]) -> list[str]:
    """The sentences of the training text, with titles and descriptions."""
    kept = (line for line in lines if not any(tag in line for tag in DROPPED))
    return [_without_tags(line) for line in kept]


def _without_tags(line: str) -> str:
    for tag in STRIPPED:
        line = line.replace(tag, "")
    return " ".join(line.split())
