"""Where runs lie, how they are found, and what their files tell."""

import pytest
from messages import exactly

from attn import claims, runs
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


def test_folders_have_plain_names():
    made = runs.folder(config(study="my study/ü"), "0123abcd", "soft max")
    assert made.as_posix() == "outputs/my_study_/transformer-soft_max-none-0123abcd/seed-1"


def test_a_run_is_found_from_above(tmp_path):
    run = tmp_path / "study" / "run"
    runs.save_config(run, config())
    assert runs.find(str(tmp_path)) == runs.find(str(run)) == run
    assert runs.load_config(run) == config()


def test_status_is_what_was_set(tmp_path):
    assert runs.status(tmp_path) is None
    runs.set_status(tmp_path, "running")
    assert runs.status(tmp_path) == "running"


def test_a_config_without_sections_is_named(tmp_path):
    (tmp_path / "config.yaml").write_text("- model\n")
    message = (
        f"{tmp_path}/config.yaml: is not as it was written (it has no sections); the command that "
        "trained the run writes it anew"
    )
    with pytest.raises(ConfigError, match=exactly(message)):
        runs.load_config(tmp_path)


def test_who_trains_a_run_may_not_be_known(tmp_path):
    with claims.claimed(tmp_path):
        (tmp_path / ".claim").write_bytes(b"")
        message = f"{tmp_path}: another process trains this run; wait, or end it"
        with pytest.raises(ConfigError, match=exactly(message)), claims.claimed(tmp_path):
            pass


def test_what_is_no_run_is_named(tmp_path):
    with pytest.raises(ConfigError, match=exactly(f"run={tmp_path}/x: there is no such folder")):
        runs.find(f"{tmp_path}/x")
    message = f"run={tmp_path}: holds no run; a run's folder holds config.yaml"
    with pytest.raises(ConfigError, match=exactly(message)):
        runs.find(str(tmp_path))
    for name in ("a", "b"):
        runs.save_config(tmp_path / name, config())
    message = f"run={tmp_path}: holds 2 runs; choose one of run={tmp_path}/a, run={tmp_path}/b"
    with pytest.raises(ConfigError, match=exactly(message)):
        runs.find(str(tmp_path))
