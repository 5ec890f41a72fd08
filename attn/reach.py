"""How far gradients reach: how much each source word moves what is said of each target word."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from attn.batching import Batch
from attn.score.core import explicit
from attn.tokenizers import PAD

TENTHS = 10

Norms = Float[Tensor, "batch target source"]
Places = Int[Tensor, "batch target source"]


@dataclasses.dataclass(frozen=True)
class Reach:
    """The mean over pairs of a target and a source word that stand alike to each other.

    ``at`` tells how they stand, ``norm`` is the mean length of the gradient, ``share`` the mean of
    its part in the sum over all words of the source.
    """

    at: float
    pairs: int
    norm: float
    share: float


def norms(model: nn.Module, batch: Batch) -> Norms:
    """``|d log p(y_t | y_<t, x) / d e(x_j)|`` of each target word t and source word j.

    ``e(x_j)`` is the row of the embedding matrix, as it is read there. Zeros for padding.
    """
    seen: list[Tensor] = []

    def keep(module: nn.Module, given: object, embedded: Tensor) -> Tensor:  # noqa: ARG001
        if seen:  # a matrix that both sides share is read again, for the target
            return embedded
        seen.append(embedded.detach().requires_grad_())
        return seen[0]

    handle = model.source_embedding.register_forward_hook(keep)  # type: ignore[union-attr]
    try:
        # Torch's recurrent kernels for GPUs have no gradients outside of training.
        with explicit(model), torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
            hidden = model(batch.source, batch.source_valid, batch.inputs)
            logits = model.project(hidden).float()  # type: ignore[operator]
            said = logits.log_softmax(-1).gather(-1, batch.labels[..., None])[..., 0]
            real = batch.labels != PAD
            found = [
                torch.autograd.grad(one.sum(), seen[0], retain_graph=True)[0].norm(dim=-1)
                for one in (said * real).unbind(1)
            ]
    finally:
        handle.remove()
    return torch.stack(found, 1)


def distance(target: Int[Tensor, " batch"], source: Int[Tensor, " batch"], like: Norms) -> Places:
    """``j - t``: how many words the source word stands behind the place of the target word."""
    del target, source
    at, to = (torch.arange(size, device=like.device) for size in like.shape[1:])
    return (to[None, :] - at[:, None]).expand_as(like)


def relative(target: Int[Tensor, " batch"], source: Int[Tensor, " batch"], like: Norms) -> Places:
    """``j / S - t / T`` in tenths, rounded: 0 where both stand at the same part of their sides."""
    at, to = (torch.arange(size, device=like.device) for size in like.shape[1:])
    part = to / source[:, None, None] - at[:, None] / target[:, None, None]
    return (TENTHS * part).round().long()


def position(target: Int[Tensor, " batch"], source: Int[Tensor, " batch"], like: Norms) -> Places:
    """``j``: where the source word stands, the first at 0."""
    del target, source
    return torch.arange(like.shape[2], device=like.device).expand_as(like)


Place = Callable[[Tensor, Tensor, Tensor], Tensor]
BY: Mapping[str, tuple[Place, int]] = {  # how words stand to each other, and parts of a whole
    "distance": (distance, 1),
    "relative": (relative, TENTHS),
    "position": (position, 1),
}


def over(model: nn.Module, batches: Iterable[Batch], by: str) -> list[Reach]:
    """The means over all pairs of words in some batches, by how they stand to each other."""
    place, parts = BY[by]
    sums: dict[int, Tensor] = {}
    for batch in batches:
        found, real = norms(model, batch).double().cpu(), _pairs(batch).cpu()
        target, source = (batch.labels != PAD).sum(1).cpu(), batch.source_valid.sum(1).cpu()
        share = found / found.sum(-1, keepdim=True).clamp(min=torch.finfo(found.dtype).tiny)
        at = place(target, source, found)
        kept = torch.stack((torch.ones_like(found), found, share), -1)[real]
        for here in at[real].unique().tolist():
            more = kept[at[real] == here].sum(0)
            sums[here] = sums[here] + more if here in sums else more
    return [
        Reach(here / parts, int(count), norm / count, share / count)
        for here, (count, norm, share) in ((here, sums[here].tolist()) for here in sorted(sums))
    ]


def _pairs(batch: Batch) -> Bool[Tensor, "batch target source"]:
    """Where both words are real."""
    return (batch.labels != PAD)[:, :, None] & batch.source_valid[:, None, :]
