"""Sequences taken apart and put together, and attentions fed with them piece by piece."""

import dataclasses
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attn.contract import Attention, MixerOutput, State, Stream

NOISE = 1e3
LENGTHS = (7, 4, 0)  # of three sequences beside each other


def module_of(attention: Attention) -> nn.Module:
    """The attention as the module that it is."""
    assert isinstance(attention, nn.Module)
    return attention


def seen_by(query: Stream, memory: Stream | None) -> Stream:
    """What is looked at: the source in the cross role, else the sequence itself."""
    return query if memory is None else memory


def rows(whole: Stream, picked: Tensor) -> Stream:
    """Some of the sequences."""
    return Stream(whole.x[picked], whole.position[picked], whole.valid[picked])


def cut(whole: Stream, start: int, end: int) -> Stream:
    """A part of each sequence."""
    return Stream(whole.x[:, start:end], whole.position[:, start:end], whole.valid[:, start:end])


def permuted(whole: Stream, order: Tensor) -> Stream:
    """The same tokens, each with its position, in another order in the tensor."""
    return Stream(whole.x[:, order], whole.position[:, order], whole.valid[:, order])


def with_noise(whole: Stream) -> Stream:
    """The sequences with large random numbers wherever there is padding."""
    generator = torch.Generator().manual_seed(1)
    noise = NOISE * torch.randn(whole.x.shape, generator=generator, dtype=torch.float64)
    x = torch.where(whole.valid[..., None], whole.x, noise.to(whole.x.dtype))
    return dataclasses.replace(whole, x=x)


def longer(whole: Stream, count: int) -> Stream:
    """The sequences with more padding behind them."""
    ahead = whole.position[:, -1:] + 1 + torch.arange(count)
    return Stream(
        F.pad(whole.x, (0, 0, 0, count), value=7.0),
        torch.cat((whole.position, ahead), 1),
        F.pad(whole.valid, (0, count), value=False),
    )


def with_holes(whole: Stream) -> Stream:
    """Three sequences with padding at their start, in their middle, and at either end of one."""
    valid = torch.ones_like(whole.valid)
    valid[0, :2] = valid[1, 2:4] = valid[2, 0] = valid[2, 3] = valid[2, -1] = False
    return dataclasses.replace(whole, valid=valid)


def apart(whole: Stream, distance: int = 9) -> Stream:
    """The sequences, each of which begins at another position."""
    first = distance * torch.arange(len(whole.x))[:, None]
    return dataclasses.replace(whole, position=whole.position + first)


def leaf(whole: Stream) -> tuple[Tensor, Stream]:
    """The sequences as something to take gradients for."""
    x = whole.x.clone().requires_grad_()
    return x, dataclasses.replace(whole, x=x)


def in_steps(
    attention: Attention, query: Stream, cuts: Sequence[int], memory: Stream | None = None
) -> list[MixerOutput]:
    """What a decoder gives for successive parts of the sequences, ``cuts`` tokens each."""
    state: State | None = attention.start(memory, rows=len(query.x), capacity=query.x.shape[1])
    outputs, at = [], 0
    for count in cuts:
        output = attention(cut(query, at, at + count), state=state)
        outputs.append(output)
        state, at = output.state, at + count
    return outputs


def stepped(
    attention: Attention, query: Stream, cuts: Sequence[int], memory: Stream | None = None
) -> Tensor:
    """The outputs of all parts, side by side."""
    return torch.cat([output.y for output in in_steps(attention, query, cuts, memory)], 1)
