"""What other versions of the program left is used, or it is said why not."""

import shutil

import pytest
from direct import call
from messages import exactly
from safetensors.torch import load_file, save_file
from test_checkpoint import seal

from attn import __version__, checking, modules, registry, runs, stored
from attn.files import read_json, write_json
from attn.registry import ConfigError
from attn.snapshot import WEIGHTS
from attn.weights import CheckpointError

pytestmark = pytest.mark.usefixtures("unchecked")

TINY = (
    "experiment=smoke",
    "study=stored",
    "precision.device=cpu",
    "precision.dtype=fp32",
    "dataset.train_size=40",
    "dataset.dev_size=3",
    "batches.tokens=300",
    "trainer.steps=2",
    "trainer.evaluate_every=1",
    "trainer.samples=0",
)
WAYS = (
    f"; it was saved by attn {__version__}, this is attn {__version__}: go on with that version, "
    "or train anew with study=NAME\n"
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("stored")
    assert call("train", *TINY, output=output) == (0, "")
    return output


@pytest.fixture
def run(finished, tmp_path):
    """A copy of a finished run of two steps, its folder of all runs being ``tmp_path / 'copy'``."""
    shutil.copytree(finished, tmp_path / "copy")
    return runs.find(str(tmp_path / "copy"))


def train(run, *options):
    return call("train", *TINY, *options, output=run.parents[2])


def translate(run, *options):
    return call("translate", "precision.device=cpu", *options, run=run, text="a b")


def newest(run):
    return run / "checkpoints" / "step-2"


def change_config(run, change):
    """Another config in the run, and in its newest checkpoint, as another version had left it."""
    config = runs.load_config(run)
    change(config)
    runs.save_config(run, config)
    seal(newest(run), config=config)


@pytest.mark.long
class TestOlder:
    def test_options_that_a_config_lacks_take_their_defaults_and_are_told(self, run, capsys):
        def change(config):
            del config["attention"]["kernel"], config["batches"]["ahead"], config["loss"]

        change_config(run, change)
        told = (
            f"{run} is older than these options, which take: batches.ahead=4, "
            "loss.label_smoothing=0.1, attention.kernel=auto\n"
        )
        assert translate(run) == (0, "")
        assert capsys.readouterr().err == told
        assert train(run, "trainer.steps=3") == (0, "")
        said = capsys.readouterr()
        assert said.err == told
        assert "goes on from step 2\n" in said.out

    def test_a_checkpoint_of_the_first_format_goes_on(self, run, capsys):
        meta = read_json(newest(run) / "meta.json")
        del meta["format"], meta["tokenizer"], meta["sha256"]["meta.json"]
        write_json(newest(run) / "meta.json", meta)
        assert translate(run) == (0, "")
        assert train(run, "trainer.steps=3") == (0, "")
        assert "goes on from step 2\n" in capsys.readouterr().out

    def test_an_option_that_is_gone_is_named(self, run):
        change_config(run, lambda config: config["model"].update(gone=3))
        code, said = translate(run)
        assert code == 2
        assert said.startswith(f"{run}/config.yaml: model.gone=3: unknown option; choose one of ")
        assert train(run, "trainer.steps=3") == (
            1,
            f"attn train: {newest(run)}: was trained with model.gone=3, now absent{WAYS}",
        )

    def test_a_component_that_is_gone_is_named(self, run):
        change_config(run, lambda config: config["attention"].update(name="vanished"))
        assert translate(run) == (
            2,
            f"{run}/config.yaml: attention=vanished: unknown; "
            f"choose one of {', '.join(registry.names('attention'))}\n",
        )

    def test_a_default_that_changed_is_named(self, run, monkeypatch):
        real = checking.defaults

        def changed(key, section):
            return {**real(key, section), **({"label_smoothing": 0.2} if key == "loss" else {})}

        seal(newest(run), config={**runs.load_config(run), "loss": {"label_smoothing": 0.1}})
        monkeypatch.setattr(checking, "defaults", changed)
        code, said = train(run, "trainer.steps=3", "loss.label_smoothing=0.2")
        assert (code, said) == (
            1,
            f"attn train: {newest(run)}: was trained with loss.label_smoothing=0.1, now 0.2{WAYS}",
        )

    def test_weights_that_do_not_fit_are_named(self, run):
        weights = load_file(newest(run) / WEIGHTS)
        name, tensor = weights.popitem()
        save_file({"other": tensor, **weights}, newest(run) / WEIGHTS)
        seal(newest(run))
        assert train(run, "trainer.steps=3") == (
            1,
            f"attn train: {newest(run)}: the weights do not fit the model: {name} is missing; "
            f"other has no place{WAYS}",
        )

    def test_a_state_of_another_shape_is_named(self, run, monkeypatch):
        monkeypatch.setattr("attn.session.Session.restore", lambda _, state: state["missing"])
        assert train(run, "trainer.steps=3") == (
            1,
            f"attn train: {newest(run)}: no state of it (KeyError: 'missing'){WAYS}",
        )

    def test_a_newer_format_is_named_and_stays(self, run):
        seal(newest(run), format=3, version="9.9")
        said = (
            f"{newest(run)}/meta.json: is of format 3, by attn 9.9; this is attn {__version__}, "
            "which knows formats up to 2; use that version, or a newer\n"
        )
        assert train(run) == (1, f"attn train: {said}")
        assert translate(run, "checkpoint=last") == (2, said)
        assert newest(run).is_dir()


SECTIONS = {
    "dataset": {"name": "copy"},
    "tokenizer": {"name": "words"},
    "model": {"name": "transformer"},
    "attention": {"name": "softmax"},
    "attention_elsewhere": {"name": "softmax"},
    "position": {"name": "none"},
    "search": {"name": "beam"},
}


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"plugins": "mine"}, ["plugins=mine is no list of names"]),
        ({"encoder_layers": {"layers": 3}}, ["encoder_layers={layers: 3} is no list"]),
        ({"search": None}, ["search=null names no component"]),
        ({"encoder_attention": {"heads": 3}}, ["encoder_attention={heads: 3} names no component"]),
        ({"trainer": 7}, ["trainer=7 is no section"]),
    ],
)
def test_a_config_that_cannot_be_read_is_named(tmp_path, changes, faults):
    runs.save_config(tmp_path, {**SECTIONS, **changes})
    with pytest.raises(ConfigError) as refused:
        stored.config_of(tmp_path)
    assert refused.value.problems == [
        f"{tmp_path}/config.yaml: {fault}; the command that trained the run writes it anew"
        for fault in faults
    ]


