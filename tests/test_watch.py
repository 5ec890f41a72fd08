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
from attn.heatmap import GAP, TILE, mosaic
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
    (step, group, figures) = one.report.scalar[-1]
    assert (step, group) == (1, "dev")
    assert figures["loss"] == pytest.approx(float(expected), rel=1e-5)
    assert figures["perplexity"] == pytest.approx(math.exp(figures["loss"]))


def test_figures_are_told_on_a_line(tmp_path):
    one = watch(tmp_path, samples=0)
    one.report.progress = lambda _: None
    values = {"loss": 1.5, "perplexity": 4.4817, "gradient_norm": 0.25, "learning_rate": 3e-4}
    values |= {"tokens_per_second": 512.4, "padding": 0.125, "memory_gib": 0.5}
    for changed in ({"skipped": 0}, {"skipped": 2, "perplexity": math.exp(600)}):
        one.trained(7, {**values, **changed})
    one.evaluate(Progress(step=8))
    figures = one.report.scalar[-1][2]
    assert one.report.said == [
        "step 7  loss 1.500  perplexity 4.48  grad 0.25  lr 3.00e-04  512 tokens/s  "
        "padding 12.5%  memory 0.50 GiB",
        "step 7  loss 1.500  perplexity 3.77e+260  grad 0.25  lr 3.00e-04  512 tokens/s  "
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
    figures = one.report.scalar[-1][2]
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
    assert one.report.maps == []


OF_ROLES = ["encoder", "decoder", "cross"]


def test_what_the_heads_see_is_drawn_at_each_validation(tmp_path):
    """Of the first pairs that can be drawn, always the same: of each pair a picture of a role."""
    one = watch(tmp_path)
    one.evaluate(Progress(step=1))
    first, second = ([f"maps_{pair}/{role}" for role in OF_ROLES] for pair in (0, 1))
    assert one.report.maps == [*first, "cross_attention", *second]


def test_the_entropy_of_each_head_is_a_figure(tmp_path):
    one = watch(tmp_path)
    one.evaluate(Progress(step=1))
    (group, figures), *_ = [(group, values) for _, group, values in one.report.scalar]
    assert group == "entropy"
    layers = [f"{role}.{layer}" for role in OF_ROLES for layer in (0, 1)]
    assert sorted(figures) == sorted(f"{name}.head.{head}" for name in layers for head in range(3))
    dev, model = one.development, one.session.model.eval()
    batch = collate([dev.ids[0]], [0])
    lone = watch(tmp_path, samples=1)
    lone.session.model.load_state_dict(model.state_dict())
    lone.evaluate(Progress(step=2))
    weights = model.attend(batch.source, batch.source_valid, batch.inputs)["cross.1"][0, 2]
    expected = float(torch.special.entr(weights).sum(-1).mean())
    assert lone.report.scalar[0][2]["cross.1.head.2"] == pytest.approx(expected, rel=1e-5)


def test_signs_of_formulas_are_drawn_as_text(tmp_path):
    one = watch(tmp_path, pairs=PAIRS[1:], samples=1)
    one.evaluate(Progress(step=1))
    assert one.report.maps[-1] == "cross_attention"


@pytest.mark.parametrize("way", ["samples", "long", "blind"])
def test_what_cannot_be_drawn_is_passed_over(tmp_path, monkeypatch, way):
    one = watch(tmp_path, samples=0 if way == "samples" else 2)
    if way == "long":
        monkeypatch.setattr("attn.watch.DRAWN", 0)
    if way == "blind":
        monkeypatch.setattr(type(one.session.model), "attend", lambda *_: {})
    one.evaluate(Progress(step=1))
    assert one.report.maps == []
    assert [group for _, group, _ in one.report.scalar] == ["dev"]
    assert torch.is_grad_enabled()


def test_a_mosaic_has_a_row_a_layer_and_a_column_a_head():
    layers = [torch.zeros(2, 3, 4), torch.ones(3, 3, 4)]
    pixels = mosaic(layers)
    scale = TILE // 4
    assert pixels.shape == (2 * (3 * scale + GAP), 3 * (4 * scale + GAP), 4)
    dark = pixels[..., :3].sum(-1) < 400
    assert int(dark.sum()) == 3 * (3 * scale) * (4 * scale)
    assert not dark[: 3 * scale].any()
