"""Who stands where: attention by role and by layer."""

from typing import ClassVar

import pytest
from torch import nn

from attn import attention, positions, registry  # noqa: F401 - registers
from attn.contract import Capabilities, PositionKind, Role
from attn.registry import ConfigError
from attn.roles import Roles


@pytest.fixture(autouse=True)
def onlooker(monkeypatch):
    """Softmax, and an attention that serves the cross role alone; three position schemes."""
    for kind, names in (
        ("attention", {"softmax"}),
        ("position", {"learned", "none", "sinusoidal"}),
    ):
        known = registry.get_kind(kind).components
        for name in set(known) - names:
            monkeypatch.delitem(known, name)

    @registry.register("attention", "onlooker")
    class Onlooker(nn.Module):
        capabilities = Capabilities(
            roles=frozenset({Role.CROSS}), positions=frozenset(PositionKind), kernels=("auto",)
        )

        def __init__(self, place, *, heads: int = 2):
            super().__init__()

    yield
    del registry.get_kind("attention").components["onlooker"]


def config(**changes):
    return {
        "model": {"name": "transformer", "encoder_layers": 3, "decoder_layers": 2, "heads": 4}
        | {"attention_dropout": 0.1},
        "position": {"name": "sinusoidal"},
        "attention": {"name": "softmax", "heads": 4},
        "attention_elsewhere": {"name": "softmax", "heads": 1},
        **changes,
    }


def key(roles, role, layer=0):
    return roles.section(role, layer)[0]


def problems(roles):
    try:
        roles.check()
    except ConfigError as error:
        return error.problems
    return []


def test_one_attention_takes_every_role_that_it_serves():
    roles = Roles(config())
    assert {key(roles, role) for role in Role} == {"attention"}
    assert problems(roles) == []
    assert roles.summary() == "encoder softmax, decoder softmax, cross softmax"


def test_the_other_roles_go_elsewhere():
    roles = Roles(config(attention={"name": "onlooker"}))
    assert key(roles, Role.CROSS) == "attention"
    assert key(roles, Role.ENCODER) == key(roles, Role.DECODER) == "attention_elsewhere"
    assert problems(roles) == []


def test_a_role_that_is_named_comes_first():
    roles = Roles(config(decoder_attention={"name": "softmax", "heads": 2}))
    assert key(roles, Role.DECODER) == "decoder_attention"
    assert key(roles, Role.ENCODER) == "attention"


def test_layers_are_named_one_by_one():
    layers = [
        {"layers": "0-1", "name": "softmax", "head_dim": 5},
        {"layers": 2, "name": "softmax"},
    ]
    roles = Roles(config(encoder_layers=layers))
    assert problems(roles) == []
    assert key(roles, Role.ENCODER, 1) == "encoder_layers.0"
    section = roles.section(Role.ENCODER, 1)[1]
    assert (section["heads"], section["dropout"], section["head_dim"]) == (4, 0.1, 5)
    assert roles.section(Role.ENCODER, 2)[1]["head_dim"] is None
    assert key(roles, Role.DECODER, 1) == "attention"


