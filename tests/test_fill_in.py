"""Decoding by replacing what a target was filled with is greedy search, whatever it was."""

import importlib.util
from pathlib import Path

import pytest
import torch
from builders import build_model

from attn.search.greedy import Greedy
from attn.tokenizers import EOS, PAD

SCRIPT = Path(__file__).parent.parent / "experiments" / "fill_in" / "fill_in.py"
spec = importlib.util.spec_from_file_location("fill_in", SCRIPT)
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)

SOURCE, SIZE, LENGTH = [5, 7, 4, 9, 6], 11, 13


@pytest.fixture(params=["transformer", "recurrent"])
def model(request):
    position = "sinusoidal" if request.param == "transformer" else "none"
    return build_model(request.param, size=SIZE, position=position)


def filled(model, target):
    return list(script.fill_in(model, SOURCE, target))


def anything(seed):
    return torch.randint(SIZE, (LENGTH,), generator=torch.Generator().manual_seed(seed)).tolist()


def test_what_it_was_filled_with_changes_nothing(model):
    steps = filled(model, anything(0))
    said = len(steps)
    for seed in (1, 2, 3):
        others = filled(model, anything(seed))
        assert [one[:said] for one in others] == [
            one[:place] + anything(seed)[place:said] for place, one in enumerate(steps, 1)
        ]


def test_what_stands_after_the_current_position_changes_nothing(model):
    """Not the numbers either: every bit of the states up to there stays."""
    row = torch.tensor([[*SOURCE, EOS]])
    torch.manual_seed(3)
    one = torch.randint(SIZE, (1, LENGTH))
    for place in range(1, LENGTH):
        other = one.clone()
        other[:, place:] = (one[:, place:] + 1 + torch.arange(LENGTH - place) % 9) % SIZE
        before = model(row, row != PAD, one)[:, :place]
        assert torch.equal(before, model(row, row != PAD, other)[:, :place])
        assert not torch.equal(model(row, row != PAD, one), model(row, row != PAD, other))


def test_it_is_greedy_search(model):
    row = torch.tensor([[*SOURCE, EOS]])
    search = Greedy(max_ratio=0.0, max_extra=LENGTH)
    ((found,),) = search(model, row, row != PAD)
    target = filled(model, anything(0))[-1]
    said = target[: target.index(EOS)] if EOS in target[: len(found.tokens) + 1] else target
    assert said == found.tokens


def test_an_end_ends_it(model):
    with torch.no_grad():
        model.output.weight[EOS] = 0.0
        hidden = model(torch.tensor([[*SOURCE, EOS]]), torch.ones(1, 6, dtype=torch.bool),
                       torch.tensor([[1]]))  # fmt: skip
        model.output.weight[EOS] = 100 * hidden[0, 0]
    steps = filled(model, anything(0))
    assert len(steps) == 1
    assert steps[0] == [EOS, *anything(0)[1:]]
