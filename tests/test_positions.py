"""Truths of every registered position scheme, with softmax attention around it."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F
from builders import build_attention, build_model, stream
from messages import exactly

from attn import assemble, distances, registry
from attn.contract import OUTSIDE, PositionKind, Role, Stream

pytestmark = pytest.mark.usefixtures("unchecked")  # the proofs check them, with every scheme
SELF = (Role.ENCODER, Role.DECODER)
EVERY = registry.names("position")


def kind_of(name):
    return registry.find("position", name).kind


INNER = [name for name in EVERY if kind_of(name) not in OUTSIDE]
CASES = [(name, role) for name in INNER for role in SELF]
LENGTHS = [7, 4, 0]


def attend(name, role, **options):
    """Softmax attention with a scheme whose every weight is random, as if trained."""
    attention = build_attention("softmax", role, position=name, **options)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in attention.position.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
            parameter += 0.3 * noise
    return attention


def moved(whole, count):
    return dataclasses.replace(whole, position=whole.position + count)


def cut(whole, start, end):
    return Stream(whole.x[:, start:end], whole.position[:, start:end], whole.valid[:, start:end])


def stepped(attention, query, cuts):
    state = attention.start(None, rows=len(query.x), capacity=query.x.shape[1])
    parts, at = [], 0
    for size in cuts:
        output = attention(cut(query, at, at + size), state=state)
        state, at = output.state, at + size
        parts.append(output.y)
    return torch.cat(parts, 1)


@pytest.mark.parametrize(("name", "role"), CASES)
class TestEveryInnerScheme:
    def test_padding_behind_changes_nothing(self, name, role):
        attention, query = attend(name, role), stream(3, 7, lengths=LENGTHS)
        longer = Stream(
            F.pad(query.x, (0, 0, 0, 2), value=1e3),
            torch.arange(9).expand(3, 9),
            F.pad(query.valid, (0, 2)),
        )
        before, after = attention(query).y, attention(longer).y[:, :7]
        assert torch.allclose(before[query.valid], after[query.valid], atol=1e-12)

    @pytest.mark.parametrize("ahead", [0, 5])
    def test_padding_before_changes_nothing(self, name, role, ahead):
        attention, query = attend(name, role), stream(2, 7)
        longer = Stream(
            F.pad(query.x, (0, 0, 2, 0), value=1e3),
            # Positions of padding may be anything, of what is real they count as before.
            torch.cat((torch.full((2, 2), ahead), query.position), 1),
            F.pad(query.valid, (2, 0)),
        )
        assert torch.allclose(attention(query).y, attention(longer).y[:, 2:], atol=1e-12)

    def test_rows_may_stand_at_different_positions(self, name, role):
        attention, query = attend(name, role), stream(3, 7)
        apart = moved(query, torch.tensor([[0], [3], [11]]))
        together = attention(apart).y
        for row in range(3):
            alone = Stream(*(t[row : row + 1] for t in (apart.x, apart.position, apart.valid)))
            assert torch.allclose(together[row], attention(alone).y[0], atol=1e-12)

    def test_only_differences_of_positions_count(self, name, role):
        attention, query = attend(name, role), stream(3, 7, lengths=LENGTHS)
        assert torch.allclose(attention(query).y, attention(moved(query, 40)).y, atol=1e-10)

    def test_gaps_and_order_of_positions_count(self, name, role):
        attention, query = attend(name, role), stream(1, 7)
        gaps = dataclasses.replace(query, position=query.position * 3)
        assert not torch.allclose(attention(query).y, attention(gaps).y, atol=1e-6)
        order = torch.tensor([3, 1, 0, 4, 6, 2, 5])
        mixed = Stream(query.x[:, order], query.position[:, order], query.valid)
        assert torch.allclose(attention(query).y[:, order], attention(mixed).y, atol=1e-12)

    def test_kernels_agree_in_values_and_gradients(self, name, role):
        if kind_of(name) is PositionKind.VALUES:
            message = (
                "kernel=sdpa: cannot serve, for position vectors that meet the values are no bias "
                "of the scores; choose one of auto, explicit"
            )
            with pytest.raises(ValueError, match=exactly(message)):
                attend(name, role, kernel="sdpa")
            return
        results = []
        for kernel in ("explicit", "sdpa"):
            attention, query = attend(name, role, kernel=kernel), stream(3, 7, lengths=LENGTHS)
            leaf = query.x.clone().requires_grad_()
            y = attention(dataclasses.replace(query, x=leaf)).y
            leaves = [leaf, *attention.parameters()]
            results.append([y, *torch.autograd.grad(y.square().sum(), leaves)])
        for one, other in zip(*results, strict=True):
            assert one.isfinite().all()
            assert torch.allclose(one, other, atol=1e-10)

    def test_capture_changes_nothing_and_tells_what_was_used(self, name, role):
        attention, query = attend(name, role), stream(3, 7, lengths=LENGTHS)
        captured = attention(query, capture=True)
        assert torch.equal(captured.y, attention(query).y)
        assert captured.weights.dtype == torch.float32
        assert torch.allclose(captured.weights[0].sum(-1), torch.ones(3, 7))
        if kind_of(name) is not PositionKind.VALUES:
            _, _, v = attention.projections.all_of(query.x)
            y = attention.projections.join(captured.weights.double() @ v)
            assert torch.allclose(captured.y, y, atol=1e-6)

    def test_a_sentence_of_padding_gives_zeros(self, name, role):
        attention, query = attend(name, role), stream(2, 5, lengths=[0, 5])
        leaf = query.x.clone().requires_grad_()
        y = attention(dataclasses.replace(query, x=leaf)).y
        (gradient,) = torch.autograd.grad(y.square().sum(), leaf)
        assert (y[0] == 0).all()
        assert (gradient[0] == 0).all()
        assert gradient.isfinite().all()

    def test_gradients_are_exact(self, name, role):
        attention, query = attend(name, role, dim=6), stream(2, 4, 6, lengths=[4, 2])
        parameters = list(attention.parameters())

        def function(x, *_):
            return attention(dataclasses.replace(query, x=x)).y

        inputs = (query.x.requires_grad_(), *parameters)
        assert torch.autograd.gradcheck(function, inputs, fast_mode=True)

    def test_every_parameter_learns_from_the_start(self, name, role):
        attention = build_attention("softmax", role, position=name)
        query = moved(stream(3, 7), 509)  # on both sides of every threshold
        attention(query).y.square().sum().backward()
        for parameter_name, parameter in attention.named_parameters():
            assert parameter.grad is not None, f"no gradient for {parameter_name}"
            assert parameter.grad.isfinite().all()
            assert parameter.grad.abs().sum() > 0

    def test_short_formats_stay_near(self, name, role):
        attention, query = attend(name, role).float(), moved(stream(3, 7), 300)
        query = dataclasses.replace(query, x=query.x.float())
        exact = attention(query).y
        with torch.autocast("cpu", torch.bfloat16):
            short = attention(query).y
        assert (short - exact).abs().max() < 5e-2 * exact.abs().max()


@pytest.mark.parametrize("name", INNER)
class TestEveryInnerSchemeInADecoder:
    @pytest.mark.parametrize("cuts", [(1,) * 7, (3, 3, 1), (4, 1, 1, 1), (7,)])
    def test_step_by_step_is_all_at_once(self, name, cuts):
        attention, query = attend(name, Role.DECODER), stream(3, 7)
        assert torch.allclose(stepped(attention, query, cuts), attention(query).y, atol=1e-12)

    def test_cannot_see_the_future(self, name):
        attention, query = attend(name, Role.DECODER), stream(3, 7)
        leaf = query.x.clone().requires_grad_()
        y = attention(dataclasses.replace(query, x=leaf)).y
        (gradient,) = torch.autograd.grad(y[:, 3].sum(), leaf)
        assert (gradient[:, 4:] == 0).all()
        assert (gradient[:, :4] != 0).any(-1).all()


@pytest.mark.parametrize("name", [name for name in EVERY if kind_of(name) in OUTSIDE])
class TestEveryOuterScheme:
    def build(self, name):
        torch.manual_seed(0)
        return registry.build("position", {"name": name}, dim=12).double().eval()

    def test_equal_rows_are_one_and_others_stay(self, name):
        scheme = self.build(name)
        same = torch.arange(7).expand(3, 7)
        apart = same + torch.tensor([[0], [2], [9]])
        encoded = scheme(apart)
        assert encoded.shape == (3, 7, 12)
        assert torch.equal(scheme(same).expand(3, 7, 12)[0], encoded[0])
        assert torch.equal(encoded[1, :5], encoded[0, 2:])

    def test_later_tokens_are_encoded_as_in_the_whole(self, name):
        scheme, position = self.build(name), torch.arange(7).expand(3, 7)
        whole = scheme(position)
        assert torch.equal(scheme(position[:, 4:]), whole[:, 4:])

    def test_autocast_changes_nothing(self, name):
        scheme, position = self.build(name).float(), torch.arange(480, 500).expand(3, 20)
        with torch.autocast("cpu", torch.bfloat16):
            short = scheme(position)
        assert torch.equal(short, scheme(position))


def test_no_positions_cost_no_memory():
    scheme = registry.build("position", {"name": "none"}, dim=12)
    for position in (torch.arange(7).expand(3, 7), torch.arange(7) + torch.arange(3)[:, None]):
        zeros = scheme(position)
        assert zeros.untyped_storage().nbytes() == zeros.element_size()
        assert (zeros.expand(3, 7, 12) == 0).all()


@pytest.mark.parametrize("name", EVERY)
def test_a_model_decodes_step_by_step_as_all_at_once(name):
    model = build_model(position=name)
    source = torch.tensor([[4, 5, 6, 7, 3], [8, 9, 3, 0, 0]])
    inputs = torch.tensor([[1, 4, 6, 8, 9], [1, 7, 7, 5, 4]])
    memory = model.encode(source, source != 0)
    whole = model(source, source != 0, inputs)
    for cuts in ((1,) * 5, (2, 3)):
        state, parts = model.start(memory, rows=2, capacity=5), []
        for tokens in inputs.split(cuts, 1):
            hidden, state = model.step(tokens, state)
            parts.append(hidden)
        assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in EVERY if name != "none"])
def test_a_model_knows_the_order_of_its_source(name):
    model = build_model(position=name)
    source = torch.tensor([[4, 5, 6, 7, 3]])
    order = torch.tensor([1, 0, 2, 4, 3])
    valid, inputs = source != 0, torch.tensor([[1, 4]])
    before, after = model(source, valid, inputs), model(source[:, order], valid, inputs)
    assert not torch.allclose(before, after, atol=1e-6)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            {"name": "sinusoidal", "layout": "thirds"},
            "layout=thirds: unknown; choose one of interleaved, halves",
        ),
        ({"name": "shape", "dim": 5}, "dim=5: must be even for sinusoidal positions"),
        ({"name": "shape", "base": -1.0}, "base=-1.0: must be positive"),
        ({"name": "shape", "max_shift": -1}, "max_shift=-1: must be at least 0"),
        ({"name": "rope", "base": 0.0}, "base=0.0: must be positive"),
        (
            {"name": "rope", "pairing": "thirds"},
            "pairing=thirds: unknown; choose one of interleaved, halves",
        ),
        ({"name": "rope", "fraction": 0.0}, "fraction=0.0: must be above 0 and at most 1"),
        ({"name": "rope", "fraction": 1.5}, "fraction=1.5: must be above 0 and at most 1"),
        (
            {"name": "rope", "head_dim": 5},
            "fraction=1.0: is 5 of the 5 dimensions of a head; must be an even number of them",
        ),
        (
            {"name": "rope", "fraction": 0.3},
            "fraction=0.3: is 1.2 of the 4 dimensions of a head; must be an even number of them",
        ),
        (
            {"name": "alibi", "encoder": "lopsided"},
            "encoder=lopsided: unknown; choose one of symmetric, asymmetric, shifted",
        ),
        ({"name": "t5", "buckets": 2}, "buckets=2: must be a multiple of 4, at least 4"),
        ({"name": "t5", "buckets": 6}, "buckets=6: must be a multiple of 4, at least 4"),
        (
            {"name": "t5", "max_distance": 16},
            "max_distance=16: must be above half of buckets=32",
        ),
        ({"name": "shaw", "max_distance": 0}, "max_distance=0: must be at least 1"),
        ({"name": "shaw_values", "max_distance": 0}, "max_distance=0: must be at least 1"),
        ({"name": "transformer_xl", "dim": 5}, "dim=5: must be even for sinusoidal positions"),
        ({"name": "transformer_xl", "base": 0.0}, "base=0.0: must be positive"),
        ({"name": "fire", "hidden_dim": 0}, "hidden_dim=0: must be at least 1"),
        ({"name": "fire", "threshold": 0.0}, "threshold=0.0: must be positive"),
        ({"name": "fire", "rate": -1.0}, "rate=-1.0: must be positive"),
    ],
)
def test_wrong_options_are_named(section, message):
    sizes = {"role": Role.ENCODER, "dim": 12, "heads": 3, "head_dim": 4}
    options = {option: value for option, value in section.items() if option not in sizes}
    given = {name: section.get(name, size) for name, size in sizes.items()}
    with pytest.raises(ValueError, match=exactly(message)):
        registry.build("position", options, **given)


def test_vectors_of_values_have_the_width_of_a_head():
    message = "value_dim=5: must equal head_dim=4, the width of the position scheme's vectors"
    with pytest.raises(ValueError, match=exactly(message)):
        build_attention("softmax", Role.ENCODER, position="shaw_values", value_dim=5)


@pytest.mark.parametrize("name", ["shaw", "transformer_xl"])
def test_heads_may_share_keys(name):
    scheme = attend(name, Role.DECODER).position
    position = torch.arange(7)[None]
    query = torch.randn(2, 3, 7, 4, dtype=torch.float64)
    key = torch.randn(2, 1, 7, 4, dtype=torch.float64)
    shared = scheme.content(query, key, position, position)
    own = scheme.content(query, key.expand_as(query), position, position)
    assert torch.allclose(shared, own, atol=1e-12)


def test_source_and_target_are_shifted_apart():
    model = build_model(position="shape", position_options={"max_shift": 10**6})
    encoded = []
    for scheme in (model.source_position, model.target_position):
        scheme.register_forward_hook(lambda *call: encoded.append(call[-1]))
    tokens = torch.full((2, 4), 5)
    model.train()(tokens, tokens == 5, tokens)
    first, second = (rows[:, 0] for rows in encoded)
    starts = torch.cat((first, second))
    assert len(starts.unique(dim=0)) == 4


@pytest.mark.parametrize("name", ["shaw", "shaw_values", "transformer_xl"])
def test_tables_are_of_distances_not_of_pairs(name):
    """No tensor that is made has a vector for each pair of tokens."""
    attention, query = attend(name, Role.DECODER), stream(1, 50)
    sizes = []

    def note(tensor):
        sizes.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        attention(query)
    assert max(sizes) < 50 * 50 * 4 * 3


def test_layers_look_once_at_how_far_positions_lie_apart(monkeypatch):
    """Elsewhere than on a CPU, each look is a wait for the device."""
    looks, real = [], distances._look
    monkeypatch.setattr(distances, "_look", lambda position: looks.append(1) or real(position))
    model = build_model(position="transformer_xl")
    tokens = torch.full((2, 4), 5)
    for _ in range(3):
        model(tokens, tokens == 5, tokens)
    assert len(looks) == 3 * 2  # of two layers each, the encoder once and the decoder once


def test_the_span_of_positions_is_that_of_all_pairs():
    line = torch.arange(7)[None]
    room = torch.zeros(2, 9, dtype=torch.long)
    for end in (3, 5, 9):
        room[:, end - 3 : end] = torch.arange(end, end + 3) * 2  # as a decoder's state is filled
        for query, key in (
            (line, line),
            (line + 30, line * 3),
            (line[:, 3:5], line[:, :2]),
            (line[:, :1], room[:, :end]),
            (room + torch.tensor([[0], [40]]), room[:, :end]),
        ):
            behind = query[:, :, None] - key[:, None, :]
            assert distances.span(query, key) == (int(behind.min()), int(behind.max()))


@pytest.mark.long
def test_the_span_of_positions_is_the_same_when_compiled():
    query, key = torch.arange(7)[None], torch.arange(3, 8)[None]
    compiled = torch.compile(lambda ahead: distances.span(query + ahead, key), backend="eager")
    for ahead in (0, 4, 4):
        assert compiled(torch.tensor(ahead)) == distances.span(query + ahead, key)


def test_one_table_of_t5_serves_all_layers_of_a_role():
    config = {
        "model": {"name": "transformer", "encoder_layers": 3, "decoder_layers": 2, "dim": 16,
                  "feedforward_dim": 8, "heads": 2},
        "attention": {"name": "softmax", "heads": 2},
        "attention_elsewhere": {"name": "softmax", "heads": 2},
        "position": {"name": "t5"},
    }  # fmt: skip
    model = assemble.model(config, source_size=7, target_size=7)
    encoder, decoder = (
        {id(layer.attention.position) for layer in layers}
        for layers in (model.encoder, model.decoder)
    )
    assert len(encoder) == len(decoder) == 1
    assert encoder != decoder
    tables = [name for name, _ in model.named_parameters() if "table" in name]
    assert len(tables) == 2