def test_a_layer_takes_sizes_from_the_model_without_a_yaml_too():
    roles = Roles(config(cross_layers=[{"layers": "0-1", "name": "onlooker"}]))
    assert roles.section(Role.CROSS, 0)[1] == {"name": "onlooker", "heads": 4}
    assert roles.summary().endswith("cross onlooker")


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (
            {"encoder_attention": {"name": "onlooker"}},
            ["encoder_attention=onlooker: cannot serve the encoder role; choose one of softmax"],
        ),
        (
            {"attention": {"name": "softmax", "haeds": 2}},
            [
                "attention.haeds=2: unknown option; did you mean 'heads'? choose one of bias, "
                "dropout, head_dim, heads, kernel, value_dim"
            ],
        ),
        (
            {"encoder_layers": [{"layers": "0-1", "name": "softmax"}]},
            ["encoder_layers: layer 2 is not named; name each of 0-2 once"],
        ),
        (
            {"decoder_layers": [{"layers": "0-2", "name": "softmax"}]},
            ["decoder_layers: layer 2 does not exist; choose one of 0-1"],
        ),
        (
            {"cross_layers": [{"layers": n, "name": "softmax"} for n in (0, 1, "0-1")]},
            [
                "cross_layers: layer 0 is named 2 times; name each of 0-1 once",
                "cross_layers: layer 1 is named 2 times; name each of 0-1 once",
            ],
        ),
        (
            {"encoder_layers": ["softmax"]},
            ["encoder_layers.0=softmax: must look like {layers: 0-2, name: softmax}"],
        ),
        (
            {"encoder_layers": [{"layers": "first", "name": "softmax"}]},
            ["encoder_layers.0.layers=first: must look like 3 or 0-2"],
        ),
        (
            {"encoder_layers": [{"layers": "0,2", "name": "softmax"}]},
            [
                "encoder_layers.0.layers=0,2: must look like 3 or 0-2; layers that are apart need "
                "an entry each"
            ],
        ),
        (
            {"encoder_layers": [{"layers": "2-0", "name": "softmax"}]},
            ["encoder_layers.0.layers=2-0: ends before it begins; write 0-2"],
        ),
        (
            {"decoder_layers": [{"layers": 0, "name": "softmax"}, {"layers": "1-0", "name": "x"}]},
            [
                "decoder_layers.1.layers=1-0: ends before it begins; write 0-1",
                "decoder_layers.1.name=x: unknown; choose one of onlooker, softmax",
            ],
        ),
        (
            {"decoder_layers": [{"layers": "0-999999999", "name": "softmax"}]},
            ["decoder_layers: layer 2 does not exist; choose one of 0-1"],
        ),
        (
            {"decoder_layers": [{"layers": "0-9999999999", "name": "softmax"}]},
            ["decoder_layers.0.layers=0-9999999999: must look like 3 or 0-2"],
        ),
        (
            {"position": {"name": "none"}},
            [
                "position=none: the encoder would see a bag of words; choose one of learned, "
                "sinusoidal, or set position.allow_bag_of_words=true if that is meant"
            ],
        ),
        ({"position": {"name": "none", "allow_bag_of_words": True}}, []),
        (
            {
                "encoder_attention": {"name": "softmax"},
                "encoder_layers": [{"layers": "0-2", "name": "softmax"}],
            },
            ["encoder_attention=softmax: encoder_layers names every layer; drop one"],
        ),
    ],
)
def test_what_is_wrong_is_named(changes, lines):
    assert problems(Roles(config(**changes))) == lines


def test_every_entry_that_cannot_be_read_is_named():
    entries = [{"layers": 0, "name": "sotfmax"}, {"layers": "x", "name": "softmax"}]
    assert problems(Roles(config(encoder_layers=entries))) == [
        "encoder_layers.0.name=sotfmax: unknown; did you mean 'softmax'? choose one of onlooker, "
        "softmax",
        "encoder_layers.1.layers=x: must look like 3 or 0-2",
    ]


def test_an_entry_that_cannot_be_read_hides_nothing():
    """Neither its own other faults, nor those of other entries, layers and parts."""
    entries = [
        {"layers": "0-1", "name": "softmax", "haeds": 2},
        {"layers": "x", "name": "sotfmax"},
        {"name": "sotfmax"},
        {"layers": 1, "name": "onlooker"},
    ]
    options = "choose one of bias, dropout, head_dim, heads, kernel, value_dim"
    unknown = "unknown; did you mean 'softmax'? choose one of onlooker, softmax"
    changes = {"encoder_layers": entries, "position": {"name": "lerned"}}
    assert problems(Roles(config(**changes))) == [
        "encoder_layers.1.layers=x: must look like 3 or 0-2",
        f"encoder_layers.1.name=sotfmax: {unknown}",
        "encoder_layers.2={name: sotfmax}: must look like {layers: 0-2, name: softmax}",
        f"encoder_layers.2.name=sotfmax: {unknown}",
        f"encoder_layers.0.haeds=2: unknown option; did you mean 'heads'? {options}",
        "encoder_layers.3=onlooker: cannot serve the encoder role; choose one of softmax",
        "encoder_layers: layer 1 is named 2 times; name each of 0-2 once",
        "position=lerned: unknown; did you mean 'learned'? choose one of learned, none, sinusoidal",
    ]


