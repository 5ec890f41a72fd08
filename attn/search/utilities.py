"""How like each other texts are: sentence chrF and BLEU of all pairs at once."""

from collections.abc import Callable, Hashable, Iterator, Sequence

import numpy as np
from jaxtyping import Float64, Int64
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

Pairs = Float64[np.ndarray, "texts references"]
Counts = Int64[np.ndarray, "texts ngrams"]


def chrf(texts: Sequence[str]) -> Pairs:
    """The sentence chrF of text i with text j as its reference, as sacreBLEU has it, in row i.

    ``100 (1 + b^2) P R / (b^2 P + R)``, P and R being the mean precision and recall of the
    character n-grams that both texts are long enough for, ``b = 2``, ``n = 1 ... 6``. Popović 2015,
    "chrF: character n-gram F-score for automatic MT evaluation".
    """
    factor = CHRF.BETA**2
    precision, recall, orders = (np.zeros((len(texts), len(texts))) for _ in range(3))
    for counts in _ngrams(["".join(text.split()) for text in texts], CHRF.CHAR_ORDER):
        total = np.maximum(counts.sum(1), 1)
        matched = _matched(counts)
        some = counts.sum(1) > 0
        precision += matched / total[:, None]
        recall += matched / total
        orders += some[:, None] & some
    weighted = factor * precision + recall
    both = (1 + factor) * precision * recall / np.where(weighted > 0, weighted, 1)
    return 100 * both / np.maximum(orders, 1)


def bleu(texts: Sequence[str]) -> Pairs:
    """The sentence BLEU of text i with text j as its reference, as sacreBLEU has it, in row i.

    ``100 B exp(1/N sum_n log p_n)``, ``p_n`` being the share of the n-grams that are matched,
    ``N <= 4`` the largest that the text is long enough for, and ``B`` the penalty of the brief;
    where none is matched, the first takes half of a match, the next a quarter, and so on. Papineni
    et al. 2002; Chen and Cherry 2014, "A Systematic Comparison of Smoothing Techniques for
    Sentence-Level BLEU", method 3.
    """
    metric = BLEU(effective_order=True)
    words = [metric._preprocess_segment(text).split() for text in texts]
    length = np.array([len(each) for each in words], np.float64)
    logs, orders = np.zeros((len(texts), len(texts))), np.zeros((len(texts), 1))
    missed, any_matched = np.ones_like(logs), np.zeros_like(logs, dtype=bool)
    for counts in _ngrams(words, metric.max_ngram_order):
        total, matched = counts.sum(1)[:, None], _matched(counts)
        missed = np.where(matched == 0, 2 * missed, missed)
        share = np.where(matched == 0, 1 / missed, matched) / np.maximum(total, 1)
        logs += np.where(total > 0, np.log(share), 0)
        orders += total > 0
        any_matched |= matched > 0
    brief = np.minimum(1 - length / np.maximum(length, 1)[:, None], 0)
    return np.where(any_matched, 100 * np.exp(brief + logs / np.maximum(orders, 1)), 0)


UTILITIES: dict[str, Callable[[Sequence[str]], Pairs]] = {"chrF": chrf, "BLEU": bleu}


def _ngrams(texts: Sequence[Sequence[Hashable]], most: int) -> Iterator[Counts]:
    """How often each n-gram stands in each text, for n from 1 to ``most``."""
    known: dict[Hashable, int] = {}
    symbols = np.full((len(texts), max(map(len, texts), default=0) + most), -1)
    for row, text in zip(symbols, texts, strict=True):
        row[: len(text)] = [known.setdefault(symbol, len(known)) for symbol in text]
    begun = np.zeros_like(symbols)  # the number of the n-gram that begins at each place
    for n in range(most):
        real = symbols[:, n:] >= 0
        begun = begun[:, : real.shape[1]] * len(known) + symbols[:, n:]
        ngrams, number = np.unique(begun[real], return_inverse=True)
        begun[real] = number
        place = real.nonzero()[0] * len(ngrams) + number
        counts = np.bincount(place, minlength=len(texts) * len(ngrams))
        yield counts.reshape(len(texts), len(ngrams))


def _matched(counts: Counts) -> Pairs:
    """How many n-grams each two texts share: the sum over n-grams of the smaller count.

    ``min(a, b) = sum_{t >= 1} [a >= t] [b >= t]``: one product of matrices for each t.
    """
    shared = np.zeros((len(counts), len(counts)), np.float32)
    most = counts.max(0, initial=0)
    for times in range(1, counts.max(initial=0) + 1):
        often = (counts[:, most >= times] >= times).astype(np.float32)
        shared += often @ often.T
    return shared.astype(np.float64)
