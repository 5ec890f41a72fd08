"""Whole recurrent models, beside what one writes with torch's own modules."""

import torch
from builders import build_model
from torch import nn

SOURCE = torch.tensor([[5, 6, 7, 8, 9], [4, 5, 6, 0, 0], [9, 0, 0, 0, 0]])
INPUTS = torch.tensor([[1, 5, 6, 7, 8, 9, 4], [1, 7, 5, 9, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0]])
VALID = SOURCE != 0
DIM = 12  # of builders.build_model


def copied(theirs, cells):
    """torch's recurrent layers, or one cell of theirs, with the weights of ours."""
    layered = not isinstance(theirs, nn.RNNCellBase)
    endings = [f"_l{n}{way}" for n in range(2) for way in ("", "_reverse")] if layered else [""]
    if layered and not theirs.bidirectional:
        endings = endings[::2]
    for ending, ours in zip(endings[: len(cells)], cells, strict=True):
        given = ours.cell.weight_ih_l0
        getattr(theirs, f"weight_ih{ending}").copy_(given[:, :-1])
        getattr(theirs, f"bias_ih{ending}").copy_(given[:, -1])
        getattr(theirs, f"weight_hh{ending}").copy_(ours.cell.weight_hh_l0)
        getattr(theirs, f"bias_hh{ending}").zero_()
    return theirs


def embedded(model):
    return (model.target_embedding(ids) * DIM**0.5 for ids in (SOURCE, INPUTS))


def read(model, kind, x):
    """What a bidirectional encoder gives at each word, and its last states, each way's apart."""
    layers = model.encoder.layers
    encoder = kind(DIM, DIM // 2, len(layers), bidirectional=True, batch_first=True).double()
    copied(encoder, [way for layer in layers for way in layer.ways.values()])
    lengths = VALID.sum(1)
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    said, last = encoder(packed)
    return nn.utils.rnn.pad_packed_sequence(said, batch_first=True)[0], last


def both(last):
    """The states of the two ways side by side."""
    return last.unflatten(0, (-1, 2)).transpose(1, 2).flatten(2).contiguous()


def context_of(scores, memory):
    weights = scores.masked_fill(~VALID[:, None], -torch.inf).softmax(-1)
    return weights, weights @ memory


@torch.no_grad()
def test_luongs_is():
    """LSTMs, the score ``general`` with one head, the attentional layer."""
    model = build_model("recurrent", attention_options={"name": "general", "heads": 1},
                        position="none")  # fmt: skip
    x, y = embedded(model)
    memory, last = read(model, nn.LSTM, x)
    decoder = copied(nn.LSTM(DIM, DIM, 2, batch_first=True).double(), model.decoder.layers)
    hidden, _ = decoder(y, tuple(map(both, last)))
    maps, score = model.decoder.cross.projections, model.decoder.cross.norms.query.weight[0]
    key, value = maps.key_value(memory).chunk(2, -1)
    weights, context = context_of(maps.query(hidden) @ score @ key.transpose(1, 2), value)
    expected = model.decoder.output.map(torch.cat((maps.out(context), hidden), -1)).tanh()
    assert torch.allclose(model(SOURCE, VALID, INPUTS), expected, atol=1e-10)
    assert torch.allclose(
        model.attend(SOURCE, VALID, INPUTS)["cross.0"][:, 0].double(), weights, atol=1e-6
    )


@torch.no_grad()
def test_luongs_with_input_feeding_is():
    """Of each step, the attentional vector goes into the next; values are the source as it is."""
    section = {"name": "general", "heads": 1, "projections": "none"}
    model = build_model("recurrent", attention_options=section, position="none",
                        encoder_layers=1, decoder_layers=1, input_feeding=True)  # fmt: skip
    x, y = embedded(model)
    memory, last = read(model, nn.LSTM, x)
    cell = copied(nn.LSTMCell(2 * DIM, DIM).double(), model.decoder.layers)
    score = model.decoder.cross.norms.query.weight[0]
    state, said = tuple(both(one)[0] for one in last), torch.zeros(3, DIM).double()
    expected = []
    for word in y.unbind(1):
        state = cell(torch.cat((word, said), -1), state)
        top = state[0][:, None]
        _, context = context_of(top @ score @ memory.transpose(1, 2), memory)
        said = model.decoder.output.map(torch.cat((context, top), -1)).tanh()[:, 0]
        expected.append(said)
    assert torch.allclose(model(SOURCE, VALID, INPUTS), torch.stack(expected, 1), atol=1e-10)


@torch.no_grad()
def test_bahdanaus_is():
    """GRUs, the score ``additive`` of the state before, the maxout layer."""
    section = {"name": "additive", "heads": 1, "projections": "none"}
    model = build_model("recurrent", attention_options=section, position="none", cell="gru",
                        encoder_layers=1, decoder_layers=1, bridge="linear", query="previous",
                        output="deep")  # fmt: skip
    x, y = embedded(model)
    memory, last = read(model, nn.GRU, x)
    cell = copied(nn.GRUCell(2 * DIM, DIM).double(), model.decoder.layers)
    maps, vector = model.decoder.cross.projections, model.decoder.cross.core.score.vector[0]
    state, expected = model.decoder.bridge.map(both(last)[0]).tanh(), []
    for word in y.unbind(1):
        hidden = (maps.query(state)[:, None] + maps.key(memory)).tanh()
        _, context = context_of((hidden @ vector.reshape(-1))[:, None], memory)
        state = cell(torch.cat((word, context[:, 0]), -1), state)
        pairs = model.decoder.output.map(torch.cat((state, word, context[:, 0]), -1))
        expected.append(pairs.unflatten(-1, (DIM, 2)).amax(-1))
    assert torch.allclose(model(SOURCE, VALID, INPUTS), torch.stack(expected, 1), atol=1e-10)
