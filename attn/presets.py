"""The YAML files of a kind that are no component of their own, ours and those of the user."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigSource
from omegaconf import OmegaConf

from attn.registry import ConfigError

PACKAGE = re.compile(r"# @package \S+\n")


@dataclass(frozen=True)
class Preset:
    """What a file is, as its first comment says, what it sets, and its text."""

    said: str
    section: Mapping[str, Any]
    text: str

    @property
    def base(self) -> str:
        """The name of the component, or of the other preset, that it sets options of."""
        named = [one for one in self.section.get("defaults", []) if isinstance(one, str)]
        return next((one for one in named if one != "_self_"), str(self.section.get("name")))


def of_kind(kind: str, components: list[str]) -> dict[str, Preset]:
    """The presets of a kind by name; of two with one name ours, as when they are composed.

    Raises:
        ConfigError: a file of the user's that cannot be read.
    """
    found: dict[str, Preset] = {}
    for file, written, section in [*_ours(kind), *_users(kind)]:
        text = PACKAGE.sub("", written)
        first = text.partition("\n")[0]
        said = first.removeprefix("# ").partition(": attn train ")[0].rstrip(":.")
        name = Path(file).stem
        if name not in components:
            told = f"{said}." if first.startswith("#") else f"{file}, which has no comment."
            found.setdefault(name, Preset(told, section, text))
    return found


def _ours(kind: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every YAML file of a kind: where it lies, its text, and what is in it."""
    folder = files("attn.conf").joinpath(kind)
    for file in sorted(folder.iterdir(), key=lambda one: one.name) if folder.is_dir() else ():
        if file.name.endswith(".yaml"):
            text = file.read_text(encoding="utf-8")
            yield file.name, text, _plain(OmegaConf.create(text))


def _users(kind: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The same of the folder that ``--config-dir`` names."""
    hydra = GlobalHydra.instance()
    sources = hydra.config_loader().get_sources() if hydra.is_initialized() else []
    for folder in (one for one in sources if one.provider == "user"):
        for file in sorted(Path(folder.path, kind).glob("*.yaml")):
            section = _read(folder, f"{kind}/{file.stem}")
            yield str(file), file.read_text(encoding="utf-8"), section


def _read(folder: ConfigSource, path: str) -> Mapping[str, Any]:
    try:
        return _plain(folder.load_config(path).config)
    except HydraException as error:
        raise ConfigError([str(error)]) from None


def _plain(config: Any) -> Mapping[str, Any]:
    section = OmegaConf.to_container(config)
    assert isinstance(section, dict)
    return {str(key): value for key, value in section.items()}
