"""Cross-entropy with label smoothing, fused with the output projection."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from attn.precision import product_format

CHUNK = 256


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
        real = labels != padding
        smoothed, plain = _ProjectedCrossEntropy.apply(  # type: ignore[no-untyped-call]
            hidden[real], weight, labels[real], self.label_smoothing
        )
        return smoothed, plain


class _ProjectedCrossEntropy(torch.autograd.Function):
    """Logits, loss and gradients, some tokens at a time: the full logits are never stored.

    With ``p = softmax(h W^T)`` the gradient at the logits is ``p - (1-s) onehot(y) - s/V``; it is
    turned into those of ``h`` and ``W`` at once, in the forward pass, and scaled in the backward.
    """

    @staticmethod
    def forward(  # type: ignore[no-untyped-def]
        ctx,  # noqa: ANN001
        hidden: Tensor,
        weight: Tensor,
        labels: Tensor,
        smoothing: float,
    ) -> tuple[Tensor, Tensor]:
        dtype = product_format(hidden)
        wants = any(ctx.needs_input_grad)
        with torch.autocast(hidden.device.type, enabled=False):
            short = weight.detach().to(dtype)
            rows = hidden.detach().to(dtype)
            grad_hidden = torch.empty_like(rows) if wants else None
            grad_weight = torch.zeros_like(weight) if wants else None
            smoothed = torch.zeros((), dtype=weight.dtype, device=weight.device)
            plain = torch.zeros_like(smoothed)
            for at in range(0, len(rows), CHUNK):
                part, target = rows[at : at + CHUNK], labels[at : at + CHUNK, None]
                logits = (part @ short.t()).to(weight.dtype)
                log_z = logits.logsumexp(-1, keepdim=True)
                likely = (log_z - logits.gather(1, target)).sum()
                spread = log_z.sum() - logits.mean(-1).sum()
                plain += likely
                smoothed += (1 - smoothing) * likely + smoothing * spread
                if grad_hidden is None or grad_weight is None:
                    continue
                slope = logits.sub_(log_z).exp_().sub_(smoothing / logits.shape[1])
                slope.scatter_add_(1, target, slope.new_full(target.shape, smoothing - 1))
                slope = slope.to(dtype)
                torch.mm(slope, short, out=grad_hidden[at : at + CHUNK])
                grad_weight += slope.t() @ part
        ctx.save_for_backward(grad_hidden, grad_weight)
        ctx.format = hidden.dtype
        ctx.mark_non_differentiable(plain)
        return smoothed, plain

    @staticmethod
    def backward(  # type: ignore[no-untyped-def]
        ctx,  # noqa: ANN001
        scale: Tensor,
        _: Tensor,
    ) -> tuple[Tensor, Tensor, None, None]:
        grad_hidden, grad_weight = ctx.saved_tensors
        return (grad_hidden * scale).to(ctx.format), grad_weight * scale, None, None
