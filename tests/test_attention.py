"""Truths of every registered attention in each of its roles."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F
from builders import build_attention, cases, stream
from messages import exactly
from torch import nn

from attn import registry
from attn.contract import Role, Stream

CASES = cases()
LENGTHS = [7, 4, 0]


def memory_of(role, *, seed=5, lengths=(5, 2, 0), time=5):
    return stream(3, time, lengths=list(lengths), seed=seed) if role is Role.CROSS else None


def mixed(attention, query, memory=None, **options):
    return attention(query, memory, **options).y


@pytest.mark.parametrize(("name", "role"), CASES)
class TestEveryAttention:
    def test_result_is_finite_and_shaped_like_the_query(self, name, role):
        query = stream(3, 7, lengths=LENGTHS)
        y = mixed(build_attention(name, role), query, memory_of(role))
        assert y.shape == query.x.shape
        assert y.isfinite().all()

    def test_padding_changes_nothing(self, name, role):
        attention, query = build_attention(name, role), stream(3, 7, lengths=LENGTHS)
        memory = memory_of(role)
        read = memory or query
        noise = torch.where(read.valid[..., None], read.x, torch.full_like(read.x, 1e3))
        longer = Stream(
            F.pad(noise, (0, 0, 0, 2), value=7.0), *_more(read.position, read.valid, count=2)
        )
        if role is Role.CROSS:
            assert torch.allclose(
                mixed(attention, query, memory), mixed(attention, query, longer), atol=1e-12
            )
        else:
            before, after = mixed(attention, query), mixed(attention, longer)[:, :7]
            real = query.valid
            assert torch.allclose(before[real], after[real], atol=1e-12)

    def test_padding_changes_nothing_wherever_it_stands(self, name, role):
        attention, query = build_attention(name, role), _with_holes(stream(3, 7))
        memory = memory_of(role) and _with_holes(memory_of(role))
        read = memory or query
        noise = torch.where(read.valid[..., None], read.x, torch.full_like(read.x, 1e3))
        noisy = dataclasses.replace(read, x=noise)
        before = mixed(attention, query, memory)
        after = mixed(attention, *((query, noisy) if memory else (noisy,)))
        assert torch.allclose(before[query.valid], after[query.valid], atol=1e-12)

    def test_each_sentence_stands_alone(self, name, role):
        attention, query = build_attention(name, role), stream(3, 7, lengths=LENGTHS)
        memory = memory_of(role)
        together = mixed(attention, query, memory)
        for row in range(3):
            alone = mixed(attention, _row(query, row), memory and _row(memory, row))
            assert torch.allclose(together[row], alone[0], atol=1e-12)

    def test_gradients_are_exact(self, name, role):
        attention = build_attention(name, role, dim=6)
        query = stream(2, 3, 6, lengths=[3, 2])
        memory = stream(2, 2, 6, lengths=[2, 0], seed=3) if role is Role.CROSS else None
        parameters = list(attention.parameters())

        def function(x, *_):
            return mixed(attention, dataclasses.replace(query, x=x), memory)

        assert torch.autograd.gradcheck(
            function, (query.x.requires_grad_(), *parameters), fast_mode=True
        )

    def test_every_parameter_learns(self, name, role):
        attention = build_attention(name, role)
        mixed(attention, stream(3, 7), memory_of(role, lengths=(5, 2, 1))).square().sum().backward()
        for parameter_name, parameter in attention.named_parameters():
            assert parameter.grad is not None, f"no gradient for {parameter_name}"
            assert parameter.grad.isfinite().all()
            assert parameter.grad.abs().sum() > 0

    def test_capture_does_not_change_the_output(self, name, role):
        attention, query = build_attention(name, role), stream(3, 7, lengths=LENGTHS)
        memory = memory_of(role)
        captured = attention(query, memory, capture=True)
        assert torch.equal(captured.y, attention(query, memory).y)
        assert captured.weights.dtype == torch.float32

    def test_weights_are_zero_where_nothing_may_be_seen(self, name, role):
        attention, query = build_attention(name, role), stream(3, 7, lengths=LENGTHS)
        memory = memory_of(role)
        weights = attention(query, memory, capture=True).weights
        hidden = ~(memory or query).valid[:, None, None, :].expand_as(weights)
        assert (weights[hidden] == 0).all()
        if role is Role.DECODER:
            assert (weights.triu(1) == 0).all()

    def test_rows_of_weights_sum_as_declared(self, name, role):
        attention, query = build_attention(name, role), stream(3, 7, lengths=LENGTHS)
        memory = memory_of(role)
        declared = registry.find("attention", name).capabilities.weights
        weights = attention(query, memory, capture=True).weights
        sums, sees = weights.sum(-1), (memory or query).valid.any(-1)
        assert (weights[~sees] == 0).all()
        assert declared in {"signed", "free", "implied"} or (weights >= 0).all()
        if declared == "exact":
            assert torch.allclose(sums[sees], torch.ones_like(sums[sees]))
        if declared == "partial":
            assert ((sums[sees] > 0) & (sums[sees] < 1)).all()

    def test_short_formats_stay_near(self, name, role):
        attention = build_attention(name, role).float()
        query, memory = stream(3, 7), memory_of(role)
        query = dataclasses.replace(query, x=query.x.float())
        memory = memory and dataclasses.replace(memory, x=memory.x.float())
        exact = mixed(attention, query, memory)
        with torch.autocast("cpu", torch.bfloat16):
            short = mixed(attention, query, memory)
        assert (short - exact).abs().max() < 5e-2 * exact.abs().max()

    def test_same_seed_same_weights(self, name, role):
        first, second = build_attention(name, role), build_attention(name, role)
        for one, other in zip(first.parameters(), second.parameters(), strict=True):
            assert torch.equal(one, other)


DECODERS = [name for name, role in CASES if role is Role.DECODER]


@pytest.mark.parametrize("name", DECODERS)
class TestEveryDecoderAttention:
    def test_cannot_see_the_future(self, name):
        attention, query = build_attention(name, Role.DECODER), stream(3, 7)
        changed = query.x.clone()
        changed[:, 4:] += 10
        before, after = (
            mixed(attention, query),
            mixed(attention, dataclasses.replace(query, x=changed)),
        )
        assert torch.equal(before[:, :4], after[:, :4])
        assert not torch.allclose(before[:, 4:], after[:, 4:])

    @pytest.mark.parametrize("cuts", [(1,) * 7, (3, 3, 1), (4, 1, 1, 1), (7,)])
    def test_step_by_step_is_all_at_once(self, name, cuts):
        attention, query = build_attention(name, Role.DECODER), stream(3, 7)
        assert torch.allclose(_stepped(attention, query, cuts), mixed(attention, query), atol=1e-12)

    def test_so_it_is_around_padding(self, name):
        attention, query = build_attention(name, Role.DECODER), _with_holes(stream(3, 7))
        y = _stepped(attention, query, (1, 2, 1, 3))
        assert torch.allclose(y, mixed(attention, query), atol=1e-12)

    @torch.no_grad()
    def test_reordered_state_is_that_of_the_reordered_sentences(self, name):
        attention, query = build_attention(name, Role.DECODER), stream(3, 7)
        rows = torch.tensor([2, 0, 0])
        state = attention.start(None, rows=3, capacity=7)
        state = attention(_cut(query, 0, 4), state=state).state.reorder(rows)
        y = attention(_cut(_rows(query, rows), 4, 7), state=state).y
        assert torch.allclose(y, mixed(attention, _rows(query, rows))[:, 4:], atol=1e-12)

    @torch.no_grad()
    def test_kept_state_is_that_of_the_kept_sentences(self, name):
        attention, query = build_attention(name, Role.DECODER), stream(6, 7)
        memory = stream(3, 5)
        state = attention.start(memory, rows=6, capacity=7)
        state = attention(_cut(query, 0, 4), state=state).state.keep(torch.tensor([0, 2]))
        rows = torch.tensor([0, 1, 4, 5])
        y = attention(_cut(_rows(query, rows), 4, 7), state=state).y
        assert torch.allclose(y, mixed(attention, _rows(query, rows))[:, 4:], atol=1e-12)

    def test_gradients_flow_through_states(self, name):
        attention, query = build_attention(name, Role.DECODER), stream(3, 7)
        leaf = query.x.clone().requires_grad_()
        y = _stepped(attention, dataclasses.replace(query, x=leaf), (3, 4))
        (stepped,) = torch.autograd.grad(y.square().sum(), leaf)
        (whole,) = torch.autograd.grad(
            mixed(attention, dataclasses.replace(query, x=leaf)).square().sum(), leaf
        )
        assert torch.allclose(stepped, whole, atol=1e-10)


@pytest.mark.parametrize("name", [name for name, role in CASES if role is Role.CROSS])
def test_hypotheses_share_the_source_of_their_sentence(name):
    attention, memory = build_attention(name, Role.CROSS), stream(2, 5, lengths=[5, 3], seed=4)
    query = stream(6, 3)
    state = attention.start(memory, rows=6, capacity=3)
    output = attention(query, state=state, capture=True)
    each = _rows(memory, torch.tensor([0, 0, 0, 1, 1, 1]))
    expected = attention(query, each, capture=True)
    assert torch.allclose(output.y, expected.y, atol=1e-12)
    if attention.capabilities.weights != "implied":
        assert torch.allclose(output.weights, expected.weights)
    if attention.capabilities.state != "coverage":  # which each hypothesis has for itself
        assert state.nbytes() == attention.start(memory, rows=2, capacity=9).nbytes()


@pytest.mark.parametrize("name", [name for name, role in CASES if role is Role.ENCODER])
def test_an_encoder_sees_both_sides(name):
    attention, query = build_attention(name, Role.ENCODER), stream(2, 5)
    leaf = (query.x / 10).requires_grad_()  # so that no score is too low for any weight
    y = mixed(attention, dataclasses.replace(query, x=leaf))
    (gradient,) = torch.autograd.grad(y[:, 2].sum(), leaf)
    assert (gradient.abs().sum(-1) > 0).all()


class TestSoftmax:
    @pytest.mark.parametrize("role", list(Role))
    @pytest.mark.parametrize("options", [{}, {"bias": True, "head_dim": 5, "value_dim": 7}])
    def test_equals_the_formula(self, role, options):
        attention = build_attention("softmax", role, **options)
        query, memory = stream(3, 7), memory_of(role, lengths=(5, 2, 1))
        maps = attention.projections
        if role is Role.CROSS:
            q = maps.query_of(query.x)
            k, v = maps.key_value_of(memory.x)
        else:
            q, k, v = maps.all_of(query.x)
        scores = torch.einsum("bhqd,bhkd->bhqk", q, k) / q.shape[-1] ** 0.5
        scores = scores.masked_fill(~(memory or query).valid[:, None, None], -torch.inf)
        if role is Role.DECODER:
            scores = scores.masked_fill(torch.ones(7, 7).triu(1).bool(), -torch.inf)
        y = maps.join(torch.einsum("bhqk,bhkd->bhqd", scores.softmax(-1), v))
        assert torch.allclose(mixed(attention, query, memory), y, atol=1e-12)

    @pytest.mark.parametrize("role", list(Role))
    def test_kernels_agree_in_values_and_gradients(self, role):
        results = []
        for kernel in ("explicit", "sdpa"):
            attention = build_attention("softmax", role, kernel=kernel)
            query = stream(3, 7, lengths=LENGTHS)
            leaf = query.x.clone().requires_grad_()
            y = mixed(attention, dataclasses.replace(query, x=leaf), memory_of(role))
            (gradient,) = torch.autograd.grad(y.square().sum(), leaf)
            assert gradient.isfinite().all()
            results.append((y, gradient))
        for one, other in zip(*results, strict=True):
            assert torch.allclose(one, other, atol=1e-10)

    @pytest.mark.parametrize("kernel", ["explicit", "sdpa"])
    @pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
    def test_a_sentence_of_padding_gives_zeros(self, kernel, dtype):
        attention = build_attention("softmax", Role.CROSS, kernel=kernel).to(dtype)
        query, memory = stream(2, 3), stream(2, 5, lengths=[0, 5])
        leaf = query.x.to(dtype).requires_grad_()
        memory = dataclasses.replace(memory, x=memory.x.to(dtype))
        y = mixed(attention, dataclasses.replace(query, x=leaf), memory)
        (gradient,) = torch.autograd.grad(y.sum(), leaf)
        assert (y[0] == 0).all()
        assert (gradient[0] == 0).all()
        assert gradient.isfinite().all()

    def test_weights_mix_the_values(self):
        attention = build_attention("softmax", Role.ENCODER)
        query = stream(3, 7, lengths=LENGTHS)
        output = attention(query, capture=True)
        _, _, v = attention.projections.all_of(query.x)
        y = attention.projections.join(output.weights.double() @ v)
        assert torch.allclose(output.y, y, atol=1e-6)
        assert torch.allclose(output.weights[0].sum(-1), torch.ones(3, 7))

    def test_equals_torch_with_copied_weights(self):
        ours = build_attention("softmax", Role.ENCODER)
        theirs = nn.MultiheadAttention(12, 3, bias=False, batch_first=True).double()
        with torch.no_grad():
            theirs.in_proj_weight.copy_(ours.projections.joint.weight)
            theirs.out_proj.weight.copy_(ours.projections.out.weight)
        query = stream(2, 7, lengths=[7, 4])
        y, weights = theirs(
            query.x, query.x, query.x, key_padding_mask=~query.valid, average_attn_weights=False
        )
        output = ours(query, capture=True)
        assert torch.allclose(output.y, y, atol=1e-12)
        assert torch.allclose(output.weights.double(), weights, atol=1e-6)

    def test_dropout_keeps_the_mean(self):
        attention = build_attention("softmax", Role.ENCODER, dropout=0.25)
        query = stream(1, 5)
        exact = mixed(attention, query)
        attention.train()
        torch.manual_seed(3)
        mean = sum(mixed(attention, query) for _ in range(500)) / 500
        assert not torch.equal(mixed(attention, query), exact)
        assert torch.allclose(mean, exact, atol=0.1)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                {"heads": 5},
                "heads=5: must divide the width 12, or head_dim and value_dim must be given",
            ),
            ({"heads": 0}, "heads=0: must be at least 1"),
            (
                {"head_dim": 0},
                "head_dim=0: must be at least 1",
            ),
            ({"kernel": "fast"}, "kernel=fast: unknown; choose one of auto, explicit, sdpa, flex"),
            ({"dropout": 1.0}, "dropout=1.0: must be at least 0 and below 1"),
        ],
    )
    def test_wrong_options_are_named(self, options, message):
        with pytest.raises(ValueError, match=exactly(message)):
            build_attention("softmax", Role.ENCODER, **options)

    def test_a_full_state_refuses_more(self):
        attention, query = build_attention("softmax", Role.DECODER), stream(3, 7)
        state = attention.start(None, rows=3, capacity=6)
        with pytest.raises(
            ValueError, match=exactly("the state has room for 6 tokens, 7 were given")
        ):
            attention(query, state=state)

    def test_parameters_are_those_of_the_paper(self):
        for role in Role:
            count = sum(p.numel() for p in build_attention("softmax", role).parameters())
            assert count == 4 * 12 * 12

    def test_state_grows_with_the_tokens(self):
        attention, query = build_attention("softmax", Role.DECODER), stream(3, 7)
        state = attention.start(None, rows=3, capacity=7)
        assert state.nbytes() == 0
        state = attention(_cut(query, 0, 4), state=state).state
        assert state.nbytes() == 3 * 4 * (2 * 12 * 8 + 8 + 1)


def test_every_attention_names_its_roles_and_kernels():
    for name in registry.names("attention"):
        component = registry.find("attention", name)
        declared = component.capabilities
        assert declared.roles
        chooses = "kernel" in registry.option_types(component)
        assert declared.kernels[:1] == (("auto",) if chooses else ())


def _more(position, valid, *, count):
    ahead = torch.arange(count) + position.shape[1]
    longer = torch.cat((position, ahead.expand(len(position), count)), 1)
    return longer, F.pad(valid, (0, count), value=False)


def _with_holes(whole):
    """The sequences with padding at their start, in their middle, and at either end of one."""
    valid = torch.ones_like(whole.valid)
    valid[0, :2] = valid[1, 2:4] = valid[2, 0] = valid[2, 3] = valid[2, -1] = False
    return dataclasses.replace(whole, valid=valid)


def _rows(whole, rows):
    return Stream(whole.x[rows], whole.position[rows], whole.valid[rows])


def _row(whole, row):
    return _rows(whole, slice(row, row + 1))


def _cut(whole, start, end):
    return Stream(whole.x[:, start:end], whole.position[:, start:end], whole.valid[:, start:end])


def _stepped(attention, query, cuts):
    state = attention.start(None, rows=len(query.x), capacity=query.x.shape[1])
    parts, at = [], 0
    for cut in cuts:
        output = attention(_cut(query, at, at + cut), state=state)
        state, at = output.state, at + cut
        parts.append(output.y)
    return torch.cat(parts, 1)
