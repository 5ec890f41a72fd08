"""Runs that were trained and evaluated, made up without a model."""

import random

from test_compare import leave

from attn import results
from attn.scoring import Scoring
from attn.translation import Translation

WORDS = ["der", "die", "das", "Hund", "Katze", "läuft", "schläft", "nicht", "im", "Garten", "heute"]
SIZE = 40


def sentences(size=SIZE, seed=5):
    """References, of 1 to 17 words."""
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(1, 17))) for _ in range(size)]


def spoken(references, quality, seed):
    """Translations in which some words are others."""
    draw = random.Random(seed)
    return [
        " ".join(word if draw.random() < quality else draw.choice(WORDS) for word in one.split())
        for one in references
    ]


def evaluate(folder, *, seed=1, quality=0.8, split="test_2016", references=None, scoring=None,
             more=None, **options):  # fmt: skip
    """A run, and what it said of a split."""
    run = leave(folder, seed=seed, **options)
    references = references or sentences()
    texts = spoken(references, quality, 100 * seed + options.get("dim", 8))
    results.save(
        run,
        split,
        [Translation(text, tuple(text.split()), -1.0, True) for text in texts],
        references,
        sources=[one.lower() for one in references],
        scoring=scoring or Scoring(),
        search={"name": "beam", "size": 5},
        checkpoint={"name": "step-10", "step": 10, "sha256": {}, "attn": "0.1.0"},
        cost=more,
    )
    return run
