"""Recurrent layers: plain, GRU, LSTM, layer-normalised LSTM, each over all steps by one call."""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from attn.contract import Growth
from attn.stepwise import Stepwise

STATES = {"rnn": 1, "gru": 1, "lstm": 2, "layer_norm_lstm": 2}  # the cells, and what they keep
FUSED = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
SINGLE: dict[str, Any] = {
    "rnn": torch.rnn_tanh_cell,
    "gru": torch.gru_cell,
    "lstm": torch.lstm_cell,
}
GROWTH = Growth("T D^2", sequential="T", path="T")

Carried = Float[Tensor, "rows states dim"]


class Recurrence(nn.Module):
    """One recurrent layer in one direction.

    ``rnn``: ``h_t = tanh(W x_t + U h_{t-1} + b)`` (Elman 1990, "Finding Structure in Time").
    ``gru``: ``h_t = (1 - z) n + z h_{t-1}``, ``n = tanh(W x_t + b + r U h_{t-1})`` (Cho et al.
    2014, "Learning Phrase Representations using RNN Encoder-Decoder"; ``r`` comes after the product
    with ``U``, as in torch.nn.GRU; there it comes before, ``U (r h_{t-1})``). ``lstm``:
    ``h_t = o tanh(c_t)``, ``c_t = f c_{t-1} + i tanh(W x_t + U h_{t-1} + b)`` (Hochreiter and
    Schmidhuber 1997, "Long Short-Term Memory", with the forget gate of Gers et al. 2000).
    ``layer_norm_lstm``: the same, with norms of ``W x + b``, ``U h`` and ``c`` (Ba et al. 2016,
    "Layer Normalization", equations 20 to 22). The gates ``r, z, i, f, o`` are sigmoids of
    ``W x_t + U h_{t-1} + b`` with weights of their own.

    Biases are weights of one more input, which is 1 for a token and 0 for padding: so the state,
    which begins with zeros, stays zero over padding that comes first. All weights are drawn from
    ``U(-1/sqrt(dim), 1/sqrt(dim))``.

    Raises:
        ValueError: an unknown cell.
    """

    growth: ClassVar[Growth] = GROWTH

    def __init__(self, cell: str, input_dim: int, dim: int) -> None:
        super().__init__()
        if cell not in STATES:
            raise ValueError(f"cell={cell}: unknown; choose one of {', '.join(STATES)}")
        self.kind = self.label = cell
        self.states = STATES[cell]
        made = FUSED.get(cell, LayerNormLSTM)
        self.cell = made(input_dim + 1, dim, bias=False, batch_first=True)

    def forward(
        self,
        x: Float[Tensor, "rows time input"],
        state: Carried | None = None,
        real: Bool[Tensor, "rows time"] | None = None,
    ) -> tuple[Float[Tensor, "rows time dim"], Carried]:
        """The outputs of all steps, and the state after the last; ``real`` is false for padding."""
        ones = x.new_ones(x.shape[:2]) if real is None else real.to(x.dtype)
        x = torch.cat((x if real is None else x * ones[..., None], ones[..., None]), -1)
        if state is None:
            y, after = self.cell(x)
        elif x.shape[1] == 1 and self.kind in SINGLE:
            return self._single(x[:, 0], state.to(x.dtype))
        else:
            parts = [part.to(x.dtype)[None].contiguous() for part in state.unbind(1)]
            y, after = self.cell(x, tuple(parts) if self.states == 2 else parts[0])
        kept = after if self.states == 2 else (after,)
        return y, torch.stack([part[0] for part in kept], 1)

    def weights(self) -> tuple[Tensor, Tensor]:
        """Those of the inputs, the bias last, and of the state before."""
        if isinstance(self.cell, LayerNormLSTM):
            return self.cell.input.weight, self.cell.recurrent.weight
        return self.cell.weight_ih_l0, self.cell.weight_hh_l0

    def gated(
        self, given: Float[Tensor, "rows gates"], again: Float[Tensor, "rows gates"], state: Carried
    ) -> tuple[Tensor, ...]:
        """The states after one step, given ``W x + b`` and ``U h``."""
        if isinstance(self.cell, LayerNormLSTM):
            norm = self.cell.input_norm
            return self.cell.gated(norm(given), again, state[:, 1])
        if self.kind == "rnn":
            return ((given + again).tanh(),)
        if self.kind == "gru":
            (r, z, n), (reset, update, new) = given.chunk(3, -1), again.chunk(3, -1)
            entering = (n + (r + reset).sigmoid() * new).tanh()
            return (entering + (z + update).sigmoid() * (state[:, 0] - entering),)
        i, f, new, o = (given + again).chunk(4, -1)
        carried = f.sigmoid() * state[:, 1] + i.sigmoid() * new.tanh()
        return o.sigmoid() * carried.tanh(), carried

    def _single(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One step; for so little, the kernel for many costs several times as much."""
        before = tuple(state.unbind(1)) if self.states == 2 else state[:, 0]
        weights = (self.cell.weight_ih_l0, self.cell.weight_hh_l0)
        after = SINGLE[self.kind](x, before, *weights)
        kept = after if self.states == 2 else (after,)
        return kept[0][:, None], torch.stack(kept, 1)


class Stepping:
    """A layer that goes step by step, because what it is fed is known at its step alone.

    What is known before is multiplied for all steps at once: the first inputs of the layer, as far
    as ``known`` has them, and the bias. No inputs are padding.
    """

    def __init__(self, layer: Recurrence, known: Float[Tensor, "rows time known"]) -> None:
        self.layer = layer
        weight, recurrent = layer.weights()
        width = known.shape[-1]
        ones = known.new_ones((*known.shape[:2], 1))
        some = torch.cat((weight[:, :width], weight[:, -1:]), 1)
        self.known = iter(F.linear(torch.cat((known, ones), -1), some).unbind(1))
        self.input, self.recurrent = Stepwise(weight[:, width:-1]), Stepwise(recurrent)

    def __call__(
        self, fed: Float[Tensor, "rows fed"], state: Carried
    ) -> tuple[Float[Tensor, "rows dim"], Carried]:
        """The output of the next step, and the state after it."""
        given = next(self.known)
        if fed.shape[-1]:
            given = given + self.input(fed)
        state = state.to(given.dtype)
        kept = self.layer.gated(given, self.recurrent(state[:, 0]), state)
        return kept[0], torch.stack(kept, 1)


class LayerNormLSTM(nn.Module):
    """An LSTM with norms, called as torch's: there is no fused kernel, so step by step."""

    def __init__(self, input_dim: int, dim: int, *, bias: bool, batch_first: bool) -> None:
        super().__init__()
        assert batch_first
        assert not bias
        self.input = nn.Linear(input_dim, 4 * dim, bias=False)
        self.recurrent = nn.Linear(dim, 4 * dim, bias=False)
        self.input_norm, self.recurrent_norm = nn.LayerNorm(4 * dim), nn.LayerNorm(4 * dim)
        self.cell_norm = nn.LayerNorm(dim)
        for linear in (self.input, self.recurrent):
            nn.init.uniform_(linear.weight, -(dim**-0.5), dim**-0.5)

    def forward(
        self, x: Float[Tensor, "rows time input"], state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The outputs of all steps, and the state after the last."""
        if state is None:
            zeros = x.new_zeros(len(x), self.recurrent.in_features)
            hidden, carried = zeros, zeros
        else:
            hidden, carried = (part[0] for part in state)
        given, outputs = self.input_norm(self.input(x)).unbind(1), []
        recurrent = Stepwise(self.recurrent.weight)
        for one, real in zip(given, x[..., -1:].unbind(1), strict=True):
            hidden, carried = self.gated(one, recurrent(hidden), carried)
            hidden, carried = hidden * real, carried * real
            outputs.append(hidden)
        return torch.stack(outputs, 1), (hidden[None], carried[None])

    def gated(self, given: Tensor, again: Tensor, carried: Tensor) -> tuple[Tensor, Tensor]:
        """The output and what is carried after one step, given the normed input and ``U h``."""
        enter, keep, new, out = (given + self.recurrent_norm(again)).chunk(4, -1)
        carried = keep.sigmoid() * carried + enter.sigmoid() * new.tanh()
        return out.sigmoid() * self.cell_norm(carried).tanh(), carried


class RecurrentLayer(nn.Module):
    """One recurrent layer over a whole source, read forwards, backwards, or both ways.

    Both ways, each has half the width. Schuster and Paliwal 1997, "Bidirectional Recurrent Neural
    Networks".
    """

    growth: ClassVar[Growth] = GROWTH

    def __init__(self, cell: str, dim: int, ways: tuple[str, ...]) -> None:
        super().__init__()
        self.label = cell
        self.ways = nn.ModuleDict({way: Recurrence(cell, dim, dim // len(ways)) for way in ways})

    def forward(
        self, x: Float[Tensor, "rows time dim"], valid: Bool[Tensor, "rows time"]
    ) -> tuple[Float[Tensor, "rows time dim"], Carried]:
        """The outputs at each token, and the states after reading all."""
        outputs, states = [], []
        for way, recurrence in self.ways.items():
            turn = _last_first(valid) if way == "right_to_left" else _padding_first(valid)
            y, state = recurrence(_moved(x, turn), real=valid.gather(1, turn))
            outputs.append(_moved(y, turn.argsort(1)))
            states.append(state)
        return torch.cat(outputs, -1), torch.cat(states, -1)


def _padding_first(valid: Tensor) -> Tensor:
    """The places of the tokens in an order that has all padding before them."""
    return valid.long().argsort(dim=1, stable=True)


def _last_first(valid: Tensor) -> Tensor:
    """The places of the tokens, the last first, padding before them."""
    places = torch.arange(valid.shape[1], device=valid.device)
    return (valid.long() * (valid.shape[1] - places)).argsort(1)


def _moved(x: Float[Tensor, "rows time dim"], places: Tensor) -> Float[Tensor, "rows time dim"]:
    return x.gather(1, places[..., None].expand_as(x))
