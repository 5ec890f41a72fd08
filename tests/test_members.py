"""Several runs, or checkpoints, that commands translate with as one."""

import json
import shutil
from types import SimpleNamespace

import pytest
import yaml
from direct import call

from attn import members, results, runs
from attn.checkpoint import Checkpoints
from attn.cli import main
from attn.members import Members
from attn.search.ensemble import Ensemble

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("unchecked")]

SMALL = ["experiment=smoke", "precision.device=cpu", "precision.dtype=fp32", "trainer.samples=0"]
BRIEF = [f"{search}.{limit}" for search in ("search", "validation_search")
         for limit in ("max_ratio=0.0", "max_extra=3")]  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory, unchecked):
    """A Transformer and a recurrent model of one vocabulary, and a run of another."""
    output, home = tmp_path_factory.mktemp("runs"), pytest.MonkeyPatch()
    home.chdir(output)
    choices = {
        "one": [],
        "two": ["model=bahdanau", "model.dim=16", "seed=2", "batches.max_length=20"],
        "other": ["dataset.train_size=9", "trainer.steps=1", "trainer.evaluate_every=1"],
    }
    for study, parts in choices.items():
        assert main(["train", *SMALL, *BRIEF, *parts, f"study={study}"]) == 0
    yield SimpleNamespace(**{study: runs.find(f"outputs/{study}") for study in choices})
    home.undo()


def said(capsys, *arguments):
    code = main(list(arguments))
    return code, capsys.readouterr()


def test_runs_and_checkpoints_go_together():
    def named(run, checkpoint):
        found = members.each({"run": run, "checkpoint": checkpoint, "root": None})
        assert all(one["root"] is None for one in found)
        return [(one["run"], one["checkpoint"]) for one in found]

    assert named("a", "best") == [("a", "best")]
    assert named(["a", "b"], "last") == [("a", "last"), ("b", "last")]
    assert named("a", ["best", 5]) == [("a", "best"), ("a", 5)]
    assert named(["a", "b"], ["best", 5]) == [("a", "best"), ("b", 5)]
    assert named(["a", "b"], ["best"]) == [("a", "best"), ("b", "best")]


def test_a_transformer_and_a_recurrent_model_translate_as_one(trained, capsys):
    asked = f"run=[{trained.one},{trained.two}]"
    code, printed = said(capsys, "translate", asked, "n_best=5", "text=a b c", "search.size=5")
    assert (code, printed.err) == (
        2,
        "search.size=5: search is empty; choose one beside it, search=NAME search.size=VALUE\n",
    )
    code, printed = said(capsys, "translate", asked, "n_best=5", "text=a b c", "search=beam")
    assert (code, printed.err) == (0, "")
    assert len(printed.out.splitlines()) == 5
    assert main(["translate", f"run={trained.one}", "checkpoint=[10,20]", "text=a b c"]) == 0


def test_as_one_they_read_what_the_narrowest_can(trained):
    asked = {
        "run": [str(trained.one), str(trained.two)],
        "checkpoint": "best",
        "search": None,
        "precision": {"dtype": "auto", "device": "cpu"},
    }
    models = Members.of(asked)
    translator = models.translator()
    assert isinstance(translator.model, Ensemble)
    assert translator.batches.max_length == 20
    assert models.search().limit.max_extra == 3


