"""All heads of a model over many sentences."""

import contextlib
import dataclasses

import pytest
import torch
from builders import build_model

from attn import heads, survey
from attn.alignment import Gold
from attn.batching import Batches, collate
from attn.corpora import Pair
from attn.survey import READ, SAID, Best
from attn.tokenizers.listed import Words
from attn.translation import Translator
from attn.vocabulary import Vocabularies

PAIRS = [Pair("a b c", "c b a"), Pair("b c", "c b"), Pair("a", "a"), Pair("", "a"), Pair("b", "")]
GOLDS = [
    Gold.of((i, len(pair.source.split()) - 1 - i) for i in range(len(pair.source.split())))
    for pair in PAIRS
]


class Turning:
    """Looks at the source from its end to its begin: when a word is said, or a step later."""

    room = None

    def encode(self, *_):
        raise AssertionError("no search is made")

    start = step = project = encode

    def attend(self, source, valid, inputs):
        count = valid.sum(1) - 1
        rows = torch.arange(inputs.shape[1])
        said = count[:, None] - 1 - rows
        places = torch.stack((said, said + 1, torch.zeros_like(said)), 1)
        clamped = places.clamp(min=0)
        clamped = torch.minimum(clamped, count[:, None, None])
        weights = torch.nn.functional.one_hot(clamped, source.shape[1]).double()
        return {"cross.0": weights[:, 2:], "cross.1": weights[:, :2]}


def translator(model):
    tokenizer = Words()
    tokenizer.train(["a b c"])
    known = Vocabularies(tokenizer, tokenizer)
    return Translator(model, known, Batches(), torch.device("cpu"), contextlib.nullcontext)


def test_the_best_head_aligns_perfectly_what_a_step_says_or_what_it_reads():
    found = survey.over(translator(Turning()), PAIRS, GOLDS)
    assert (found.sentences, found.left_out, found.unknown) == (3, 2, 0)
    rates = found.error_rates()
    assert rates["cross.1.head.0", SAID] == rates["cross.1.head.1", READ] == 0
    assert found.best() == Best("cross.1.head.0", SAID, 0.0)
    assert rates["cross.1.head.1", SAID] > 0
    # Of six words, each linked to the first of its sentence, the three last ones are right.
    assert rates["cross.0.head.0", SAID] == pytest.approx(1 - 2 * 3 / 12)


def test_nothing_is_known_of_alignments_without_gold():
    found = survey.over(translator(Turning()), PAIRS, [None] * len(PAIRS))
    assert (found.best(), found.error_rates(), found.sentences) == (None, {}, 3)


def test_words_that_pieces_do_not_tell_are_counted(monkeypatch):
    monkeypatch.setattr("attn.alignment.words", lambda *_: None)
    found = survey.over(translator(Turning()), PAIRS, GOLDS)
    assert (found.unknown, found.sentences, found.best()) == (3, 3, None)


def test_the_figures_do_not_depend_on_how_sentences_are_batched():
    one = translator(build_model(size=7).float())
    found = survey.over(one, PAIRS[:3], [None] * 3)
    every = one.vocabularies.ids(PAIRS[:3])
    sums = None
    for pair in every:
        batch = collate([pair], [0])
        parts = heads.of_batch(batch, survey.attended(one, batch))
        sums = parts if sums is None else {name: sums[name] + parts[name] for name in parts}
    for name, head in found.heads().items():
        layer, number = name.split(".head.")
        expected = dataclasses.asdict(sums[layer].heads()[int(number)])
        assert dataclasses.asdict(head) == pytest.approx(expected, rel=1e-4)
