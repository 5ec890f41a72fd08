"""The recurrent decoder: what it begins with, what it is fed, what it predicts from."""

import dataclasses
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attn.contract import Attention, MixerOutput, State, Stream
from attn.models.encoder_decoder import States
from attn.models.recurrent_encoder import Between, Drop, Read, Wiring
from attn.recurrence import STATES, Recurrence, Stepping
from attn.states import RowState
from attn.tracing import begun, mixed

BRIDGES = ("copy", "linear", "mean")
QUERIES = ("current", "previous")
OUTPUTS = ("attentional", "deep", "plain")
FED = ("first", "all")

# The words, what is fed, the states of the layers; the top layer's output, the states after.
Run = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclasses.dataclass(frozen=True)
class RecurrentState(RowState):
    """The states of the layers, and what is fed to them: the last output, the source's vector."""

    layers: Float[Tensor, "rows layers states dim"]
    output: Float[Tensor, "rows fed"]
    source: Float[Tensor, "rows fixed"]


class Bridge(nn.Module):
    """What the decoder begins with.

    ``copy``: the states of the encoder's layers. ``linear``: ``tanh(W s)`` of those of its last
    layer. ``mean``: ``tanh(W m)`` of the mean ``m`` of what it gives.
    """

    def __init__(self, how: str, wiring: Wiring, *, encoder_layers: int) -> None:
        super().__init__()
        if how not in BRIDGES:
            raise ValueError(f"bridge={how}: unknown; choose one of {', '.join(BRIDGES)}")
        if how != "mean" and not encoder_layers:
            raise ValueError(f"bridge={how}: needs the states of a recurrent encoder; choose mean")
        if how == "copy" and encoder_layers != wiring.layers:
            raise ValueError(
                f"bridge=copy: needs as many decoder layers as encoder layers, not {wiring.layers} "
                f"for {encoder_layers}; choose one of linear, mean"
            )
        states = STATES[wiring.cell]
        self.how, self.shape = how, (wiring.layers, states, wiring.dim)
        if how != "copy":
            width = wiring.dim if how == "mean" else states * wiring.dim
            self.map = nn.Linear(width, math.prod(self.shape))
            nn.init.xavier_uniform_(self.map.weight)
            nn.init.zeros_(self.map.bias)

    def forward(self, memory: Stream) -> Float[Tensor, "sentences layers states dim"]:
        """The states before the first token, of each sentence."""
        if self.how == "copy":
            return cast("Read", memory).final
        vector = (
            mean_of(memory) if self.how == "mean" else cast("Read", memory).final[:, -1].flatten(1)
        )
        return self.map(vector).tanh().unflatten(-1, self.shape)

    def vector(self, memory: Stream) -> Float[Tensor, "sentences dim"]:
        """The one vector that stands for the source."""
        return mean_of(memory) if self.how == "mean" else cast("Read", memory).final[:, -1, 0]


def mean_of(memory: Stream) -> Float[Tensor, "sentences dim"]:
    """The mean over the tokens; zeros where there are none."""
    real = memory.valid[..., None].to(memory.x.dtype)
    return (memory.x * real).sum(1) / real.sum(1).clamp(min=1)


class Output(nn.Module):
    """From the state, the last word and the context to what the next word is predicted from.

    ``attentional``: ``tanh(W [c; s])`` (Luong et al. 2015, equation 5). ``deep``: the larger of
    pairs of ``W [s; y; c]`` (Bahdanau et al. 2015, section A.2.2, with the present state).
    ``plain``: ``s``.
    """

    def __init__(self, how: str, dim: int, *, context: bool) -> None:
        super().__init__()
        if how not in OUTPUTS:
            raise ValueError(f"output={how}: unknown; choose one of {', '.join(OUTPUTS)}")
        self.how = how
        if how != "plain":
            deep = how == "deep"
            self.map = nn.Linear((1 + deep + context) * dim, (1 + deep) * dim)
            nn.init.xavier_uniform_(self.map.weight)
            nn.init.zeros_(self.map.bias)

    def forward(self, state: Tensor, word: Tensor, context: Tensor | None) -> Tensor:
        """The hidden state of each step."""
        seen = [] if context is None else [context]
        if self.how == "plain":
            return state
        if self.how == "attentional":
            hidden: Tensor = self.map(torch.cat((*seen, state), -1)).tanh()
            return hidden
        return self.map(torch.cat((state, word, *seen), -1)).unflatten(-1, (-1, 2)).amax(-1)


@dataclasses.dataclass(frozen=True)
class Feeding:
    """What recurrent layers of a decoder are fed beside the last word, and which."""

    query: str
    input_feeding: bool
    source: bool
    layers: str

    def __post_init__(self) -> None:
        """Refuse what is unknown."""
        choices = {"query": (self.query, QUERIES), "fed_layers": (self.layers, FED)}
        for option, (value, known) in choices.items():
            if value not in known:
                raise ValueError(f"{option}={value}: unknown; choose one of {', '.join(known)}")


