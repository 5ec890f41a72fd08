"""``attn profile``: from a configuration, or a run, to its tables."""

import csv
import io
import json

import hydra
import pytest
import torch
from direct import call
from test_reach import trained  # noqa: F401 - a fixture

from attn import overrides, registry
from attn.cli import main
from attn.commands import profile
from attn.preflight import Preflight

pytestmark = pytest.mark.usefixtures("unchecked")
SMALL = ["model.dim=8", "model.heads=2", "model.encoder_layers=1", "model.decoder_layers=1"]
QUICK = [*SMALL, "vocabulary=20", "tokens=8", "repeats=1", "precision.device=cpu"]


@pytest.mark.long
def test_all_tables_of_a_configuration(capsys):
    shape = ["lengths=[4,8]", "encoder_attention=window", "encoder_attention.radius=2"]
    assert main(["profile", *QUICK, *shape, "precision.dtype=fp32"]) == 0
    head, parameters, layers, flops, speed = capsys.readouterr().out.split("\n\n")
    total = parameters.split()[-1]
    assert head.splitlines() == [
        f"model transformer: {total} parameters, vocabulary 20, position sinusoidal",
        "attention encoder window, decoder softmax, cross softmax",
        "batches of 8 tokens a side, cpu, fp32",
    ]
    assert layers.splitlines()[1].split() == [
        "encoder.attention", "window", "1", "T", "radius", "D", "1", "T", "/", "radius", "1", "4",
    ]  # fmt: skip
    assert [row.split()[:2] for row in flops.splitlines()[1:]] == [["4", "2"], ["8", "1"]]
    assert speed.startswith(
        "length  sentences  tokens/s trained  tokens/s decoded  MiB of a step\n4 "
    )


def test_everything_as_json(capsys):
    assert call("profile", *QUICK, "lengths=[8]", "format=json") == (0, "")
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["configuration", "tokens", *profile.TABLES]
    assert found["parameters"][-1]["part"] == "all"
    assert found["speed"][0]["MiB of a step"] > 0
    *_, sequential, path = found["layers"][0].items()
    assert (sequential, path) == (("sequential at T = 8", 1), ("path at T = 8", 1))


def test_one_table_as_csv(capsys):
    assert call("profile", *QUICK, "lengths=[2,4]", "table=flops", "format=csv") == (0, "")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["length"], row["sentences"]) for row in rows] == [("2", "4"), ("4", "2")]
    assert list(rows[0]) == [
        "length", "sentences", "FLOPs of a step", "of a source token encoded",
        "of a target token decoded",
    ]  # fmt: skip


def test_markdown(capsys):
    assert call("profile", *QUICK, "lengths=[8]", "table=layers", "format=markdown") == (0, "")
    assert "\n| decoder.cross | softmax | 1 | T S D | 1 | 1 | 1 | 1 |\n" in capsys.readouterr().out


@pytest.mark.long
def test_the_configuration_of_an_experiment(capsys):
    options = ["experiment=smoke", "table=parameters"]
    assert main(["profile", "-m", *options, "attention=softmax,linear"]) == 0
    said = capsys.readouterr().out
    assert said.count("\nencoder.attention    4,096\n") == 2
    assert "attention encoder linear, decoder linear, cross linear\n" in said


@pytest.mark.long
def test_the_configuration_of_a_run(trained, capsys):  # noqa: F811
    options = ["table=parameters"]
    assert call("profile", *options, run=trained) == (0, "")
    assert "model transformer: 21,760 parameters, vocabulary 24, position sinusoidal\n" in (
        capsys.readouterr().out
    )
    given = ["attention=linear", "vocabulary=30", "model.dim=8", "loss.label_smoothing=0.2"]
    assert main(["profile", f"run={trained}", *options, *given]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"{one}: run={trained} has its own; leave it out" for one in given
    ]


