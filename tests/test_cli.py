"""The command line, from arguments to runs and exit codes."""

import functools
import importlib
import os
import signal
import subprocess
import sys
import textwrap
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import pytest
from fakes import runs
from omegaconf import OmegaConf

from attn import __main__, usage
from attn.cli import main


def test_a_command_runs_with_its_overrides(fake, capsys):
    assert fake("seed=7", "attention.kernel=explicit", "attention.heads=5", "model.heads=7") == 0
    (cfg,) = runs()
    assert (cfg.seed, cfg.attention.kernel, cfg.attention.heads) == (7, "explicit", 5)
    assert cfg.attention.dropout == 0.25
    assert cfg.elsewhere is None
    assert capsys.readouterr().err == ""


@pytest.mark.long
def test_a_place_takes_a_part_of_its_own(fake):
    assert fake("attention@elsewhere=softmax", "elsewhere.heads=7") == 0
    assert (runs()[0].elsewhere.heads, runs()[0].attention.heads) == (7, 3)


@pytest.mark.long
def test_hydra_leaves_no_trace(fake):
    assert fake() == 0
    assert list(Path().iterdir()) == []
    assert fake("-m", "seed=1,2") == 0
    assert list(Path().glob("*")) == [Path("runs")]
    assert list(Path("runs").iterdir()) == [Path("runs/.hydra")]


@pytest.mark.long
def test_the_study_has_a_name(fake):
    assert fake() == 0
    assert fake("experiment=quick") == 0
    assert fake("experiment=quick", "study=mine") == 0
    assert [cfg.study for cfg in runs()] == ["default", "quick", "mine"]


@pytest.mark.long
def test_hydra_can_be_told_to_sweep(fake):
    assert fake("hydra.mode=MULTIRUN", "seed=3") == 0
    assert [cfg.seed for cfg in runs()] == [3]
    assert list(Path("runs").iterdir()) == [Path("runs/.hydra")]


@pytest.mark.long
def test_a_sweep_runs_every_combination(fake):
    assert fake("-m", "seed=2,3", "position=none,learned", "needed='a,b'") == 0
    assert [(cfg.seed, cfg.position.name) for cfg in runs()] == [
        (2, "none"), (2, "learned"), (3, "none"), (3, "learned"),
    ]  # fmt: skip
    assert {cfg.needed for cfg in runs()} == {"a,b"}


@pytest.mark.long
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


