"""Cross-entropy with label smoothing, fused with the output projection."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from attn.precision import product_format

CHUNK = 128  # tokens whose logits stand at once; more leave the cache, fewer slow the products


class Loss:
    """The training criterion.

    With probability ``1 - s`` the target is the reference token, with ``s`` any token of the
    vocabulary alike: ``-(1-s) log p(y) - s/V sum_v log p(v)``, as ``F.cross_entropy`` has it.
    Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", section 7.

    Raises:
        ValueError: a smoothing outside 0 <= s < 1.
    """

    def __init__(self, *, label_smoothing: float = 0.1) -> None:
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing={label_smoothing}: must be at least 0 and below 1")
        self.label_smoothing = label_smoothing

    def __call__(
        self,
        hidden: Float[Tensor, "*rows dim"],
        weight: Float[Tensor, "vocabulary dim"],
        labels: Int[Tensor, "*rows"],
        padding: int,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """The smoothed loss to minimise and the plain negative log-likelihood, in nats.

        Both are sums over the tokens that are not padding, so that batches may be added up and
        divided by their tokens once.
        """
        rows, targets = hidden.reshape(-1, hidden.shape[-1]), labels.reshape(-1)
        real = targets != padding
        if hidden.device.type == "cpu" and not bool(real.all()):
            # A GPU computes padding too, with weight 0: it would have to wait for the count.
            rows, targets, real = rows[real], targets[real], real[real]
        smoothed, plain = _ProjectedCrossEntropy.apply(  # type: ignore[no-untyped-call]
            rows, weight, targets, real, self.label_smoothing
        )
        return smoothed, plain


class _ProjectedCrossEntropy(torch.autograd.Function):
    """Logits, loss and gradients, some tokens at a time: the full logits are never stored.

    With ``p = softmax(h W^T)`` the gradient at the logits is ``p - (1-s) onehot(y) - s/V``; it is
    turned into those of ``h`` and ``W`` at once, in the forward pass, and scaled in the backward.
    What is the same for all words, ``s/V``, meets sums alone: of the rows of ``W``, and of ``h``.
    """

    @staticmethod
    def forward(  # type: ignore[no-untyped-def]
        ctx,  # noqa: ANN001
        hidden: Tensor,
        weight: Tensor,
        labels: Tensor,
        real: Tensor,
        smoothing: float,
    ) -> tuple[Tensor, Tensor]:
        dtype, share = product_format(hidden), smoothing / len(weight)
        wants = any(ctx.needs_input_grad)
        with torch.autocast(hidden.device.type, enabled=False):
            short, rows = weight.detach().to(dtype), hidden.detach().to(dtype)
            counts = real[:, None].to(weight.dtype)
            every = short.sum(0, dtype=weight.dtype)
            grad_hidden = torch.empty_like(rows) if wants else None
            grad_weight = torch.zeros_like(weight) if wants else None
            # The sums of all words' logits are one product; of log z and the rest, see below.
            spread = -share * (counts * (rows.to(weight.dtype) @ every[:, None])).sum()
            plain = torch.zeros_like(spread)
            room = _Room(short, weight.dtype)
            for at in range(0, len(rows), CHUNK):
                now = slice(at, at + CHUNK)
                part, target, count = rows[now], labels[now, None], counts[now]
                logits = room.logits(part)
                top = logits.amax(1, keepdim=True)
                target_logit = logits.gather(1, target)
                powers = logits.sub_(top).exp_()
                sums = powers.sum(1, keepdim=True)
                log_z = top + sums.log()
                plain += (count * (log_z - target_logit)).sum()
                spread += smoothing * (count * log_z).sum()
                if grad_hidden is None or grad_weight is None:
                    continue
                slope = powers.mul_(count / sums)
                slope.scatter_add_(1, target, (smoothing - 1) * count)
                slope = room.short(slope)
                torch.mm(slope, short, out=grad_hidden[now])
                _add_product(grad_weight, slope.t(), part)
            smoothed = (1 - smoothing) * plain + spread
            if grad_hidden is not None and grad_weight is not None:
                grad_hidden.addcmul_(counts.to(dtype), every.to(dtype), value=-share)
                grad_weight.sub_(share * (counts * rows).sum(0))
        ctx.save_for_backward(grad_hidden, grad_weight)
        ctx.format = hidden.dtype
        ctx.mark_non_differentiable(plain)
        return smoothed, plain

    @staticmethod
    def backward(  # type: ignore[no-untyped-def]
        ctx,  # noqa: ANN001
        scale: Tensor,
        _: Tensor,
    ) -> tuple[Tensor, Tensor, None, None, None]:
        grad_hidden, grad_weight = ctx.saved_tensors
        return (grad_hidden * scale).to(ctx.format), grad_weight * scale, None, None, None


class _Room:
    """Memory for the logits of some tokens, used again for the next: new pages cost more than sums.

    Products are made in the format of the weight and, if that is a short one, widened for the rest.
    """

    def __init__(self, weight: Tensor, wide: torch.dtype) -> None:
        self.weight = weight
        self.product = weight.new_empty(CHUNK, len(weight))
        short = weight.dtype != wide
        self.wide = torch.empty_like(self.product, dtype=wide) if short else self.product

    def logits(self, rows: Tensor) -> Tensor:
        """``h W^T``."""
        made = torch.mm(rows, self.weight.t(), out=self.product[: len(rows)])
        return made if self.wide is self.product else self.wide[: len(rows)].copy_(made)

    def short(self, slope: Tensor) -> Tensor:
        """What stands in the place of the logits, for products."""
        return slope if self.wide is self.product else self.product[: len(slope)].copy_(slope)


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """Add a product in place; short formats are widened before they are added."""
    if left.dtype == total.dtype:
        total.addmm_(left, right)
    else:
        total += left @ right
