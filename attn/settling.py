"""What is left to decide of a composed config, before it is checked and before it is run."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from attn import registry
from attn.registry import as_yaml


def settle(cfg: DictConfig, choices: Mapping[str, Any], typed: Iterable[str]) -> list[str]:
    """Name the study, and let an experiment's options go that another part has no place for.

    The study is called as its own option says, or as the experiment, or ``default``. ``typed`` are
    the keys of the command line: a part that stands there takes the place of the experiment's, and
    what the experiment sets of its own part is left out; a line for each such option.
    """
    tree = OmegaConf.to_container(cfg)  # references as they are: some may lead nowhere
    assert isinstance(tree, dict)
    if "study" in tree and tree["study"] is None:
        cfg.study = choices.get("experiment") or "default"
    if not choices.get("experiment"):
        return []
    keys = set(typed)
    foreign = [key for key in _foreign(tree, keys) if key not in keys]
    with open_dict(cfg):
        for key in foreign:
            section, _, option = key.partition(".")
            del cfg[section][option]
    return [
        f"{key} of experiment={choices['experiment']} is left out: "
        f"{key.partition('.')[0]}={cfg[key.partition('.')[0]].name} has no such option"
        for key in foreign
    ]


def replaced(
    cfg: DictConfig, alone: DictConfig, choices: Mapping[str, Any], typed: Iterable[str]
) -> list[str]:
    """The options by which an experiment replaces those of parts that the command line chose.

    ``alone`` is composed of these parts without the experiment; a line for each part.
    """
    keys, said = set(typed), []
    now, then = (OmegaConf.to_container(one) for one in (cfg, alone))
    assert isinstance(now, dict)
    assert isinstance(then, dict)
    for kind in _chosen(choices, keys):
        one, other = now[kind], then[kind]
        changed = [
            option
            for option in one
            if f"{kind}.{option}" not in keys and option in other and one[option] != other[option]
        ]
        parts = [f"{kind}.{key}={as_yaml(one[key])} ({as_yaml(other[key])})" for key in changed]
        if parts:
            parts[0] = parts[0].replace(" (", f" ({kind}={choices[kind]} has ", 1)
            said.append(f"experiment={choices['experiment']} sets {', '.join(parts)}")
    return said


def without_experiment(choices: Mapping[str, Any], typed: Iterable[str]) -> list[str]:
    """The arguments that choose the same parts alone; none where no experiment is beside them."""
    return [f"{kind}={choices[kind]}" for kind in _chosen(choices, set(typed))]


def _chosen(choices: Mapping[str, Any], typed: set[str]) -> list[str]:
    """The kinds of which the command line chose a part beside an experiment."""
    kinds = registry.kinds() if choices.get("experiment") else []
    return [kind for kind in kinds if kind in typed and choices.get(kind)]


def _foreign(tree: Mapping[Any, Any], typed: set[str]) -> Iterator[str]:
    """The options of parts chosen on the command line that these parts do not have."""
    for kind in registry.kinds():
        section = tree.get(kind) if kind in typed else None
        if isinstance(section, dict) and section.get("name") in registry.names(kind):
            component = registry.find(kind, str(section["name"]))
            known = registry.option_types(component, registry.get_kind(kind).given)
            yield from (f"{kind}.{key}" for key in section if key not in {"name", *known})