@pytest.mark.long
@pytest.mark.parametrize("command", sorted(usage.commands()))
def test_a_shown_config_leaves_nothing_behind(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    needed = {"average": ["last=3"], "score": ["split=test"], "maps": ["split=test"]}.get(
        command, []
    )
    assert main([command, *needed, "--cfg", "job", "--resolve"]) == 0
    shown = OmegaConf.create(capsys.readouterr().out)
    text = files("attn.conf").joinpath(f"{command}.yaml").read_text(encoding="utf-8")
    assert set(OmegaConf.create(text)) - {"defaults", "hydra"} <= set(shown)
    assert not {"defaults", "hydra"} & set(shown)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_one_section_of_the_config_can_be_shown(fake, capsys):
    assert fake("--cfg=job", "-p", "attention", "--resolve", "model.heads=11") == 0
    shown = OmegaConf.create(capsys.readouterr().out)
    assert (shown.heads, shown.name) == (11, "softmax")
    assert fake("--cfg=job", "--package=trainer.free") == 0
    assert "steps" not in capsys.readouterr().out
    assert runs() == []


def test_a_section_that_is_not_there(refuses):
    refuses(
        ["--cfg=job", "-p", "atention"],
        "--package=atention: unknown section; did you mean 'attention'? choose one of attention, "
        "model, position, trainer, trainer.free",
    )
    refuses(["-p", "model"], "--package: changes what --cfg shows; add --cfg=job")


def test_hydra_can_be_asked(fake, capsys):
    assert fake("--info=defaults") == 0
    assert "attention/softmax" in capsys.readouterr().out


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
    known = ", ".join(sorted([*usage.commands(), "completion"]))
    expected = f"lst: unknown command; did you mean 'list'? choose one of {known}\n"
    assert capsys.readouterr().err == expected


def test_a_flag_with_a_wrong_value(fake, capsys):
    assert fake("--cfg", "jobs") == 2
    expected = "--cfg=jobs: unknown; did you mean 'job'? choose one of all, hydra, job\n"
    assert capsys.readouterr().err == expected


def test_a_folder_that_is_not_there(capsys):
    assert main(["list", "--config-dir=nowhere"]) == 2
    assert capsys.readouterr().err == "--config-dir=nowhere: no such folder\n"
    assert main(["train", f"--config-dir={'x' * 300}"]) == 2
    said = f"--config-dir={'x' * 300}: cannot be reached (File name too long)\n"
    assert capsys.readouterr().err == said


# What goes wrong later


def test_a_run_that_fails(fake, capsys):
    assert fake("needed=fail") == 1
    assert capsys.readouterr().err == (
        "attn fake: failed: RuntimeError: the disk is full (fake.py, line 26)\n"
        "HYDRA_FULL_ERROR=1 before the command shows where\n"
    )


@pytest.mark.long
def test_a_run_that_fails_without_a_word(fake, capsys):
    assert fake("needed=silent") == 1
    assert capsys.readouterr().err == (
        "attn fake: failed: ValueError: no reason given (fake.py, line 30)\n"
        "HYDRA_FULL_ERROR=1 before the command shows where\n"
    )


@pytest.mark.long
def test_what_hydra_itself_cannot_do_is_told(fake, capsys):
    assert fake("-m", "rate=interval(0.1,0.5)") == 1
    said = capsys.readouterr().err
    assert said.startswith("attn fake: failed: ")
    assert "INTERVAL_SWEEP" in said


def test_a_config_is_shown_of_one_job(refuses):
    refuses(["-m", "--cfg=job"], "-m: --cfg and --info show one config; leave -m out")


@pytest.mark.long
def test_the_traceback_can_be_had(fake, capsys, monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    assert fake("needed=fail") == 1
    first, hint, *rest = capsys.readouterr().err.splitlines()
    assert first == "attn fake: failed: RuntimeError: the disk is full (fake.py, line 26)"
    assert hint == "HYDRA_FULL_ERROR=1 before the command shows where"
    assert rest[0] == "Traceback (most recent call last):"
    assert os.environ["HYDRA_FULL_ERROR"] == "1"


@pytest.mark.long
def test_a_failing_job_does_not_stop_a_sweep(fake, capsys):
    assert fake("-m", "needed=fail,here,fail") == 1
    assert [cfg.needed for cfg in runs()] == ["fail", "here", "fail"]
    said = capsys.readouterr().err
    assert said.count("attn fake needed=fail: failed: RuntimeError: the disk is full") == 2


@pytest.mark.long
def test_input_that_turns_out_to_be_wrong(fake, capsys):
    assert fake("needed=refuse") == 2
    assert capsys.readouterr().err == "needed=refuse: refused late\n"
    assert fake("-m", "needed=refuse,here") == 2


@pytest.mark.long
def test_interrupted(fake, capsys):
    assert fake("needed=interrupt") == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.long
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_terminated(fake, capsys, signum, code, request):
    request.addfinalizer(functools.partial(signal.signal, signum, signal.getsignal(signum)))
    signal.signal(signum, signal.SIG_DFL)  # a shell may have had it ignored
    assert fake(f"needed={signum.name}") == code
    assert capsys.readouterr().err == "terminated\n"
    assert signal.getsignal(signum) is signal.SIG_DFL


@pytest.mark.parametrize(
    ("signum", "code", "said"),
    [
        (signal.SIGTERM, 143, "terminated\n"),
        pytest.param(signal.SIGINT, 130, "interrupted\n", marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, 129, "terminated\n", marks=pytest.mark.slow),
    ],
)
def test_an_import_takes_no_signal_for_an_error_of_its_own(tmp_path, signum, code, said):
    (tmp_path / "late.py").write_text(f"""
import os, signal
try:
    os.kill(os.getpid(), {int(signum)})
except BaseException:
    print("taken")
""")
    begun = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    program = f"{begun}import runpy; runpy.run_module('attn', run_name='__main__')"
    command = [sys.executable, "-c", program, "list", "plugins=[late]"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", said)


def test_until_all_is_imported_the_system_ends_what_is_interrupted(monkeypatch, request):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have ignored it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    ours, handlers = signal.getsignal(signal.SIGINT), []
    note = SimpleNamespace(main=lambda: handlers.append(signal.getsignal(signal.SIGINT)) or 5)

    def load(name):
        handlers.append(signal.getsignal(signal.SIGINT))
        return note

    monkeypatch.setattr(importlib, "import_module", load)
    assert __main__.main() == 5
    assert handlers == [signal.SIG_DFL, ours]


# Help


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"], ["help"]])
def test_help(arguments, capsys):
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert said.startswith("attn 0.1.0: Train, search and compare attention models")
    assert f"  search      {' '.join(usage.groups()['search'])}\n" in said
    assert "show the kinds of parts, the names of a kind, or the options" in said


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "attn 0.1.0\n"


def test_help_of_a_command(capsys):
    assert main(["list", "--help"]) == 0
    assert capsys.readouterr().out == textwrap.dedent("""\
        attn list: show the kinds of parts, the names of a kind, or the options of one part

        usage: attn list [KIND [NAME]] [KEY=VALUE ...]

        examples
          attn list
          attn list attention softmax
          attn list attention format=markdown

        options, each with its default
          kind: null  # the kind to list, e.g. attention; the first word without a key; null: all kinds
          name: null  # what to explain of this kind; the second word without a key; null: all of the kind
          format: terminal  # of the table of attentions: terminal | markdown | csv
          plugins: []  # modules of your own to import first, from here or Python's path: [my_attention]

        flags
          --cfg job  print the composed config, and run nothing
        """)  # noqa: E501


def test_help_of_a_command_with_parts(capsys):
    assert main(["evaluate", "--help"]) == 0
    said = capsys.readouterr().out
    assert "\nusage: attn evaluate [KEY=VALUE ...] [-m]\n" in said
    assert "\noptions, each with its default; ??? must be given\n" in said
    assert said.endswith(
        textwrap.dedent("""
        flags
          -m                    run every combination of the values that are parted by commas
          --cfg job             print the composed config, and run nothing
          --cfg job --resolve   the same, every ${reference} replaced by what it stands for
          --cfg job -p SECTION  of it one section, e.g. -p precision
          --info                show what the config is composed of, and run nothing
          --config-dir FOLDER   look for YAML files of your own too: FOLDER/GROUP/NAME.yaml is GROUP=NAME
        """)  # noqa: E501
    )


def test_help_shows_a_long_series_of_names_as_one(capsys):
    assert main(["train", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert (
        "multi30k smoke table3_* why_attention why_attention_multi30k wmt14_base wmt14_big) "
    ) in said


@pytest.mark.parametrize("command", sorted(usage.commands()))
def test_help_imports_nothing_heavy(command):
    code = f"""\
import sys
from attn.cli import main
assert main([{command!r}, "--help"]) == 0
assert not {{"torch", "hydra", "omegaconf"}} & set(sys.modules), "heavy"
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.long
def test_commands_import_no_more_than_they_need():
    """Each of these takes a good part of a second or more, and most runs end without it."""
    code = """\
import importlib, sys
heavy = {"torch._dynamo", "requests", "matplotlib", "tensorboard"}
for command in sys.argv[1:]:
    importlib.import_module(f"attn.commands.{command}")
    assert not heavy & set(sys.modules), (command, heavy & set(sys.modules))
import attn.commands.train
assert heavy & set(sys.modules) == {"tensorboard"}, "train"
"""
    commands = set(usage.commands()) - {"draw", "train"}
    subprocess.run([sys.executable, "-c", code, *commands], check=True)


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


@pytest.mark.long
def test_a_command_whose_output_nobody_reads_ends_quietly(fake, capsys, monkeypatch):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        assert fake("needed=print") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [["list", "attention"], ["--help"]])
def test_output_that_finds_no_room_is_told(arguments):
    command = [sys.executable, "-m", "attn", *arguments]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith("standard output cannot be written (no space left)\n")
    assert "Traceback" not in done.stderr
