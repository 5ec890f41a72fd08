"""Whatever stands in a user's YAML file or plug-in: a fault is told with the file."""

import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_fuzz import fresh as fresh  # a fixture
from test_fuzz import fuzz

from attn import registry

pytestmark = pytest.mark.long

YAML = """\
# @package _global_
# Mine.
defaults:
  - override /model: small
  - override /attention: softmax
  - override /position: learned

seed: 3
dataset:
  dev_size: 20
model:
  dim: 64
  heads: 4
trainer:
  steps: 5
  metric: BLEU
encoder_layers:
  - {layers: 0-1, name: softmax}
  - layers: 2
    name: softmax
plugins: []
"""

PLUGIN = '''\
from attn.contract import Capabilities, Role
from attn.registry import register


@register("attention", "fuzzed")
class Fuzzed:
    """An attention."""

    capabilities = Capabilities(frozenset(Role))

    def __init__(self, place, *, heads: int = 8, radius: int = 5):
        pass
'''
# One a line: what a wrong hand may put into a file.
LINES = [
    "seed: [1]", "seed: x", "seed: -1", "seed: 5", "sede: 5", "model: 5", "model: [a]", "model: {}",
    "null", "model: null", "trainer: {steps: nan}", "trainer: {steps: .inf}",
    "trainer: {steps: 1e400}", "5: 6", "trainer: {_target_: os.system}", "_target_: os.system",
    "- a", '\tx: 3', "a: &a [*a]", "b: *nope", "a: !!python/object:os.system x", "x: !foo 3",
    '? [a, b]\n: 3', "seed: ${nowhere}", "seed: ${seed}", "seed: ${", "seed: '${a'", "seed: 'x",
    'seed: "\\0"', "defaults: 5", "defaults: {a: b}", "defaults: [5]", "defaults: [{a: 5}]",
    "defaults: [nowhere]", "defaults: [override /model: nowhere]", "...", "---",
    "defaults: [override /nowhere: x]", "defaults: [{model: [a, b]}]", "defaults: [[a]]", "{", "}",
    "%", "@", "defaults: [model: tiny]", "# @package a b c", "# @package", "# @package model",
    "hydra: 5", "true: 3", "hydra: {mode: what}", "hydra: {sweeper: {params: 5}}",
    "hydra: {sweeper: {params: {seed: 1}}}", "1.5: 2", "output: [a]", "plugins: x", "plugins: [5]",
    "plugins: [nowhere]", "study: {a: b}", "encoder_layers: {a: b}", "encoder_layers: [softmax]",
    "encoder_layers: [{layers: 0}]", "attention: {name: nowhere}", "precision: x",
    "model: {name: nowhere}", "model: {dim: {a: b}}", "model: {dim: null}", "position: {name: [a]}",
    "loss: 3", "seed: 2024-01-01", "seed: 1:30", "é: ü", '\ufeffseed: 3', 'a: \x01', "search: null",
    "optimizer: []", "schedule: {warmup: x}", "filters: null", "batches: [1, 2]", "scoring: ''",
    'a: ' + '[' * 2000, 'a: ' + '{a: ' * 500,
]  # fmt: skip

LETTERS = "\t:{}[]&*!|>'\"%@`#,-?\x00é\u2028 "
VALUES = ["[1]", "x", "{a: b}", "-1", "~"]


@st.composite
def mutated(draw, text):
    """Some bytes that were a good file once."""
    for _ in range(draw(st.integers(1, 2))):
        lines = text.split("\n")
        at = draw(st.integers(0, len(lines) - 1))
        spot = draw(st.integers(0, len(text)))
        odd = draw(st.sampled_from(LINES))
        text = draw(
            st.sampled_from([
                text[:spot],
                text[:spot] + draw(st.sampled_from(LETTERS)) + text[spot:],
                "\n".join([*lines[:at], odd, *lines[at:]]),
                "\n".join([*lines[:at], odd, *lines[at + 1 :]]),
                "\n".join([*lines[:at], "  " + lines[at], *lines[at + 1 :]]),
                "\n".join([*lines[:at], lines[at].lstrip(), *lines[at + 1 :]]),
                "\n".join([*lines[:at], lines[at], *lines[at:]]),
                re.sub(r": .*", f": {draw(st.sampled_from(VALUES))}", text, count=at),
                odd,
            ])
        )  # fmt: skip
    content = text.encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 9)) == 0:
        spot = draw(st.integers(0, len(content)))
        content = content[:spot] + draw(st.binary(min_size=1, max_size=4)) + content[spot:]
    return content


def check_yaml(fresh, capsys, content):
    Path("mine/experiment").mkdir(parents=True, exist_ok=True)
    Path("mine/experiment/broken.yaml").write_bytes(content)
    code = fresh(["train", "--config-dir=mine", "experiment=broken"])
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert code in {0, 2}, (content, said)
    assert (code == 2) == any("mine/experiment/broken.yaml" in one for one in said.splitlines()), (
        content,
        said,
    )


def check_plugin(fresh, capsys, content):
    name = "fuzzed_plugin"
    Path(f"{name}.py").write_bytes(content)
    try:
        code = fresh(["train", f"plugins=[{name}]"])
    finally:
        registry.get_kind("attention").components.pop("fuzzed", None)
        sys.modules.pop(name, None)
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert code in {0, 2}, (content, said)
    assert (code == 2) == bool(said), (content, said)


@fuzz(6)
@given(content=mutated(YAML))
def test_a_broken_file_is_named(fresh, capsys, content):
    check_yaml(fresh, capsys, content)


@fuzz(3)
@given(content=mutated(PLUGIN))
def test_a_broken_plugin_is_named(fresh, capsys, content):
    check_plugin(fresh, capsys, content)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@fuzz(400)
@given(content=mutated(YAML))
def test_many_broken_files_are_named(fresh, capsys, content):
    check_yaml(fresh, capsys, content)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@fuzz(100)
@given(content=mutated(PLUGIN))
def test_many_broken_plugins_are_named(fresh, capsys, content):
    check_plugin(fresh, capsys, content)
