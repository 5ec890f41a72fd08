"""A fault of a user's YAML file is told with the file."""

from pathlib import Path

import pytest
from hydra.plugins.config_source import ConfigLoadError
from messages import exactly

from attn import sources
from attn.cli import main


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Reads a file of the folder ``mine``, which the user typed so."""
    monkeypatch.setattr(sources.UserFiles, "shown", "mine")
    monkeypatch.setattr(sources.UserFiles, "read", {})
    (tmp_path / "model").mkdir()
    (tmp_path / "experiment").mkdir()
    source = sources.UserFiles("user", f"user://{tmp_path}")

    def check(name, content):
        file = tmp_path / f"{name}.yaml"
        file.mkdir() if content is None else file.write_bytes(content)
        return source.load_config(name)

    return check


@pytest.mark.long
@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"a: \xff", ": not UTF-8"),
        (b"[" * 3000, ": nested too deeply, or in itself"),
        (b"a: 1\nb: [", ", line 2: expected the node content, but found '<stream end>'"),
        (
            b"a: \x01",
            ": not YAML (unacceptable character #x0001: special characters are not allowed in "
            '"{file}", position 3)',
        ),
        (None, ": cannot be read (Is a directory)"),
        (b"- a", ": must hold options, a line each, like seed: 3"),
        (b"a-b: 5", None),
        (b"'a b': 5", ": a b: keys must be words of letters, digits and _"),
        (b"defaults: 5", ": defaults: must be a list, like [override /model: small]"),
        (
            b"defaults: [{model: [a]}]",
            ": defaults: {{'model': ['a']}} must look like override /model: small",
        ),
    ],
)
def test_a_fault_is_told_with_the_file(load, tmp_path, content, fault):
    if fault is None:
        assert load("model/own", content).config == {"a-b": 5}
        return
    message = f"mine/model/own.yaml{fault.format(file=tmp_path / 'model' / 'own.yaml')}"
    with pytest.raises(ConfigLoadError, match=exactly(message)):
        load("model/own", content)


def test_an_experiment_says_that_it_sets_the_whole(load):
    message = "mine/experiment/own.yaml, line 1: must begin with the line # @package _global_"
    with pytest.raises(ConfigLoadError, match=exactly(message)):
        load("experiment/own", b"seed: 3\n")
    assert load("experiment/own", b"# @package _global_\nseed: 3\n").config == {"seed": 3}
    assert sources.UserFiles.read.keys() == {Path("mine/experiment/own.yaml")}


def test_a_word_by_itself_is_a_key_with_its_place(load):
    load("experiment/mine", b"# @package _global_\n# Mine.\nd")
    assert sources.place_of("d") == "mine/experiment/mine.yaml, line 3"


def test_what_hydra_cannot_tell_of_a_folder(refuses):
    folder = Path.cwd().parent / "home" / "conf"
    (folder / "position").mkdir()
    (folder / "position" / "one.yaml").write_text("defaults: [other]")
    (folder / "position" / "other.yaml").write_text("defaults: [one]")
    (folder / "position" / "short.yml").write_text("name: none")
    refuses(
        ["position=one"],
        f"position=one: its defaults lead back to itself ({folder}/position/one.yaml)",
    )
    refuses(
        ["position=short"],
        f"position=short: {folder}/position/short.yml: must be called short.yaml",
    )


def test_what_cannot_be_composed_is_told_in_words(tmp_path, capsys):
    folder = tmp_path / "mine" / "experiment"
    folder.mkdir(parents=True)
    files = {
        "listed": "sweep: [attention]",
        "lost": "defaults: [nosuch]",
    }
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(f"# @package _global_\n{text}\n")
    asked = ["train", f"--config-dir={tmp_path}/mine"]
    assert [main([*asked, f"experiment={name}"]) for name in files] == [2, 2]
    assert capsys.readouterr().err.splitlines() == [
        "experiment=listed: a list stands where a section, with options below it, belongs "
        f"({folder}/listed.yaml)",
        "experiment=lost: defaults name nosuch, and attn list experiment has none of that name "
        f"({folder}/lost.yaml)",
    ]
