"""Scores against sacreBLEU called directly."""

import hashlib
import random

import numpy as np
import pytest
from messages import exactly
from sacrebleu.metrics import BLEU, CHRF, TER

from attn.scoring import Scoring, fingerprint

TEXT = "der die das Hund Katze , läuft schläft nicht ; im Garten . Es ist 3.5 km weit !"
METRICS = ("BLEU", "chrF", "TER")


def corpus(size=23):
    """References, and translations in which words are lost, doubled and moved; one is empty."""
    draw, words = random.Random(5), TEXT.split()
    references = [" ".join(draw.choices(words, k=draw.randint(1, 17))) for _ in range(size)]
    said = []
    for reference in references:
        kept = [word for word in reference.split() if draw.random() > 0.15]
        if draw.random() < 0.3:
            kept.insert(0, kept[-1] if kept else "ja")
        said.append(" ".join(kept))
    return ["", *said[1:]], references


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("tokenize", ["13a", "intl", "char", "none"])
def test_equals_sacrebleu(tokenize, lowercase):
    said, references = corpus()
    said = [line.upper() for line in said[:5]] + said[5:]
    direct = {
        "BLEU": BLEU(tokenize=tokenize, lowercase=lowercase),
        "chrF": CHRF(lowercase=lowercase),
        "TER": TER(case_sensitive=not lowercase),
    }
    scores = Scoring(tokenize=tokenize, lowercase=lowercase).corpus(said, references)
    assert set(scores) == set(METRICS)
    for name, metric in direct.items():
        score = metric.corpus_score(said, [references]).score
        assert scores[name] == {"score": score, "signature": str(metric.get_signature())}


def test_auto_is_13a():
    said, references = corpus()
    assert Scoring().corpus(said, references) == Scoring(tokenize="13a").corpus(said, references)


@pytest.mark.parametrize("name", METRICS)
def test_any_sample_is_scored_from_its_statistics(name):
    said, references = corpus()
    scoring = Scoring()
    statistics = scoring.sentences(said, references)[name]
    metric = {"BLEU": BLEU(), "chrF": CHRF(), "TER": TER()}[name]
    generator = np.random.default_rng(3)
    samples = [generator.integers(0, len(said), size) for size in (1, 7, len(said), len(said))]
    for sample in samples:
        direct = metric.corpus_score([said[i] for i in sample], [[references[i] for i in sample]])
        assert scoring.score_of(name, statistics[sample]) == direct.score


def test_the_best_translation_is_the_reference():
    _, references = corpus()
    scores = Scoring().corpus(references, references)
    best = {name: pytest.approx(100.0 if name != "TER" else 0.0) for name in METRICS}
    assert {name: scores[name]["score"] for name in METRICS} == best


def test_signatures_need_no_scoring_before():
    said, references = corpus()
    statistics = Scoring().sentences(said, references)
    assert Scoring().scores(statistics) == Scoring().corpus(said, references)


def test_unknown_tokenizers_are_named():
    message = "tokenize=moses: unknown; choose one of auto, 13a, intl, char, none"
    with pytest.raises(ValueError, match=exactly(message)):
        Scoring(tokenize="moses")


@pytest.mark.parametrize(
    ("said", "references", "message"),
    [
        (["a"], ["a", "b"], "1 translations for 2 references"),
        ([], [], "there are no translations to score"),
        (
            ["▁ein ▁Hund", "▁eine ▁Katze", "ja"],
            ["ein Hund", "eine Katze", "ja"],
            "2 of 3 translations hold '▁' and 0 references do: these are pieces, not text; "
            "put them together before they are scored",
        ),
        (
            ["ein Hu@@ nd"],
            ["ein Hund"],
            "1 of 1 translations hold '@@ ' and 0 references do: these are pieces, not text; "
            "put them together before they are scored",
        ),
    ],
)
def test_what_cannot_be_scored_is_refused(said, references, message):
    with pytest.raises(ValueError, match=exactly(message)):
        Scoring().corpus(said, references)


def test_marks_that_belong_to_the_text_are_scored():
    pieces = ["▁ein ▁Hund", "▁eine ▁Katze"]
    Scoring().corpus(pieces, pieces)
    stray = ["ein ▁ Hund"] + ["eine Katze"] * 10
    Scoring().corpus(stray, ["eine Katze"] * 11)


def test_fingerprint_is_that_of_the_file(tmp_path):
    (tmp_path / "file").write_bytes("Grüße\nan alle\n".encode())
    content = (tmp_path / "file").read_bytes()
    assert fingerprint(["Grüße", "an alle"]) == hashlib.sha256(content).hexdigest()
