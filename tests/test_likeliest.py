"""The likeliest tokens: as sorting and normalising all would have it."""

import pytest
import torch

from attn.search import leaving
from attn.search.likeliest import GROUP, largest, likeliest
from attn.tokenizers import BOS, PAD


@pytest.mark.parametrize("count", [1, 2, 10])
@pytest.mark.parametrize("size", [10, GROUP - 1, GROUP, 11 * GROUP, 11 * GROUP + 3, 8000])
def test_the_largest_are_those_that_sorting_gives(size, count):
    x = torch.randn(30, size).masked_fill(torch.rand(30, size) < 0.1, -torch.inf)
    for ours, theirs in zip(largest(x, count), x.topk(count), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("size", [7, 900])
def test_log_probabilities_count_every_token_and_say_some(size):
    logits = 50 * torch.randn(20, size, dtype=torch.float64)
    logits[:5, PAD] = 500
    expected = logits.log_softmax(-1)
    expected[:, [PAD, BOS]] = -torch.inf
    best, token = likeliest(logits.clone(), 3)
    assert torch.allclose(best, expected.topk(3).values)
    assert torch.equal(token, expected.topk(3).indices)


def test_sentences_leave_when_several_are_finished():
    going = torch.ones(20, dtype=torch.bool)
    assert leaving(going) is None
    going[3] = False
    assert leaving(going) is None
    going[:3] = False
    assert torch.equal(leaving(going), torch.arange(4, 20))
    assert torch.equal(leaving(torch.zeros(2, dtype=torch.bool)), torch.arange(0))
