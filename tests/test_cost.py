"""What a model costs: the count is that of the textbook, and of torch's own counter."""

import dataclasses
import math

import pytest
import torch
from builders import build_attention, build_model, stream
from torch.utils.flop_counter import FlopCounterMode

from attn import cost
from attn.contract import Growth, Role
from attn.gated_convolution import GatedConvolution
from attn.loss import Loss
from attn.roles import capabilities, made_names
from attn.tokenizers import PAD

DIM, FEED, SIZE, LAYERS = 12, 17, 11, 2  # of builders.build_model
pytestmark = pytest.mark.usefixtures("unchecked")
TIME = 40
GATES = {"rnn": 1, "gru": 3, "lstm": 4, "layer_norm_lstm": 4}
FED = [
    {"input_feeding": True},
    {"query": "previous", "output": "deep"},
    {"lacks": True, "feed_source": True, "fed_layers": "all", "output": "plain"},
]
SELF = [
    (name, role)
    for name in made_names()
    for role in (Role.ENCODER, Role.DECODER)
    if role in capabilities(name).roles
]


def counted(model, rows, length):
    sizes = {"source_size": SIZE, "target_size": SIZE}
    return cost.flops(model, Loss(), rows=rows, length=length, **sizes)


def attention(queries, keys):
    """Four projections, the scores, and the means of the values."""
    maps = 2 * 2 * (queries + keys) * DIM**2
    return maps + 2 * 2 * queries * keys * DIM


def encoder(length):
    return LAYERS * (attention(length, length) + 4 * length * DIM * FEED)


def decoder(length):
    return LAYERS * (2 * attention(length, length) + 4 * length * DIM * FEED)


def smoothing(length):
    """The sums of the logits of all words, by one product."""
    return 2 * length * DIM


def words(length):
    return 2 * length * DIM * SIZE


@pytest.mark.parametrize("kernel", ["auto", "explicit", "sdpa"])
@pytest.mark.parametrize(("rows", "length"), [(1, 7), (3, 5)])
def test_the_operations_of_a_transformer(kernel, rows, length):
    model = build_model(attention_options={"kernel": kernel}).float()
    found = counted(model, rows, length)
    # Each product of the way there is two products on the way back.
    whole = 3 * rows * (encoder(length) + decoder(length) + words(length))
    assert found.step == whole + rows * smoothing(length)
    assert found.encode == encoder(length) / length


def test_a_token_is_decoded_without_decoding_those_before_it_again():
    length = 7
    steps = sum(
        LAYERS * (8 * DIM**2 + 4 * t * DIM + 4 * DIM**2 + 4 * length * DIM + 4 * DIM * FEED)
        for t in range(1, length + 1)
    )
    source = LAYERS * 4 * length * DIM**2  # its keys and values, once
    found = counted(build_model().float(), 1, length)
    assert found.decode == (source + steps + words(length)) / length


@pytest.mark.parametrize("cell", GATES)
def test_the_operations_of_a_recurrent_model(cell):
    length, gates = 6, GATES[cell]
    ways = 2 * gates * (DIM // 2) * (DIM + 1 + DIM // 2)
    read = 2 * length * LAYERS * ways
    said = 2 * length * LAYERS * gates * DIM * (DIM + 1 + DIM)
    joined = 2 * length * 2 * DIM * DIM
    model = build_model("recurrent", cell=cell, position="none").float()
    found = counted(model, 2, length)
    assert found.encode == read / length
    whole = 3 * 2 * (read + said + attention(length, length) + joined + words(length))
    whole += 2 * smoothing(length)
    # Where it is taken apart, the state before the first step, which is given, has no gradient.
    given = 2 * 2 * LAYERS * 2 * gates * (DIM // 2) ** 2
    assert found.step == (whole if cell == "lstm" else whole - given)


@pytest.mark.parametrize("fed", [{"query": "previous"}, {"input_feeding": True}], ids=str)
@pytest.mark.parametrize("cell", GATES)
def test_a_fused_layer_is_counted_as_its_steps_are(cell, fed):
    """A layer over all steps costs what the steps one by one do, and what is fed to them."""
    model = build_model("recurrent", cell=cell, position="none", **fed).float()
    plain = build_model("recurrent", cell=cell, position="none").float()
    more = sum(one.numel() for one in model.decoder.layers.parameters()) - sum(
        one.numel() for one in plain.decoder.layers.parameters()
    )
    assert counted(model, 1, 5).decode - counted(plain, 1, 5).decode == 2 * more


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"name": "convolutional", "position": "learned"},
        *(
            {"name": "recurrent", "position": "none", "cell": "layer_norm_lstm", **fed}
            for fed in FED
        ),
    ],
    ids=str,
)
def test_the_count_is_that_of_the_counter(options):
    model, batch = build_model(**options).float(), cost.sentences(3, 5, SIZE)
    # Which torch's counter leaves out.
    in_place = {torch.ops.aten.addmm_: lambda _, a, b, **__: 2 * a[0] * a[1] * b[1]}
    with FlopCounterMode(display=False, custom_mapping=in_place) as counter:
        hidden = model(batch.source, batch.source_valid, batch.inputs)
        Loss()(hidden, model.output_weight, batch.labels, PAD)[0].backward()
    assert counted(model, 3, 5).step == counter.get_total_flops()