def test_scores_of_an_ensemble_lie_apart(trained, capsys):
    before = (trained.one / "scores.json").exists()
    asked = (f"run=[{trained.one},{trained.two}]", "checkpoint=[10,20]", "samples=0")
    code, printed = said(capsys, "evaluate", *asked)
    assert (code, printed.err) == (0, "")
    (folder,) = (trained.one.parents[2] / "ensembles").iterdir()
    lines = printed.out.splitlines()
    assert lines[:3] == [
        f"run     {trained.one}, step-10",
        f"run     {trained.two}, step-20",
        f"scores  outputs/ensembles/{folder.name}",
    ]
    assert before == (trained.one / "scores.json").exists()
    kept = results.load_scores(folder)["test"]["beam max_ratio=0.0 max_extra=3 ensemble"]
    assert [one["run"] for one in kept["checkpoint"]["members"]] == [
        str(trained.one),
        str(trained.two),
    ]
    assert [one["step"] for one in kept["checkpoint"]["members"]] == [10, 20]
    assert all("model.safetensors" in one["sha256"] for one in kept["checkpoint"]["members"])
    assert main(["evaluate", *asked]) == 0
    assert main(["evaluate", asked[0], "checkpoint=[20,10]", "samples=0"]) == 0
    assert len(list(folder.parent.iterdir())) == 2
    assert main(["compare", "runs=[outputs]", "format=csv"]) == 0


def test_of_one_run_nothing_has_changed(trained):
    assert main(["evaluate", f"run=[{trained.one}]", "checkpoint=[last]", "samples=0"]) == 0
    told = json.loads((trained.one / "scores.json").read_text())["test"]
    (entry,) = told.values()
    assert entry["checkpoint"]["name"] == "step-20"
    assert set(entry["checkpoint"]) == {"name", "step", "sha256", "attn", "code"}


@pytest.mark.parametrize("command", ["translate", "evaluate"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run=[]"], "run=[]: names none\n"),
        (["run={one}", "checkpoint=[]"], "checkpoint=[]: names none\n"),
        (["run=[nowhere,{one},nothing]"],
         "run=[nowhere,{one},nothing]: nowhere: there is no such folder\n"
         "run=[nowhere,{one},nothing]: nothing: there is no such folder\n"),
        (["run=[{one},{two}]", "checkpoint=[best,last,10]"],
         "checkpoint=[best,last,10]: 3 checkpoints of 2 runs; give one for all, or one for each\n"),
        (["run=[{one},{two},{other}]"],
         "run=[{one},{two},{other}]: the vocabulary of {other} is not that of {one}; an ensemble "
         "needs equal ones: train its runs on one corpus, with one tokenizer\n"),
        (["run=[{one},{two}]", "checkpoint=[10,7]"],
         "checkpoint=[10,7]: 7: not in {two}/checkpoints; choose best, last, average (made by attn "
         "average) or one of the steps: 10, 20\n"),
    ],
)  # fmt: skip
def test_wrong_ensembles_are_named(trained, capsys, command, arguments, message):
    given = [one.format(**vars(trained)) for one in arguments]
    code, printed = said(capsys, command, *given, *(["text=a"] if command == "translate" else []))
    assert printed.err == message.format(**vars(trained))
    assert code == 2


def test_scores_of_an_ensemble_need_a_folder(trained, capsys):
    asked = f"run=[{trained.one},{trained.two}]"
    code, printed = said(capsys, "evaluate", asked, "output=null")
    assert (code, printed.err) == (2, "output=null: needs a folder; write output=FOLDER\n")
    file = trained.one / "config.yaml"
    code, printed = said(capsys, "evaluate", asked, f"output={file}")
    assert (code, printed.err) == (2, f"output={file}: is a file; give another path\n")


def test_what_looks_into_one_model_takes_one(trained, capsys):
    code, printed = said(capsys, "reach", f"run=[{trained.one},{trained.two}]")
    line = f"run=[{trained.one},{trained.two}]: takes one run, not a list\n"
    assert (code, printed.err) == (2, line)


def test_damaged_vocabularies_are_told_as_those_of_one_run_are(trained, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(trained.two, broken)
    (symbols,) = (broken / "tokenizer").iterdir()
    symbols.write_text("[")
    code, line = call("translate", run=broken, text="a")
    assert code == 2
    assert call("translate", f"run=[{trained.one},{broken}]", text="a") == (code, line)
    assert Checkpoints(broken / "checkpoints").steps() == [10, 20]
    assert yaml.safe_load((broken / "config.yaml").read_text())["model"]["name"] == "recurrent"
