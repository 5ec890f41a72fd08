"""Attention to vectors as they are: every role, kernels, widths, presets."""

import hydra
import pytest
import torch
from builders import build_attention, build_model, stream
from messages import exactly

from attn.contract import Place, Role
from attn.registry import build
from attn.verify import suite
from attn.verify.cases import Case

pytestmark = pytest.mark.usefixtures("unchecked")
RAW = {"projections": "none"}
COMPILED = "G17"  # of which what checks shapes can be no part
NAMES = ["dot", "general", "additive", "concat"]


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_proves_what_every_attention_proves(name):
    """In each role, and with each kernel that it has."""
    kernels = [{}, {"kernel": "explicit"}, *([{"kernel": "sdpa"}] if name in NAMES[:2] else [])]
    for role in Role:
        for kernel in kernels:
            case = Case(name, role, options={**RAW, **kernel})
            due = [proof for proof in suite.due(case) if proof.topic != COMPILED]
            results = [suite.put_to(proof, case) for proof in due]
            assert [str(one) for one in results if one.failed] == []


@pytest.mark.parametrize(("name", "beside"), [("dot", 0), ("general", 3 * 4 * 4)])
def test_has_no_weights_but_those_of_the_score(name, beside):
    for role in Role:
        attention = build_attention(name, role, **RAW)
        assert sum(one.numel() for one in attention.parameters()) == beside


@pytest.mark.parametrize("name", ["additive", "concat"])
def test_keeps_the_maps_of_a_hidden_layer(name):
    for role in Role:
        attention = build_attention(name, role, **RAW, head_dim=5, bias=True)
        count = sum(one.numel() for one in attention.parameters())
        assert count == 2 * 3 * 5 * (12 + 1) + 3 * 5
        assert attention(stream(2, 7), stream(2, 5, seed=5)).y.shape == (2, 7, 12)


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
def test_one_head_gives_a_mean_of_the_source_itself(name):
    attention, memory = build_attention(name, Role.CROSS, **RAW, heads=1), stream(2, 5, seed=5)
    given = attention(stream(2, 7), memory, capture=True)
    assert torch.allclose(given.y, given.weights[:, 0].double() @ memory.x, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_short_formats_stay_near_and_decode(name):
    attention = build_attention(name, Role.DECODER, **RAW).float()
    query = stream(2, 7)
    query = type(query)(query.x.float(), query.position, query.valid)
    exact = attention(query).y
    with torch.autocast("cpu", torch.bfloat16):
        short = attention(query).y
        state = attention.start(query, rows=2, capacity=7)
        first = attention(
            type(query)(*(x[:, :3] for x in (query.x, query.position, query.valid))), state=state
        ).y
    assert (short - exact).abs().max() < 0.1 * exact.abs().max()
    assert torch.equal(short[:, :3], first)


@pytest.mark.parametrize(
    ("name", "options", "problem"),
    [
        *[(name, {"projections": "x"}, "projections=x: unknown; choose one of linear, none")
          for name in NAMES],
        ("dot", {**RAW, "heads": 0}, "heads=0: must be at least 1"),
        *[(name, {**RAW, "heads": 5},
           "heads=5: must divide the width 12, of which each head has a part with projections=none")
          for name in NAMES],
        *[(name, {**RAW, "value_dim": 5},
           "value_dim=5: with projections=none each head has 4, its part of the width; "
           "leave it out") for name in NAMES],
        ("general", {**RAW, "head_dim": 5},
         "head_dim=5: with projections=none each head has 4, its part of the width; leave it out"),
        ("concat", {**RAW, "head_dim": 0}, "head_dim=0: must be at least 1"),
        ("dot", {**RAW, "bias": True},
         "bias=true: with projections=none there is nothing to have one; leave it out"),
    ],
)  # fmt: skip
def test_what_cannot_be_made(name, options, problem):
    with pytest.raises(ValueError, match=exactly(problem)):
        build_attention(name, Role.CROSS, **options)


@pytest.mark.parametrize(
    ("name", "widths", "problem"),
    [
        (
            "dot",
            (12, 8, 12),
            "projections=none: queries, source and result must be of one width, not "
            "12, 8 and 12; choose projections=linear",
        ),
        (
            "additive",
            (12, 8, 12),
            "projections=none: source and result must be of one width, not 8 and 12; "
            "choose projections=linear",
        ),
    ],
)
def test_widths_that_do_not_fit(name, widths, problem):
    section = {"name": name, "heads": 2, **RAW}
    with pytest.raises(ValueError, match=exactly(problem)):
        build("attention", section, place=Place(Role.CROSS, *widths))


def test_queries_of_a_hidden_layer_may_have_a_width_of_their_own():
    section = {"name": "additive", "heads": 2, **RAW}
    attention = build("attention", section, place=Place(Role.CROSS, 6, 12, 12)).double()
    assert attention(stream(2, 7, 6), stream(2, 5, 12)).y.shape == (2, 7, 12)


@pytest.mark.parametrize(
    ("model", "attention"),
    [("bahdanau", "additive"), ("luong_general", "general"), ("luong_concat", "concat")],
)
def test_presets_have_the_forms_of_their_papers(model, attention):
    with hydra.initialize_config_module("attn.conf", version_base="1.3"):
        composed = hydra.compose("train", [f"model={model}"])
        assert (composed.attention.name, composed.attention.projections) == (attention, "none")
        swapped = hydra.compose("train", [f"model={model}", "attention=softmax"])
        assert "projections" not in swapped.attention


@pytest.mark.parametrize("name", NAMES)
def test_stands_in_a_transformer(name):
    model = build_model(attention_options={"name": name, "heads": 2, **RAW}, position="rope"
                        if name in NAMES[:2] else "sinusoidal")  # fmt: skip
    ids = torch.tensor([[5, 6, 7, 8]])
    assert model(ids, ids > 0, ids).isfinite().all()
