"""Which runs are one variant, and what tells variants apart."""

from pathlib import Path

from direct import composed
from omegaconf import OmegaConf

from attn.compare import presets
from attn.compare.reading import Run, Score
from attn.compare.variants import variants


def run(dev, **config):
    score = Score(dev, "signature")
    return Run(Path("run"), config, "finished", "test", 1, None, None, None, {}, {"BLEU": score})


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


def model(preset, **changed):
    """The section of a preset of conf/model, some of its options changed."""
    section = composed("train", (f"model={preset}",)).model
    return {**OmegaConf.to_container(section, resolve=True), **changed}


def told(*models, **others):
    """What tells variants apart that have these models."""
    every = [run(40.0 - n, model=one, **others) for n, one in enumerate(models)]
    return [one.options for one in variants(every)]


def test_presets_are_named_in_place_of_all_their_options():
    assert told(model("bahdanau"), model("luong_general"), model("tiny")) == [
        {"model": "bahdanau"}, {"model": "luong_general"}, {"model": "tiny"}
    ]  # fmt: skip


def test_what_a_variant_has_otherwise_than_its_preset_is_told():
    narrow = model("bahdanau", dim=64)
    assert told(narrow, model("luong_general")) == [
        {"model": "bahdanau", "model.dim": "64"}, {"model": "luong_general", "model.dim": "1000"}
    ]  # fmt: skip
    assert told(narrow, model("bahdanau")) == [{"model.dim": "64"}, {"model.dim": "1000"}]


def test_a_preset_is_not_guessed_where_two_are_as_near():
    """All in which tiny and small differ is otherwise here; what they share is of neither alone."""
    other = {"encoder_layers": 1, "decoder_layers": 1, "dim": 8, "feedforward_dim": 9}
    small = model("tiny", **other, dropout=0.0)
    assert told(small, model("bahdanau"), model("luong_general"))[0]["model"] == "transformer"


def test_what_a_component_gives_is_no_column_and_what_is_set_is_one():
    window = {"name": "window", "heads": 4, "radius": 8, "dropout": 0.1}
    wide, plain = {**window, "radius": 16}, {"name": "softmax", "heads": 4, "dropout": 0.1}
    sizes = {"heads": 4, "attention_dropout": 0.1}
    runs = [run(40.0 - n, attention=one, model=sizes) for n, one in enumerate((window, plain))]
    assert [one.options for one in variants(runs)] == [
        {"attention": "window"}, {"attention": "softmax"}
    ]  # fmt: skip
    runs.append(run(30.0, attention=wide, model=sizes))
    assert [one.options for one in variants(runs)] == [
        {"attention": "window", "attention.radius": "8"},
        {"attention": "softmax", "attention.radius": "-"},
        {"attention": "window", "attention.radius": "16"},
    ]


def test_sections_take_the_parts_of_their_kind():
    first = {"name": "words", "min_count": 1}
    every = [run(2.0, target_tokenizer=None), run(1.0, target_tokenizer=first)]
    assert [one.options["target_tokenizer"] for one in variants(every)] == ["null", "words"]


def test_presets_are_read_as_hydra_composes_them():
    for preset in ("bahdanau", "luong_concat", "rnmt", "base"):
        section = OmegaConf.to_container(composed("train", (f"model={preset}",)).model)
        assert presets._presets("model")[preset] == section
