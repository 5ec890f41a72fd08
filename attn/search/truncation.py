"""How unlikely a token may be and still be drawn."""

import dataclasses

from jaxtyping import Float
from torch import Tensor

from attn.search.likeliest import largest

FEW = 64  # tokens in which a nucleus is looked for first
TIMES = 8  # as many more, if they do not hold it


@dataclasses.dataclass(frozen=True)
class Truncation:
    """The least probability that is drawn from: the highest of what three rules ask for.

    ``top_k``: that of the k-th likeliest token; 0: none. ``top_p``: that of the last token of the
    nucleus, the fewest likeliest tokens which have ``top_p`` of the probability together; Holtzman
    et al. 2020, "The Curious Case of Neural Text Degeneration". ``min_p``: so much of that of the
    likeliest token; Nguyen et al. 2024, "Turning Up the Heat: Min-p Sampling". Each sees all
    tokens, whatever the others leave out. Equal probabilities stay or go together.

    Raises:
        ValueError: an option out of its range.
    """

    top_k: int
    top_p: float
    min_p: float

    def __post_init__(self) -> None:
        """Refuse what leaves nothing."""
        if self.top_k < 0:
            raise ValueError(f"top_k={self.top_k}: must be at least 1, or 0 for all tokens")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p={self.top_p}: must be above 0 and at most 1")
        if not 0 <= self.min_p <= 1:
            raise ValueError(f"min_p={self.min_p}: must be at least 0 and at most 1")

    def __call__(self, p: Float[Tensor, "rows vocabulary"]) -> Float[Tensor, "rows vocabulary"]:
        """The probabilities that are drawn from, others being zero; their sum is below 1."""
        least = []
        if 0 < self.top_k < p.shape[1]:
            least.append(largest(p, self.top_k)[0][:, -1:])
        if self.top_p < 1:
            least.append(_last_of_nucleus(p, self.top_p))
        if self.min_p > 0:
            least.append(self.min_p * p.amax(-1, keepdim=True))
        for one in least:
            p = p.masked_fill(p < one, 0)
        return p


def _last_of_nucleus(p: Float[Tensor, "rows vocabulary"], share: float) -> Float[Tensor, "rows 1"]:
    """The probability of the last of the likeliest tokens that have this share together.

    Most of the vocabulary is not sorted, where a few tokens hold the share in every row.
    """
    count = min(FEW, p.shape[1])
    best, _ = largest(p, count)
    while count < p.shape[1] and bool((best.sum(-1) < share).any()):
        count = min(TIMES * count, p.shape[1])
        best, _ = largest(p, count)
    place = (best.cumsum(-1) < share).sum(-1, keepdim=True)
    return best.gather(1, place.clamp(max=count - 1))
