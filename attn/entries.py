"""Attentions of single layers: entries like ``{layers: 0-2, name: window, radius: 4}``."""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from omegaconf import DictConfig, OmegaConf

from attn import registry

LAYERS = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")


def faults(key: str, entry: Any) -> Iterator[str]:
    """All that keeps an entry from being read, its options apart."""
    if not isinstance(entry, Mapping) or not {"layers", "name"} <= set(entry):
        yield f"{key}={registry.as_yaml(entry)}: must look like {{layers: 0-2, name: softmax}}"
    given = entry if isinstance(entry, Mapping) else {}
    if "layers" in given and layers(entry) is None:
        written = registry.as_yaml(given["layers"])
        apart = "; layers that are apart need an entry each" if "," in written else ""
        yield f"{key}.layers={written}: must look like 3 or 0-2{apart}"
    elif "layers" in given and not layers(entry):
        first, last = _ends(entry)
        yield f"{key}.layers={given['layers']}: ends before it begins; write {last}-{first}"
    known = registry.names("attention")
    if "name" in given and given["name"] not in known:
        name = registry.as_yaml(given["name"])
        yield f"{key}.name={name}: unknown; {registry.suggest(name, known)}"


def layers(entry: Any) -> range | None:
    """The layers that an entry is for; None where that cannot be read."""
    if not isinstance(entry, Mapping) or not LAYERS.fullmatch(str(entry.get("layers"))):
        return None
    first, last = _ends(entry)
    return range(first, last + 1)


def _ends(entry: Mapping[str, Any]) -> tuple[int, int]:
    first, last = LAYERS.fullmatch(str(entry["layers"])).groups()  # type: ignore[union-attr]
    return int(first), int(last or first)


def section(entry: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    """The section of an entry: as ``attention=NAME`` would give it, sizes taken from the model."""
    whole = OmegaConf.create({"model": dict(model), "section": shown(entry["name"])})
    plain = OmegaConf.to_container(whole.section, resolve=True)
    assert isinstance(plain, dict)
    given = {option: value for option, value in entry.items() if option != "layers"}
    return {**{str(key): value for key, value in plain.items()}, **given}


def shown(name: str) -> DictConfig:
    """The section of an attention as its YAML shows it, its references to the model as they are."""
    file = files("attn.conf").joinpath("attention", f"{name}.yaml")
    if file.is_file():
        return OmegaConf.create(file.read_text(encoding="utf-8"))  # type: ignore[return-value]
    component = registry.find("attention", name)
    own = registry.defaults(component, registry.get_kind("attention").given)
    shared = {"heads": "${model.heads}", "dropout": "${model.attention_dropout}"}
    return OmegaConf.create({**own, **{key: shared[key] for key in own if key in shared}})


def reads(name: str, option: str) -> bool:
    """Whether an attention takes one of its own options from this one of the model."""
    section = OmegaConf.to_container(shown(name))
    assert isinstance(section, dict)
    return f"${{model.{option}}}" in section.values()
