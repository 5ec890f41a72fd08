"""What makes two runs one."""

import copy

import pytest
from direct import composed

from attn import assemble, checking, identity
from attn.assemble import Material
from attn.corpora import Pair
from attn.corpora.generated import Copy
from attn.tokenizers.bytes import Bytes
from attn.vocabulary import Vocabularies

HEADED = {"name": "softmax", "heads": 2}


@pytest.fixture(scope="module")
def config():
    """The config of a training as it is composed."""
    return assemble.plain(composed("train", ("model=tiny", "study=s")))


def changed(config, changes):
    """A config with other values, by dotted key; a key that ends in ``-`` is taken out."""
    other = copy.deepcopy(config)
    for key, value in changes.items():
        *path, last = key.removesuffix("-").split(".")
        section = other
        for part in path:
            section = section[part]
        if key.endswith("-"):
            del section[last]
        else:
            section[last] = value
    return other


def hashed(config, *, data="a", number_format="fp32", needs_steps=False):
    return identity.of(config, data=data, number_format=number_format, needs_steps=needs_steps)


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 2},
        {"output": "elsewhere"},
        {"study": "other"},
        {"plugins": ["mine"]},
        {"precision.device": "cuda"},
        {"precision.threads": 7},
        {"search.size": 9},
        {"validation_search": {"name": "beam", "size": 2}},
        {"scoring.lowercase": True},
        {"dataset": {"name": "parallel", "root": "elsewhere"}},
        {"filters.max_words": 9},
        {"trainer.steps": 20},
        {"trainer.minutes": 3.0},
        {"trainer.log_every": 7},
        {"trainer.evaluate_every": 7},
        {"trainer.keep_best": 9},
        {"trainer.keep_last": 9},
        {"trainer.samples": 0},
        {"trainer.metric": "loss"},
        {"trainer.patience": 4},
        {"trainer.max_skipped": 4},
        {"trainer.compile": "auto"},
        {"trainer.checkpoint_activations": True},
        {"batches.ahead": 9},
        {"batches.multiple-": None},
        # Attentions that no layer takes, and other ways to say the same.
        {"attention_elsewhere": HEADED},
        {"attention_elsewhere-": None},
        {"encoder_attention": {"name": "softmax", "heads": 4}},
        {"attention": HEADED, **{f"{role}_attention": {"name": "softmax", "heads": 4} for role in
                                 ("encoder", "decoder", "cross")}},
        {"encoder_layers": [{"layers": "0-3", "name": "softmax"}]},
        {"encoder_layers": [
            {"layers": 0, "name": "softmax"}, {"layers": "1-3", "name": "softmax"}]},
        # Options that the config of an older program lacks, with the defaults that they take.
        {"attention.kernel-": None},
        {"batches.max_length-": None},
        {"model.tied-": None},
        {"loss-": None},
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_change_the_model_does_not_change_the_identity(config, changes):
    other = changed(config, changes)
    assert other != config
    assert hashed(other) == hashed(config)
    assert identity.differences(config, other) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tokenizer.size": 777}, "tokenizer.size=8000, now 777"),
        ({"tokenizer.name": "unigram"}, "tokenizer.name=bpe, now unigram"),
        (
            {"target_tokenizer": {"name": "bpe", "size": 777}},
            "target_tokenizer.name=absent, now bpe",
        ),
        ({"model.dim": 16}, "model.dim=128, now 16"),
        ({"model.dropout": 0.5}, "model.dropout=0.3, now 0.5"),
        ({"attention.bias": True}, "encoder_attention.0.bias=false, now true"),
        ({"cross_attention": HEADED}, "cross_attention.0.heads=4, now 2"),
        ({"decoder_layers": [{"layers": 0, "name": "softmax", "heads": 2},
                             {"layers": "1-3", "name": "softmax"}]},
         "decoder_attention.0.heads=4, now 2"),
        ({"position.name": "learned"}, "position.name=sinusoidal, now learned"),
        ({"batches.tokens": 65}, "batches.tokens=4096, now 65"),
        ({"batches.tokens": "auto"}, "batches.tokens=4096, now auto"),
        ({"batches.multiple": 8}, "batches.multiple=1, now 8"),
        ({"batches.max_length": 65}, "batches.max_length=256, now 65"),
        ({"optimizer.learning_rate": 0.5}, "optimizer.learning_rate=0.001, now 0.5"),
        ({"schedule.warmup": 5}, "schedule.warmup=4000, now 5"),
        ({"loss.label_smoothing": 0.2}, "loss.label_smoothing=0.1, now 0.2"),
        ({"trainer.accumulate": 2}, "trainer.accumulate=1, now 2"),
        ({"trainer.clip": 0.5}, "trainer.clip=1.0, now 0.5"),
        ({"model.gone": 3}, "model.gone=absent, now 3"),
    ],
    ids=str,
)  # fmt: skip
def test_what_changes_the_model_changes_the_identity(config, changes, told):
    other = changed(config, changes)
    assert hashed(other) != hashed(config)
    assert identity.differences(config, other)[0] == told


