"""BLEU, chrF and TER with their signatures, on untouched references."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

TOKENIZERS = ("auto", "13a", "intl", "char", "none")
Statistics = dict[str, "np.ndarray[tuple[int, ...], np.dtype[np.float64]]"]


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

    def corpus(self, said: Sequence[str], references: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The scores of a corpus: ``{metric: {score, signature}}``.

        Raises:
            ValueError: unequal numbers of lines, or none.
        """
        _check(said, references)
        scores = {}
        for name, metric in self.metrics.items():
            score = metric.corpus_score(said, [references]).score
            scores[name] = {"score": score, "signature": str(metric.get_signature())}
        return scores

    def bleu(self, said: Sequence[str], references: Sequence[str]) -> float:
        """BLEU alone."""
        _check(said, references)
        score: float = self.metrics["BLEU"].corpus_score(said, [references]).score
        return score

    def sentences(self, said: Sequence[str], references: Sequence[str]) -> Statistics:
        """What each sentence adds to the corpus statistics of each metric, a row a sentence.

        Their sums over any sample of sentences give the score of that sample; see ``score_of``.
        """
        _check(said, references)
        return {
            name: np.array(
                metric._extract_corpus_statistics(said, [references]),
                dtype=np.float64,
            )
            for name, metric in self.metrics.items()
        }

    def score_of(self, name: str, statistics: "Statistics") -> float:
        """The score of the sentences whose statistics these are."""
        total = statistics[name].sum(0).tolist()
        metric = self.metrics[name]
        score: float = metric._compute_score_from_stats(total).score
        return score


def fingerprint(lines: Sequence[str]) -> str:
    """sha256 of lines of text."""
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _check(said: Sequence[str], references: Sequence[str]) -> None:
    if len(said) != len(references):
        raise ValueError(f"{len(said)} translations for {len(references)} references")
    if not said:
        raise ValueError("there are no translations to score")
