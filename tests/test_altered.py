"""What is altered in the folder of a run is told, or does not matter: nothing goes wrong unseen."""

import contextlib
import functools
import io
import json
import shutil
from collections import Counter

import pytest
import yaml
from direct import call
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from leftovers import outcome, same

from attn import runs

pytestmark = pytest.mark.usefixtures("unchecked")

TINY = (
    "experiment=smoke",
    "study=altered",
    "precision.device=cpu",
    "precision.dtype=fp32",
    "dataset.train_size=40",
    "dataset.dev_size=3",
    "dataset.test_size=3",
    "batches.tokens=300",
    "trainer.steps=4",
    "trainer.evaluate_every=2",
    "trainer.keep_best=2",
    "trainer.samples=0",
)
FILES = [
    *(f"checkpoints/step-{step}/{name}" for step in (2, 4)
      for name in ("model.safetensors", "state.pt", "meta.json")),
    "config.yaml", "status.json", "scores.json", "data.json", "tokenizer/symbols.json",
]  # fmt: skip
USE = ("precision.device=cpu",)
COMMANDS = ("train", "evaluate", "translate", "average", "compare")


def called(command, output, run):
    if command == "train":
        return call("train", *TINY, output=output)
    if command == "compare":
        return call("compare", runs=output)
    if command == "average":
        return call("average", "best=2", run=run)
    return call(command, *USE, run=run, **({"text": "a b"} if command == "translate" else {}))


def told(command, output, run):
    """The exit code of a command, what it says, and what it says of errors and warnings."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code, message = called(command, output, run)
    return code, out.getvalue().replace(str(output), "OUT"), err.getvalue() + message


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run that was evaluated, what each command says of it, and what training left."""
    output = tmp_path_factory.mktemp("finished")
    assert told("train", output, None)[0] == 0
    run = runs.find(str(output))
    assert told("evaluate", output, run)[0] == 0

    @functools.cache
    def intact(command):
        place = tmp_path_factory.mktemp("intact") / "copy"
        shutil.copytree(output, place)
        code, said, warned = told(command, place, place / run.relative_to(output))
        assert (code, warned) == (0, "")
        return said

    return output, run.relative_to(output), intact


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 999) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@st.composite
def alterations(draw, content, others):
    """What a file holds after something befell it; none, if it is gone."""
    kind = draw(st.sampled_from(["flip", "cut", "extend", "delete", "swap", "value"]))
    if kind == "flip":
        place, bits = draw(st.integers(0, len(content) - 1)), draw(st.integers(1, 255))
        return kind, bytes([*content[:place], content[place] ^ bits, *content[place + 1 :]])
    if kind == "cut":
        return kind, content[: draw(st.integers(0, len(content) - 1))]
    if kind == "extend":
        return kind, content + draw(st.binary(min_size=1, max_size=9))
    if kind == "delete":
        return kind, None
    if kind == "swap":
        return kind, draw(st.sampled_from(others))
    return kind, draw(changed_value(content))


@st.composite
def changed_value(draw, content):
    """A text with another value somewhere in it, or a key more or less; bytes if it is no text."""
    try:
        whole = yaml.safe_load(content.decode())
    except (UnicodeDecodeError, yaml.YAMLError):
        return draw(st.binary(max_size=40))
    place, key, keys = {"": whole}, "", [""]
    while draw(st.booleans()) and isinstance(place[key], (dict, list)) and place[key]:
        place = place[key]
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
    act = draw(st.sampled_from(["set", "remove", "add"]))
    if act == "remove" and keys != [""]:
        del place[key]
    elif act == "add" and isinstance(place, dict) and keys != [""]:
        place[draw(st.text(max_size=5))] = draw(values)
    else:
        if keys == [""]:
            whole = draw(values)
        else:
            place[key] = draw(values)
    return (json.dumps(whole) if content[:1] in b"{[" else yaml.safe_dump(whole)).encode()


def check(finished, folder, data):
    """Alter one file of a copy, and see what a command makes of it."""
    output, place, intact = finished
    name = data.draw(st.sampled_from(FILES))
    command = data.draw(st.sampled_from(COMMANDS))
    content = (output / place / name).read_bytes()
    others = [(output / place / other).read_bytes() for other in FILES if other != name]
    kind, altered = data.draw(alterations(content, others))
    said = intact(command)
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(output, copy)
    file = copy / place / name
    file.unlink() if altered is None else file.write_bytes(altered)
    code, out, err = told(command, copy, copy / place)
    assert code in {0, 1, 2}
    assert "Traceback" not in err
    if code:
        assert file.name in err or file.parent.name in err, (command, name, err)
    elif not err:
        told_of = {
            "status.json": out.startswith(said),
            "scores.json": "not evaluated on" in out,
            "data.json": "not evaluated on" in out,
            "config.yaml": "not evaluated on" in out,
        }
        assert out == said or told_of.get(name), (command, name)
    if command == "train":
        assert code == 0
        one, other = outcome(output), outcome(copy)
        assert [key for key in ("weights", "state", "figures", "status")
                if not same(one[key], other[key])] == []  # fmt: skip
    return name, command, kind, code


@pytest.mark.long
@settings(
    max_examples=12,
    phases=[Phase.generate],
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_what_is_altered_is_told_or_does_not_matter(finished, tmp_path_factory, data):
    check(finished, tmp_path_factory.mktemp("altered"), data)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_five_hundred_alterations(finished, tmp_path_factory, capsys):
    found = []

    @settings(
        max_examples=500,
        phases=[Phase.generate],
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def five_hundred(data):
        found.append(check(finished, tmp_path_factory.mktemp("altered"), data))

    five_hundred()
    with capsys.disabled():
        for part in range(3):
            print("\n", dict(Counter(one[part] for one in found)))
        print("\n", Counter((name, code) for name, _, _, code in found))
