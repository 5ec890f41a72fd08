"""What makes two runs one, where they lie, and how they are found."""

import pytest
from messages import exactly

from attn import runs
from attn.registry import ConfigError


def config(**changes):
    return {
        "seed": 1,
        "output": "outputs",
        "study": "default",
        "dataset": {"name": "copy", "train_size": 7},
        "tokenizer": {"name": "words"},
        "model": {"name": "transformer", "dim": 8},
        "attention": {"name": "softmax"},
        "position": {"name": "none"},
        "batches": {"tokens": 64, "ahead": 4},
        "loss": {"label_smoothing": 0.1},
        "precision": {"device": "cpu"},
        "search": {"name": "beam"},
        "trainer": {"steps": 10, "clip": 1.0, "keep_best": 1},
        **changes,
    }


def identity(changed=None, *, data="a", number_format="fp32", needs_steps=False):
    return runs.identity(
        changed or config(), data=data, number_format=number_format, needs_steps=needs_steps
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 2},
        {"output": "elsewhere"},
        {"study": "other"},
        {"precision": {"device": "cuda"}},
        {"search": {"name": "greedy"}},
        {"dataset": {"name": "parallel"}},
        {"trainer": {"steps": 20, "clip": 1.0, "keep_best": 3}},
        {"batches": {"tokens": 64, "ahead": 9}},
        {"filters": {"max_words": 9}},
    ],
)
def test_what_does_not_change_the_model_does_not_change_the_identity(changes):
    assert identity(config(**changes)) == identity()


@pytest.mark.parametrize(
    "changes",
    [
        {"tokenizer": {"name": "bpe"}},
        {"model": {"name": "transformer", "dim": 16}},
        {"attention": {"name": "softmax", "heads": 2}},
        {"attention_elsewhere": {"name": "softmax"}},
        {"encoder_attention": {"name": "softmax"}},
        {"encoder_layers": [{"layers": 0, "name": "softmax"}]},
        {"batches": {"tokens": 65, "ahead": 4}},
        {"optimizer": {"name": "adam"}},
        {"schedule": {"name": "noam"}},
        {"loss": {"label_smoothing": 0.2}},
        {"position": {"name": "learned"}},
        {"trainer": {"steps": 10, "clip": 0.5, "keep_best": 1}},
    ],
)
def test_what_changes_the_model_changes_the_identity(changes):
    assert identity(config(**changes)) != identity()


def test_data_and_format_count():
    assert len({identity(), identity(data="b"), identity(number_format="bf16")}) == 3


def test_length_counts_where_the_schedule_depends_on_it():
    longer = config(trainer={"steps": 20, "clip": 1.0, "keep_best": 1})
    assert identity(longer, needs_steps=True) != identity(needs_steps=True)


def test_folders_have_plain_names():
    made = runs.folder(config(study="my study/ü"), "0123abcd")
    assert made.as_posix() == "outputs/my_study_/transformer-softmax-none-0123abcd/seed-1"


def test_a_run_is_found_from_above(tmp_path):
    run = tmp_path / "study" / "run"
    runs.save_config(run, config())
    assert runs.find(str(tmp_path)) == runs.find(str(run)) == run
    assert runs.load_config(run) == config()


def test_status_is_what_was_set(tmp_path):
    assert runs.status(tmp_path) is None
    runs.set_status(tmp_path, "running")
    assert runs.status(tmp_path) == "running"


def test_what_is_no_run_is_named(tmp_path):
    with pytest.raises(ConfigError, match=exactly(f"run={tmp_path}/x: there is no such folder")):
        runs.find(f"{tmp_path}/x")
    message = f"run={tmp_path}: holds no run; a run's folder holds config.yaml"
    with pytest.raises(ConfigError, match=exactly(message)):
        runs.find(str(tmp_path))
    for name in ("a", "b"):
        runs.save_config(tmp_path / name, config())
    message = f"run={tmp_path}: holds 2 runs; choose one of\n  run={tmp_path}/a\n  run={tmp_path}/b"
    with pytest.raises(ConfigError, match=exactly(message)):
        runs.find(str(tmp_path))
