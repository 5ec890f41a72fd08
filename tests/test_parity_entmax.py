"""Our sparse normalisers beside those of Peters, Niculae and Correia."""

import pytest
import torch
from builders import build_attention, stream
from parity import needs

from attn.contract import Role
from attn.score import entmax as ours

pytestmark = pytest.mark.parity


def results(function, *inputs):
    """Values, and the gradients of all inputs."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    y = function(*leaves)
    direction = torch.linspace(-1, 1, y.shape[-1], dtype=y.dtype)
    return [y, *torch.autograd.grad((y * direction).square().sum(), leaves)]


def agree(one, other, tolerance=1e-9):
    for mine, theirs in zip(one, other, strict=True):
        assert torch.allclose(mine, theirs, atol=tolerance, rtol=0)


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("name", ["sparsemax", "entmax15"])
def test_closed_forms_agree(name, scale):
    package = needs("entmax")
    scores = scale * torch.randn(3, 4, 5, 11, dtype=torch.float64)
    theirs = results(lambda s: getattr(package, name)(s, dim=-1), scores)
    agree(results(getattr(ours, name), scores), theirs)


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_any_alpha_agrees(scale):
    package = needs("entmax")
    scores = scale * torch.randn(3, 4, 5, 11, dtype=torch.float64)
    alpha = torch.tensor([1.05, 1.3, 1.5, 1.9], dtype=torch.float64)[:, None, None]
    theirs = results(
        lambda s, a: package.entmax_bisect(s, a.expand(3, 4, 5, 1), dim=-1, n_iter=60),
        scores,
        alpha,
    )
    agree(results(ours.entmax, scores, alpha), theirs, 1e-7)


@pytest.mark.parametrize("name", ["sparsemax", "entmax15"])
def test_a_query_that_may_see_nothing_fails_there_and_not_here(name):
    package = needs("entmax")
    attention = build_attention(name, Role.ENCODER)
    query = stream(2, 7, lengths=[7, 0])
    y = attention(query).y
    assert (y[1] == 0).all()
    mask = query.valid[:, None, None].expand(2, 1, 7, 7)
    hidden = torch.randn(2, 3, 7, 7, dtype=torch.float64).masked_fill(~mask, -torch.inf)
    with pytest.raises((IndexError, RuntimeError), match="index -1 is out of bounds"):
        getattr(package, name)(hidden, dim=-1)
    alive = getattr(package, name)(hidden[:1], dim=-1)
    agree([attention.core.normaliser(hidden.nan_to_num(), mask)[:1]], [alive])
