"""How much of the source a translation has looked at."""

import dataclasses
from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

CROSS = "cross."


@dataclasses.dataclass
class Coverage:
    """The weight that each prefix has given to each source token, and what is missing costs.

    ``beta sum_i log min(sum_j a_ij, 1)``, a_ij being the weight of source token i when target token
    j was said, in the mean over the heads of all layers; ends are tokens too. Wu et al. 2016,
    "Google's Neural Machine Translation System", equation 14.
    """

    beta: float
    seen: Float[Tensor, "groups size source"]
    valid: Bool[Tensor, "groups source"]

    @staticmethod
    def begin(beta: float, valid: Bool[Tensor, "groups source"], size: int) -> "Coverage":
        """Nothing was looked at yet."""
        groups, source = valid.shape
        return Coverage(beta, torch.zeros(groups, size, source, device=valid.device), valid)

    def look(self, weights: Mapping[str, Tensor]) -> None:
        """Add the weights of the last step, which a model names ``cross.0``, ``cross.1`` ..."""
        layers = [one[:, :, -1].mean(1) for name, one in weights.items() if name.startswith(CROSS)]
        self.seen += torch.stack(layers).mean(0).view_as(self.seen)

    def penalty(self) -> Float[Tensor, "groups size"]:
        """What is added to each score; a token that was never looked at costs much, not all."""
        least = torch.finfo(self.seen.dtype).tiny
        share = self.seen.clamp(least, 1).masked_fill(~self.valid[:, None], 1)
        return self.beta * share.log().sum(-1)

    def move(self, origin: Int[Tensor, "groups size"]) -> None:
        """Prefixes picked by origin."""
        self.seen = self.seen.gather(1, origin[:, :, None].expand_as(self.seen))

    def keep(self, groups: Int[Tensor, " kept"]) -> None:
        """Those of some groups alone."""
        self.seen, self.valid = self.seen[groups], self.valid[groups]
