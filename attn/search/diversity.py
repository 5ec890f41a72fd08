"""Which continuations of a beam go on, in groups that say different things."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from attn.tokenizers import EOS, PAD

# The places of the best continuations, the better first, twice as many as go on where there are so
# many; their tokens; and which of these go on.
Chosen = tuple[Tensor, Tensor, Tensor]


def foremost(
    value: Float[Tensor, "groups every"], token: Int[Tensor, "groups every"], size: int
) -> Chosen:
    """The best continuations of each group, of which ``size`` go on that do not end."""
    value, place = value.topk(min(2 * size, value.shape[1]), -1)
    token = token.gather(1, place)
    return place, token, value.masked_fill(token == EOS, -torch.inf).topk(size, -1).indices


def apart(
    value: Float[Tensor, "groups every"],
    token: Int[Tensor, "groups every"],
    size: int,
    *,
    groups: int,
    strength: float,
) -> Chosen:
    """The same, but the groups of a sentence choose by turns, and shun what those before them say.

    A continuation loses ``strength`` for each prefix of an earlier group that goes on with the same
    token now: Hamming diversity; Vijayakumar et al. 2018, "Diverse Beam Search", section 4.
    """
    values, tokens = value.unflatten(0, (-1, groups)), token.unflatten(0, (-1, groups))
    said, found = token.new_empty(len(values), 0), list[Chosen]()
    for group in range(groups):
        here = values[:, group] - strength * _often(tokens[:, group], said)
        place, best, chosen = foremost(here, tokens[:, group], size)
        living = here.gather(1, place.gather(1, chosen)) > -torch.inf
        said = torch.cat((said, best.gather(1, chosen).where(living, PAD)), 1)
        found.append((place, best, chosen))
    place, best, chosen = (
        torch.stack(parts, 1).flatten(0, 1) for parts in zip(*found, strict=True)
    )
    return place, best, chosen


def _often(
    token: Int[Tensor, "sentences every"], said: Int[Tensor, "sentences said"]
) -> Int[Tensor, "sentences every"]:
    """How often each token was said."""
    return (token[:, :, None] == said[:, None, :]).sum(-1)
