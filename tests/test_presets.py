"""The rows of table 3 of the paper have its differences in size."""

from importlib.resources import files

import pytest
import torch
from hydra import compose, initialize_config_module

from attn import assemble

# Millions of parameters, Vaswani et al. 2017, table 3.
PAPER = {
    "base": 65,
    "a_h1": 65,
    "a_h4": 65,
    "a_h16": 65,
    "a_h32": 65,
    "b_k16": 58,
    "b_k32": 60,
    "c_n2": 36,
    "c_n4": 50,
    "c_n8": 80,
    "c_d256": 28,
    "c_d1024": 168,
    "c_ff1024": 53,
    "c_ff4096": 90,
    "d_drop0": 65,
    "d_drop2": 65,
    "d_smooth0": 65,
    "d_smooth2": 65,
    "e_learned": 65,
    "big": 213,
}


def millions(row):
    with initialize_config_module("attn.conf", version_base="1.3"):
        config = assemble.plain(compose("train", [f"experiment=table3_{row}"]))
    size = config["tokenizer"]["size"]
    with torch.device("meta"):
        model = assemble.model(config, source_size=size, target_size=size)
    return sum(weight.numel() for weight in model.parameters()) / 1e6


@pytest.fixture(scope="module")
def base():
    return millions("base")


def test_every_row_is_here():
    stems = [path.name.removesuffix(".yaml") for path in files("attn.conf.experiment").iterdir()]
    assert {stem for stem in stems if stem.startswith("table3_")} == {f"table3_{r}" for r in PAPER}


@pytest.mark.parametrize("row", [row for row in PAPER if row not in ("base", "big")])
def test_differences_are_those_of_the_paper(row, base):
    difference = millions(row) - base
    print(f"{row}: {difference + base:.1f} million here, {PAPER[row]} in the paper")
    assert difference == pytest.approx(PAPER[row] - PAPER["base"], abs=1.1)


def test_totals_are_near(base):
    assert base == pytest.approx(PAPER["base"], abs=1.1)
    assert millions("big") == pytest.approx(PAPER["big"], rel=0.03)
