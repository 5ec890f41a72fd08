"""Config sections for the components of plug-ins."""

import dataclasses
import inspect
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from attn import registry
from attn.overrides import Given


def named(given: Sequence[Given]) -> list[str]:
    """The modules that the command line names."""
    value = next((one.override.value() for one in given if one.key == "plugins"), [])
    names = value if isinstance(value, list) else []
    return [name if isinstance(name, str) else registry.as_yaml(name) for name in names]


def store_sections() -> dict[tuple[str, str], list[str]]:
    """Give each component without a YAML the section that its signature describes.

    What is wrong with those whose signature is no schema, by kind and name.
    """
    found: dict[tuple[str, str], list[str]] = {}
    store = ConfigStore.instance()
    loader = GlobalHydra.instance().config_loader()
    for kind in registry.kinds():
        ours = files("attn.conf").joinpath(kind)
        missing = [n for n in registry.names(kind) if not ours.joinpath(f"{n}.yaml").is_file()]
        if not missing:
            continue
        users = loader.get_group_options(kind, results_filter=ObjectType.CONFIG)
        shared = _shared_sizes(kind)
        for name in set(missing).difference(users):
            wrong = list(_undeclared(kind, name))
            if wrong:
                found[kind, name] = wrong
                continue
            component = registry.find(kind, name)
            options = registry.defaults(component, registry.get_kind(kind).given)
            section = {option: shared.get(option, value) for option, value in options.items()}
            store.store(group=kind, name=name, node={"name": name, **section})
    return found


def _undeclared(kind: str, name: str) -> Iterator[str]:
    """What a plug-in's component lacks, to be checked and shown as others are."""
    component = registry.find(kind, name)
    types = registry.option_types(component, registry.get_kind(kind).given)
    for option, annotation in types.items():
        if not _is_type_of_options(annotation):
            yield (
                f"{kind} {name}: its option {option} needs a type that a config can hold, such as "
                "int, float | None, str or list[int]"
            )
    if kind == "attention" and not hasattr(component, "capabilities"):
        yield f"{kind} {name}: its class needs capabilities; see attn.contract.Capabilities"


def _is_type_of_options(annotation: Any) -> bool:
    if annotation is inspect.Parameter.empty:
        return False
    try:
        OmegaConf.structured(dataclasses.make_dataclass("Option", [("option", annotation)]))
    except OmegaConfBaseException:
        return False
    return True


def _shared_sizes(kind: str) -> dict[str, str]:
    """What the YAML files of a kind take from another section, e.g. ``heads: ${model.heads}``."""
    found: dict[str, str] = {}
    folder = files("attn.conf").joinpath(kind)
    for entry in folder.iterdir() if folder.is_dir() else ():
        section = OmegaConf.to_container(OmegaConf.create(entry.read_text(encoding="utf-8")))
        assert isinstance(section, dict)
        found |= {
            str(option): value
            for option, value in section.items()
            if isinstance(value, str) and value.startswith("${")
        }
    return found
