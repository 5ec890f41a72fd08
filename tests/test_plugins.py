"""Modules of the user's own."""

import sys
from pathlib import Path

import pytest
from fakes import runs
from hydra.core.config_store import ConfigStore

from attn import registry

PLUGIN = '''\
from attn.contract import Capabilities, Role
from attn.registry import register


@register("attention", "{name}")
class Mine:
    """An attention of my own."""

    capabilities = Capabilities(frozenset(Role))

    def __init__(self, place, *, heads: int = 8, radius: int = 5):
        pass
'''


@pytest.fixture
def plugin(fake):
    """A plug-in in the current folder, and its component forgotten afterwards."""
    Path("my_plugin.py").write_text(PLUGIN.format(name="mine"))
    yield "plugins=[my_plugin]"
    registry.get_kind("attention").components.pop("mine", None)
    ConfigStore.instance().repo.get("attention", {}).pop("mine.yaml", None)
    sys.modules.pop("my_plugin", None)


@pytest.mark.long
def test_a_plugin_gets_its_section_from_its_signature(fake, plugin):
    assert fake(plugin, "attention=mine", "attention.radius=7", "model.heads=2") == 0
    assert runs()[0].attention == {"name": "mine", "heads": 2, "radius": 7}


def test_a_plugin_is_checked_like_our_own(refuses, plugin):
    refuses(
        [plugin, "attention=mine", "attention.radius=x"],
        "attention.radius=x: not of type int",
    )


def test_a_plugin_that_cannot_be_imported(refuses):
    Path("broken.py").write_text("raise OSError('no\\n camera')\n")
    refuses(
        ["plugins=[broken,nowhere,nowhere.py]"],
        "plugins=[broken]: OSError: no camera (broken.py, line 1)",
        "plugins=[nowhere]: there is no module nowhere in the current folder, nor on Python's "
        "path (PYTHONPATH)",
        "plugins=[nowhere.py]: takes the name of a module; write plugins=[nowhere]",
    )
    refuses(["plugins=broken"], "plugins=broken: not a list; write [A,B]")


def test_a_signature_that_is_no_schema_is_named(refuses):
    text = PLUGIN.format(name="bare").replace("    capabilities =", "    able =")
    text = text.replace("radius: int = 5", "radius=5, kind: object() = 1")
    Path("bare_plugin.py").write_text(text)
    try:
        refuses(
            ["plugins=[bare_plugin]", "attention=bare", "attention.radius=3"],
            *(
                f"attention bare: its option {option} needs a type that a config can hold, such as "
                "int, float | None, str or list[int]"
                for option in ("radius", "kind")
            ),
            "attention bare: its class needs capabilities; see attn.contract.Capabilities",
        )
    finally:
        registry.get_kind("attention").components.pop("bare", None)
        sys.modules.pop("bare_plugin", None)
