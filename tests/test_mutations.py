"""The suite sees what is broken: G18. Each test breaks one thing, and asks who noticed."""

import dataclasses

import pytest
import torch

from attn import registry
from attn.contract import Role, allowed
from attn.roles import made_names
from attn.score import shell
from attn.states import KeyValueState, RowState
from attn.tracing import Past
from attn.verify import Case
from attn.verify.proofs import PROOFS
from attn.verify.suite import due, put_to


def noticed(name, role, position="none"):
    """The topics of the proofs that fail; ``own`` for those of the variant."""
    case = Case(name, role, position)
    found = [put_to(one, case) for one in due(case) if one.topic != "G17"]
    return {one.proof.topic or "own" for one in found if one.failed}


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
    if not any(one.name == "window" for one in PROOFS):
        pytest.skip("attention=window proves nothing of itself yet")
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
        kept = tensor if len(rows) == len(tensor) else tensor[: len(rows)]
        return dataclasses.replace(picked, **{forgotten: kept})

    monkeypatch.setattr(KeyValueState, "_select", forgetful)
    weighed = {"G8"} if forgotten == "key" else set()  # the weights of steps are of other rows too
    assert noticed("softmax", Role.DECODER) == {"G6"} | weighed


def test_a_sum_that_is_not_reordered(monkeypatch):
    def forgetful(self, rows, sentences):
        return dataclasses.replace(self, sentences=sentences)

    monkeypatch.setattr(RowState, "_select", forgetful)
    names = {
        name
        for name in made_names()
        if Role.DECODER in (able := registry.find("attention", name).capabilities).roles
        and able.state not in {"kv", "window"}
    }
    for name in names:
        assert "G6" in noticed(name, Role.DECODER)


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
