"""The command line, from arguments to exit codes."""

import logging
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hydra.core.config_store import ConfigStore
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

import attn.commands
from attn import overrides, registry
from attn.cli import main

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
EXAMPLES = ("attn fake", "attn fake seed=2", "attn fake -m seed=1,2")
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
    if cfg.needed == "refuse":
        raise ConfigError(["needed=refuse: refused late"])
    if cfg.needed == "interrupt":
        raise KeyboardInterrupt
    if cfg.needed == "terminate":
        os.kill(os.getpid(), signal.SIGTERM)
    return 0.5
'''

TOP = (
    "choose one of seed, rate, careful, output, study, plugins, needed, elsewhere, text, run, "
    "jobs, model, trainer, attention, position, experiment, attention@elsewhere"
)


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
    monkeypatch.setattr(
        attn.commands, "__path__", [*attn.commands.__path__, str(home / "commands")]
    )
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(logging.root, "handlers", list(logging.root.handlers))
    monkeypatch.setattr(logging.root, "level", logging.root.level)

    def call(*arguments):
        return main(["fake", f"--config-dir={home / 'conf'}", *arguments])

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


# What a run gets


def test_a_command_runs_with_its_overrides(fake, capsys):
    assert fake("seed=7", "attention.kernel=explicit", "attention.heads=5", "model.heads=7") == 0
    (cfg,) = runs()
    assert (cfg.seed, cfg.attention.kernel, cfg.attention.heads) == (7, "explicit", 5)
    assert cfg.attention.dropout == 0.25
    assert cfg.elsewhere is None
    assert capsys.readouterr().err == ""


def test_a_place_takes_a_part_of_its_own(fake):
    assert fake("attention@elsewhere=softmax", "elsewhere.heads=7") == 0
    assert (runs()[0].elsewhere.heads, runs()[0].attention.heads) == (7, 3)


def test_hydra_leaves_no_trace(fake):
    assert fake() == 0
    assert list(Path().iterdir()) == []
    assert fake("-m", "seed=1,2") == 0
    assert list(Path().glob("*")) == [Path("runs")]
    assert list(Path("runs").iterdir()) == [Path("runs/.hydra")]


def test_the_study_has_a_name(fake):
    assert fake() == 0
    assert fake("experiment=quick") == 0
    assert fake("experiment=quick", "study=mine") == 0
    assert [cfg.study for cfg in runs()] == ["default", "quick", "mine"]


def test_a_sweep_runs_every_combination(fake):
    assert fake("-m", "seed=2,3", "position=none,learned", "needed='a,b'") == 0
    assert [(cfg.seed, cfg.position.name) for cfg in runs()] == [
        (2, "none"), (2, "learned"), (3, "none"), (3, "learned"),
    ]  # fmt: skip
    assert {cfg.needed for cfg in runs()} == {"a,b"}


def test_an_experiment_may_sweep(fake):
    assert fake("-m", "experiment=sweep", "rate=0.75") == 0
    assert [(cfg.seed, cfg.rate) for cfg in runs()] == [(4, 0.75), (5, 0.75)]


def test_options_that_are_open_mappings_take_any_key(fake):
    assert fake("+trainer.free.colour=red") == 0
    assert runs()[0].trainer.free == {"colour": "red"}


def test_the_config_can_be_shown(fake, capsys):
    assert fake("--cfg", "job", "--resolve", "model.heads=11") == 0
    shown = OmegaConf.create(capsys.readouterr().out)
    assert (shown.attention.heads, shown.trainer.steps) == (11, 5)
    assert runs() == []


def test_hydra_can_be_asked(fake, capsys):
    assert fake("--info=defaults") == 0
    assert "attention/softmax" in capsys.readouterr().out


# Free text

FREE = [
    "Hello, world",
    "It's (not) so; a=b, {c: d} [e]",
    "\"quoted\" 'twice'",
    "${model.heads} and $HOME",
    r"a \ b \' c \\",
    r"\${x}",
    "null",
    "",
    " ",
    "5",
    "ÄÖÜ ß 你好",
    "two\nlines",
]


def test_text_is_taken_literally(fake):
    text = 'It\'s (not) so; a=b, {c: d} [e] "f" ${seed} \\'
    assert fake(f"text={text}") == 0
    assert runs()[0].text == text


def read(argument):
    (one,), problems = overrides.parse([argument])
    assert problems == []
    return OmegaConf.create({"seed": 1, "value": one.override.value()}).value


@pytest.mark.parametrize("text", FREE)
def test_text_is_quoted(text):
    assert read(f"text={text}") == text


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_is_quoted(text):
    assert read(f"text={text}") == text


@pytest.mark.parametrize("path", ["out/a,b=c (d)", "it's", "/x/${seed}", "5%", "a b/c"])
@pytest.mark.parametrize("key", ["run", "dataset.root"])
def test_paths_are_quoted_but_interpolations_hold(key, path):
    assert read(f"{key}={path}") == path.replace("${seed}", "1")


def test_a_path_may_be_null_or_quoted_or_swept(fake):
    assert fake("run=null", "-m") == 0
    assert fake("run='a,b'") == 0
    assert fake("-m", "run=choice(a,b)") == 0
    assert [cfg.run for cfg in runs()] == [None, "a,b", "a", "b"]


def test_a_value_that_hydra_cannot_read_is_text(fake):
    assert fake("needed=it's (5") == 0
    assert runs()[0].needed == "it's (5"


# What is refused


def test_unknown_choice(refuses):
    refuses(
        ["attention=sofmax", "position=xyz"],
        "attention=sofmax: unknown attention; did you mean 'softmax'? choose one of softmax",
        "position=xyz: unknown position; choose one of learned, none, sinusoidal",
    )


def test_options_of_an_unknown_choice_are_not_held_against_another(refuses):
    refuses(
        ["attention=windo", "attention.radius=3"],
        "attention=windo: unknown attention; choose one of softmax",
    )


def test_a_part_cannot_be_empty(refuses):
    refuses(
        ["attention=null"],
        "attention=null: unknown attention; choose one of softmax",
    )


def test_a_part_is_neither_added_nor_removed(refuses):
    reason = "a part is neither added nor removed; write GROUP=NAME"
    refuses(["~attention", "+position=none"], f"~attention: {reason}", f"+position=none: {reason}")


def test_unknown_place(refuses):
    places = "attention, attention@elsewhere, experiment, position"
    refuses(
        ["attention@elsewhre=softmax", "model=tiny"],
        "attention@elsewhre=softmax: attn fake has no such place; "
        f"did you mean 'attention@elsewhere'? choose one of {places}",
        f"model=tiny: attn fake has no such place; choose one of {places}",
    )


def test_unknown_keys(refuses):
    attention = ", ".join(
        f"attention.{o}"
        for o in ("name", "heads", "head_dim", "value_dim", "bias", "dropout", "kernel")
    )
    refuses(
        ["sede=3", "attention.hedas=3", "steps=7", "trainer={stesp: 3}", "zzz.y=1"],
        f"sede=3: unknown key; did you mean 'seed'? {TOP}",
        "attention.hedas=3: attention has no such option; did you mean 'attention.heads'? "
        f"choose one of {attention}",
        f"steps=7: unknown key; did you mean 'trainer.steps'? {TOP}",
        "trainer={stesp: 3}: trainer has no such option; did you mean 'trainer.steps'? "
        "choose one of trainer.steps, trainer.free",
        f"zzz.y=1: unknown key; {TOP}",
    )


def test_nothing_is_added_or_removed(refuses):
    refuses(
        ["+sede=3", "~seed", "+trainer.pace=3"],
        f"+sede=3: unknown key; did you mean 'seed'? {TOP}",
        "~seed: an option is not removed; leave it out for its default",
        "+trainer.pace=3: trainer has no such option; choose one of trainer.steps, trainer.free",
    )


def test_an_option_of_a_part_that_is_not_there(refuses):
    refuses(
        ["elsewhere.heads=3"],
        "elsewhere.heads=3: elsewhere is empty; choose one with attention@elsewhere=NAME",
    )


def test_wrong_types(refuses):
    refuses(
        ["seed=abc", "rate=fast", "careful=5", "jobs=a", "trainer=5", "attention.heads=many"],
        "seed=abc: not of type int",
        "rate=fast: not of type float",
        "careful=5: not of type bool",
        "jobs=a: not a list; write [A,B]",
        "trainer=5: a section, not an option; its options are trainer.steps, trainer.free",
        "attention.heads=many: not of type int",
    )


def test_missing_value(refuses):
    refuses(["needed=???"], "needed: needs a value; write needed=VALUE")


def test_broken_interpolation(refuses):
    refuses(
        ["attention.heads=${model.hedas}"],
        "attention.heads: Interpolation key 'model.hedas' not found",
    )


def test_what_the_command_itself_refuses(refuses):
    refuses(["seed=13"], "seed=13: brings bad luck")


def test_unreadable_arguments(refuses):
    refuses(
        ["seed", "=3", "a b=3", "--seed=3", "--hepl", "seed=1", "seed=2"],
        "seed: needs a value; write seed=VALUE",
        "=3: there is no key before the equals sign",
        "a b=3: 'a b' is not a key; a key is like model.dim",
        "--seed=3: unknown flag; options have no dashes: seed=3",
        "--hepl: unknown flag; did you mean '--help'? choose one of "
        "--cfg, --config-dir, --help, --info, --resolve, -m",
        "seed=2: given twice, before it as seed=1",
    )


def test_several_values_need_a_sweep(refuses):
    refuses(
        ["seed=1,2", "rate=x"],
        "seed=1,2: takes one value; add -m to run every combination",
        "rate=x: not of type float",
    )


def test_an_empty_place_is_not_swept(refuses):
    refuses(
        ["-m", "attention@elsewhere=softmax,null"],
        "attention@elsewhere=softmax,null: null cannot be swept; run it by itself",
    )


def test_every_job_of_a_sweep_is_checked_and_each_problem_told_once(refuses):
    refuses(
        ["-m", "seed=12,13", "position=none,lerned,sinusoidal", "rate=x", "position.base=3"],
        "rate=x: not of type float",
        "position.base=3: position has no such option; "
        "choose one of position.name, position.allow_bag_of_words (with position=none)",
        "position=lerned: unknown position; did you mean 'learned'? "
        "choose one of learned, none, sinusoidal",
        "seed=13: brings bad luck",
    )


def test_hydras_own_options(refuses):
    refuses(
        ["-m", "hydra.job.chdir=maybe", "hydra.job.nme=x", "hydra.verbose=a,b"],
        "hydra.verbose=a,b: Hydra's own options cannot be swept",
        "hydra.job.chdir=maybe: Value 'maybe' is not a valid bool (type str)",
        "hydra.job.nme=x: hydra.job has no such option; did you mean 'hydra.job.name'? "
        "choose one of hydra.job.name, hydra.job.chdir, hydra.job.override_dirname, "
        "hydra.job.id, hydra.job.num, hydra.job.config_name, hydra.job.env_set, "
        "hydra.job.env_copy, hydra.job.config",
    )


def test_a_place_may_be_left_empty(fake):
    assert fake("attention@elsewhere=null", "experiment=quick") == 0
    assert (runs()[0].elsewhere, runs()[0].trainer.steps) == (None, 2)
    assert fake("attention@elsewhere=null", "experiment=null", "study=null") == 0
    assert (runs()[1].elsewhere, runs()[1].trainer.steps) == (None, 5)


def test_the_ends_of_an_interval_are_checked():
    (given,), problems = overrides.parse(["seed=interval(3,7)"])
    assert problems == []
    assert [job[0].typed for job in overrides.jobs([given])] == ["seed=3.0", "seed=7.0"]


def test_an_experiment_that_cannot_be_composed(refuses):
    refuses(
        ["experiment=broken"],
        "experiment=broken In 'fake': Could not find 'attention/vanished' "
        "Available options in 'attention': softmax",
    )


def test_an_experiment_with_an_unknown_key(refuses):
    refuses(
        ["experiment=wrong"],
        "sede: unknown key, set by a YAML file; did you mean 'seed'? choose one of attention, "
        "careful, elsewhere, jobs, model, needed, output, plugins, position, rate, run, seed, "
        "study, text, trainer",
    )


def test_training_is_told_everything_at_once(capsys):
    code = main([
        "train",
        "dataset=copy",
        "attention=sofmax",
        "seed=abc",
        "model.hedas=3",
        "trainer.steps=-5",
        "optimizer.learning_rate=fast",
        "attention@cross=softmax",
    ])
    said = capsys.readouterr().err.splitlines()
    assert code == 2
    assert said[0].startswith("attention=sofmax: unknown attention; did you mean 'softmax'? choose")
    assert said[1] == "seed=abc: not of type int"
    assert said[2].startswith(
        "model.hedas=3: model has no such option; did you mean 'model.heads'? choose one of"
    )
    assert said[3].startswith(
        "attention@cross=softmax: attn train has no such place; did you mean "
        "'attention@cross_attention'? choose one of attention, "
    )
    assert sorted(said[4:]) == [
        "optimizer.learning_rate=fast: not of type float",
        "trainer.steps=-5: must be at least 1",
    ]


def test_some_commands_run_once(capsys):
    assert main(["list", "-m", "kind=attention,position"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "-m: attn list runs once, it does not sweep",
        "kind=attention,position: takes one value",
    ]


def test_some_commands_take_no_parts(capsys):
    assert main(["list", "attention=softmax"]) == 2
    assert capsys.readouterr().err == "attention=softmax: attn list takes no parts\n"


def test_unknown_command(capsys):
    assert main(["lst"]) == 2
    known = ", ".join(sorted(p.stem for p in Path("attn/commands").glob("[!_]*.py")))
    expected = f"lst: unknown command; did you mean 'list'? choose one of {known}\n"
    assert capsys.readouterr().err == expected


def test_a_flag_with_a_wrong_value(fake, capsys):
    assert fake("--cfg", "jobs") == 2
    assert "argument --cfg: invalid choice: 'jobs'" in capsys.readouterr().err


def test_a_folder_that_is_not_there(capsys):
    assert main(["list", "--config-dir=nowhere"]) == 2
    assert capsys.readouterr().err == "--config-dir=nowhere: no such folder\n"


# What goes wrong later


def test_a_run_that_fails(fake, capsys):
    assert fake("needed=fail") == 1
    assert capsys.readouterr().err == (
        "attn fake: failed: RuntimeError: the disk is full (HYDRA_FULL_ERROR=1 shows where)\n"
    )


def test_the_traceback_can_be_had(fake, capsys, monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    assert fake("needed=fail") == 1
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.startswith("attn fake: failed: RuntimeError: the disk is full")
    assert rest[0] == "Traceback (most recent call last):"
    assert os.environ["HYDRA_FULL_ERROR"] == "1"


def test_a_failing_job_does_not_stop_a_sweep(fake, capsys):
    assert fake("-m", "needed=fail,here,fail") == 1
    assert [cfg.needed for cfg in runs()] == ["fail", "here", "fail"]
    said = capsys.readouterr().err
    assert said.count("attn fake needed=fail: failed: RuntimeError: the disk is full") == 2


def test_input_that_turns_out_to_be_wrong(fake, capsys):
    assert fake("needed=refuse") == 2
    assert capsys.readouterr().err == "needed=refuse: refused late\n"
    assert fake("-m", "needed=refuse,here") == 2


def test_interrupted(fake, capsys):
    assert fake("needed=interrupt") == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_terminated(fake, capsys):
    before = signal.getsignal(signal.SIGTERM)
    assert fake("needed=terminate") == 143
    assert capsys.readouterr().err == "terminated\n"
    assert signal.getsignal(signal.SIGTERM) is before


# Plug-ins

PLUGIN = '''\
from attn.registry import register


