"""What the study of trajectories compares is what its page says."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parent.parent / "experiments" / "trajectories"


def module(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    made = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


generate, searchers = module("generate"), module("searchers")


@pytest.fixture(scope="module")
def library():
    return generate.Library(torch.Generator().manual_seed(3))


def copies(library, which, **how):
    return library.copies(which, generator=torch.Generator().manual_seed(4), **how)


def written_out(a, b):
    """Dynamic time warping, cell by cell."""
    least = {(-1, -1): 0.0}
    for i in range(len(a)):
        for j in range(len(b)):
            before = [least.get(at, torch.inf) for at in ((i - 1, j), (i, j - 1), (i - 1, j - 1))]
            least[i, j] = float((a[i] - b[j]).square().sum()) + min(before)
    return least[len(a) - 1, len(b) - 1]


def test_warping_is_what_it_is_cell_by_cell():
    some, others = torch.randn(2, 5, 2), torch.randn(3, 7, 2)
    expected = torch.tensor([[written_out(a, b) for b in others] for a in some])
    torch.testing.assert_close(searchers.distances(some, others), expected)


def test_warping_takes_no_account_of_pace():
    curve = torch.randn(1, 5, 2)
    slower = curve.repeat_interleave(torch.tensor([1, 3, 1, 2, 4]), 1)
    assert float(searchers.distances(slower, curve)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("encode", [searchers.by_time, searchers.by_arc])
def test_with_norms_in_the_keys_attention_ranks_as_euclid_does(library, encode):
    asked = copies(library, torch.arange(20), noise=0.3, warp=0.5)
    curves = library.curves()
    near = searchers.nearest(curves, encode)(asked)
    found = searchers.with_norms(curves, encode)(asked)
    assert torch.equal(found.argmax(-1), near.argmax(-1))


def test_a_raw_product_prefers_what_is_long():
    """The same curve twice as large has twice the product with it, and wins."""
    curve = torch.randn(1, generate.STEPS, 2)
    two = torch.cat((curve, 2 * curve))
    found = searchers.attention(two, searchers.by_time)(curve)
    assert found.argmax() == 1
    assert searchers.with_norms(two, searchers.by_time)(curve).argmax() == 0


def test_without_noise_the_way_does_not_depend_on_the_pace(library):
    which = torch.arange(10)
    warped = copies(library, which, noise=0.0, warp=0.9)
    plain = library.curves()[which]
    by_arc = (searchers.by_arc(warped) - searchers.by_arc(plain)).abs().max()
    by_time = (searchers.by_time(warped) - searchers.by_time(plain)).abs().max()
    assert by_arc < 0.5 * by_time


def test_times_never_go_back():
    times = generate.warped(50, 0.9, torch.Generator().manual_seed(1))
    assert (times.diff(dim=-1) > 0).all()
    torch.testing.assert_close(times[:, [0, -1]], torch.tensor([0.0, 1.0]).expand(50, 2))


@pytest.mark.parametrize("name", [n for n in searchers.METHODS if n != "attention, by time, raw"])
def test_every_way_finds_a_copy_that_is_exact(library, name):
    curves = library.curves()
    found = searchers.METHODS[name](curves)(curves[:20])
    assert torch.equal(found.argmax(-1), torch.arange(20))