def test_a_plug_in_of_a_run_that_is_gone_is_named(tmp_path):
    runs.save_config(tmp_path, {**SECTIONS, "plugins": ["vanished"]})
    message = (
        "plugins=[vanished]: there is no module vanished in the current folder, nor on Python's "
        f"path (PYTHONPATH) (a plug-in of {tmp_path})"
    )
    with pytest.raises(ConfigError, match=exactly(message)):
        stored.config_of(tmp_path)


def test_a_file_of_a_tokenizer_that_is_gone_is_named(tmp_path):
    message = (
        f"{tmp_path}/tokenizer/symbols.json: is missing; the command that trained the run writes "
        "it anew"
    )
    with pytest.raises(CheckpointError, match=exactly(message)):
        stored.check_tokenizer(tmp_path, {"tokenizer": {"tokenizer/symbols.json": "0"}})


@pytest.mark.long
class TestAltered:
    def test_a_config_that_is_not_that_of_the_weights_is_refused(self, run):
        config = runs.load_config(run)
        config["batches"]["tokens"] = 301
        runs.save_config(run, config)
        best = (run / "checkpoints" / "step-1").name
        assert translate(run, "checkpoint=1") == (
            2,
            f"{run}/config.yaml: is not what {best} was trained with: batches.tokens=300, now 301; "
            "the command that trained the run writes it anew\n",
        )
        assert train(run) == (0, "")
        assert translate(run) == (0, "")

    def test_a_tokenizer_that_is_not_that_of_the_weights_is_refused(self, run):
        symbols = run / "tokenizer" / "symbols.json"
        symbols.write_text(symbols.read_text().replace('"a"', '"q"'))
        assert translate(run) == (
            2,
            f"{symbols}: is not as it was written; the command that trained the "
            "run writes it anew\n",
        )
        assert train(run) == (0, "")
        assert translate(run) == (0, "")

    def test_another_tokenizer_is_not_trained_on_with(self, run):
        seal(newest(run), tokenizer={"symbols.json": "0"})
        assert train(run, "trainer.steps=3") == (
            1,
            f"attn train: {newest(run)}: was trained with another tokenizer than this "
            f"program makes of the text{WAYS}",
        )

    def test_what_an_evaluation_takes_otherwise_is_told(self, run, capsys):
        config = runs.load_config(run)
        config["search"]["size"] = 2
        runs.save_config(run, config)
        assert translate(run, "checkpoint=last") == (0, "")
        assert capsys.readouterr().err == (
            f"{run}/config.yaml: search.size=2, which was 5 when step 2 was saved\n"
        )

    def test_a_plug_in_that_was_changed_is_told(self, run, capsys, monkeypatch):
        monkeypatch.setattr(modules, "checksums", lambda _: {"mine": "1", "other": "2"})
        seal(newest(run), plugins={"mine": "0", "other": "2", "elsewhere": "3"})
        line = "plug-in mine: is not as it was when step 2 was saved"
        assert translate(run, "checkpoint=last") == (0, "")
        assert capsys.readouterr().err == f"{line}\n"
        assert train(run, "trainer.steps=3") == (0, "")
        assert capsys.readouterr().err == f"{line}; study=NAME trains anew with it\n"