def test_counting_leaves_a_model_as_it_was():
    model = build_model(attention_options={"kernel": "sdpa"}).float().train()
    counted(model, 2, 4)
    assert model.training
    assert all(weight.grad is None for weight in model.parameters())
    assert {one.kernel for one in model.modules() if hasattr(one, "kernel")} == {"sdpa"}


def test_what_all_sentences_share_is_counted_once():
    model = build_model(position="shaw").float()
    one, two, nine = (counted(model, rows, 4).step for rows in (1, 2, 9))
    assert nine == one + 8 * (two - one)


@pytest.mark.parametrize("name", ["transformer", "recurrent"])
def test_the_parameters_of_the_parts_are_all_there_are(name):
    model = build_model(name, position="none" if name == "recurrent" else "learned")
    found = cost.parameters(model)
    assert sum(found.values()) == sum(weight.numel() for weight in model.parameters())


def test_the_parameters_of_a_transformer():
    norm = 2 * DIM
    feed = 2 * DIM * FEED + DIM + FEED
    assert cost.parameters(build_model()) == {
        "target_embedding": SIZE * DIM,
        "encoder.attention": LAYERS * 4 * DIM**2,
        "encoder.feedforward": LAYERS * feed,
        "encoder.residuals": LAYERS * 2 * norm,
        "decoder.attention": LAYERS * 4 * DIM**2,
        "decoder.cross": LAYERS * 4 * DIM**2,
        "decoder.feedforward": LAYERS * feed,
        "decoder.residuals": LAYERS * 3 * norm,
    }


def table(model, tokens=64):
    return [
        (one.part, one.kind, one.count, one.growth.time, one.sequential(tokens), one.path(tokens))
        for one in cost.layers(model)
    ]


def test_table_1_of_the_paper():
    """Self-attention, recurrence, convolution, and self-attention that sees a part."""
    assert table(build_model())[0] == ("encoder.attention", "softmax", 2, "T S D", 1, 1)
    recurrent = table(build_model("recurrent", position="none"))
    assert recurrent == [
        ("encoder.layers", "lstm", 2, "T D^2", 64, 64),
        ("decoder.cross", "softmax", 1, "T S D", 1, 1),
        ("decoder.layers", "lstm", 2, "T D^2", 64, 64),
    ]
    for fed in ({"input_feeding": True}, {"query": "previous"}):
        stepped = table(build_model("recurrent", position="none", cell="gru", **fed))
        assert stepped == [
            ("encoder.layers", "gru", 2, "T D^2", 64, 64),
            ("decoder.cross", "softmax", 1, "T S D", 64, 1),
            ("decoder.layers", "gru", 2, "T D^2", 64, 64),
        ]
    (near,) = cost.layers(build_attention("window", Role.ENCODER, radius=5))
    assert (near.growth.time, near.sequential(64), near.path(64)) == ("T radius D", 1, 13)
    (taps,) = cost.layers(build_attention("lightconv", Role.DECODER, kernel_size=9))
    assert (taps.growth.time, taps.sequential(64), taps.path(64)) == ("T K D", 1, 8)


def test_what_never_meets_has_no_path():
    (alone,) = cost.layers(build_attention("window", Role.ENCODER, radius=0))
    assert alone.path(64) is None


def test_tokens_that_all_see_are_a_way_for_all():
    (far,) = cost.layers(build_attention("window", Role.ENCODER, global_tokens=1))
    assert far.growth == Growth("T radius D", path="2")
    assert far.path(512) == 2


def seen_by(layer, x, place):
    """The places of the tokens that move what a layer gives at one place."""
    x = (x * 1e-3).requires_grad_()  # what is alike has weights that no map makes zero
    said = layer(x)[0, place]
    (gradient,) = torch.autograd.grad((said * torch.randn_like(said)).sum(), x)
    return gradient[0].abs().sum(-1).nonzero()[:, 0]


@pytest.mark.parametrize(("name", "role"), SELF)
def test_one_layer_sees_as_far_as_its_path_tells(name, role):
    attention, given = build_attention(name, role), stream(1, TIME)
    last = TIME - 1 if role is Role.DECODER else TIME // 2
    seen = seen_by(lambda x: attention(dataclasses.replace(given, x=x)).y, given.x, last)
    _, _, reach = capabilities(name).path.partition(" / ")
    if reach:
        assert int((seen - last).abs().max()) == getattr(attention, reach)
    else:
        assert len(seen) == TIME


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_gated_convolution_sees_as_far_as_its_path_tells(size, causal):
    layer = GatedConvolution(6, size, causal=causal, dropout=0.0).double()
    given, last = stream(1, TIME, dim=6), TIME - 1 if causal else TIME // 2
    seen = seen_by(lambda x: layer(x, given.valid), given.x, last) - last
    # The path is the longest there is, and so of the way in which a layer sees less far.
    far = int(-seen.min()) if causal else int(min(-seen.min(), seen.max()))
    (row,) = cost.layers(layer)
    assert row.path(TIME) == (math.ceil(TIME / far) if far else None)
