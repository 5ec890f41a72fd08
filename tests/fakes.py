"""A command that does nothing, with a config of its own, for tests of the command line."""

import importlib
import logging
import sys

import pytest

PRIMARY = """\
# A command for tests.
defaults:
  - shell
  - _self_
  - attention: softmax  # how to mix
  - attention@elsewhere: null  # for the rest
  - position: none  # the order
  - experiment: null  # overrides

seed: 1  # of all draws
rate: 0.5
careful: false
output: runs
study: null
plugins: []
needed: here  # must be there
elsewhere: null
text: null
run: null
jobs: []

# What the model has
model:
  heads: 3
  attention_dropout: 0.25

trainer:
  steps: 5
  free: {}
"""

COMMAND = '''\
"""A command for tests."""

import os
import signal

from attn import attention, registry
from attn.registry import ConfigError

PURPOSE = "do nothing"
EXAMPLES = "attn fake"
RUNS = []


def check(cfg):
    if cfg.seed == 13:
        raise ConfigError(["seed=13: brings bad luck"])
    component = registry.find("attention", cfg.attention.name)
    section = {k: v for k, v in cfg.attention.items() if k != "name"}
    given = registry.get_kind("attention").given
    return registry.problems(component, section, given=given, key="attention")


def run(cfg):
    RUNS.append(cfg)
    if cfg.needed == "fail":
        raise RuntimeError("the disk\\n  is full")
    if cfg.needed == "print":
        print("a line", flush=True)
    if cfg.needed == "silent":
        raise ValueError
    if cfg.needed == "refuse":
        raise ConfigError(["needed=refuse: refused late"])
    if cfg.needed == "interrupt":
        raise KeyboardInterrupt
    if cfg.needed.startswith("SIG"):
        os.kill(os.getpid(), signal.Signals[cfg.needed])
    return 0.5
'''


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A command ``fake`` with a primary config, run in an empty folder; gives the runs so far."""
    home, here = tmp_path / "home", tmp_path / "here"
    for folder in (home / "commands", home / "conf" / "experiment", here):
        folder.mkdir(parents=True)
    (home / "conf" / "fake.yaml").write_text(PRIMARY)
    (home / "conf" / "experiment" / "quick.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /attention@elsewhere: softmax\n"
        "trainer:\n  steps: 2\n"
    )
    (home / "conf" / "experiment" / "wrong.yaml").write_text("# @package _global_\nsede: 2\n")
    (home / "conf" / "experiment" / "broken.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /attention: vanished\n"
    )
    (home / "conf" / "experiment" / "sweep.yaml").write_text(
        "# @package _global_\nhydra:\n  sweeper:\n    params:\n      seed: 4,5\n      rate: 0.25\n"
    )
    (home / "commands" / "fake.py").write_text(COMMAND)
    # Not imported above: conftest.py is read before shapes are checked in what is imported.
    commands, cli = (importlib.import_module(f"attn.{name}") for name in ("commands", "cli"))
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(home / "commands")])
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(logging.root, "handlers", list(logging.root.handlers))
    monkeypatch.setattr(logging.root, "level", logging.root.level)

    def call(*arguments):
        return cli.main(["fake", f"--config-dir={home / 'conf'}", *arguments])

    yield call
    sys.modules.pop("attn.commands.fake", None)


def runs():
    return sys.modules["attn.commands.fake"].RUNS


@pytest.fixture
def refuses(fake, capsys):
    """Asserts that a command line is refused, with exactly these lines, and that nothing ran."""

    def check(arguments, *lines):
        code = fake(*arguments)
        assert capsys.readouterr().err.splitlines() == list(lines)
        assert code == 2
        assert runs() == []

    return check
