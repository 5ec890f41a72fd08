"""Every problem of a command line is told at once, and nothing runs."""

import re
from pathlib import Path

import pytest
from fakes import runs

from attn import attention as _attention  # noqa: F401 - registers
from attn import keys, usage
from attn import positions as _positions  # noqa: F401
from attn.cli import main

TOP = (
    "choose one of seed, rate, careful, output, study, plugins, needed, elsewhere, text, run, "
    "jobs, model, trainer, attention, position, experiment, attention@elsewhere"
)


def folder():
    """The folder of the fake command's YAML files, which is given as ``--config-dir``."""
    return Path.cwd().parent / "home" / "conf"


def names_of(kind):
    return ", ".join(usage.groups()[kind])


def test_unknown_choice(refuses):
    refuses(
        ["attention=sofmax", "position=xyz"],
        "attention=sofmax: unknown attention; did you mean 'softmax'? "
        f"choose one of {names_of('attention')}",
        f"position=xyz: unknown position; choose one of {names_of('position')}",
    )


def test_options_of_an_unknown_choice_are_not_held_against_another(refuses):
    refuses(
        ["attention=zzz", "attention.radius=3"],
        f"attention=zzz: unknown attention; choose one of {names_of('attention')}",
    )


def test_a_part_cannot_be_empty(refuses):
    refuses(
        ["attention=null"],
        f"attention=null: unknown attention; choose one of {names_of('attention')}",
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
        "elsewhere.heads=3: elsewhere is empty; choose one beside it, "
        "attention@elsewhere=NAME elsewhere.heads=VALUE",
    )


def test_layers_of_their_own_are_a_list_of_entries():
    said = "not a list; write [{layers: 0-2, name: softmax}, {layers: 3, name: window}]"
    assert keys._fault("encoder_layers", [], "[{layers: 0,2, name: softmax}]") == said
    assert keys._fault("encoder_layers", [], []) is None


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


def test_no_path_is_empty_and_what_is_null_by_default_may_be_null_again():
    assert keys._fault("run", "???", "") == "is empty; give a path (the current folder is a dot)"
    assert keys._fault("match", "params", None) is None
    assert keys._fault("seed", 1, None) == "not of type int"


def test_an_option_holds_no_others_and_is_no_list(refuses):
    refuses(
        ["seed={a: 1}", "rate.fast=1", "output=[a,b]", "needed=a\0b"],
        r"needed=a\x00b: holds a NUL character",
        "seed={a: 1}: seed is an option, it holds no others; write seed=VALUE",
        "rate.fast=1: rate is an option, it holds no others; write rate=VALUE",
        "output=[a,b]: takes one value, not a list",
    )


def test_a_part_of_the_config_that_is_not_there(refuses):
    refuses(
        ["--cfg=job", "--package=modle"],
        "--package=modle: unknown section; did you mean 'model'? choose one of attention, model, "
        "position, trainer, trainer.free",
    )


def test_missing_value(refuses):
    refuses(["needed=???"], "needed=???: needs a value; write needed=VALUE")


def test_broken_interpolation(refuses):
    refuses(
        ["attention.heads=${model.hedas}"],
        "attention.heads=${model.hedas}: Interpolation key 'model.hedas' not found",
    )


def test_what_the_command_itself_refuses(refuses):
    refuses(["seed=13"], "seed=13: brings bad luck")


def test_unreadable_arguments(refuses):
    refuses(
        ["seed", "=3", "a b=3", "--seed=3", "--hepl", "seed=1", "seed=2"],
        "seed: is neither GROUP=NAME nor OPTION=VALUE; write seed=VALUE",
        "=3: there is no key before the equals sign",
        "a b=3: 'a b' is not a key; a key is like model.dim",
        "--seed=3: unknown flag; options have no dashes: seed=3",
        "--hepl: unknown flag; did you mean '--help'? choose one of "
        "--cfg, --config-dir, --help, --info, --package, --resolve, -m",
        "seed=2: given twice, before it as seed=1",
    )


def test_several_values_need_a_sweep(refuses):
    refuses(
        ["seed=1,2", "study=a,b", "position=glob(*n*)", "rate=x"],
        "seed=1,2: takes one value; add -m to run every combination",
        "study=a,b: takes one value; add -m to run every combination, or write study=[a,b] "
        "if it takes a list",
        "position=glob(*n*): takes one value; add -m to run every combination",
        "rate=x: not of type float",
    )


