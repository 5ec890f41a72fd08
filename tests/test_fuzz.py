"""Whatever is wrong on a command line gives exit code 2 and lines that name it, never a traceback.

What is wrong is decided by these rules, over every option of every part that is registered:

- a key that the composed config lacks, a name that is not among those of its group;
- a value that its option's annotated type excludes; of a number also infinities, what is no
  number, more than 64 bits, and negative numbers unless the option is in ``ANY_SIGN``;
- a reference to nothing or to itself, an argument that is not ``KEY=VALUE``, a key given twice.
"""

import copy
import functools
import re
import sys
from types import NoneType
from typing import get_args, get_origin

import pytest
from hydra._internal.core_plugins import importlib_resources_config_source as packaged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from attn import cli, launch, registry, usage
from attn.assemble import FIXED
from attn.overrides import printable

pytestmark = pytest.mark.long

Packaged = packaged.ImportlibResourcesConfigSource
ANY_SIGN = {"dataset.seed"}
NO_NUMBER = ["nan", "inf", "-inf", "1e400", "-1e400", "9" * 30, "'nan'"]
OF_NO_SCALAR = ["[1]", "[]", "{a: 1}", "[[1,2],{b: 3}]"]
WRONG = {
    int: [*NO_NUMBER, *OF_NO_SCALAR, "abc", "1.5", "true", "''", "-1", "1e3", "0x", "1_0x", "1:2"],
    float: [*NO_NUMBER, *OF_NO_SCALAR, "abc", "true", "''", "-1", "-0.5", "1.5.2", "five"],
    bool: [*NO_NUMBER[:5], *OF_NO_SCALAR, "abc", "5", "0", "1.5", "''"],
    str: [*OF_NO_SCALAR],
    list: ["{a: 1}"],
    dict: [*NO_NUMBER[:5], *OF_NO_SCALAR, "abc", "5", "1.5", "true", "''"],
}
TOP = {"seed": int, "plugins": list, "samples": int, "run": str, "split": str}
KEYS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.from_regex(r"[a-z_]{1,9}([.@/][a-z_]{0,9}){0,3}", fullmatch=True),
    st.sampled_from([
        "a[0]",
        "x.",
        ".x",
        "a..b",
        "ключ",
        "model",
        "a b",
        "%s",
        "{}",
        "a,b",
        "@",
        "/",
    ]),
)
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.sampled_from([
        "",
        "null",
        "''",
        "'",
        '"',
        "[",
        "{a",
        "${",
        "${x}",
        "a,b",
        "\n",
        "\0",
        "5",
        "???",
    ]),
)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """Runs a command line up to where Hydra would start; its exit code."""
    patch = pytest.MonkeyPatch()
    patch.chdir(tmp_path_factory.mktemp("empty"))
    patch.setattr(sys, "path", list(sys.path))
    patch.setattr(launch, "_run", lambda *_: 0)
    kept = functools.cache(Packaged.load_config)
    patch.setattr(Packaged, "load_config", lambda self, path: copy.deepcopy(kept(self, path)))
    yield cli.main
    patch.undo()


@pytest.fixture(scope="module")
def run(fresh):
    """The same, faster: what the packaged files give is composed once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "Preflight", functools.cache(launch.Preflight))
        yield fresh


def places(command):
    """The places of a command's parts: what is typed for them, their key, their kind."""
    text = usage.files("attn.conf").joinpath(f"{command}.yaml").read_text(encoding="utf-8")
    for match in usage.DEFAULT.finditer(text):
        group, package = match["group"], match["package"]
        if group in registry.kinds():
            yield f"{group}@{package}" if package else group, package or group, group


def options(command):
    """Every option of a command: the argument that chooses its part, if any, its key, its type."""
    text = usage.files("attn.conf").joinpath(f"{command}.yaml").read_text(encoding="utf-8")
    shown = OmegaConf.to_container(OmegaConf.create(text))
    found = [((), key, TOP[key]) for key in shown if key in TOP]
    for section in set(FIXED) & set(shown):
        types = registry.option_types(FIXED[section])
        found += [((), f"{section}.{option}", types[option]) for option in types]
    for place, key, kind in places(command):
        for name in registry.names(kind):
            types = registry.option_types(registry.find(kind, name), registry.get_kind(kind).given)
            found += [((f"{place}={name}",), f"{key}.{o}", types[o]) for o in types]
    return found


# Before any case is drawn: where shapes are checked, beartype draws at random which item it checks.
PLACES = {command: list(places(command)) for command in usage.commands()}
OPTIONS = {command: options(command) for command in usage.commands()}
COMMANDS = st.sampled_from(sorted(OPTIONS))


def wrong_values(key, annotation):
    """Values that an option cannot take."""
    allowed = {get_origin(one) or one for one in get_args(annotation) or (annotation,)}
    if get_origin(annotation) in {list, dict}:
        allowed = {get_origin(annotation)}
    values = set.intersection(*(set(WRONG[one]) for one in allowed - {NoneType}))
    if NoneType not in allowed and key not in {"plugins", "run"}:
        values.add("null")
    return sorted(values - ({"-1", "-0.5"} if key in ANY_SIGN else set()))


@st.composite
def wrong_value(draw, command):
    part, key, annotation = draw(st.sampled_from(OPTIONS[command]))
    value = draw(st.sampled_from(wrong_values(key, annotation)))
    return [*part, f"{key}={value}"], (key, value)