def test_what_is_of_no_use_is_told(capsys):
    given = ["dataset=copy", "trainer.steps=3", "search=greedy", "batches.tokens=5000"]
    assert main(["profile", *QUICK, "lengths=[8]", *given]) == 2
    assert sorted(capsys.readouterr().err.splitlines()) == sorted(
        f"{one}: is of no use here; leave it out" for one in given
    )


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        (["lengths=[]"], ["lengths=[]: must be whole numbers from 1 on"]),
        (["lengths=[8,0]"], ["lengths=[8,0]: must be whole numbers from 1 on"]),
        (["lengths=8"], ["lengths=8: not a list; write [A,B]"]),
        (
            ["lengths=[8,64]", "tokens=32"],
            ["tokens=32: must be at least the longest of lengths, 64"],
        ),
        (
            ["repeats=0", "vocabulary=4", "tokens=0", "seed=-1"],
            [
                "repeats=0: must be at least 1",
                "vocabulary=4: must be at least 5",
                "tokens=0: must be at least 1",
                "seed=-1: must be at least 0 and below 2**63",
            ],
        ),
        ([f"vocabulary={10**10}"], [f"vocabulary={10**10}: must be at most 1000000000"]),
        (
            ["format=html", "table=flop"],
            [
                "format=html: unknown; choose one of csv, json, markdown, terminal",
                "table=flop: unknown; did you mean 'flops'? choose one of flops, layers, "
                "parameters, speed",
            ],
        ),
        (
            ["format=csv"],
            [
                "format=csv: holds one table; add table=NAME, one of parameters, layers, flops, "
                "speed"
            ],
        ),
        (
            ["position=learned", "position.max_positions=100", "lengths=[8,101]"],
            ["lengths=[8,101]: must be at most the 100 positions that position=learned knows"],
        ),
        (
            ["model.heads=3", "optimizer.learning_rate=-1", "precision.device=tpu"],
            [
                "model.heads=3: must divide the width 128, or head_dim and value_dim must be given",
                "optimizer.learning_rate=-1: must be positive",
                "precision.device=tpu: unknown; choose one of auto, cuda, mps, cpu",
            ],
        ),
        (
            ["attention=softmax", "attention.kernel=flex", "precision.device=cpu"],
            [
                "attention.kernel=flex: torch trains it on CUDA alone; choose one of auto, "
                "explicit, sdpa"
            ],
        ),
        (["run=nowhere"], ["run=nowhere: there is no such folder"]),
    ],
)
def test_what_is_refused(arguments, problems, capsys):
    assert main(["profile", *arguments]) == 2
    assert sorted(capsys.readouterr().err.splitlines()) == sorted(problems)


def test_a_length_within_the_room_fits(capsys):
    room = ["position=learned", "position.max_positions=8", "table=speed", "lengths=[8]"]
    assert call("profile", *QUICK, *room) == (0, "")
    assert "8       1 " in capsys.readouterr().out


def test_a_lack_of_memory_says_what_to_try(monkeypatch):
    def full(_):
        raise torch.OutOfMemoryError

    monkeypatch.setitem(profile.TABLES, "speed", full)
    assert call("profile", *QUICK, "lengths=[4,8]", "table=speed") == (
        1,
        "attn profile: out of memory, with batches of 8 tokens a side; try tokens=8, or shorter "
        "lengths\n",
    )
    monkeypatch.setitem(profile.TABLES, "speed", lambda _: registry.find(1 / 0))
    with pytest.raises(ZeroDivisionError):
        call("profile", *QUICK, "lengths=[8]", "table=speed")


def test_help_names_the_command_whose_groups_it_takes(capsys):
    assert main(["profile", "--help"]) == 0
    said = capsys.readouterr().out
    assert (
        "\n\ngroups and options of attn train too, see its --help; those of data, search, scoring "
        "and schedule\nare of no use here\n\noptions, each with its default\n"
    ) in said
    assert said.count("  attn profile ") == 3
    assert "--config-dir" in said


def test_what_is_of_no_use_to_a_table():
    given = {"lengths": "[8]", "tokens": 8, "repeats": 2}
    alone = {"lengths": "table=layers and table=flops and table=speed",
             "tokens": "table=flops and table=speed", "repeats": "table=speed"}  # fmt: skip
    idle = {"parameters": [*given], "layers": ["tokens", "repeats"], "flops": ["repeats"],
            "speed": []}  # fmt: skip
    for table, keys in idle.items():
        arguments = [f"{key}={value}" for key, value in given.items()]
        parsed, problems = overrides.parse([*SMALL, f"table={table}", *arguments])
        with hydra.initialize_config_module("attn.conf", version_base="1.3"):
            checked = Preflight("profile", profile.check, profile.unused)
            problems += checked.problems(parsed, multirun=False)
        assert problems == [f"{key}={given[key]}: is of {alone[key]} alone" for key in keys]
