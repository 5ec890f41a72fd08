"""Recurrent encoder-decoders, with attention and without."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from torch import nn

from attn.contract import Attention, Position, Role
from attn.dropout import LockedDropout
from attn.models import recurrent_options
from attn.models.encoder_decoder import EncoderDecoder, check_sizes
from attn.models.recurrent_decoder import Feeding, RecurrentDecoder
from attn.models.recurrent_encoder import RecurrentEncoder, Wiring, ways
from attn.registry import register


@register("model", "recurrent")
class Recurrent(EncoderDecoder):
    """Recurrent layers that read the source, and others that write the target.

    With attention, each step looks at the source: with ``query=current`` by its own state, before
    it is put into words (Luong et al. 2015), with ``previous`` by the state before it, and what is
    seen is fed to it (Bahdanau et al. 2015). ``input_feeding``: the output of a step is fed to the
    next (Luong et al. 2015, section 3.3). With ``attention=none`` the source is but the states that
    the decoder begins with, and with ``feed_source`` a vector fed to each step (Cho et al. 2014).
    ``reverse_source`` reads the source from its end (Sutskever et al. 2014, section 3.3).
    Dropout stands before each layer and before the output projection; ``variational``: the same
    numbers are dropped at each step of a sequence; recurrent connections never drop any (Gal and
    Ghahramani 2016; Merity et al. 2018). ``heads`` and ``attention_dropout`` are what the attention
    sections take theirs from.

    Raises:
        ValueError: sizes below 1, unknown choices, parts that do not fit each other.
    """

    roles: ClassVar[Mapping[Role, str | None]] = {Role.CROSS: None}
    can_lack: ClassVar[frozenset[Role]] = frozenset({Role.CROSS})

    @staticmethod
    def idle(options: Mapping[str, Any], *, attends: bool) -> dict[str, str]:
        """The options that act nowhere beside the others, and why."""
        return recurrent_options.idle(options, attends=attends)

    def __init__(
        self,
        *,
        source_size: int,
        target_size: int,
        joint: bool,
        attention: Callable[[Role, int, int], Attention | None],
        position: Callable[[int], Position | None],
        cell: str = "lstm",
        encoder_layers: int = 2,
        decoder_layers: int = 2,
        dim: int = 512,
        heads: int = 1,
        bidirectional: bool = True,
        reverse_source: bool = False,
        residual: bool = False,
        bridge: str = "copy",
        query: str = "current",
        input_feeding: bool = False,
        feed_source: bool = False,
        fed_layers: str = "first",
        output: str = "attentional",
        tied: str = "all",
        dropout: float = 0.2,
        variational: bool = False,
        attention_dropout: float = 0.0,
        embedding_dropout: float | None = None,
    ) -> None:
        del heads, attention_dropout  # the attention was built with them
        check_sizes(encoder_layers=encoder_layers, decoder_layers=decoder_layers, dim=dim)
        turns = ways(bidirectional=bidirectional, reverse_source=reverse_source)
        super().__init__(
            source_size=source_size,
            target_size=target_size,
            joint=joint,
            position=position,
            dim=dim,
            tied=tied,
            dropout=dropout,
            embedding_dropout=embedding_dropout,
        )
        if variational:
            self.source_dropout = self.target_dropout = LockedDropout(self.dropout.rate)
        self.encoder = RecurrentEncoder(
            Wiring(cell, encoder_layers, dim, residual, dropout, variational), turns
        )
        self.decoder = RecurrentDecoder(
            Wiring(cell, decoder_layers, dim, residual, dropout, variational),
            attention=attention(Role.CROSS, 0, dim),
            feeding=Feeding(query, input_feeding, feed_source, fed_layers),
            bridge=bridge,
            encoder_layers=encoder_layers,
            output=output,
        )
        self.encoder_norm, self.decoder_norm = nn.Identity(), nn.Identity()
