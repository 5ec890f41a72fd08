"""What is compiled computes the same, in few graphs; what stands in the way is told."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from builders import build_model
from direct import call
from messages import exactly

from attn import compiling
from attn.compiling import Compiler
from attn.trainer import Trainer

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def small(name="transformer", **options):
    layers = {"encoder_layers": 1, "decoder_layers": 1}
    return build_model(name, **{**layers, **options}).train()


def in_a_process(backend, cache):
    """What compiled.py finds; the checks of shapes that tests have are not there to be compiled."""
    here = Path(__file__).parent
    path = os.pathsep.join([str(here.parent), str(here)])
    done = subprocess.run(
        [sys.executable, here / "compiled.py", backend],
        env={**os.environ, "PYTHONPATH": path, "TORCHINDUCTOR_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def compiled(choice, model, device=CPU):
    compiler = Compiler(choice, device)
    compiler.apply(model)
    return compiler


def computes_the_same(found):
    assert found["differing"] == []
    assert found["losses"] == pytest.approx(found["losses as it is"], rel=1e-9)


@pytest.mark.compiled
def test_a_compiled_model_trains_as_it_does_without_in_few_graphs(tmp_path):
    """Graphs are captured as for the compiler, and run as they are."""
    found = in_a_process("eager", tmp_path)
    computes_the_same(found)
    assert found["report"] == "compiled (trainer.compile=on): 1 graphs, 0 of them again"
    # A single row is another graph; another number of rows, or length, is none.
    assert found["report later"] == "compiled (trainer.compile=on): 2 graphs, 1 of them again"
    assert found["same seed, same masks"]
    assert not found["other seed, same masks"]
    assert found["gradients with layers computed again"] == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_what_the_compiler_makes_of_it_computes_the_same(tmp_path):
    found = in_a_process("inductor", tmp_path)
    computes_the_same(found)
    count = re.fullmatch(r"compiled .*: (\d+) graphs, \d+ of them again", found["report"])
    assert int(count[1]) <= 2


@pytest.mark.compiled
def test_a_failure_of_the_compiler_is_told(tmp_path):
    found = in_a_process("broken", tmp_path)
    assert found["error"] == (
        "torch.compile failed (OSError: there is no header); set trainer.compile=off"
    )


@pytest.mark.parametrize(("choice", "device"), [("off", CPU), ("off", CUDA), ("auto", CPU)])
def test_a_model_is_left_as_it_is(choice, device):
    model = small()
    compiler = compiled(choice, model, device)
    assert "forward" not in vars(model)
    assert compiler.report() is None


def test_auto_compiles_on_cuda(monkeypatch):
    monkeypatch.setattr(compiling, "_has_triton", lambda: True)
    model = small()
    assert compiled("auto", model, CUDA).report() is None
    assert "forward" in vars(model)


# What stands in the way

NO_COMPILER = "needs a C++ compiler, and there is no {}; install it, or name one in CXX"


def test_without_a_compiler_it_is_told(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.delenv("CXX", raising=False)
    usual = "clang++" if sys.platform == "darwin" else "g++"
    assert compiling.obstacle(small(), CPU) == NO_COMPILER.format(usual)
    monkeypatch.setenv("CXX", "mine --fast")
    assert compiling.obstacle(small(), CPU) == NO_COMPILER.format("mine")


def test_without_triton_auto_goes_on_and_says_so(monkeypatch):
    monkeypatch.setattr(compiling, "_has_triton", lambda: False)
    model = small()
    assert compiled("auto", model, CUDA).report() == (
        "not compiled (trainer.compile=auto): needs triton, which is not installed "
        "(pip install triton)"
    )
    assert "forward" not in vars(model)


def test_recurrent_layers_are_not_compiled():
    assert compiling.obstacle(small("recurrent"), CPU) == (
        "recurrent layers would be compiled anew for each length"
    )


def test_what_is_demanded_and_cannot_be_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(compiling.shutil, "which", lambda _: None)
    said = call("train", "experiment=smoke", "trainer.compile=on", "precision.device=cpu",
                output=tmp_path)  # fmt: skip
    why = NO_COMPILER.format("clang++" if sys.platform == "darwin" else "g++")
    assert said == (2, f"trainer.compile=on: {why}; choose off or auto\n")
    said = call("train", "experiment=smoke", "model=recurrent", "trainer.compile=on",
                "precision.device=cpu", output=tmp_path)  # fmt: skip
    assert said == (
        2,
        "trainer.compile=on: recurrent layers would be compiled anew for each length; "
        "choose off or auto\n",
    )


@pytest.mark.parametrize("choice", ["sometimes", "True"])
def test_an_unknown_choice_is_refused(choice):
    said = f"compile={choice}: unknown; choose one of off, on, auto, within quotes in a YAML file"
    with pytest.raises(ValueError, match=exactly(said)):
        Trainer(compile=choice)
