"""The rows of table 3 of the paper have its differences in size."""

import importlib.util
from importlib.resources import files
from pathlib import Path

import pytest

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("unchecked")]

SCRIPT = Path(__file__).parent.parent / "experiments" / "table3" / "sizes.py"
spec = importlib.util.spec_from_file_location("sizes", SCRIPT)
sizes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sizes)
PAPER, millions = sizes.PAPER, sizes.millions


@pytest.fixture(scope="module")
def base():
    return millions("base")


def test_every_row_is_here():
    stems = [path.name.removesuffix(".yaml") for path in files("attn.conf.experiment").iterdir()]
    assert {stem for stem in stems if stem.startswith("table3_")} == {f"table3_{r}" for r in PAPER}


@pytest.mark.parametrize("row", [row for row in PAPER if row not in ("base", "big")])
def test_differences_are_those_of_the_paper(row, base):
    difference = millions(row) - base
    assert difference == pytest.approx(PAPER[row] - PAPER["base"], abs=1.1)


def test_totals_are_near(base):
    assert base == pytest.approx(PAPER["base"], abs=1.1)
    assert millions("big") == pytest.approx(PAPER["big"], rel=0.03)