def test_an_encoder_is_not_said_to_lack_order_where_nobody_can_know(monkeypatch):
    entries = [{"layers": "0-1", "name": "softmax"}, {"layers": 2, "name": "x"}]
    chosen = {"encoder_layers": entries, "position": {"name": "none"}}
    assert problems(Roles(config(**chosen))) == [
        "encoder_layers.1.name=x: unknown; choose one of onlooker, softmax"
    ]


def test_a_list_that_cannot_be_read_is_not_left_out_where_a_model_is_built():
    entries = [{"layers": "1-0", "name": "softmax"}]
    with pytest.raises(ConfigError, match="ends before it begins"):
        Roles(config(decoder_layers=entries)).section(Role.DECODER, 0)


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "softmax"),
        ({"attention": {"name": "onlooker"}}, "onlooker"),
        ({"cross_attention": {"name": "onlooker"}}, "softmax"),
        ({f"{role.value}_attention": {"name": "softmax"} for role in Role}, "softmax"),
        (
            {"attention": {"name": "onlooker"}, "cross_attention": {"name": "softmax"}},
            "softmax",
        ),
        (
            {
                "encoder_attention": {"name": "softmax"},
                "decoder_attention": {"name": "softmax"},
                "cross_layers": [{"layers": n, "name": "onlooker"} for n in (0, 1)],
            },
            "softmax_onlooker",
        ),
    ],
)
def test_a_word_for_who_stands_there(changes, label):
    assert Roles(config(**changes)).label() == label


def test_the_word_stays_short(monkeypatch):
    for name in "abcde":
        known = registry.get_kind("attention").components
        monkeypatch.setitem(known, name, registry.find("attention", "softmax"))
    model = config()["model"] | {"encoder_layers": 5}
    layers = [{"layers": n, "name": name} for n, name in enumerate("abcde")]
    own = {f"{role}_attention": {"name": "a"} for role in ("decoder", "cross")}
    roles = Roles(config(model=model, encoder_layers=layers, **own))
    assert roles.label() == "a_b_c_d_more"


def test_a_section_is_checked_where_it_stands_in_no_role_too():
    roles = Roles(config(attention_elsewhere={"name": "softmax", "heads": "x"}))
    assert problems(roles) == ["attention_elsewhere.heads=x: not of type int"]


def test_unknown_names_do_not_hide_each_other():
    roles = Roles(config(attention={"name": "sotfmax"}, cross_layers=["x"]))
    assert problems(roles) == [
        "attention=sotfmax: unknown; did you mean 'softmax'? choose one of onlooker, softmax",
        "cross_layers.0=x: must look like {layers: 0-2, name: softmax}",
    ]


def test_layers_of_their_own_are_told():
    entries = [{"layers": 0, "name": "softmax"}, {"layers": "1-2", "name": "onlooker"}]
    roles = Roles(config(encoder_layers=entries))
    assert roles.summary().startswith("encoder softmax onlooker onlooker, decoder")


