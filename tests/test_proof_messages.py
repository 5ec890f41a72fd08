"""What a proof says when it fails."""

import pytest
import torch
from messages import exactly

from attn.verify import ProofError, holds, same


def test_equal_tensors_are_the_same():
    same(torch.zeros(0), torch.zeros(0))
    same(torch.ones(2), torch.ones(2) + 1e-13)
    holds(1 < 2, "one is below two")


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (torch.ones(2), torch.ones(3), "shapes (2,) and (3,) differ"),
        (
            torch.zeros(2, 2),
            torch.tensor([[0.0, 0.5], [0.0, 0.0]]),
            "differs by 0.5 at [0, 1], more than 1e-12",
        ),
        (torch.zeros(1), torch.tensor([torch.nan]), "differs by nan at [], more than 1e-12"),
    ],
)
def test_how_far_two_tensors_lie_apart_is_said(one, other, message):
    with pytest.raises(ProofError, match=exactly(message)):
        same(one, other)


def test_what_does_not_hold_is_said():
    with pytest.raises(ProofError, match=exactly("one is below two")):
        holds(1 > 2, "one is below two")
