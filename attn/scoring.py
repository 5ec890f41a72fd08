"""BLEU, chrF and TER with their signatures, on untouched references."""

import bisect
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

TOKENIZERS = ("auto", "13a", "intl", "char", "none")
PIECES = ("▁", "@@ ")  # what sentencepiece and subword-nmt leave in text that was not put together
STRAY = 0.1  # the share of lines with such marks that is still taken for text

Scores = dict[str, dict[str, Any]]
Groups = Mapping[str, Sequence[int]]
Statistics = dict[str, Float64[np.ndarray, "sentences counts"]]


class Scoring:
    """Scores translations with sacreBLEU.

    BLEU (Papineni et al. 2002), chrF (Popović 2015) and TER (Snover et al. 2006), each with the
    signature that Post 2018, "A Call for Clarity in Reporting BLEU Scores", asks for. ``auto`` is
    13a, or none where the corpus says that its text is tokenized.

    Raises:
        ValueError: an unknown tokenizer.
    """

    def __init__(self, *, tokenize: str = "auto", lowercase: bool = False) -> None:
        if tokenize not in TOKENIZERS:
            choices = ", ".join(TOKENIZERS)
            raise ValueError(f"tokenize={tokenize}: unknown; choose one of {choices}")
        tokenize = "13a" if tokenize == "auto" else tokenize
        self.metrics: dict[str, BLEU | CHRF | TER] = {
            "BLEU": BLEU(tokenize=tokenize, lowercase=lowercase, force=True),
            "chrF": CHRF(lowercase=lowercase),
            "TER": TER(case_sensitive=not lowercase),
        }
        for metric in self.metrics.values():
            metric.num_refs = 1  # which the signature tells

    @staticmethod
    def of(signature: str) -> "Scoring":
        """What gives scores of this signature, of any metric, but for sacreBLEU's version.

        Raises:
            ValueError: it is none of ours.
        """
        told = dict(part.split(":", 1) for part in signature.split("|") if ":" in part)
        made = Scoring(
            tokenize=told["tok"] if told.get("tok") in TOKENIZERS else "auto",
            lowercase=told.get("case") == "lc",
        )
        if unversioned(signature) not in map(unversioned, made.signatures().values()):
            raise ValueError(f"signature {signature}: nothing here scores like that")
        return made

    def words(self, line: str) -> list[str]:
        """The words of a line, as BLEU has them."""
        bleu: Any = self.metrics["BLEU"]
        words: list[str] = bleu._preprocess_segment(line).split()
        return words

    def signatures(self) -> dict[str, str]:
        """The signature of each metric."""
        return {name: str(metric.get_signature()) for name, metric in self.metrics.items()}

    def corpus(self, said: Sequence[str], references: Sequence[str]) -> Scores:
        """The scores of a corpus: ``{metric: {score, signature}}``.

        Raises:
            ValueError: unequal numbers of lines, none, or pieces in place of text.
        """
        return self.scores(self.sentences(said, references))

    def sentences(self, said: Sequence[str], references: Sequence[str]) -> Statistics:
        """What each sentence adds to the corpus statistics of each metric, a row a sentence.

        The scores of any sample of sentences, as sacreBLEU gives them, follow from its rows alone.

        Raises:
            ValueError: unequal numbers of lines, none, or pieces in place of text.
        """
        _check(said, references)
        return {
            name: np.array(metric._extract_corpus_statistics(said, [references]), np.float64)
            for name, metric in self.metrics.items()
        }

    def scores(self, statistics: Statistics) -> Scores:
        """The scores of the sentences whose statistics these are."""
        return {
            name: {"score": self.score_of(name, statistics[name]), "signature": signature}
            for name, signature in self.signatures().items()
        }

    def score_of(self, name: str, rows: Float64[np.ndarray, "sentences counts"]) -> float:
        """One score of the sentences whose statistics for it these are."""
        score: float = self.metrics[name]._compute_score_from_stats(rows.sum(0).tolist()).score
        return score

    def of_groups(self, statistics: Statistics, groups: Groups) -> dict[str, dict[str, Any]]:
        """The scores of sentences in groups, by name; of a group of none, their number alone."""
        return {
            group: {
                "sentences": len(rows),
                **{
                    name: self.score_of(name, every[list(rows)])
                    for name, every in statistics.items()
                    if rows
                },
            }
            for group, rows in groups.items()
        }


def by_length(sources: Sequence[str], bounds: Sequence[int]) -> Groups:
    """The sentences whose sources have so many words: up to the first bound, the second, ...

    Words are what stands between spaces, so that models of any tokenizer can be compared.
    """
    if not bounds:
        return {}
    starts = [0, *(bound + 1 for bound in bounds)]
    ends = [*map(str, bounds), ""]
    groups: dict[str, list[int]] = {
        f"{start}-{end}": [] for start, end in zip(starts, ends, strict=True)
    }
    rows = list(groups.values())
    for number, source in enumerate(sources):
        rows[bisect.bisect_left(bounds, len(source.split()))].append(number)
    return groups


def bounds_problems(key: str, bounds: Sequence[Any]) -> list[str]:
    """Why lengths cannot be parted at these bounds, if so."""
    whole = all(type(one) is int and one >= 1 for one in bounds)
    if whole and list(bounds) == sorted(set(bounds)):
        return []
    said = f"[{', '.join(map(str, bounds))}]"
    return [f"{key}={said}: must be whole numbers from 1 on, each above the one before"]


def marks(said: Sequence[str], references: Sequence[str]) -> dict[str, str]:
    """What tells which texts a score is of."""
    return {"reference": fingerprint(references), "translations": fingerprint(said)}


def unversioned(signature: str) -> str:
    """A signature without the version of sacreBLEU, which is its last part."""
    return signature.partition("|version:")[0]


def fingerprint(lines: Sequence[str]) -> str:
    """sha256 of lines of text, which is that of the file that holds them."""
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _check(said: Sequence[str], references: Sequence[str]) -> None:
    if len(said) != len(references):
        raise ValueError(f"{len(said)} translations for {len(references)} references")
    if not said:
        raise ValueError("there are no translations to score")
    for mark in PIECES:
        here, there = (sum(mark in line for line in lines) for lines in (said, references))
        if here > STRAY * len(said) + there:
            raise ValueError(
                f"{here} of {len(said)} translations hold {mark!r} and {there} references do: "
                "these are pieces, not text; put them together before they are scored"
            )
