"""``attn list``: what there is to choose from."""

import dataclasses
import inspect
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from importlib.resources import files
from typing import Any

from omegaconf import DictConfig, OmegaConf

from attn import attention, corpora, models, optim, positions, registry, search, tables, tokenizers  # noqa: F401
from attn.registry import ConfigError

PURPOSE = "show the kinds of parts, the names of a kind, or the options of one part"
EXAMPLES = """
attn list
attn list kind=attention
attn list kind=attention name=softmax
"""


def check(cfg: DictConfig) -> list[str]:
    """All problems of the config: a kind or a name that does not exist."""
    if cfg.kind is None:
        return [] if cfg.name is None else [f"name={cfg.name}: needs its kind; write kind=..."]
    if cfg.kind not in registry.kinds():
        hint = registry.suggest(str(cfg.kind), registry.kinds())
        return [f"kind={cfg.kind}: unknown kind; {hint}"]
    known = {*registry.names(cfg.kind), *_presets(cfg.kind)}
    if cfg.name is None or cfg.name in known:
        return []
    return [f"name={cfg.name}: unknown {cfg.kind}; {registry.suggest(str(cfg.name), known)}"]


def run(cfg: DictConfig) -> None:
    """Print the list."""
    problems = check(cfg)
    if problems:
        raise ConfigError(problems)
    if cfg.kind is None:
        rows = [(kind, registry.get_kind(kind).purpose) for kind in registry.kinds()]
        tables.show(("kind", "what it is"), rows)
    elif cfg.name is None:
        rows = [
            (name, _summary(registry.find(cfg.kind, name))) for name in registry.names(cfg.kind)
        ]
        tables.show((cfg.kind, "what it is"), rows)
        presets = [(name, said) for name, (said, _) in _presets(cfg.kind).items()]
        if presets:
            sys.stdout.write("\n")
            tables.show(("preset", "what it is"), presets)
    else:
        _explain(cfg.kind, cfg.name)


def _presets(kind: str) -> dict[str, tuple[str, DictConfig]]:
    """The YAML files of a kind that are no component of their own: what each is, and what it sets.

    A preset says in its first comment what it is, and in its defaults whose options it sets.
    """
    folder = files("attn.conf").joinpath(kind)
    found = {}
    for entry in sorted(folder.iterdir(), key=lambda one: one.name) if folder.is_dir() else ():
        name, _, ending = entry.name.rpartition(".")
        if ending == "yaml" and name not in registry.names(kind):
            text = entry.read_text(encoding="utf-8")
            section = OmegaConf.create(text)
            assert isinstance(section, DictConfig)
            said = text.partition("\n")[0].removeprefix("# ")
            found[name] = (f"{section.pop('defaults')[0]}: {said}.", section)
    return found


def _explain(kind: str, name: str) -> None:
    preset: Mapping[str, Any] = {}
    if name in _presets(kind):
        said, preset = _presets(kind)[name]
        sys.stdout.write(f"{kind}={name}\n\n{said}\n\n")
        name = said.partition(":")[0]
    component = registry.find(kind, name)
    sys.stdout.write(f"{kind}={name}\n\n{inspect.getdoc(component)}\n\n")
    given = registry.get_kind(kind).given
    types = registry.option_types(component, given)
    defaults = {**registry.defaults(component, given), **preset}
    tables.show(
        ("option", "type", "default"),
        [(o, registry.type_name(types[o]), registry.as_yaml(defaults[o])) for o in types],
    )
    capabilities = getattr(component, "capabilities", None)
    if dataclasses.is_dataclass(capabilities):
        fields = [field.name for field in dataclasses.fields(capabilities)]
        sys.stdout.write("\n")
        tables.show(
            ("capability", "value"),
            [(name, _plain(getattr(capabilities, name))) for name in fields],
        )


def _summary(component: Callable[..., Any]) -> str:
    return (inspect.getdoc(component) or "").partition("\n")[0]


def _plain(value: Any) -> str:
    """A value as its reader would write it; sets sorted."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (frozenset, set)):
        return ", ".join(sorted(map(_plain, value)))
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_plain, value))
    return registry.as_yaml(value)
