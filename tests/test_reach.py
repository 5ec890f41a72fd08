"""How far gradients reach."""

import csv
import io
import json

import pytest
import torch
from builders import build_model
from direct import call

from attn import reach
from attn.batching import collate
from attn.cli import main

PAIRS = [([4, 5, 6, 7], [5, 6, 4]), ([8, 9], [7, 8, 9, 10, 4]), ([5, 4, 6, 2], [6, 8])]
MODELS = [
    {"tied": "all"},
    {"tied": "none"},
    {"name": "recurrent", "position": "none"},
    {"name": "recurrent", "position": "none", "lacks": True, "output": "plain"},
    {"name": "recurrent", "position": "none", "input_feeding": True, "cell": "gru"},
    {"name": "convolutional", "position": "learned"},
    {"name": "recurrent_transformer"},
    {"name": "transformer_recurrent"},
]


def direct(model, source, target):
    """The gradients of one pair without padding, the embeddings taken for the leaf."""
    batch = collate([(source, target)], [0])
    table = model.source_embedding.weight.detach()
    leaf = table[batch.source].requires_grad_()
    first = [True]

    def replace(module, given, out):
        return leaf if first and first.pop() else None

    handle = model.source_embedding.register_forward_hook(replace)
    logits = model.project(model(batch.source, batch.source_valid, batch.inputs))
    handle.remove()
    said = torch.log_softmax(logits.float(), -1)[0]
    rows = [
        torch.autograd.grad(said[t, word], leaf, retain_graph=True)[0][0].norm(dim=-1)
        for t, word in enumerate(batch.labels[0].tolist())
    ]
    return torch.stack(rows)


@pytest.mark.parametrize("options", MODELS)
def test_the_norms_are_those_of_each_pair_by_itself(options):
    model = build_model(**options)
    batch = collate(PAIRS, range(len(PAIRS)))
    found = reach.norms(model, batch)
    for row, (source, target) in zip(found, PAIRS, strict=True):
        alone = direct(model, source, target)
        targets, sources = alone.shape
        torch.testing.assert_close(row[:targets, :sources], alone, atol=1e-7, rtol=1e-4)
        assert not row[targets:].any()
        assert not row[:, sources:].any()
    assert not model.source_embedding._forward_hooks


def test_a_frozen_model_gives_the_same_whether_gradients_are_on_or_not():
    model = build_model()
    batch = collate(PAIRS, range(3))
    found = reach.norms(model, batch)
    with torch.no_grad():
        assert torch.equal(reach.norms(model.requires_grad_(False), batch), found)


def test_words_stand_to_each_other():
    like, target, source = torch.zeros(1, 2, 4), torch.tensor([2]), torch.tensor([4])
    assert reach.distance(target, source, like)[0].tolist() == [[0, 1, 2, 3], [-1, 0, 1, 2]]
    assert reach.relative(target, source, like)[0].tolist() == [[0, 2, 5, 8], [-5, -2, 0, 2]]
    assert reach.position(target, source, like)[0].tolist() == [[0, 1, 2, 3], [0, 1, 2, 3]]


@pytest.mark.parametrize("by", reach.BY)
def test_every_pair_of_words_counts_once(by):
    model = build_model()
    whole = reach.over(model, [collate(PAIRS, range(3))], by)
    parts = reach.over(model, [collate([one], [0]) for one in PAIRS], by)
    assert [(one.at, one.pairs) for one in whole] == [(one.at, one.pairs) for one in parts]
    words = [(len(source) + 1, len(target) + 1) for source, target in PAIRS]
    assert sum(one.pairs for one in whole) == sum(s * t for s, t in words)
    norms = sum(float(direct(model, *pair).sum()) for pair in PAIRS)
    assert sum(one.pairs * one.norm for one in whole) == pytest.approx(norms, rel=1e-4)
    # The shares of all words of a source sum to 1 at each word of the target.
    shares = sum(one.pairs * one.share for one in whole)
    assert shares == pytest.approx(sum(t for _, t in words))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    common = ["trainer.steps=2", "trainer.evaluate_every=2", "trainer.samples=0"]
    few = ["dataset.train_size=60", "dataset.dev_size=6", "dataset.test_size=12"]
    small = ["experiment=smoke", "precision.device=cpu", "precision.dtype=fp32"]
    assert main(["train", *small, *common, *few, f"output={folder}"]) == 0
    return folder


@pytest.mark.long
def test_a_table_of_a_run(trained, capsys):
    assert main(["reach", f"run={trained}", "sentences=2"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split("  ")[0] == "j - t"
    assert "0" in {row.split()[0] for row in rows}


@pytest.mark.long
@pytest.mark.parametrize(
    ("by", "key"), [("distance", "j - t"), ("relative", "j/S - t/T"), ("position", "j")]
)
def test_for_programs_all_digits(trained, capsys, by, key):
    assert call("reach", f"by={by}", "format=csv", run=trained) == (0, "")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert call("reach", f"by={by}", "format=json", run=trained) == (0, "")
    values = json.loads(capsys.readouterr().out)
    assert list(rows[0]) == list(values[0]) == [key, "pairs", "norm", "share"]
    assert [float(row["norm"]) for row in rows] == [row["norm"] for row in values]


@pytest.mark.long
def test_sentences_that_are_all_too_long(trained, monkeypatch):
    monkeypatch.setattr("attn.batching.Batches.usable", lambda *_: ([], {}))
    assert call("reach", run=trained) == (
        1,
        "attn reach: split=dev: no sentence has words on both sides, and at most "
        "batches.max_length=256 tokens\n",
    )


@pytest.mark.long
def test_wrong_requests_are_named(trained, capsys):
    wrong = ["by=distanse", "sentences=0", "format=html", "split=tset"]
    assert main(["reach", f"run={trained}", *wrong]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "split=tset: unknown; did you mean 'test'? choose one of dev, longer, longest, test, train",
        "by=distanse: unknown; did you mean 'distance'? choose one of distance, position, relative",
        "sentences=0: must be at least 1, or null for all",
        "format=html: unknown; choose one of csv, json, markdown, terminal",
    ]
    assert main(["reach"]) == 2
    assert capsys.readouterr().err == "run: needs a value; write run=VALUE\n"
