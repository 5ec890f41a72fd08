"""The likeliest next tokens, without sorting a whole vocabulary."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from attn.tokenizers import BOS, PAD

GROUP = 80  # numbers of which the largest is found first; 40 and 160 take up to half as long again


def likeliest(
    logits: Float[Tensor, "rows vocabulary"],
    count: int,
    barred: Bool[Tensor, "rows vocabulary"] | None = None,
) -> tuple[Float[Tensor, "rows count"], Int[Tensor, "rows count"]]:
    """The ``count`` likeliest tokens and their log-probabilities, the likelier first.

    ``log p_v = z_v - log sum_w exp z_w``. Padding, begin and what is barred are never said, but are
    counted in the sum: these are the model's probabilities. The logits are used up.
    """
    scores = torch.log_softmax(logits, -1, out=logits)
    scores[:, [PAD, BOS]] = -torch.inf
    return largest(scores if barred is None else scores.masked_fill_(barred, -torch.inf), count)


def largest(
    x: Float[Tensor, "rows size"], count: int
) -> tuple[Float[Tensor, "rows count"], Int[Tensor, "rows count"]]:
    """As ``x.topk(count)``: the largest numbers of each row and their places.

    On a CPU ``topk`` goes through a row several times. Here it sees the largest of each ``GROUP``,
    and then the ``count`` groups whose largest are the largest: no others can be among the largest
    of all. A group is spread evenly over the row, for so the largest are found eight at a time.
    """
    size = x.shape[1]
    groups = size // GROUP
    if x.device.type != "cpu" or groups <= count:
        best = x.topk(count)
        return best.values, best.indices
    whole = GROUP * groups
    grouped = x[:, :whole].unflatten(1, (GROUP, groups))
    kept = grouped.amax(1).topk(count).indices
    some = grouped.gather(2, kept[:, None, :].expand(-1, GROUP, -1)).flatten(1)
    values, at = torch.cat((some, x[:, whole:]), 1).topk(count)
    within = at // count * groups + kept.gather(1, at % count)
    return values, torch.where(at < GROUP * count, within, at + whole - GROUP * count)
