"""The YAML files show what the classes take: every option, its default, a comment."""

import configparser
import functools
import itertools
import re
from pathlib import Path

import hydra
import pytest
from omegaconf import OmegaConf

from attn import overrides, registry, usage
from attn.assemble import FIXED
from attn.commands import train
from attn.commands.list import NAMED  # which registers every kind
from attn.preflight import Preflight

ROOT = Path(__file__).parent.parent
CONF = ROOT / "conf"
COMPONENTS = [(kind, name) for kind in registry.kinds() for name in registry.names(kind)]
FILES = sorted(CONF.rglob("*.yaml"), key=str)
PARTS = [
    (kind, file.stem) for kind in registry.kinds() for file in sorted((CONF / kind).glob("*.yaml"))
]
EXPERIMENTS = sorted(file.stem for file in (CONF / "experiment").glob("*.yaml"))


def options(kind, name):
    return registry.defaults(registry.find(kind, name), registry.get_kind(kind).given)


def plain(file, key=None):
    section = OmegaConf.load(file)
    return OmegaConf.to_container(section[key] if key else section)


def same(shown, default):
    """Whether YAML shows this default, or says where else the value comes from."""
    if isinstance(shown, str) and shown.startswith("${"):
        return True
    return type(shown) is type(default) and shown == default


def uncommented(lines):
    """The options, of those in lines of YAML, that have no comment behind or before them."""
    return [
        line.strip()
        for before, line in zip(["", *lines], lines, strict=False)
        if re.match(r"\s*\w+:", line)
        if "  # " not in line and not before.strip().startswith("#")
    ]


@pytest.mark.parametrize(("kind", "name"), COMPONENTS)
def test_a_component_has_a_file_with_every_option_and_its_default(kind, name):
    shown = plain(CONF / kind / f"{name}.yaml")
    shown.pop("defaults", None)  # parts that it stands with
    expected = options(kind, name)
    assert next(iter(shown)) == "name"
    assert shown.pop("name") == name
    assert list(shown) == list(expected)
    wrong = {key: shown[key] for key in shown if not same(shown[key], expected[key])}
    assert wrong == {}


@pytest.mark.parametrize(("kind", "name"), COMPONENTS)
def test_every_option_has_a_comment(kind, name):
    lines = (CONF / kind / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert (
        uncommented([line for line in lines if not line.startswith(("name:", "defaults:"))]) == []
    )


@pytest.mark.parametrize(("kind", "name"), [part for part in PARTS if part not in COMPONENTS])
def test_a_preset_sets_options_of_a_component(kind, name):
    with hydra.initialize_config_module("attn.conf", version_base="1.3"):
        section = dict(OmegaConf.to_container(hydra.compose("train", [f"{kind}={name}"])[kind]))
    assert list(section) == ["name", *options(kind, section["name"])]


@pytest.mark.parametrize("section", FIXED)
def test_a_fixed_section_shows_every_option_and_its_default(section):
    assert plain(CONF / "train.yaml", section) == registry.defaults(FIXED[section])


@pytest.mark.parametrize("command", usage.commands())
def test_every_option_of_a_command_has_a_comment(command):
    text = (CONF / f"{command}.yaml").read_text(encoding="utf-8")
    lines = text.partition("\nhydra:")[0].splitlines()
    places = re.findall(r"@(\w+): null", text) + re.findall(r"  - (\w+): null", text)
    shown = [line for line in uncommented(lines) if line.partition(":")[0] not in places]
    assert [line for line in shown if line not in {"defaults:"}] == []


@pytest.mark.parametrize(
    "command", [c for c in usage.commands() if "precision" in OmegaConf.load(CONF / f"{c}.yaml")]
)
def test_precision_is_the_same_everywhere(command):
    expected = dict(plain(CONF / "train.yaml", "precision"))
    if command in {"align", "draw", "maps", "reach"}:  # of which none translates many sentences
        del expected["workers"]
    assert plain(CONF / f"{command}.yaml", "precision") == expected


def test_attn_verify_has_what_attentions_take_from_the_model():
    files = [*(CONF / "attention").glob("*.yaml"), *(CONF / "position").glob("*.yaml")]
    taken = {name for file in files for name in re.findall(r"\$\{model\.(\w+)\}", file.read_text())}
    assert taken <= set(plain(CONF / "verify.yaml", "model"))


@functools.cache
def preflight():
    """Composes what all experiments share but once; to be called with Hydra initialized."""
    return Preflight("train", train.check)


@pytest.mark.long
# The other rows of table 3 are built in test_presets.py.
@pytest.mark.parametrize(
    "name", [name for name in EXPERIMENTS if not re.match("table3_(?!base|a_h1$)", name)]
)
def test_an_experiment_can_be_run(name, monkeypatch, tmp_path):
    """As ``attn train`` checks it; no corpus is fetched for that."""
    monkeypatch.setenv("ATTN_DATA", str(tmp_path / "data"))
    given, problems = overrides.parse([f"experiment={name}"])
    with hydra.initialize_config_module("attn.conf", version_base="1.3"):
        problems += preflight().problems(given, multirun=False)
    assert problems == []
    assert not (tmp_path / "data").exists()


@pytest.mark.long
@pytest.mark.parametrize("name", ["multi30k", "smoke"])
def test_parts_can_be_swapped_under_an_experiment(name, tmp_path):
    """What the experiment sets of its own parts does not stand in the way of others."""
    groups = ("tokenizer", "schedule", "dataset")
    swapped = itertools.zip_longest(*map(registry.names, groups))
    for split in ("train", "dev", "test"):
        for language in ("en", "de"):
            (tmp_path / f"{split}.{language}").write_text("a\n")
    with hydra.initialize_config_module("attn.conf", version_base="1.3"):
        for parts in swapped:
            chosen = [f"{group}={part}" for group, part in zip(groups, parts, strict=True) if part]
            root = [f"dataset.root={tmp_path}"] if "parallel" in parts else []
            arguments = [f"experiment={name}", *chosen, *root]
            given, problems = overrides.parse(arguments)
            problems += preflight().problems(given, multirun=False)
            assert problems == [], arguments


def test_the_packages_are_the_folders():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = setup["options"]["packages"].split()
    folders = [file.parent.relative_to(ROOT) for file in (ROOT / "attn").rglob("__init__.py")]
    assert listed == sorted([*(".".join(folder.parts) for folder in folders), "attn.conf"])


def test_every_kind_is_listed():
    sources = (file.read_text(encoding="utf-8") for file in (ROOT / "attn").rglob("*.py"))
    declared = {
        name for text in sources for name in re.findall(r'registry\.declare\(\s*"(\w+)"', text)
    }
    assert declared == set(registry.kinds())


def test_every_yaml_is_read():
    """A file in no known folder would ship, and be of no use to anybody."""
    folders = {file.parent.name for file in FILES} - {"conf", *NAMED}
    assert folders == set(registry.kinds())
