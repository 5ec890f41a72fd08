"""No n-gram twice."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from attn.tokenizers import PAD


def repeating(
    said: Int[Tensor, "rows time"], count: int, vocabulary: int
) -> Bool[Tensor, "rows vocabulary"]:
    """The tokens that would end an n-gram of ``count`` tokens which the row has said already.

    ``v`` is barred after ``y_1 ... y_t`` if ``(y_{t-n+2}, ..., y_t, v)`` stands among them; Paulus,
    Xiong and Socher 2018, "A Deep Reinforced Model for Abstractive Summarization", section 2.5.
    """
    barred = torch.zeros(len(said), vocabulary, dtype=torch.bool, device=said.device)
    if said.shape[1] < count:
        return barred
    ngrams, latest = said.unfold(1, count, 1), said[:, said.shape[1] - count + 1 :]
    again = (ngrams[:, :, :-1] == latest[:, None]).all(-1)
    # Where a row has no such n-gram padding is marked, which is never said anyway.
    return barred.scatter_(1, ngrams[:, :, -1].where(again, PAD), True)
