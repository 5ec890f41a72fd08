"""The signature is the schema."""

import math
import pickle
import re
from enum import Enum
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from attn import registry
from attn.registry import ConfigError


class Shade(Enum):
    LIGHT = "light"
    DARK = "dark"


class Lamp:
    """A lamp."""

    def __init__(
        self,
        *,
        room: str,
        watts: int,
        warmth: float = 0.5,
        shade: Shade = Shade.DARK,
        label: str | None = None,
        colours: list[str] = ["red", "blue"],  # noqa: B006 - that it is copied is tested
        spare: tuple = (3, 5),
        lit: bool = False,
    ):
        self.arguments = {
            "room": room,
            "watts": watts,
            "warmth": warmth,
            "shade": shade,
            "label": label,
            "colours": colours,
            "spare": spare,
            "lit": lit,
        }


class Candle:
    def __init__(self, *, hours: int = 7):
        self.hours = hours


@pytest.fixture(autouse=True)
def light(monkeypatch):
    """One kind, ``light``, whose room the code gives."""
    monkeypatch.setattr(registry, "_kinds", {})
    kind = registry.declare("light", "what makes it bright", given=("room",))
    registry.register("light", "lamp")(Lamp)
    registry.register("light", "candle")(Candle)
    return kind


def message(problem, kind=ConfigError):
    return pytest.raises(kind, match=f"^{re.escape(problem)}$")


def test_kinds_and_names(light):
    registry.declare("sound", "what makes it loud")
    assert registry.kinds() == ["light", "sound"]
    assert registry.get_kind("light") is light
    assert registry.names("light") == ["candle", "lamp"]
    assert registry.names("sound") == []
    assert registry.find("light", "lamp") is Lamp


def test_nothing_is_registered_twice():
    with message("kind 'light' is declared already", ValueError):
        registry.declare("light", "again")
    said = f"light 'lamp' is registered already, by {Lamp.__module__}.Lamp"
    with message(said, ValueError):
        registry.register("light", "lamp")(Candle)


def test_unknown_kind():
    with message("there is no kind 'lihgt'; the kinds are light", ValueError):
        registry.names("lihgt")


def test_unknown_name():
    with message("light=lmap: unknown; did you mean 'lamp'? choose one of candle, lamp"):
        registry.find("light", "lmap")
    with message("light=torch: unknown; choose one of candle, lamp"):
        registry.find("light", "torch")


def test_a_component_is_built_from_the_options_and_what_is_given():
    lamp = registry.build("light", {"name": "lamp", "watts": 11, "shade": "LIGHT"}, room="hall")
    assert lamp.arguments == {
        "room": "hall",
        "watts": 11,
        "warmth": 0.5,
        "shade": Shade.LIGHT,
        "label": None,
        "colours": ["red", "blue"],
        "spare": [3, 5],
        "lit": False,
    }


def test_defaults_are_not_shared():
    first = registry.build("light", {"name": "lamp", "watts": 11}, room="hall")
    first.arguments["colours"].append("green")
    second = registry.build("light", {"name": "lamp", "watts": 11}, room="hall")
    assert second.arguments["colours"] == ["red", "blue"]


def test_interpolations_are_resolved():
    cfg = OmegaConf.create({"hours": 13, "light": {"name": "candle", "hours": "${hours}"}})
    assert registry.build("light", cfg.light).hours == 13


def test_values_are_converted_where_nothing_is_lost():
    section = {"watts": "11", "warmth": 1, "lit": "yes"}
    options = registry.options(Lamp, section, given=("room",))
    assert (options["watts"], options["warmth"], options["lit"]) == (11, 1.0, True)
    assert isinstance(options["warmth"], float)


def test_every_problem_is_told_at_once():
    section = {"wats": 11, "warmth": "hot", "shade": "GREY", "lit": None, "room": "hall"}
    options = "choose one of colours, label, lit, shade, spare, warmth, watts"
    assert registry.problems(Lamp, section, given=("room",), key="light") == [
        f"light.wats=11: unknown option; did you mean 'watts'? {options}",
        "light.warmth=hot: not of type float",
        "light.shade=GREY: not of type Shade",
        "light.lit=null: not of type bool",
        f"light.room=hall: unknown option; {options}",
        "light.watts: needs a value of type int; write light.watts=VALUE",
    ]


@pytest.mark.parametrize("wrong", [1.5, "1.5", True, None, [7], {"a": 7}])
def test_an_integer_is_an_integer(wrong):
    written = registry.as_yaml(wrong)
    with message(f"light.hours={written}: not of type int"):
        registry.build("light", {"name": "candle", "hours": wrong}, key="light")


@pytest.mark.parametrize("wrong", [math.inf, "nan", {"a": math.nan}])
def test_a_number_is_finite(wrong):
    section = {"name": "lamp", "watts": 11, "warmth": wrong}
    with message(f"light.warmth={registry.as_yaml(wrong)}: must be a finite number"):
        registry.build("light", section)


@pytest.mark.parametrize("wrong", [2**63, -(2**64), str(10**19)])
def test_an_integer_has_64_bits(wrong):
    with message(f"light.hours={wrong}: must be within the 64 bits of an integer"):
        registry.build("light", {"name": "candle", "hours": wrong})


def test_a_missing_value_is_a_problem():
    cfg = OmegaConf.create({"name": "candle", "hours": "???"})
    with message("light.hours: needs a value of type int; write light.hours=VALUE"):
        registry.build("light", cfg)


def test_defaults():
    assert registry.defaults(Lamp, given=("room",)) == {
        "watts": "???",
        "warmth": 0.5,
        "shade": Shade.DARK,
        "label": None,
        "colours": ["red", "blue"],
        "spare": [3, 5],
        "lit": False,
    }


def test_types_are_written_as_in_a_signature():
    types = registry.option_types(Lamp, given=("room",))
    assert [registry.type_name(kind) for kind in types.values()] == [
        "int", "float", "Shade", "str | None", "list[str]", "tuple", "bool",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (1.5, "1.5"),
        ("a b", "a b"),
        (Shade.DARK, "DARK"),
        ([1, None], "[1, null]"),
        ({"a": [True]}, "{a: [true]}"),
        (Path("a/b"), "a/b"),
    ],
)
def test_as_yaml(value, written):
    assert registry.as_yaml(value) == written


def test_a_config_error_survives_another_process():
    error = pickle.loads(pickle.dumps(ConfigError(["a=1: wrong", "b=2: wrong"])))
    assert error.problems == ["a=1: wrong", "b=2: wrong"]
    assert str(error) == "a=1: wrong\nb=2: wrong"


def test_a_package_imports_its_modules(tmp_path, monkeypatch):
    (tmp_path / "lights").mkdir()
    (tmp_path / "lights" / "__init__.py").touch()
    (tmp_path / "lights" / "moon.py").write_text(
        "from attn.registry import register\n\n\n@register('light', 'moon')\ndef moon(): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    registry.import_modules("lights", [str(tmp_path / "lights")])
    assert registry.names("light") == ["candle", "lamp", "moon"]