@register("attention", "{name}")
class Mine:
    """An attention of my own."""

    def __init__(self, *, role, query_dim, memory_dim, out_dim, heads: int = 8, radius: int = 5):
        pass
'''


@pytest.fixture
def plugin(fake):
    """A plug-in in the current folder, and its component forgotten afterwards."""
    Path("my_plugin.py").write_text(PLUGIN.format(name="mine"))
    yield "plugins=[my_plugin]"
    registry.get_kind("attention").components.pop("mine", None)
    ConfigStore.instance().repo.get("attention", {}).pop("mine.yaml", None)
    sys.modules.pop("my_plugin", None)


def test_a_plugin_gets_its_section_from_its_signature(fake, plugin):
    assert fake(plugin, "attention=mine", "attention.radius=7", "model.heads=2") == 0
    assert runs()[0].attention == {"name": "mine", "heads": 2, "radius": 7}


def test_a_plugin_is_checked_like_our_own(refuses, plugin):
    refuses(
        [plugin, "attention=mine", "attention.radius=x"],
        "attention.radius=x: not of type int",
    )


def test_a_plugin_that_cannot_be_imported(refuses):
    Path("broken.py").write_text("raise OSError('no\\n camera')\n")
    refuses(
        ["plugins=[broken,nowhere]"],
        "plugins=[broken]: OSError: no camera",
        "plugins=[nowhere]: ModuleNotFoundError: No module named 'nowhere'",
    )
    refuses(["plugins=broken"], "plugins=broken: not a list; write [A,B]")


# Help


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"], ["help"]])
def test_help(arguments, capsys):
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert said.startswith("attn 0.1.0: Train, search and compare attention models")
    assert "  position    learned none sinusoidal\n" in said
    assert "  list   show the kinds of parts, the names of a kind, or the options" in said


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "attn 0.1.0\n"


def test_help_of_a_command(capsys):
    assert main(["list", "--help"]) == 0
    assert capsys.readouterr().out == textwrap.dedent("""\
        attn list: show the kinds of parts, the names of a kind, or the options of one part

        usage: attn list [KEY=VALUE ...]

        examples
          attn list
          attn list kind=attention
          attn list kind=attention name=softmax

        options, each with its default
          kind: null  # the kind to list, e.g. attention; null: all kinds
          name: null  # the component of this kind to explain; null: all of the kind
          plugins: []  # modules of your own to import first, e.g. [my_attention]
        """)


@pytest.mark.parametrize("command", sorted(attn.usage.commands()))
def test_help_imports_nothing_heavy(command):
    code = f"""\
import sys
from attn.cli import main
assert main([{command!r}, "--help"]) == 0
assert not {{"torch", "hydra", "omegaconf"}} & set(sys.modules), "heavy"
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "attn", "lst"], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr[:27]) == (2, "lst: unknown command; did y")


def test_output_that_nobody_reads():
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "attn"], check=False, stdout=closed, stderr=subprocess.PIPE
        )
    assert (done.returncode, done.stderr) == (0, b"")
