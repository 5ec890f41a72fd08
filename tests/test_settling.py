"""What an experiment replaces of the parts that the command line chooses, and that it is told."""

import hydra
import pytest
from omegaconf import OmegaConf

import attn.commands.list as _kinds  # noqa: F401 - registers every kind
from attn.cli import main
from attn.settling import replaced, settle, without_experiment

SIZES = {"encoder_layers": 2, "decoder_layers": 2, "dropout": 0.1}  # of experiment=demo
PRESETS = {"bahdanau": (1, 1, 0.0), "sutskever": (4, 4, 0.0), "luong_concat": (4, 4, 0.2),
           "rnmt": (6, 8, 0.3), "convs2s": (20, 20, 0.2), "base": (6, 6, 0.1)}  # fmt: skip


def composed(*arguments):
    with hydra.initialize_config_module("attn.conf", version_base="1.3"):
        return hydra.compose("train", list(arguments))


def told(choices, *keys):
    arguments = [f"{kind}={name}" for kind, name in choices.items()]
    cfg, typed = composed(*arguments), [*choices, *keys]
    settle(cfg, choices, typed)
    return cfg, replaced(cfg, composed(*without_experiment(choices, typed)), choices, typed)


@pytest.mark.parametrize("name", PRESETS)
def test_an_experiment_replaces_what_a_preset_sets_and_says_so(name):
    alone = composed(f"model={name}").model
    own = dict(zip(SIZES, PRESETS[name], strict=True))
    assert {option: alone[option] for option in SIZES} == own
    under, lines = told({"experiment": "demo", "model": name})
    assert {option: under.model[option] for option in SIZES} == SIZES
    different = [option for option in SIZES if own[option] != SIZES[option]]
    (line,) = lines
    assert line.startswith("experiment=demo sets model.")
    for option in different:
        has = "model=" + name + " has " if option == different[0] else ""
        assert f"model.{option}={SIZES[option]} ({has}{own[option]})" in line
    same = {
        option
        for option in alone
        if OmegaConf.to_container(alone)[option] == OmegaConf.to_container(under.model).get(option)
    }
    assert not [option for option in same if f"model.{option}=" in line]


def test_what_the_command_line_sets_is_not_told():
    _, lines = told({"experiment": "demo", "model": "bahdanau"}, "model.encoder_layers")
    assert lines == [
        "experiment=demo sets model.decoder_layers=2 (model=bahdanau has 1), "
        "model.dropout=0.1 (0.0)"
    ]


def test_nothing_is_told_where_nothing_was_chosen():
    assert without_experiment({"experiment": "demo", "model": "tiny"}, ["experiment"]) == []
    assert without_experiment({"experiment": None, "model": "bahdanau"}, ["model"]) == []


@pytest.mark.long
def test_it_is_told_in_one_line_a_part(tmp_path, capsys):
    small = ["model.dim=8", "trainer.steps=1", "trainer.evaluate_every=1", f"output={tmp_path}"]
    few = ["dataset.train_size=20", "dataset.dev_size=2", "dataset.test_size=2"]
    chosen = ["experiment=smoke", "model=sutskever", "schedule=cosine"]
    assert main(["train", *chosen, *small, *few, "precision.device=cpu"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "model.feedforward_dim of experiment=smoke is left out: model=recurrent has no such option",
        "experiment=smoke sets model.encoder_layers=1 (model=sutskever has 4), "
        "model.decoder_layers=1 (4)",
    ]