class RecurrentDecoder(nn.Module):
    """Recurrent layers over the target, one on the other, with attention to the source or without.

    Where nothing that is fed depends on the step before, each layer runs over all steps at once.
    Dropout acts on what is given to the output projection (Zaremba et al. 2014, "Recurrent Neural
    Network Regularization"), and on no recurrent connection, such as what is fed to the next step.
    """

    def __init__(
        self,
        wiring: Wiring,
        *,
        attention: Attention | None,
        feeding: Feeding,
        bridge: str,
        encoder_layers: int,
        output: str,
    ) -> None:
        super().__init__()
        self.dim, self.feeding, self.cross = wiring.dim, feeding, attention
        self.attends_first = attention is not None and feeding.query == "previous"
        self.by_step = self.attends_first or feeding.input_feeding
        if attention is not None and output == "plain" and not self.attends_first:
            raise ValueError(
                "output=plain: what the attention sees would go nowhere; choose one of "
                "attentional, deep, or set query=previous or attention=none"
            )
        fed = wiring.dim * (self.attends_first + feeding.input_feeding + feeding.source)
        self.fed = [
            fed if number == 0 or feeding.layers == "all" else 0 for number in range(wiring.layers)
        ]
        self.layers = nn.ModuleList(
            Recurrence(wiring.cell, wiring.dim + more, wiring.dim) for more in self.fed
        )
        self.between = Between(wiring)
        self.bridge = Bridge(bridge, wiring, encoder_layers=encoder_layers)
        self.output = Output(output, wiring.dim, context=attention is not None)

    def start(self, memory: Stream, *, rows: int, capacity: int, capture: bool = False) -> States:
        """The state before the first token; to capture the weights of steps, it is traced."""
        each = rows // max(len(memory.x), 1)
        layers = self.bridge(memory).repeat_interleave(each, 0)
        output = layers.new_zeros(rows, self.dim if self.feeding.input_feeding else 0)
        source = layers.new_zeros(rows, 0)
        if self.feeding.source:
            source = self.bridge.vector(memory).repeat_interleave(each, 0)
        own = RecurrentState(len(memory.x), layers, output, source)
        if self.cross is None:
            return States((own,))
        cross = begun(self.cross, memory, rows=rows, capacity=capacity, capture=capture)
        return States((own, cross))

    def forward(
        self,
        stream: Stream,
        memory: Stream | None,
        *,
        state: State | None = None,
        capture: bool = False,
    ) -> tuple[Tensor, State | None, dict[str, Tensor]]:
        """The hidden states, the next state, and the weights if captured."""
        began = state
        if began is None:
            assert memory is not None
            rows, time = stream.valid.shape
            began = self.start(memory, rows=rows, capacity=time, capture=capture)
        drop = self.between.dropping()
        after, hidden, weights = cast("States", began), [], []
        # What is made once for all steps costs more than it saves where there is but one.
        several = self.by_step and stream.x.shape[1] > 1
        run = self._stepping(stream, drop) if several else partial(self._run, drop)
        for some in _single(stream) if self.by_step else [stream]:
            one, after, seen = self._next(some, after, run)
            hidden.append(one)
            weights += [] if seen is None else [seen]
        shown = {"cross.0": torch.cat(weights, 2)} if weights else {}
        dropped = drop(len(self.layers), torch.cat(hidden, 1))
        return dropped, None if state is None else after, shown

    def _next(
        self, stream: Stream, state: States, run: Run
    ) -> tuple[Tensor, States, Tensor | None]:
        """One step, or all steps of which none needs what the one before gives."""
        own, *cross = state.parts
        own = cast("RecurrentState", own)
        attended = (
            self._attend(own.layers[:, -1, 0][:, None], stream, cross)
            if self.attends_first
            else None
        )
        fed = (
            [own.output, own.source]
            if attended is None
            else [attended.y[:, 0], own.output, own.source]
        )
        top, layers = run(stream.x, torch.cat(fed, -1).to(stream.x.dtype), own.layers)
        if self.cross is not None and attended is None:
            attended = self._attend(top, stream, cross)
        context = None if attended is None else attended.y
        hidden = self.output(top, stream.x, context)
        output = hidden[:, -1] if self.feeding.input_feeding else own.output
        own = dataclasses.replace(own, layers=layers, output=output)
        if attended is None:
            return hidden, States((own,)), None
        assert attended.state is not None
        return hidden, States((own, attended.state)), attended.weights

    def _attend(self, query: Tensor, stream: Stream, cross: list[State]) -> MixerOutput:
        """What the attention gives for queries at the places of the stream."""
        assert self.cross is not None
        return mixed(self.cross, dataclasses.replace(stream, x=query), state=cross[0])

    def _run(self, drop: Drop, x: Tensor, fed: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """The output of the last layer at all steps, and the states of all after the last step."""
        more, states = fed[:, None].expand(-1, x.shape[1], -1), []
        for number, layer in enumerate(self.layers):
            given = drop(number, x) if number else x
            if self.fed[number]:
                given = torch.cat((given, more), -1)
            y, state = layer(given, before[:, number])
            x = self.between.joined(number, x, y)
            states.append(state)
        return x, torch.stack(states, 1)

    def _stepping(self, stream: Stream, drop: Drop) -> Run:
        """The same, one step a call; the words are known to the first layer beforehand."""
        none = stream.x[..., :0]
        layers = [
            Stepping(cast("Recurrence", layer), none if number else stream.x)
            for number, layer in enumerate(self.layers)
        ]

        def run(x: Tensor, fed: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
            states = []
            for number, layer in enumerate(layers):
                given = [drop(number, x)[:, 0]] if number else []
                if self.fed[number]:
                    given.append(fed)
                y, state = layer(torch.cat(given, -1), before[:, number])
                x = self.between.joined(number, x, y[:, None])
                states.append(state)
            return x, torch.stack(states, 1)

        return run


def _single(stream: Stream) -> Iterator[Stream]:
    """The tokens of a stream, one after the other."""
    for step in range(stream.x.shape[1]):
        one = slice(step, step + 1)
        yield Stream(stream.x[:, one], stream.position[:, one], stream.valid[:, one])
