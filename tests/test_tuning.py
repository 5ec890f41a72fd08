"""Of the trials of each variant the best on dev is chosen, and no other is shown."""

from direct import call
from torch import nn

from attn import runs, trials
from attn.checkpoint import Checkpoints
from attn.compare import reading, tuning

RATE = "optimizer.learning_rate"


def leave(study, *, rate, attention="softmax", seed=1, score=1.0, state="finished", dropout=0.1):
    """A run as a trial of a sweep leaves it."""
    run = study / f"{attention}-{rate}-{dropout}" / f"seed-{seed}"
    config = {
        "seed": seed,
        "study": study.name,
        "attention": {"name": attention},
        "optimizer": {"name": "adam", "learning_rate": rate},
        "model": {"dropout": dropout},
    }
    runs.save_config(run, config)
    runs.set_status(run, state)
    if score is not None:
        Checkpoints(run / "checkpoints").save(5, nn.Linear(1, 1), {}, {"score": score})
    return run


def chosen(*studies):
    shown, remarks = tuning.chosen(reading.read(list(map(str, studies))))
    return [run.folder for run in shown], remarks


def test_each_variant_shows_the_runs_with_the_best_mean_on_dev(tmp_path):
    trials.keep(tmp_path, "digits", [RATE])
    scores = {("softmax", 0.1): (3.0, 5.0), ("softmax", 0.2): (5.0, 4.0)}
    scores |= {("linear", 0.1): (9.0, 1.0), ("linear", 0.2): (4.0, 4.0)}
    left = {
        (*key, seed): leave(tmp_path, attention=key[0], rate=key[1], seed=seed, score=score)
        for key, both in scores.items()
        for seed, score in enumerate(both, 1)
    }
    found, remarks = chosen(tmp_path)
    expected = [("linear", 0.1), ("softmax", 0.2)]
    assert sorted(found) == sorted(left[(*key, seed)] for key in expected for seed in (1, 2))
    assert remarks == ["tuned: the best on dev of 2 trials of each variant is shown alone"]


def test_runs_of_other_studies_are_all_shown(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    trials.keep(one, "digits", [RATE])
    best = leave(one, rate=0.2, score=2.0)
    leave(one, rate=0.1)
    plain = [leave(other, rate=rate) for rate in (0.1, 0.2)]
    assert chosen(other, one)[0] == [*plain, best]
    assert chosen(other)[1] == []


def test_several_options_are_tuned_together_and_parts_too(tmp_path):
    trials.keep(tmp_path, "a", [RATE])
    trials.keep(tmp_path, "b", ["model"])
    trials.keep(tmp_path, "b", ["model"], reported=True)
    assert trials.options(tmp_path) == [RATE, "model"]
    assert (trials.reported(tmp_path, "a"), trials.reported(tmp_path, "b")) == (False, True)
    every = [
        leave(tmp_path, rate=rate, dropout=dropout, score=10 * rate - dropout)
        for rate in (0.1, 0.2)
        for dropout in (0.1, 0.3)
    ]
    [choice] = tuning.choices_of(reading.read([str(tmp_path)]))
    assert [run.folder for run in choice.best.runs] == [every[2]]
    assert choice.best.tried == f"{RATE}=0.2 model={{dropout: 0.1}}"
    assert len(choice.trials) == 4


def test_trials_that_are_not_all_there_are_told(tmp_path):
    trials.keep(tmp_path, "digits", [RATE])
    best = leave(tmp_path, rate=0.1, score=1.0)
    leave(tmp_path, rate=0.2, score=None, state="failed")
    waits = leave(tmp_path, rate=0.3, score=None, state="running")
    other = leave(tmp_path, rate=0.1, attention="linear", score=float("-inf"))
    found, remarks = chosen(tmp_path)
    assert found == [best]
    assert remarks == [
        "tuned: the best on dev of from 1 to 3 trials of each variant is shown alone",
        "unequal numbers of trials: variants with more of them are at an advantage",
        f"running, and not chosen from yet: {waits}",
    ]
    choices = tuning.choices_of(reading.read([str(tmp_path)]))
    assert sorted(one.final for one in choices) == [False, True]
    assert [one.best for one in choices if one.final] == [None]
    assert other.exists()


def test_a_damaged_checkpoint_is_not_chosen(tmp_path):
    trials.keep(tmp_path, "digits", [RATE])
    leave(tmp_path, rate=0.1, score=9.0)
    good = leave(tmp_path, rate=0.2, score=1.0)
    [run, _] = reading.read([str(tmp_path)])
    meta = run.folder / "checkpoints" / "step-5" / "meta.json"
    meta.write_text("{")
    assert tuning._best(run) is None
    meta.write_text("{}")
    assert good.exists()


def test_what_is_not_as_it_was_written_tunes_nothing(tmp_path):
    (tmp_path / "tuned.json").write_text('{"sweeps": [{"options": ["a"]}]}')
    assert trials.options(tmp_path) == []
    (tmp_path / "tuned.json").write_text("[")
    assert trials.options(tmp_path) == []


def test_compare_shows_what_was_chosen_alone(tmp_path, capsys):
    trials.keep(tmp_path, "digits", [RATE])
    for rate, score in ((0.1, 3.0), (0.2, 5.0)):
        leave(tmp_path, rate=rate, score=score)
        leave(tmp_path, attention="linear", rate=rate, score=-score)
    assert call("compare", "format=csv", runs=tmp_path) == (0, "")
    said = capsys.readouterr()
    header, *rows = (line.split(",") for line in said.out.splitlines())
    assert header[:2] == ["attention", "optimizer.learning_rate"]
    assert sorted(row[:2] for row in rows) == [["linear", "0.1"], ["softmax", "0.2"]]
    told = "tuned: the best on dev of 2 trials of each variant is shown alone"
    assert told in said.err.splitlines()


def test_what_is_not_tuned_yet_is_not_shown(tmp_path):
    trials.keep(tmp_path, "digits", [RATE])
    leave(tmp_path, rate=0.1, score=None, state="running")
    code, said = call("compare", runs=tmp_path)
    line = f"runs={tmp_path}: no variant is tuned yet; all runs of a trial need a score on dev"
    assert (code, said.splitlines()) == (2, [line])
