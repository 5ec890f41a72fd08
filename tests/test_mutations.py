"""The suite sees what is broken: G18. Each test breaks one thing, and asks who noticed."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from attn import registry
from attn.attention.coverage import CoverageState
from attn.contract import Capabilities, PositionKind, Role, allowed
from attn.roles import capabilities, made_names
from attn.score import shell
from attn.states import KeyValueState, RowState
from attn.tracing import Past
from attn.verify import Case
from attn.verify.suite import due, put_to


def noticed(name, role, position="none", *, asked=None):
    """The topics of the proofs that fail, of all or of one; ``own`` for those of the variant."""
    case = Case(name, role, position)
    proofs = [one for one in due(case) if one.topic != "G17" and asked in {None, one.topic}]
    return {one.topic or "own" for one in proofs if put_to(one, case).failed}


def test_nothing_is_noticed_where_nothing_is_broken():
    assert [noticed("softmax", role) for role in Role] == [set(), set(), set()]


def test_a_missing_causal_mask(monkeypatch):
    def uncausal(query, key, valid, *, causal):
        return allowed(query, key, valid, causal=False)

    monkeypatch.setattr(shell, "allowed", uncausal)
    assert {"G4", "G5", "G9", "own"} <= noticed("softmax", Role.DECODER)
    assert noticed("softmax", Role.ENCODER) == set()


def test_a_causal_mask_of_places_in_the_tensor(monkeypatch):
    """As torch's ``is_causal``: right for whole sequences, wrong for the steps of decoding."""

    def top_left(query, key, valid, *, causal):
        places = [torch.arange(one.shape[1]).expand_as(one) for one in (query, key)]
        return allowed(*places, valid, causal=causal)

    monkeypatch.setattr(shell, "allowed", top_left)
    found = noticed("softmax", Role.DECODER)
    assert {"G5", "G6"} <= found
    assert "G4" not in found


def test_a_missing_mask_of_padding(monkeypatch):
    def unmasked(query, key, valid, *, causal):
        return allowed(query, key, torch.ones_like(valid), causal=causal)

    monkeypatch.setattr(shell, "allowed", unmasked)
    for role in (Role.ENCODER, Role.DECODER):
        assert {"G1", "G2", "G9"} <= noticed("softmax", role)


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize("role", [Role.ENCODER, Role.DECODER])
def test_a_window_whose_edge_is_off_by_one(role, by, monkeypatch):
    component = registry.find("attention", "window")
    near = component.near

    def wider(self, query, key):
        radius = self.radius
        try:
            self.radius = max(radius + by, 0)
            return near(self, query, key)
        finally:
            self.radius = radius

    monkeypatch.setattr(component, "near", wider)
    assert "own" in noticed("window", role)


@pytest.mark.parametrize("forgotten", ["key", "value", "position", "valid"])
def test_one_tensor_that_is_not_reordered(forgotten, monkeypatch):
    select = KeyValueState._select

    def forgetful(self, rows, sentences):
        picked = select(self, rows, sentences)
        tensor = getattr(self, forgotten)
        return dataclasses.replace(picked, **{forgotten: tensor[:, : len(rows)].clone()})

    monkeypatch.setattr(KeyValueState, "_select", forgetful)
    weighed = {"G8"} if forgotten == "key" else set()  # the weights of steps are of other rows too
    assert noticed("softmax", Role.DECODER) == {"G6"} | weighed


def fixed_states():
    """Every attention whose decoder's state does not grow, with each tensor of it by name."""
    for name in made_names():
        able = capabilities(name)
        if Role.DECODER not in able.roles or able.state == "kv":
            continue
        state = Case(name, Role.DECODER).build().start(None, rows=2, capacity=3)
        fields = set(state._tensors())
        # Gaussian weights need no keys: they are there, of width 0.
        counted = fields - {"key"} if name == "gaussian" else fields
        yield from ((name, field) for field in sorted(counted))


def forgetful(monkeypatch, kind, method, forgotten):
    """A state of which one tensor stays as it is, or its first rows, where others move."""
    moves = getattr(kind, method)

    def forget(self, *picked):
        after, tensor = moves(self, *picked), getattr(self, forgotten, None)
        if tensor is None:
            return after
        kept = tensor[: len(getattr(after, forgotten))]
        return dataclasses.replace(after, **{forgotten: kept})

    monkeypatch.setattr(kind, method, forget)


@pytest.mark.parametrize(("name", "forgotten"), fixed_states())
def test_one_tensor_of_a_fixed_state_that_is_not_reordered(name, forgotten, monkeypatch):
    forgetful(monkeypatch, RowState, "_select", forgotten)
    assert noticed(name, Role.DECODER, asked="G6") == {"G6"}


@pytest.mark.parametrize(
    ("name", "forgotten"),
    [
        ("softmax", "key"),
        ("softmax", "value"),
        ("softmax", "valid"),
        ("location", "position"),
        ("local_m", "position"),
        ("local_p", "position"),
    ],
)
def test_one_tensor_of_a_source_that_is_not_kept(name, forgotten, monkeypatch):
    forgetful(monkeypatch, shell.StaticKeyValueState, "keep", forgotten)
    assert noticed(name, Role.CROSS, asked="G6") == {"G6"}


@pytest.mark.parametrize("method", ["reorder", "keep"])
def test_coverage_that_does_not_move_with_its_hypothesis(method, monkeypatch):
    forgetful(monkeypatch, CoverageState, method, "coverage")
    assert noticed("coverage", Role.CROSS) == {"G6"}


