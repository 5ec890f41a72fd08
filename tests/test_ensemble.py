"""Ensembles against the mean of probabilities, taken of whole prefixes."""

import functools

import pytest
import torch
from builders import build_model

from attn import registry
from attn.search import Decoder
from attn.search.ensemble import Ensemble
from attn.tokenizers import BOS, EOS, PAD

SOURCE = torch.tensor([[5, 6, 4, 5, 2], [4, 5, 2, 0, 0], [6, 2, 0, 0, 0], [4, 4, 6, 2, 0]])
VALID = SOURCE != PAD
MOST = 6
NARROW = {"position": "learned", "position_options": {"max_positions": 12}}


def altered(built, seed):
    """A model whose probabilities differ clearly."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in built.parameters():
            if parameter.dim() > 1:
                parameter.add_(torch.randn_like(parameter), alpha=0.6)
    return built


@functools.cache
def members():
    """Models of other kinds and of other widths."""
    return (
        altered(build_model(size=9, tied="none", norm="pre"), 4),
        altered(build_model("recurrent", size=9, dim=18, position="none"), 5),
        altered(build_model("convolutional", size=9, **NARROW), 6),
    )


def build(name, **options):
    return registry.build("search", {"name": name, "max_ratio": 0.0, "max_extra": MOST, **options})


@functools.cache
@torch.no_grad()
def following(row, prefix):
    """The probabilities after a prefix: the mean of those of all models, each asked anew."""
    width = int(VALID[row].sum())
    source = SOURCE[row : row + 1, :width]
    inputs = torch.tensor([[BOS, *prefix]])
    each = [one.project(one(source, source != PAD, inputs))[0, -1].softmax(-1) for one in members()]
    return sum(each) / len(each)


def log_probability(row, tokens):
    places = range(len(tokens))
    return sum(following(row, tuple(tokens[:i]))[tokens[i]].log().item() for i in places)


def test_it_is_a_decoder():
    assert isinstance(Ensemble(members()), Decoder)


def test_a_mean_of_probabilities_is_no_mean_of_logits():
    hidden = torch.randn(2, 12 + 18 + 12, dtype=torch.float64)
    each = [
        one.project(part).softmax(-1)
        for one, part in zip(members(), hidden.split([12, 18, 12], -1), strict=True)
    ]
    found = Ensemble(members()).project(hidden)
    torch.testing.assert_close(found.exp(), (sum(each) / 3).float())
    geometric = torch.stack(each).log().mean(0).softmax(-1)
    assert not torch.allclose(found.exp(), geometric.float(), atol=1e-3)


@torch.no_grad()
def test_greedy_takes_the_likeliest_of_the_mean():
    for row, (one,) in enumerate(build("greedy")(Ensemble(members()), SOURCE, VALID)):
        tokens = []
        while len(tokens) < MOST and EOS not in tokens:
            table = following(row, tuple(tokens)).clone()
            table[[PAD, BOS]] = 0
            tokens.append(int(table.argmax()))
        assert one.tokens == [token for token in tokens if token != EOS]
        assert one.score == pytest.approx(log_probability(row, tokens), abs=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("options", [{"size": 1}, {"size": 4, "length_penalty": 0.0}])
def test_beams_move_the_states_of_all(options):
    chosen = build("beam", **options)
    moved = 0
    for row, several in enumerate(chosen(Ensemble(members()), SOURCE, VALID, best=4)):
        for one in several:
            tokens = [*one.tokens, EOS] if one.finished else one.tokens
            penalty = chosen.penalty(len(tokens))
            assert one.score == pytest.approx(log_probability(row, tokens) / penalty, abs=1e-5)
            moved += len(tokens) > 1
    assert moved > 3


@torch.no_grad()
@pytest.mark.parametrize("name", [name for name in registry.names("search") if name != "mbr"])
def test_a_model_with_itself_is_the_model(name):
    alone = build(name)(members()[0], SOURCE, VALID)
    twice = build(name)(Ensemble(members()[:1] * 2), SOURCE, VALID)
    for (one,), (other,) in zip(alone, twice, strict=True):
        assert one.tokens == other.tokens
        assert one.score == pytest.approx(other.score, abs=1e-5)


@torch.no_grad()
def test_all_at_once_is_step_by_step():
    ensemble, inputs = Ensemble(members()), torch.tensor([[BOS, 4, 5], [BOS, 6, 3]])
    source, valid = SOURCE[:2], VALID[:2]
    state = ensemble.start(ensemble.encode(source, valid), rows=2, capacity=3)
    steps = []
    for at in range(3):
        hidden, state = ensemble.step(inputs[:, at : at + 1], state)
        steps.append(hidden)
    torch.testing.assert_close(torch.cat(steps, 1), ensemble(source, valid, inputs))
    assert state.nbytes() > 0


def test_its_room_is_that_of_the_narrowest():
    assert Ensemble(members()).room == 12
    assert Ensemble(members()[:2]).room is None