def test_every_option_of_training_is_in_one_of_the_tables(config):
    """An option that comes later is thought of here: it counts, or it is named as one apart."""
    own = {"accumulate", "clip"}
    assert set(config["trainer"]) == own | identity.LENGTH_AND_WATCHING
    counting = {"tokenizer", "model", "attention", "position", "optimizer", "schedule"}
    counting |= {"attention_elsewhere", "batches", "loss", "trainer"}
    empty = {"encoder_layers", "decoder_layers", "cross_layers"}
    empty |= {"target_tokenizer", "encoder_attention", "decoder_attention", "cross_attention"}
    assert set(config) == counting | empty | identity.APART


def test_data_format_and_needed_length_count(config):
    longer = changed(config, {"trainer.steps": 20})
    marks = [
        hashed(config),
        hashed(config, data="b"),
        hashed(config, number_format="bf16"),
        hashed(config, needs_steps=True),
        hashed(longer, needs_steps=True),
    ]
    assert len(set(marks)) == len(marks)


def test_the_order_of_keys_does_not_count(config):
    turned = {key: config[key] for key in reversed(config)}
    turned["model"] = {key: config["model"][key] for key in reversed(config["model"])}
    assert hashed(turned) == hashed(config)


def test_an_option_with_a_new_default_is_a_difference(config, monkeypatch):
    """A program whose default changed does not go on with a run that had the former one."""
    then = changed(config, {"loss.label_smoothing": 0.1})
    now = changed(config, {"loss.label_smoothing": 0.3})
    real = checking.defaults
    monkeypatch.setattr(
        checking,
        "defaults",
        lambda key, section: {"label_smoothing": 0.3} if key == "loss" else real(key, section),
    )
    assert identity.differences(then, now) == ["loss.label_smoothing=0.1, now 0.3"]


def test_the_content_of_each_split_counts():
    def mark(train, dev):
        corpus = Copy()
        pairs = (
            [Pair(*one[:2], weight=float(len(one) - 1)) for one in split] for split in (train, dev)
        )
        one, other = pairs
        made = Material(corpus, one, {"dev": other}, Vocabularies(Bytes(), Bytes()), {})
        return made.fingerprint

    one, two, three = ("a", "b"), ("c", "d"), ("a\tb", "c")
    marks = [
        mark([one, two], [one]),
        mark([two, one], [one]),
        mark([one, two], [two]),
        mark([one], [two, one]),
        mark([one, two, one], []),
        mark([three], []),
        mark([("a", "b\tc")], []),
        mark([("a", "b", "twice")], []),
    ]
    assert len(set(marks)) == len(marks)
    assert mark([one, two], [one]) == marks[0]


def test_a_number_is_the_same_however_it_is_spelled(config):
    one, other = (changed(config, {"optimizer.learning_rate": rate}) for rate in (1, 1.0))
    assert hashed(one) == hashed(other) != hashed(config)