def test_an_empty_place_is_not_swept(refuses):
    refuses(
        ["-m", "attention@elsewhere=softmax,null"],
        "attention@elsewhere=softmax,null: null cannot be swept; run it by itself",
    )


@pytest.mark.long
def test_every_job_of_a_sweep_is_checked_and_each_problem_told_once(refuses):
    refuses(
        ["-m", "seed=12,13", "position=none,lerned,sinusoidal", "rate=x", "position.base=3"],
        "rate=x: not of type float",
        "position.base=3: position has no such option; "
        "choose one of position.name, position.allow_bag_of_words (with position=none)",
        "position=lerned: unknown position; did you mean 'learned'? "
        f"choose one of {names_of('position')}",
        "seed=13: brings bad luck",
    )


def test_hydras_own_options(refuses):
    refuses(
        [
            "-m",
            "hydra.job.chdir=maybe",
            "hydra.job.nme=x",
            "hydra.verbose=a,b",
            "hydra.launcher=nonsense",
        ],
        "hydra.verbose=a,b: Hydra's own options cannot be swept",
        "hydra.job.chdir=maybe: Value 'maybe' is not a valid bool (type str)",
        "hydra.job.nme=x: hydra.job has no such option; did you mean 'hydra.job.name'? "
        "choose one of hydra.job.name, hydra.job.chdir, hydra.job.override_dirname, "
        "hydra.job.id, hydra.job.num, hydra.job.config_name, hydra.job.env_set, "
        "hydra.job.env_copy, hydra.job.config",
        "hydra.launcher=nonsense: a section, not an option; take a part with hydra/launcher=NAME",
    )


@pytest.mark.long
def test_a_place_may_be_left_empty(fake):
    assert fake("attention@elsewhere=null", "experiment=quick") == 0
    assert (runs()[0].elsewhere, runs()[0].trainer.steps) == (None, 2)
    assert fake("attention@elsewhere=null", "experiment=null", "study=null") == 0
    assert (runs()[1].elsewhere, runs()[1].trainer.steps) == (None, 5)


def test_an_experiment_that_cannot_be_composed(refuses):
    refuses(
        ["experiment=broken"],
        "experiment=broken: In 'fake': Could not find 'attention/vanished' Available options in "
        f"'attention': {' '.join(usage.groups()['attention'])} "
        f"({folder()}/experiment/broken.yaml)",
    )


def test_an_experiment_with_an_unknown_key(refuses):
    refuses(
        ["experiment=wrong"],
        "sede: unknown key, set by a YAML file; did you mean 'seed'? choose one of attention, "
        "careful, elsewhere, jobs, model, needed, output, plugins, position, rate, run, seed, "
        f"study, text, trainer ({folder()}/experiment/wrong.yaml, line 2)",
    )


def test_a_file_puts_what_cannot_stand_there():
    named = {"name": "softmax"}
    base = {
        "trainer": {"steps": 5},
        "attention": named,
        "seed": 1,
        "study": None,
        "position": named,
    }
    tree = {"trainer": 5, "attention": {"name": ["a"]}, "seed": {"a": 5}, "study": "x"}
    tree["position"] = {"dim": 3}
    assert list(keys.shape_problems(tree, base)) == [
        "trainer=5: must be a section, with options below it",
        "attention.name=[a]: must be a name",
        "seed={a: 5}: an option, it holds no others",
        "position: has no name; write name: NAME into its file",
    ]


@pytest.mark.long
def test_what_is_wrong_comes_before_the_references_that_lead_nowhere_for_it(capsys):
    assert main(["train", "experiment=smoke", "model=bahdanau", "attention=average"]) == 2
    first, *others = capsys.readouterr().err.splitlines()
    assert first.startswith("attention=average: cannot serve the cross role, and model=recurrent ")
    assert others == [
        f"attention.{option}=${{model.{owner}}}: Interpolation key 'model.{owner}' not found"
        for option, owner in (
            ("feedforward_dim", "feedforward_dim"),
            ("dropout", "activation_dropout"),
        )
    ]


@pytest.mark.long
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


def test_what_other_programs_call_an_option(capsys):
    meant = {
        "lr": "optimizer.learning_rate",
        "schedule.max_steps": "trainer.steps",
        **{f"trainer.{other}": ours for other, ours in keys.ELSEWHERE.items()},
    }
    assert main(["train", "tokenizer=bpe", *(f"{one}=1" for one in meant)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [re.search("did you mean '([^']*)'", line)[1] for line in said] == list(meant.values())
