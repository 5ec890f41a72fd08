"""BLEU, chrF and TER with their signatures, on untouched references."""

import hashlib
from collections.abc import Sequence
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
            name: {
                "score": self.score_of(name, statistics[name]),
                "signature": str(metric.get_signature()),
            }
            for name, metric in self.metrics.items()
        }

    def score_of(self, name: str, rows: Float64[np.ndarray, "sentences counts"]) -> float:
        """One score of the sentences whose statistics for it these are."""
        score: float = self.metrics[name]._compute_score_from_stats(rows.sum(0).tolist()).score
        return score


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
