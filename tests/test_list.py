"""``attn list``: what there is to choose from."""

import re
import sys

import pytest
from omegaconf import OmegaConf

from attn import registry
from attn.commands import list as listing
from attn.registry import ConfigError


def listed(capsys, kind=None, name=None):
    listing.run(OmegaConf.create({"kind": kind, "name": name, "plugins": []}))
    return capsys.readouterr().out


def test_the_kinds_and_their_purposes(capsys):
    head, *rows = listed(capsys).splitlines()
    assert re.split("  +", head) == ["kind", "what it is"]
    assert [re.split("  +", row) for row in rows] == [
        [kind, registry.get_kind(kind).purpose] for kind in registry.kinds()
    ]


@pytest.mark.parametrize("kind", registry.kinds())
def test_the_names_of_a_kind(capsys, kind):
    components, _, _ = listed(capsys, kind).partition("\n\npreset")
    head, *rows = components.splitlines()
    assert re.split("  +", head) == [kind, "what it is"]
    assert [row.split()[0] for row in rows] == registry.names(kind)
    for row in rows:
        assert re.fullmatch(r"\w+ +\S.*\.", row), f"no first line of a docstring: {row}"


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in registry.kinds() for name in registry.names(kind)]
)
def test_one_component(capsys, kind, name):
    said = listed(capsys, kind, name)
    assert said.startswith(f"{kind}={name}\n\n")
    component = registry.find(kind, name)
    for option, annotation in registry.option_types(
        component, registry.get_kind(kind).given
    ).items():
        assert re.search(rf"^{option} +{re.escape(registry.type_name(annotation))} ", said, re.M)


def test_presets_say_whose_they_are_and_what_they_set(capsys):
    said = listed(capsys, "model")
    assert re.search("^preset +what it is$", said, re.M)
    assert re.search("^small +transformer: 3[+]3 layers of width 256[.]$", said, re.M)
    said = listed(capsys, "model", "small")
    assert said.startswith(
        "model=small\n\ntransformer: 3+3 layers of width 256.\n\nmodel=transformer\n\nEncoder"
    )
    assert re.search("^dim +int +256$", said, re.M)
    assert re.search("^norm +str +post$", said, re.M)


def test_an_attention_says_what_it_can_do(capsys):
    said = listed(capsys, "attention", "softmax")
    assert said.startswith(
        "attention=softmax\n\nMulti-head scaled dot-product attention.\n\n``y = W_o"
    )
    assert re.search("^heads +int +8$", said, re.M)
    assert re.search(r"^head_dim +int \| None +null$", said, re.M)
    assert re.search("^roles +cross, decoder, encoder$", said, re.M)
    assert re.search("^positions +.*input, none", said, re.M)
    assert re.search("^kernels +auto, explicit, sdpa", said, re.M)


def test_a_table_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    said = listed(capsys, "attention")
    assert "Multi-head scaled dot-product" in said
    assert "\x1b[1m" in said


@pytest.mark.parametrize(
    ("kind", "name", "problem"),
    [
        (None, "softmax", "name=softmax: needs its kind; write kind=..."),
        ("attn", None, "kind=attn: unknown kind; did you mean 'attention'? choose one of {kinds}"),
        (
            "attention",
            "sofmax",
            "name=sofmax: unknown attention; did you mean 'softmax'? choose one of {attentions}",
        ),
    ],
)
def test_what_does_not_exist(kind, name, problem):
    problem = problem.format(
        kinds=", ".join(sorted(registry.kinds())),
        attentions=", ".join(registry.names("attention")),
    )
    cfg = OmegaConf.create({"kind": kind, "name": name})
    assert listing.check(cfg) == [problem]
    with pytest.raises(ConfigError, match=f"^{re.escape(problem)}$"):
        listing.run(cfg)
