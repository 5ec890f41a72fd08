"""Which runs are one variant, and what tells variants apart."""

from pathlib import Path

from attn.compare.reading import Run, Score
from attn.compare.variants import variants


def run(dev, **config):
    score = Score(dev, "signature")
    return Run(Path("run"), config, "finished", "test", 1, score, None, None, None, {})


def test_variants_are_labelled_by_what_differs_and_the_best_comes_first():
    one = run(30.0, seed=1, attention={"name": "softmax"}, model={"dim": 8, "heads": 2})
    two = run(34.0, seed=2, attention={"name": "softmax"}, model={"dim": 8, "heads": 2})
    other = run(33.0, seed=1, attention={"name": "linear"}, model={"dim": 16, "heads": 2})
    best, worst = variants([one, two, other])
    assert best.options == {"attention": "linear", "model.dim": "16"}
    assert worst.options == {"attention": "softmax", "model.dim": "8"}
    assert best.label == "attention=linear model.dim=16"
    assert worst.label == "attention=softmax model.dim=8"
    assert [best.runs, worst.runs] == [[other], [one, two]]


def test_a_variant_alone_has_a_label_too():
    [only] = variants([run(30.0, seed=1), run(30.0, seed=2)])
    assert (only.label, only.options) == ("all runs", {})


def test_no_two_labels_are_the_same():
    every = variants([run(30.0, tied=None), run(20.0, tied="-"), run(10.0)])
    assert len({one.label for one in every}) == len(every)
