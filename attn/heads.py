"""What each head does over many sentences: how spread it is, and whether it is dead."""

import dataclasses
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from attn.batching import Batch
from attn.contract import Role
from attn.tokenizers import PAD

DEPENDS = 0.05  # the least distance between what two queries see of a head that is not dead
PLACE = 0.9  # the most that such a head gives to one place
MASS = 0.1  # the least that it gives to all places together
CHOICES = 2  # the least keys a query must be able to see for it to count

Weights = Float[Tensor, "batch heads queries keys"]
PerHead = Float[Tensor, " heads"]


@dataclasses.dataclass(frozen=True)
class Head:
    """The means of a head over all queries that had a choice: that may see two places or more.

    ``entropy`` is ``H = -sum_j p_j log p_j`` in nats, p being the sizes of the weights over their
    sum, and ``normalised`` is ``H / log n`` of the n places that may be seen. ``depends`` is the
    total variation distance ``1/2 sum_j |p_j - p'_j|`` between what a query sees and what the one
    half a sentence on sees, of what both may see. ``place`` is the largest mean of p on one place,
    counted from the first or from the last, and ``mass`` the sum of the sizes of the weights.
    """

    entropy: float
    normalised: float
    depends: float
    place: float
    mass: float

    @property
    def dead(self) -> str | None:
        """Why a head is dead, if it is: it tells the rest of the model nothing of the sentence."""
        if self.mass < MASS:
            return "nearly no weight"
        if self.place > PLACE:
            return "one place"
        return "same for all" if self.depends < DEPENDS else None


@dataclasses.dataclass(frozen=True)
class Tally:
    """Sums over queries, from which the figures of each head are made."""

    entropy: PerHead
    normalised: PerHead
    looks: PerHead  # queries that look anywhere
    mass: PerHead
    queries: float
    depends: PerHead
    pairs: PerHead  # of queries that are compared
    places: Float[Tensor, "ends heads places"]  # p on each place, from the first, from the last

    def __add__(self, other: "Tally") -> "Tally":
        """That of more sentences."""
        width = max(self.places.shape[-1], other.places.shape[-1])
        places = [F.pad(one.places, (0, width - one.places.shape[-1])) for one in (self, other)]
        sums = {
            field.name: getattr(self, field.name) + getattr(other, field.name)
            for field in dataclasses.fields(Tally)
            if field.name != "places"
        }
        return Tally(**sums, places=places[0] + places[1])

    def heads(self) -> list[Head]:
        """The figures of each head; nan where no query had a choice."""
        place = self.places.amax((0, 2)) / self.looks
        columns = (
            self.entropy / self.looks,
            self.normalised / self.looks,
            self.depends / self.pairs,
            place,
            self.mass / self.queries,
        )
        return [Head(*row) for row in zip(*(one.tolist() for one in columns), strict=True)]


def of_batch(batch: Batch, weights: Mapping[str, Tensor]) -> dict[str, Tally]:
    """The sums of each layer, of weights named as ``attend`` names them."""
    source, target = batch.source_valid, batch.labels != PAD
    sides = {
        Role.ENCODER: (source, source),
        Role.DECODER: (target, target),
        Role.CROSS: (target, source),
    }
    found = {}
    for name, one in weights.items():
        role = Role(name.partition(".")[0])
        queries, keys = sides[role]
        found[name] = tally(one.double(), queries, keys, causal=role is Role.DECODER)
    return found


def tally(
    weights: Weights,
    queries: Bool[Tensor, "batch queries"],
    keys: Bool[Tensor, "batch keys"],
    *,
    causal: bool,
) -> Tally:
    """The sums over the queries of some sentences, of real ``queries`` and ``keys``."""
    seen = queries[:, :, None] & keys[:, None, :]
    seen = seen.tril() if causal else seen
    size = weights.abs() * seen[:, None]
    total = size.sum(-1)
    counted = (seen.sum(-1) >= CHOICES)[:, None]
    looks = counted & (total > 0)
    p = torch.where(looks[..., None], size / total[..., None], 0)
    entropy = torch.special.entr(p).sum(-1)
    depends, pairs = _distances(size, seen, queries.sum(1))
    return Tally(
        entropy=entropy.sum((0, 2)),
        normalised=(entropy / seen.sum(-1).clamp(min=CHOICES).log()[:, None]).sum((0, 2)),
        looks=looks.sum((0, 2)).double(),
        mass=(total * counted).sum((0, 2)),
        queries=float(counted.sum()),
        depends=depends,
        pairs=pairs,
        places=torch.stack((p.sum((0, 2)), _from_the_last(p.sum(2), keys).sum(0))),
    )


def _distances(
    size: Weights, seen: Bool[Tensor, "batch queries keys"], lengths: Tensor
) -> tuple[PerHead, PerHead]:
    """The sum of distances between queries half a sentence apart, and of how many pairs it is."""
    half = (lengths // 2).clamp(min=1)
    later = torch.arange(size.shape[2], device=size.device) + half[:, None]
    there = later < lengths[:, None]
    later = later.clamp(max=size.shape[2] - 1)
    both = seen & seen.gather(1, later[..., None].expand_as(seen))
    other = size.gather(2, later[:, None, :, None].expand_as(size))
    parts = [one * both[:, None] for one in (size, other)]
    sums = [one.sum(-1, keepdim=True) for one in parts]
    one, two = (part / sum_.where(sum_ > 0, 1) for part, sum_ in zip(parts, sums, strict=True))
    looks = (there & (both.sum(-1) >= CHOICES))[:, None] & ((sums[0] + sums[1])[..., 0] > 0)
    apart = torch.where((sums[0] > 0) & (sums[1] > 0), 0.5 * (one - two).abs(), 0).sum(-1)
    alone = ((sums[0] > 0) ^ (sums[1] > 0))[..., 0]
    distance = (apart + alone) * looks
    return distance.sum((0, 2)), looks.sum((0, 2)).double()


def _from_the_last(
    p: Float[Tensor, "batch heads keys"], keys: Bool[Tensor, "batch keys"]
) -> Float[Tensor, "batch heads keys"]:
    """What lies on each place, the last real one first."""
    at = torch.arange(keys.shape[1], device=p.device)
    place = keys.sum(1, keepdim=True) - 1 - at
    turned = p.gather(2, place.clamp(min=0)[:, None].expand_as(p))
    return turned * (place >= 0)[:, None]