def test_tokens_of_a_traced_state_that_are_not_reordered(monkeypatch):
    monkeypatch.setattr(Past, "reorder", lambda self, _: self)
    assert noticed("linear", Role.DECODER) == {"G8"}


def test_positions_that_are_not_kept(monkeypatch):
    append = KeyValueState.append

    def blank(self, key, value, stream):
        here = dataclasses.replace(stream, position=torch.zeros_like(stream.position))
        return append(self, key, value, here)

    monkeypatch.setattr(KeyValueState, "append", blank)
    assert "G5" in noticed("softmax", Role.DECODER)


def test_a_source_that_is_not_kept(monkeypatch):
    def keep(self, sentences):
        return self

    monkeypatch.setattr(shell.StaticKeyValueState, "keep", keep)
    assert noticed("softmax", Role.CROSS) == {"G6"}


# Attentions that are wrong. What they are made of is softmax attention, of which the proofs know
# nothing: it is in a module that has the two methods of the contract alone.


class Right(registry.find("attention", "softmax")):
    capabilities = Capabilities(frozenset(Role), frozenset(PositionKind))


class Wrapped(nn.Module):
    capabilities = Capabilities(frozenset(Role), frozenset(PositionKind))

    def __init__(self, place, *, heads: int = 8, dropout: float = 0.0):
        super().__init__()
        self.role, self.within = place.role, Right(place, heads=heads, dropout=dropout)

    def start(self, memory, *, rows, capacity):
        return self.within.start(memory, rows=rows, capacity=capacity)

    def forward(self, query, memory=None, *, state=None, capture=False):
        output = self.within(query, memory, state=state, capture=capture)
        return self.change(query, output)

    def change(self, query, output):
        return output


class UniformWeights(Wrapped):
    def change(self, query, output):
        if output.weights is None:
            return output
        seen = (output.weights > 0).float()
        uniform = seen / seen.sum(-1, keepdim=True).clamp(min=1)
        return dataclasses.replace(output, weights=uniform)


class OtherWeights(Wrapped):
    """Those of the next sentence."""

    def change(self, query, output):
        if output.weights is None:
            return output
        hidden = output.weights == 0
        other = output.weights.roll(1, 0).masked_fill(hidden, 0)
        other = other / other.sum(-1, keepdim=True).clamp(min=1e-9)
        return dataclasses.replace(output, weights=other)


class LaterWords(Wrapped):
    def change(self, query, output):
        return dataclasses.replace(output, y=output.y + 0.1 * query.x.mean(1, keepdim=True))


class ManyWithAState(Wrapped):
    def forward(self, query, memory=None, *, state=None, capture=False):
        output = super().forward(query, memory, state=state, capture=capture)
        several = state is not None and query.x.shape[1] > 1
        return dataclasses.replace(output, y=output.y / 2) if several else output


class DeadRows(Wrapped):
    def change(self, query, output):
        dead = ~query.valid.any(1)
        return dataclasses.replace(output, y=output.y + 5.0 * dead[:, None, None])


class MeanOfPadding(Wrapped):
    """Where all scores are hidden by the same large number, what is left is the mean."""

    def change(self, query, output):
        dead = ~query.valid.any(1)[:, None, None]
        return dataclasses.replace(output, y=output.y + query.x.mean(1, keepdim=True) * dead)


class NoDropout(Wrapped):
    def __init__(self, place, *, heads: int = 8, dropout: float = 0.0):
        super().__init__(place, heads=heads)


class DropsInEvaluation(Wrapped):
    def __init__(self, place, *, heads: int = 8, dropout: float = 0.0):
        super().__init__(place, heads=heads)
        self.rate = dropout

    def change(self, query, output):
        return dataclasses.replace(output, y=F.dropout(output.y, self.rate, training=True))


class ShowsDropped(Wrapped):
    def change(self, query, output):
        if output.weights is None:
            return output
        shown = F.dropout(output.weights, self.within.core.dropout.rate, self.training)
        return dataclasses.replace(output, weights=shown)


class Forgetful(Wrapped):
    """It says that hypotheses have states of their own, and they have not."""

    capabilities = Capabilities(frozenset({Role.CROSS}), remembers=True)


class Unpaired(Wrapped):
    capabilities = Capabilities(frozenset({Role.ENCODER}), even_heads=True)


@pytest.fixture
def plugged(request):
    registry.register("attention", "plugged")(request.param)
    yield request.param
    del registry.get_kind("attention").components["plugged"]


@pytest.mark.parametrize(
    ("plugged", "found"),
    [
        (Wrapped, dict.fromkeys(Role, "")),
        (UniformWeights, dict.fromkeys(Role, "G8")),
        (OtherWeights, {Role.ENCODER: "G8 G9"}),
        (LaterWords, {Role.CROSS: "G4 G5 G6"}),
        (ManyWithAState, {Role.CROSS: "G5 G6"}),
        (DeadRows, {Role.ENCODER: "G1"}),
        (MeanOfPadding, {Role.ENCODER: "G1"}),
        (NoDropout, {Role.ENCODER: "G13"}),
        (DropsInEvaluation, {Role.DECODER: "G13"}),
        (ShowsDropped, {Role.CROSS: "G13"}),
        (Forgetful, {Role.CROSS: "G6"}),
        (Unpaired, {Role.ENCODER: "G1"}),
    ],
    indirect=["plugged"],
)
def test_an_attention_that_is_wrong(plugged, found):
    assert {role: " ".join(sorted(noticed("plugged", role))) for role in found} == found
