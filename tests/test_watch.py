"""What happens beside training."""

import math

import pytest
import torch
import torch.nn.functional as F
from builders import build_model

from attn import registry
from attn.batching import Batches, collate
from attn.checkpoint import Checkpoints, load_meta
from attn.corpora import Pair
from attn.loss import Loss
from attn.optim import adam
from attn.precision import Precision
from attn.reporting import Report
from attn.scoring import Scoring
from attn.session import Progress, Session
from attn.tokenizers import PAD
from attn.tokenizers.listed import Words
from attn.translation import Translation, Translator
from attn.vocabulary import Vocabularies
from attn.watch import Development, Watch

PAIRS = [Pair("a b c", "x"), Pair("$\\frac$ b", "x y z x y"), Pair("c", "y")]


class Notes(Report):
    """Takes what is reported, and writes nothing."""

    def __init__(self):
        self.scalar, self.said, self.maps = [], [], []

    def scalars(self, step, group, values):
        self.scalar.append((step, group, dict(values)))

    def say(self, text):
        self.said.append(text)

    def texts(self, step, name, lines):
        pass

    def picture(self, step, name, pixels):
        assert pixels.shape[2] == 4
        self.maps.append(name)


class Knowing(Translator):
    """Says the reference."""

    def translate(self, texts, search):
        said = {pair.source: pair.target for pair in PAIRS}
        return [Translation(said[text], (), 0.0, True) for text in texts]


def watch(folder, *, pairs=PAIRS, **changed):
    tokenizer = Words()
    tokenizer.train([side for pair in PAIRS for side in (pair.source, pair.target)])
    model = build_model(size=tokenizer.size, dropout=0.5).float().train()
    known = Vocabularies(tokenizer, tokenizer)
    ids = known.ids(pairs)
    batches, precision = Batches(tokens=8, max_length=7), Precision(device="cpu", dtype="fp32")
    translator = Knowing(model, known, batches, precision.device, precision.autocast)
    search = registry.build("search", {"name": "greedy"})
    session = Session(
        model=model,
        loss=Loss(),
        optimizer=adam(parameters=model.parameters()),
        schedule=lambda _: 1.0,
        precision=precision,
        epoch=lambda *_: iter(()),
    )
    return Watch(
        report=Notes(),
        checkpoints=Checkpoints(folder, keep_last=9),
        development=Development(pairs, ids, batches, translator, search, Scoring()),
        meta={"config": {}},
        samples=changed.pop("samples", 2),
        session=session,
        **changed,
    )


def test_the_dev_loss_is_that_of_a_token_without_dropout(tmp_path):
    one = watch(tmp_path)
    one.evaluate(Progress(step=1))
    ids, model = one.development.ids, one.session.model.eval()
    batch = collate(ids, range(len(ids)))
    with torch.no_grad():
        logits = model.project(model(batch.source, batch.source_valid, batch.inputs))
    labels = batch.labels.flatten()
    expected = F.cross_entropy(logits.flatten(0, 1), labels, ignore_index=PAD)
    ((step, group, figures),) = one.report.scalar
    assert (step, group) == (1, "dev")
    assert figures["loss"] == pytest.approx(float(expected), rel=1e-5)
    assert figures["perplexity"] == pytest.approx(math.exp(figures["loss"]))


def test_figures_are_told_on_a_line(tmp_path):
    one = watch(tmp_path, samples=0)
    one.report.progress = lambda _: None
    values = {"loss": 1.5, "perplexity": 4.4817, "gradient_norm": 0.25, "learning_rate": 3e-4}
    values |= {"tokens_per_second": 512.4, "padding": 0.125, "memory_gib": 0.5}
    for skipped in (0, 2):
        one.trained(7, {**values, "skipped": skipped})
    one.evaluate(Progress(step=8))
    figures = one.report.scalar[-1][2]
    assert one.report.said == [
        "step 7  loss 1.500  perplexity 4.48  grad 0.25  lr 3.00e-04  512 tokens/s  "
        "padding 12.5%  memory 0.50 GiB",
        "step 7  loss 1.500  perplexity 4.48  grad 0.25  lr 3.00e-04  512 tokens/s  "
        "padding 12.5%  memory 0.50 GiB  skipped 2",
        f"dev at step 8  loss {figures['loss']:.3f}  perplexity {figures['perplexity']:.2f}  "
        f"BLEU {figures['BLEU']:.2f}  chrF {figures['chrF']:.2f}",
    ]


def test_samples_are_shown(tmp_path):
    one = watch(tmp_path)
    one.evaluate(Progress(step=1))
    assert one.report.said[1:] == [
        "  a b c → x (x)",
        "  $\\frac$ b → x y z x y (x y z x y)",
    ]


@pytest.mark.parametrize(("metric", "sign"), [("BLEU", 1), ("chrF", 1), ("TER", -1), ("loss", -1)])
def test_the_score_is_the_metric_that_was_chosen(tmp_path, metric, sign):
    one = watch(tmp_path, metric=metric)
    score = one.evaluate(Progress(step=1))
    figures = one.report.scalar[0][2]
    assert score == sign * figures[metric]
    one.save(Progress(step=1))
    meta = load_meta(tmp_path / "step-1")
    assert (meta["score"], meta["metric"], meta["dev_loss"]) == (score, metric, figures["loss"])


def test_a_step_is_saved_once(tmp_path):
    one = watch(tmp_path)
    for step in (1, 1, 2):
        one.save(Progress(step=step))
    assert one.checkpoints.steps() == [2]
    assert "score" not in load_meta(tmp_path / "step-2")
    assert one.report.maps == ["cross_attention"] * 2


def test_signs_of_formulas_are_drawn_as_text(tmp_path):
    one = watch(tmp_path, pairs=PAIRS[1:])
    one.save(Progress(step=1))
    assert one.report.maps == ["cross_attention"]


def test_what_is_too_long_to_be_drawn_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr("attn.watch.DRAWN", 0)
    one = watch(tmp_path)
    one.save(Progress(step=1))
    assert one.report.maps == []
    assert one.checkpoints.steps() == [1]


def test_without_samples_nothing_is_drawn(tmp_path):
    one = watch(tmp_path, samples=0)
    one.save(Progress(step=1))
    assert one.report.maps == []
    assert torch.is_grad_enabled()