@st.composite
def reference(draw, command):
    part, key, _ = draw(st.sampled_from(OPTIONS[command]))
    value = draw(
        st.sampled_from(["${nowhere}", f"${{{key}}}", "${model.nowhere.x}", "${oc.what:1}"])
    )
    return [*part, f"{key}={value}"], (key, value)


@st.composite
def unknown_key(draw, command):
    """A real key misspelt, or any text."""
    real = [key for _, key, _ in OPTIONS[command]]
    misspelt = st.builds(
        lambda key, at, letter: key[: at % len(key)] + letter + key[at % len(key) + 1 :],
        st.sampled_from(real),
        st.integers(0, 99),
        st.sampled_from("qQ9_é"),
    )
    known = {part for key in real for part in (key, key.partition(".")[0])}
    free = {place for place, _, _ in PLACES[command]} | {"experiment", "text", "hydra"} | TEXTUAL
    key = draw(
        st.one_of(misspelt, KEYS).filter(
            lambda key: (
                key not in known | free
                and not re.match(r"[-+~]|hydra\b", key)
                and "=" not in key
                and key.strip() == key
            )
        )
    )
    value = draw(st.sampled_from(["3", "abc", "[1]", "null", ""]))
    return [f"{key}={value}"], (printable(key), value)


TEXTUAL = {
    "output",
    "study",
    "checkpoint",
    "input",
    "last",
    "best",
    "runs",
    "format",
    "kind",
    "name",
} | {f"{role}_layers" for role in ("encoder", "decoder", "cross")}


@st.composite
def unknown_choice(draw, command):
    known = PLACES[command] or [("attention", "attention", "attention")]
    place, _, _ = draw(st.sampled_from(known))
    name = draw(
        st.sampled_from(["sofmax", "beem", "x", "[a]", "5", "a/b", "..", "é", "true", "''"])
    )
    return [f"{place}={name}"], (place, name.strip("'"))


@st.composite
def malformed(draw, command):
    key = draw(st.sampled_from([key for _, key, _ in OPTIONS[command]]))
    argument = draw(
        st.sampled_from([
            key, f"={key}", f"{key} =1", "+", "~", "++", "=", "", f"~{key}", f"+{key}x=1",
            f"++{key}x=1", f"--{key}=1", f"-{key}", f"{key}\0=1", f"{key}=\0", f"a\nb={key}",
            f"'{key}=1", f"[{key}]=1",
        ])
    )  # fmt: skip
    return [argument], (printable(argument), "")


@st.composite
def twice(draw, command):
    key = draw(st.sampled_from([key for _, key, _ in OPTIONS[command]]))
    return [f"{key}=1", f"{key}=2"], (key, "2")


def flag(command):
    return st.sampled_from([
        (["--config-dir=nowhere"], ("--config-dir", "nowhere")),
        (["--config-dir"], ("--config-dir", "")),
        (["--config-name", "x"], ("--config-name", "")),
        (["--cfg=nonsense"], ("--cfg", "nonsense")),
        (["--cfg"], ("--cfg", "")),
        (["--info=nonsense"], ("--info", "nonsense")),
        (["--resolve"], ("--resolve", "")),
        (["-p", "model"], ("--package", "")),
        (["--cfg=job", "-p", "nonsense"], ("--package", "nonsense")),
        (["--cfg=job", "-m"], ("-m", "")),
        (["--hydra-help"], ("--hydra-help", "")),
        (["--multirun=3"], ("--multirun", "3")),
        (["-mx"], ("-mx", "")),
        (["--", "-"], ("--", "")),
    ])


def wrong(command):
    """Arguments of a command, and the key and value that must be named of each that is wrong."""
    kinds = (wrong_value, reference, unknown_key, unknown_choice, malformed, twice, flag)
    return st.one_of(*(kind(command) for kind in kinds))


@st.composite
def wrong_lines(draw):
    command = draw(COMMANDS)
    arguments, expected = draw(wrong(command))
    sweep = draw(st.sampled_from([[], [], ["-m"]]))
    return [command, *arguments, *sweep], expected


def assert_refused(line, expected, code, captured):
    said = captured.err.splitlines()
    assert "Traceback" not in captured.err
    assert code == 2, (line, code, captured.err)
    key, value = (printable(one) for one in expected)
    assert any(key in one and value in one for one in said), (line, expected, said)


def check_wrong(run, capsys, line, expected):
    capsys.readouterr()
    assert_refused(line, expected, run(line), capsys.readouterr())


def check_any(run, capsys, command, part, key, value):
    """Nothing that can be typed does anything but run, or say what is wrong."""
    code = run([command, *part, f"{key}={value}"])
    said = capsys.readouterr().err
    assert code in {0, 2}, (key, value, said)
    assert (code == 2) == bool(said), (key, value, said)


@st.composite
def any_lines(draw):
    command = draw(COMMANDS)
    part, key, _ = draw(st.sampled_from(OPTIONS[command]))
    return command, part, draw(st.one_of(st.just(key), KEYS)), draw(TEXTS)


def fuzz(count):
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@fuzz(16)
@pytest.mark.slow
@given(case=wrong_lines())
def test_wrong_arguments_are_named(run, capsys, case):
    check_wrong(run, capsys, *case)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@fuzz(2000)
@given(case=wrong_lines())
def test_many_wrong_arguments_are_named(run, capsys, case):
    check_wrong(run, capsys, *case)


@fuzz(8)
@given(case=any_lines())
def test_any_argument_runs_or_is_refused(run, capsys, case):
    check_any(run, capsys, *case)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@fuzz(1000)
@given(case=any_lines())
def test_many_arguments_run_or_are_refused(run, capsys, case):
    check_any(run, capsys, *case)
