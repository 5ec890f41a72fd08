"""The training loop, on a model of one matrix."""

import math

import pytest
import torch
from builders import build_model
from messages import exactly
from torch import nn

from attn.batching import collate
from attn.loss import Loss
from attn.optim import adam
from attn.precision import Precision
from attn.registry import RunError
from attn.session import Progress, Session
from attn.trainer import Trainer

SIZE = 7


class Matrix(nn.Module):
    """The hidden state of a target token is its row."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.rows = nn.Parameter(torch.randn(SIZE, 3, generator=generator))
        self.bias = nn.Parameter(torch.zeros(3))

    @property
    def output_weight(self):
        return self.rows

    def forward(self, source, valid, inputs):
        return self.rows[inputs] + self.bias


class Notes:
    """An observer whose scores are given."""

    def __init__(self, scores=()):
        self.scores, self.figures = iter(scores), {}
        self.evaluated, self.saved = [], []

    def trained(self, step, values):
        self.figures[step] = values

    def evaluate(self, progress):
        self.evaluated.append(progress.step)
        return next(self.scores, 0.0)

    def save(self, progress):
        self.saved.append(progress.step)


def batch(*lengths, offset=0):
    rows = [[4 + (offset + place) % 3 for place in range(length)] for length in lengths]
    return collate([(row, row) for row in rows], range(len(rows)))


def session(batches, **changed):
    model = Matrix()
    return Session(
        model=model,
        loss=Loss(),
        optimizer=adam(parameters=model.parameters(), learning_rate=0.1),
        schedule=lambda _: 1.0,
        precision=changed.pop("precision", None) or Precision(device="cpu", dtype="fp32"),
        epoch=lambda _, start: iter(batches[start:]),
        observer=changed.pop("observer", None) or Notes(),
        **changed,
    )


def gradient(batches):
    one = session(batches)
    Trainer(clip=0.0).update(one, batches)
    return one.model.rows.grad


def test_batches_of_one_step_are_as_one_batch():
    both = [batch(2, 5), batch(1, offset=1)]
    whole = collate([([4, 5], [4, 5]), ([4, 5, 6, 4, 5],) * 2, ([5], [5])], range(3))
    torch.testing.assert_close(gradient(both), gradient([whole]))


def test_the_gradient_is_clipped_to_its_limit():
    one = session([])
    _, norm = Trainer(clip=0.01).update(one, [batch(3)])
    assert norm > 0.01
    every = torch.cat([weight.grad.flatten() for weight in one.model.parameters()])
    assert float(every.norm()) == pytest.approx(0.01, rel=1e-3)


def test_no_step_spans_two_epochs():
    one = session([batch(1), batch(2), batch(3)])
    Trainer(steps=3, accumulate=2).fit(one)
    assert (one.progress.epoch, one.progress.batch) == (1, 2)


def test_it_reports_validates_and_saves_when_it_is_time():
    one = session([batch(3)])
    Trainer(steps=7, log_every=2, evaluate_every=3).fit(one)
    assert list(one.observer.figures) == [2, 4, 6, 7]
    assert one.observer.evaluated == [3, 6, 7]
    assert one.observer.saved == [3, 6, 7, 7]


def test_it_stops_when_told_and_saves():
    one = session([batch(3)])
    one.stop = lambda: one.progress.step == 4
    Trainer(steps=7, evaluate_every=3).fit(one)
    assert one.observer.saved == [3, 4]


def test_the_learning_rate_is_the_peak_times_the_schedule():
    one = session([batch(3)])
    one.schedule = lambda step: 1 / step
    Trainer(steps=4, log_every=1).fit(one)
    rates = [figures["learning_rate"] for figures in one.observer.figures.values()]
    assert rates == pytest.approx([0.1, 0.05, 0.1 / 3, 0.025])


@pytest.mark.parametrize("patience", [1, 2])
def test_it_ends_when_nothing_better_comes(patience):
    one = session([batch(3)])
    one.observer = Notes(scores=[1.0, 3.0, 2.0, 3.0, 9.0])
    trainer = Trainer(steps=100, evaluate_every=5, patience=patience)
    trainer.fit(one)
    last = 5 * (2 + patience)
    assert one.observer.evaluated[-1] == last
    assert trainer.end(one.progress) == f"finished at step {last} (trainer.patience={patience})"


def test_each_end_has_its_reason():
    trainer = Trainer(steps=10, minutes=2.0)
    assert trainer.end(Progress(step=9)) is None
    assert trainer.end(Progress(step=10)) == "finished at step 10 (trainer.steps=10)"
    assert (
        trainer.end(Progress(step=3, seconds=120.0)) == "finished at step 3 (trainer.minutes=2.0)"
    )


# What is not finite


def poisoned(one, steps):
    """A loss that is not a number at these steps."""
    inner = one.loss

    def loss(*given):
        smoothed, plain = inner(*given)
        factor = math.nan if one.progress.step + 1 in steps else 1.0
        return smoothed * factor, plain * factor

    one.loss = loss
    return one


def test_a_step_that_is_not_finite_changes_nothing_and_is_no_training():
    one = poisoned(session([batch(3)]), {1})
    before = one.model.rows.detach().clone()
    with pytest.raises(RunError, match=r"^step 1: the gradient was not finite in 1 steps"):
        Trainer(steps=1).fit(one)
    assert torch.equal(one.model.rows, before)


def test_what_is_skipped_is_in_no_mean():
    rest = session([batch(3)])
    Trainer(steps=2, log_every=1).fit(rest)
    one = poisoned(session([batch(3)]), {1})
    Trainer(steps=3, log_every=3).fit(one)
    figures, others = one.observer.figures[3], rest.observer.figures.values()
    assert figures["loss"] == pytest.approx(sum(other["loss"] for other in others) / 2)
    norms = [other["gradient_norm"] for other in others]
    assert figures["gradient_norm"] == pytest.approx(sum(norms) / 2)
    assert figures["skipped"] == 1


def test_the_norm_is_that_of_all_gradients():
    one = session([])
    _, norm = Trainer(clip=0.0).update(one, [batch(3)])
    every = torch.cat([weight.grad.flatten() for weight in one.model.parameters()])
    assert float(norm) == pytest.approx(float(every.norm()))


def test_in_fp16_the_limit_holds_for_the_gradient_as_it_is():
    exact, short = session([]), session([])
    short.precision = Precision(device="cpu", dtype="fp16")
    short.precision.scaler = torch.amp.GradScaler("cpu", init_scale=64.0)
    trainer = Trainer(clip=0.05)
    norms = [float(trainer.update(one, [batch(3, 2)])[1]) for one in (exact, short)]
    assert norms[1] == pytest.approx(norms[0], rel=0.01)
    gradients = [one.model.rows.grad for one in (exact, short)]
    torch.testing.assert_close(gradients[1], gradients[0], rtol=0.02, atol=1e-4)


def test_too_many_in_a_row_end_the_run():
    one = session([batch(3, 2)])
    one.model.bias.register_hook(
        lambda gradient: gradient * (math.nan if one.progress.step + 1 in {2, 4, 5, 6} else 1.0)
    )
    said = (
        "step 6: the gradient was not finite in 3 steps one after the other, here in 1 weights, "
        "bias among them, with a batch of (2, 4) target tokens (pairs 0, 1, ...); try a lower "
        "optimizer.learning_rate"
    )
    with pytest.raises(RunError, match=exactly(said)):
        Trainer(steps=10, max_skipped=3).fit(one)


def test_only_what_is_not_done_already_is_proposed():
    one = session([batch(3, 2)], precision=Precision(device="cpu", dtype="bf16"))
    one.model.bias.register_hook(lambda gradient: gradient * math.nan)
    with pytest.raises(RunError) as raised:
        Trainer(steps=10, max_skipped=1, clip=0.0).fit(one)
    assert str(raised.value).endswith(
        "; try a lower optimizer.learning_rate or trainer.clip=1.0 or precision.dtype=fp32"
    )


def test_a_lack_of_memory_names_the_batch_and_a_budget():
    one = session([batch(3, 2)])

    def forward(*_):
        raise torch.OutOfMemoryError

    one.model.forward = forward
    said = (
        "step 1: out of memory, with a batch of (2, 4) source and (2, 4) target tokens; "
        "try batches.tokens=4 trainer.accumulate=2"
    )
    with pytest.raises(RunError, match=exactly(said)):
        Trainer().fit(one)


def test_other_errors_pass():
    one = session([batch(3, 2)])

    def forward(*_):
        raise RuntimeError("something else")

    one.model.forward = forward
    with pytest.raises(RuntimeError, match=exactly("something else")):
        Trainer().fit(one)


# On a GPU


class Unread(Loss):
    """A loss of which nothing is read: all rows alike, those of padding too."""

    def __call__(self, hidden, weight, labels, padding):
        value = (hidden @ weight.t()).logsumexp(-1).sum()
        return value, value.detach()


class Deferring(torch.optim.SGD):
    """Leaves a step out by itself, as fused optimisers do."""

    _step_supports_amp_scaling = True

    def step(self):
        assert self.found_inf.device == self.param_groups[0]["params"][0].device


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_step_reads_nothing_from_its_device(accumulate, monkeypatch):
    """On a device without data whatever reads a number fails, as it would wait on a GPU."""
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda _: False)  # unknown there
    model = build_model(dropout=0.1, attention_options={"dropout": 0.1}).train().to("meta")
    precision = Precision(device="cpu", dtype="fp32")
    precision.device = torch.device("meta")
    one = Session(
        model=model,
        loss=Unread(),
        optimizer=Deferring(model.parameters(), lr=0.1),
        schedule=lambda _: 1.0,
        precision=precision,
        epoch=lambda *_: iter(()),
    )
    batches = [batch(3, 5)] * accumulate
    for _ in range(2):
        one.meter.add(batches, *Trainer().update(one, batches))
    assert one.meter.likelihood.device.type == "meta"


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["fp32", "bf16", "fp16"])
def test_no_step_waits_for_a_gpu(dtype):
    model = build_model(dropout=0.1).float().train().to("cuda")
    one = Session(
        model=model,
        loss=Loss(),
        optimizer=adam(parameters=model.parameters()),
        schedule=lambda _: 1.0,
        precision=Precision(device="cuda", dtype=dtype),
        epoch=lambda *_: iter(()),
    )
    batches = [batch(3, 5).pinned()]
    for mode in ("default", "error"):
        torch.cuda.set_sync_debug_mode(mode)
        try:
            one.meter.add(batches, *Trainer().update(one, batches))
        finally:
            torch.cuda.set_sync_debug_mode("default")


def test_the_time_that_a_device_lags_behind_is_counted_before_a_report(monkeypatch):
    one, now = session([batch(3)]), [0.0]
    monkeypatch.setattr("attn.trainer.time.perf_counter", lambda: now[0])
    one.precision.wait = lambda: now.__setitem__(0, now[0] + 100.0)
    Trainer(steps=7, log_every=3).fit(one)
    assert one.progress.seconds == 200.0
    assert one.observer.figures[3]["tokens_per_second"] == 3 * 4 / 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps=0: must be at least 1"),
        ({"accumulate": 0}, "accumulate=0: must be at least 1"),
        ({"clip": -1.0}, "clip=-1.0: must be at least 0"),
        ({"log_every": 0}, "log_every=0: must be at least 1"),
        ({"evaluate_every": 0}, "evaluate_every=0: must be at least 1"),
        ({"keep_best": 0}, "keep_best=0: must be at least 1"),
        ({"keep_last": 0}, "keep_last=0: must be at least 1"),
        ({"samples": -1}, "samples=-1: must be at least 0"),
        ({"patience": 0}, "patience=0: must be at least 1"),
        ({"max_skipped": 0}, "max_skipped=0: must be at least 1"),
        ({"minutes": 0.0}, "minutes=0.0: must be positive, or null for no limit"),
        ({"metric": "bleu"}, "metric=bleu: unknown; choose one of BLEU, chrF, TER, loss"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        Trainer(**options)


def test_epochs_without_batches_end_a_run():
    one = session([], observer=Notes())
    with pytest.raises(
        RunError,
        match=exactly(
            "100 epochs in a row held no batch; raise dataset.weights, so that pairs are drawn, or "
            "batches.max_length"
        ),
    ):
        Trainer(steps=3).fit(one)


def test_what_is_finished_but_was_never_judged_is_judged():
    notes = Notes([5.0])
    one = session([batch(3)], observer=notes, progress=Progress(step=4))
    Trainer(steps=3).fit(one)
    assert (notes.evaluated, notes.saved, one.progress.best) == ([4], [4], 5.0)


def test_a_score_that_is_no_number_is_not_the_best():
    notes = Notes([5.0, math.nan, 4.0])
    one = session([batch(3)] * 3, observer=notes)
    Trainer(steps=3, evaluate_every=1).fit(one)
    assert (one.progress.best, one.progress.stale) == (5.0, 2)
