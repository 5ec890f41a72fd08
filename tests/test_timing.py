"""Speed: what is measured is what is trained and decoded."""

import pytest
import torch
from builders import build_model

from attn import timing
from attn.loss import Loss
from attn.precision import Precision
from attn.search.greedy import Greedy
from attn.tokenizers import EOS, UNK


@pytest.fixture
def watch():
    model = build_model(size=20).float()
    precision = Precision(device="cpu", dtype="fp32")
    return timing.Stopwatch(model, Loss(), torch.optim.Adam(model.parameters()), precision)


def test_batches_have_equal_tokens_and_no_padding():
    for batch in timing.batches([2, 5, 16], tokens=32, vocabulary=20):
        rows, length = batch.labels.shape
        assert batch.source.shape == (rows, length)
        assert rows == 32 // length
        assert (batch.tokens, batch.padding) == (rows * length, 0)
        assert batch.source.min() > UNK
        assert batch.source.max() < 20


def test_every_length_is_measured_and_takes_turns(watch, monkeypatch):
    turns = []
    timed = watch._timed

    def noted(run, batch):
        turns.append((run.__name__, batch.labels.shape[1]))
        return timed(run, batch)

    monkeypatch.setattr(watch, "_timed", noted)
    found = watch.speeds(timing.batches([2, 8], tokens=16, vocabulary=20), repeats=3)
    assert turns == 3 * [("_train", 2), ("_decode", 2), ("_train", 8), ("_decode", 8)]
    assert [(one.length, one.sentences) for one in found] == [(2, 8), (8, 2)]
    assert all(min(one.training, one.decoding) > 0 for one in found)
    weights = sum(one.numel() * 4 for one in watch.session.model.parameters())
    assert all(one.memory > 4 * weights for one in found)  # gradients, and Adam's two moments


def test_the_median_counts(watch, monkeypatch):
    seconds = iter([1.0, 10.0, 4.0, 20.0, 2.0, 40.0])
    monkeypatch.setattr(watch, "_timed", lambda *_: next(seconds))
    [one] = watch.speeds(timing.batches([4], tokens=8, vocabulary=20), repeats=3)
    assert (one.training, one.decoding) == (8 / 2.0, 8 / 20.0)


def test_a_model_that_never_ends_says_as_much_as_it_may():
    model = build_model(size=20).float()
    model.output.weight.data[EOS] = 100.0  # it would end at once, or never
    [batch] = timing.batches([6], tokens=30, vocabulary=20)
    search = Greedy(max_ratio=0.0, max_extra=6)
    with torch.no_grad():
        found = search(timing.Endless(model), batch.source, batch.source_valid)
    assert {(len(one.tokens), one.finished) for [one] in found} == {(6, False)}
