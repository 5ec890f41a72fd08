"""Attention as a soft lookup."""

from jaxtyping import Float
from torch import Tensor


def lookup(
    query: Float[Tensor, "*rows queries dim"],
    keys: Float[Tensor, "*rows keys dim"],
    values: Float[Tensor, "*rows keys value"],
) -> Float[Tensor, "*rows queries value"]:
    """The value whose key is most like the query, softly: the mean of all, weighted by likeness.

    ``softmax(q k^T / sqrt(d)) v``; Vaswani et al. 2017, "Attention Is All You Need", equation 1.
    A dictionary gives the value of the one key that equals the query; this gives each value a share
    that grows with ``q . k``. Where one key wins by far, both are the same. Given one-hot values,
    the shares themselves come out.
    """
    likeness = query @ keys.transpose(-2, -1) * query.shape[-1] ** -0.5
    return likeness.softmax(-1) @ values
