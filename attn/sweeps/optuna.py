"""Studies of Optuna's that go on: trials of earlier calls count, and those cut short come again."""

import contextlib
import fcntl
import importlib
from collections.abc import Iterator
from pathlib import Path

from omegaconf import DictConfig

from attn.overrides import literal
from attn.registry import ConfigError

SWEEPER = "hydra_plugins.hydra_optuna_sweeper.optuna_sweeper.OptunaSweeper"


@contextlib.contextmanager
def alone(study: Path) -> Iterator[None]:
    """No other sweep chooses trials of this study at the same time.

    Raises:
        ConfigError: another one does.
    """
    study.mkdir(parents=True, exist_ok=True)
    with (study / "optuna.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError([
                f"{study}: another sweep of Optuna's is at work there; wait, or give study=NAME"
            ]) from None
        yield


def going_on(sweeper: DictConfig, study: Path) -> list[str]:
    """The arguments by which Optuna's sweeper goes on with a study: where, and how many are left.

    A trial that is still said to run, though its sweep has ended, is asked for again.
    """
    storage = sweeper.storage or f"sqlite:///{study.absolute() / 'optuna.db'}"
    name = sweeper.study_name or study.name
    optuna = importlib.import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    known = optuna.create_study(
        storage=storage, study_name=name, direction=sweeper.direction, load_if_exists=True
    )
    states = optuna.trial.TrialState
    for trial in known.get_trials(deepcopy=False, states=(states.RUNNING,)):
        known.tell(trial.number, state=states.FAIL)
        if trial.params:
            known.enqueue_trial(trial.params)
    done = len(known.get_trials(deepcopy=False, states=(states.COMPLETE,)))
    given = {
        "storage": literal(storage),
        "study_name": literal(name),
        "n_trials": max(0, int(sweeper.n_trials) - done),
    }
    return [f"hydra.sweeper.{key}={value}" for key, value in given.items()]


def best(arguments: list[str]) -> str:
    """What the best trial of a study is, in a line."""
    given = dict(one.partition("=")[::2] for one in arguments)
    storage, name = (given[f"hydra.sweeper.{key}"].strip("'") for key in ("storage", "study_name"))
    optuna = importlib.import_module("optuna")
    known = optuna.load_study(storage=storage, study_name=name)
    done = known.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if not done:
        return "no trial has a score yet"
    found = known.best_trial
    chosen = " ".join(f"{key}={value}" for key, value in found.params.items())
    return f"best of {len(done)} trials, with dev {found.value:.2f}: {chosen}"