def test_an_attention_within_which_positions_cannot_act_is_named(monkeypatch):
    class Turned:
        kind = PositionKind.ROTARY

    class Wave:
        capabilities = Capabilities(roles=frozenset(Role))

        def __init__(self, place, *, heads: int = 2):
            pass

    monkeypatch.setitem(registry.get_kind("position").components, "turned", Turned)
    monkeypatch.setitem(registry.get_kind("attention").components, "wave", Wave)
    changes = {"position": {"name": "turned"}, "decoder_attention": {"name": "wave"}}
    assert problems(Roles(config(**changes))) == [
        "position=turned: cannot act within decoder_attention=wave; "
        "choose one of learned, sinusoidal"
    ]
    assert problems(Roles(config(position={"name": "turned"}))) == []


# Models that do not have every role, or can do without attention


@pytest.fixture
def reader(onlooker):
    """A model that has attention to the source alone, and can do without; ``none`` for that."""

    @registry.register("model", "reader")
    class Reader(nn.Module):
        roles: ClassVar = {Role.CROSS: None}
        can_lack = frozenset({Role.CROSS})

    @registry.register("attention", "none")
    class NoAttention:
        capabilities = Capabilities(frozenset())

    yield {"model": {"name": "reader", "heads": 4, "attention_dropout": 0.1}}
    del registry.get_kind("model").components["reader"]
    del registry.get_kind("attention").components["none"]


def test_a_model_may_have_one_role_alone(reader):
    roles = Roles(config(**reader))
    assert problems(roles) == []
    assert roles.summary() == "cross softmax"
    assert [key for key, _ in roles.layers(Role.CROSS)] == ["attention"]
    assert roles.layers(Role.ENCODER) == []


def test_a_model_may_do_without_attention(reader):
    for chosen in ({"attention": {"name": "none"}}, {"cross_attention": {"name": "none"}}):
        roles = Roles(config(**reader, **chosen))
        assert problems(roles) == []
        assert roles.summary() == "cross none"


def test_another_model_cannot(reader):
    assert problems(Roles(config(attention={"name": "none"}))) == [
        "attention=none: model=transformer cannot do without attention; "
        "choose one of onlooker, softmax"
    ]
    assert problems(Roles(config(cross_attention={"name": "none"}))) == [
        "cross_attention=none: cannot serve the cross role; choose one of onlooker, softmax"
    ]


def test_attention_that_the_model_has_no_place_for(reader, monkeypatch):
    softmax = registry.find("attention", "softmax")
    apart = Capabilities(frozenset({Role.ENCODER}), softmax.capabilities.positions)
    monkeypatch.setattr(softmax, "capabilities", apart)
    elsewhere = {"attention_elsewhere": {"name": "onlooker"}}
    assert problems(Roles(config(**reader, **elsewhere))) == [
        "attention=softmax: cannot serve the cross role, and model=reader has no other; "
        "choose one of none, onlooker"
    ]


def test_a_role_that_the_model_does_not_have(reader):
    chosen = {
        "encoder_attention": {"name": "softmax", "heads": 4},
        "decoder_layers": [{"layers": "0", "name": "softmax"}],
    }
    assert problems(Roles(config(**reader, **chosen))) == [
        "encoder_attention=softmax: model=reader has no self-attention in its encoder; "
        "leave it out",
        "decoder_layers: model=reader has no self-attention in its decoder; leave it out",
    ]


def test_a_model_may_not_look_at_the_source(reader, monkeypatch):
    model = registry.find("model", "reader")
    monkeypatch.setattr(model, "roles", {Role.ENCODER: None})
    assert problems(Roles(config(**reader, cross_attention={"name": "softmax", "heads": 4}))) == [
        "cross_attention=softmax: model=reader has no attention to the source; leave it out"
    ]


def test_positions_within_self_attention_that_there_is_not(reader, monkeypatch):
    monkeypatch.setattr(registry.find("position", "sinusoidal"), "kind", PositionKind.BIAS)
    assert problems(Roles(config(**reader))) == [
        "position=sinusoidal: acts within self-attention, and model=reader has none; "
        "choose one of none, learned"
    ]
    assert problems(Roles(config(**reader, position={"name": "none"}))) == []
