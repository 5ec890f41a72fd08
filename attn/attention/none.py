"""No attention."""

from attn.contract import Capabilities
from attn.registry import register


@register("attention", "none")
class NoAttention:
    """No attention: of the source, a decoder has what the model gives it to begin with.

    Where a model can do without, as a recurrent one can; Sutskever et al. 2014, "Sequence to
    Sequence Learning with Neural Networks". It is chosen by name, and never made.
    """

    capabilities = Capabilities(roles=frozenset(), weights="none", state="none", time="0")
