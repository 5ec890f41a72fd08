"""Recurrent layers on one side, those of the Transformer on the other.

After Chen et al. 2018, "The Best of Both Worlds: Combining Recent Advances in Neural Machine
Translation". The side of recurrent layers knows the order of its words by itself, so
positions act on the other alone: within its self-attention, or added to its embeddings.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast

from torch import nn

from attn.contract import Attention, Position, Role
from attn.dropout import LockedDropout
from attn.models import recurrent_options
from attn.models.encoder_decoder import EncoderDecoder, check_sizes
from attn.models.recurrent_decoder import Feeding, RecurrentDecoder
from attn.models.recurrent_encoder import RecurrentEncoder, Wiring, ways
from attn.models.transformer import Attentions, Blocks, TransformerDecoder, TransformerEncoder
from attn.registry import register


@register("model", "recurrent_transformer")
class RecurrentTransformer(EncoderDecoder):
    """Recurrent layers that read the source, and a Transformer's decoder.

    Positions are those of the target alone. See ``model=recurrent`` for the encoder and
    ``model=transformer`` for the decoder. Chen et al. 2018, "The Best of Both Worlds". ``heads``
    and ``attention_dropout`` are what the attention sections take theirs from.

    Raises:
        ValueError: sizes below 1, unknown choices, a width that two ways cannot share.
    """

    roles: ClassVar[Mapping[Role, str | None]] = {
        Role.DECODER: "decoder_layers",
        Role.CROSS: "decoder_layers",
    }

    @staticmethod
    def idle(options: Mapping[str, Any], *, attends: bool) -> dict[str, str]:
        """The options that act nowhere beside the others, and why."""
        return recurrent_options.idle(options, attends=attends, recurrent=("encoder_layers",))

    def __init__(
        self,
        *,
        source_size: int,
        target_size: int,
        joint: bool,
        attention: Attentions,
        position: Callable[[int], Position | None],
        encoder_layers: int = 2,
        decoder_layers: int = 6,
        dim: int = 512,
        cell: str = "lstm",
        bidirectional: bool = True,
        residual: bool = False,
        variational: bool = False,
        feedforward_dim: int = 2048,
        heads: int = 8,
        activation: str = "relu",
        norm: str = "post",
        tied: str = "all",
        dropout: float = 0.1,
        attention_dropout: float = 0.0,
        activation_dropout: float = 0.0,
        embedding_dropout: float | None = None,
    ) -> None:
        del heads, attention_dropout  # the attentions were built with them
        check_sizes(
            encoder_layers=encoder_layers,
            decoder_layers=decoder_layers,
            dim=dim,
            feedforward_dim=feedforward_dim,
        )
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
        self.source_position = None  # it is read in order
        if variational:
            self.source_dropout = LockedDropout(self.dropout.rate)
        wiring = Wiring(cell, encoder_layers, dim, residual, dropout, variational)
        self.encoder = RecurrentEncoder(wiring, ways(bidirectional=bidirectional))
        blocks = Blocks(dim, feedforward_dim, activation, norm, dropout, activation_dropout)
        self.decoder = TransformerDecoder(attention, decoder_layers, blocks)
        self.encoder_norm, self.decoder_norm = nn.Identity(), blocks.final_norm()


@register("model", "transformer_recurrent")
class TransformerRecurrent(EncoderDecoder):
    """A Transformer's encoder, and recurrent layers that write the target.

    They begin with ``tanh(W m)`` of the mean ``m`` of what the encoder gives; ``attention=none``
    leaves them no more of the source than that. Positions are those of the source alone. See
    ``model=transformer`` for the encoder and ``model=recurrent`` for the decoder. Chen et al. 2018,
    "The Best of Both Worlds". ``heads`` and ``attention_dropout``
    are what the attention sections take theirs from.

    Raises:
        ValueError: sizes below 1, unknown choices, parts that do not fit each other.
    """

    roles: ClassVar[Mapping[Role, str | None]] = {Role.ENCODER: "encoder_layers", Role.CROSS: None}
    can_lack: ClassVar[frozenset[Role]] = frozenset({Role.CROSS})

    @staticmethod
    def idle(options: Mapping[str, Any], *, attends: bool) -> dict[str, str]:
        """The options that act nowhere beside the others, and why."""
        return recurrent_options.idle(options, attends=attends, recurrent=("decoder_layers",))

    def __init__(
        self,
        *,
        source_size: int,
        target_size: int,
        joint: bool,
        attention: Callable[[Role, int, int], Attention | None],
        position: Callable[[int], Position | None],
        encoder_layers: int = 6,
        decoder_layers: int = 2,
        dim: int = 512,
        feedforward_dim: int = 2048,
        heads: int = 8,
        activation: str = "relu",
        norm: str = "post",
        cell: str = "lstm",
        residual: bool = False,
        query: str = "current",
        input_feeding: bool = False,
        feed_source: bool = False,
        fed_layers: str = "first",
        output: str = "attentional",
        tied: str = "all",
        dropout: float = 0.1,
        variational: bool = False,
        attention_dropout: float = 0.0,
        activation_dropout: float = 0.0,
        embedding_dropout: float | None = None,
    ) -> None:
        del heads, attention_dropout  # the attentions were built with them
        check_sizes(
            encoder_layers=encoder_layers,
            decoder_layers=decoder_layers,
            dim=dim,
            feedforward_dim=feedforward_dim,
        )
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
        self.target_position = None  # it is written in order
        if variational:
            self.target_dropout = LockedDropout(self.dropout.rate)
        blocks = Blocks(dim, feedforward_dim, activation, norm, dropout, activation_dropout)
        # Its own attention no encoder lacks.
        self.encoder = TransformerEncoder(cast("Attentions", attention), encoder_layers, blocks)
        self.decoder = RecurrentDecoder(
            Wiring(cell, decoder_layers, dim, residual, dropout, variational),
            attention=attention(Role.CROSS, 0, dim),
            feeding=Feeding(query, input_feeding, feed_source, fed_layers),
            bridge="mean",
            encoder_layers=0,
            output=output,
        )
        self.encoder_norm, self.decoder_norm = blocks.final_norm(), nn.Identity()
