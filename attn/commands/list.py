"""``attn list``: what there is to choose from."""

import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from importlib.resources import files
from typing import Any

from omegaconf import DictConfig, OmegaConf

from attn import (  # noqa: F401 - each registers its kind
    attention,
    comments,
    corpora,
    models,
    optim,
    positions,
    presets,
    registry,
    search,
    tables,
    tokenizers,
)
from attn.contract import OUTSIDE, Capabilities, Place, PositionKind, Role
from attn.presets import Preset
from attn.registry import ConfigError
from attn.roles import capabilities, made_names
from attn.shapes import shapes_alone

PURPOSE = "show the kinds of parts, the names of a kind, or the options of one part"
EXAMPLES = """
attn list
attn list attention softmax
attn list attention format=markdown
"""
NAMED = {  # kinds of YAML files without a component
    "experiment": "a named set of overrides of all the others",
    "launcher": "where the jobs of a sweep run",
    "sweeper": "which jobs a sweep has",
}
MORE = "attn list KIND shows the names of a kind, attn list KIND NAME the options of one.\n"
DIM, HEADS = 512, 8
LEGEND = f"""\
positions   kinds that may act within; those added to the embeddings go with every attention
kernels     the ways to compute it, where there is a choice
state       what decoding keeps of a sentence; kv grows with every token, the others do not
parameters  of one layer of width D = {DIM} with H = {HEADS} heads
attn list attention NAME shows what one is, its options, and what these words mean.
"""
CAPABILITIES = {
    "roles": "where it can stand; cross: from the decoder to the source",
    "positions": "the kinds of position that it works with",
    "kernels": "the ways to compute it",
    "weights": "what it shows: exact, partial, free or signed rows, or what its work implies",
    "state": "what decoding keeps from step to step; kv: keys and values",
    "even_heads": "whether two heads work together, so that their number must be even",
    "remembers": "whether, to the source, each hypothesis has a state of its own",
    "order_aware": "whether it knows the order of tokens without positions",
    "gap": "how far decoding may lie from training, where that is part of the method",
    "time": "operations of a layer: T queries, S keys, width D",
    "sequential": "how many of them must follow each other",
    "path": "the most layers between two positions of a sequence",
    "paper": "where it comes from",
    "only": "options that do not act wherever it stands",
}


def check(cfg: DictConfig) -> list[str]:
    """All problems of the config: a kind or a name that does not exist."""
    kinds = [*registry.kinds(), *NAMED]
    if cfg.format not in tables.FORMATS:
        return [
            f"format={cfg.format}: unknown; {registry.suggest(str(cfg.format), tables.FORMATS)}"
        ]
    if cfg.format != "terminal" and (cfg.kind, cfg.name) != ("attention", None):
        return [
            f"format={cfg.format}: is of the table of attentions alone; write attn list attention"
        ]
    if cfg.kind is None:
        return [] if cfg.name is None else [f"name={cfg.name}: needs its kind; write kind=..."]
    if cfg.kind not in kinds:
        owner = next((kind for kind in kinds if cfg.kind in _names(kind)), None)
        hint = (
            f"write kind={owner} name={cfg.kind}"
            if owner
            else registry.suggest(str(cfg.kind), kinds)
        )
        return [f"kind={cfg.kind}: unknown kind; {hint}"]
    known = _names(cfg.kind)
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
        rows += NAMED.items()
        tables.show(("kind", "what it is"), rows)
        sys.stdout.write(f"\n{MORE}")
    elif cfg.name is None and cfg.kind == "attention":
        _print(cfg.format, *attentions())
        if cfg.format == "terminal":
            _presets_of(cfg.kind)
    elif cfg.name is None:
        _names_of(cfg.kind)
    elif cfg.kind in NAMED:
        sys.stdout.write(f"{cfg.kind}={cfg.name}\n\n{_presets(cfg.kind)[cfg.name].text}")
    else:
        _explain(cfg.kind, cfg.name)


def _names(kind: str) -> list[str]:
    """Everything of a kind that has a name, presets too."""
    return [*([] if kind in NAMED else registry.names(kind)), *_presets(kind)]


def _names_of(kind: str) -> None:
    """Print the names of a kind."""
    if kind not in NAMED:
        rows = [(name, _summary(registry.find(kind, name))) for name in registry.names(kind)]
        tables.show((kind, "what it is"), rows)
    _presets_of(kind)


def _presets_of(kind: str) -> None:
    """Print the presets of a kind."""
    rows = [(name, one.said) for name, one in _presets(kind).items()]
    if rows:
        sys.stdout.write("" if kind in NAMED else "\n")
        tables.show((kind if kind in NAMED else "preset", "what it is"), rows)


def attentions() -> tuple[list[str], list[list[str]]]:
    """What each attention can do and costs, as a table."""
    header = ["attention", "roles", "positions", "kernels", "weights", "state", "parameters"]
    rows = []
    for name in made_names():
        able = capabilities(name)
        stands = " ".join(role.value for role in Role if role in able.roles)
        state = able.state if Role.DECODER in able.roles or Role.CROSS in able.roles else ""
        kernels = " ".join(able.kernels[1:])  # the first chooses among the others
        cells = [name, stands, _kinds(able.positions), kernels, able.weights, state]
        rows.append([*cells, f"{_parameters(name, able):,}", able.time, able.paper])
    return [*header, "time", "paper"], rows


def _kinds(taken: frozenset[PositionKind]) -> str:
    """The kinds of positions that may act within an attention."""
    inside = [kind.value for kind in PositionKind if kind in taken - OUTSIDE]
    return "all" if len(inside) == len(PositionKind) - len(OUTSIDE) else " ".join(inside)


def _parameters(name: str, able: Capabilities) -> int:
    """How many parameters an attention of the base model has, in the first role that it serves."""
    types = registry.option_types(registry.find("attention", name))
    section = {"name": name, **({"heads": HEADS} if "heads" in types else {})}
    role = next(role for role in Role if role in able.roles)
    with shapes_alone():
        built = registry.build("attention", section, place=Place(role, DIM, DIM, DIM))
    return sum(parameter.numel() for parameter in built.parameters())


def _print(form: str, header: list[str], rows: list[list[str]]) -> None:
    if form != "terminal":
        sys.stdout.write(tables.FORMATS[form](header, rows))
        return
    tables.show(header, rows)
    sys.stdout.write(f"\n{LEGEND}")


def _presets(kind: str) -> dict[str, Preset]:
    return presets.of_kind(kind, [] if kind in NAMED else registry.names(kind))


def _explain(kind: str, name: str) -> None:
    """Print what a part is, its options, and what it can do."""
    asked, preset, known = name, dict[str, Any](), _presets(kind)
    said = known[name].said if name in known else None
    while name in known:  # one may be a preset of another
        one = known.pop(name)
        preset, name = {**one.section, **preset}, one.base
    if name not in registry.names(kind):
        raise ConfigError([f"name={asked}: is a preset of {name}, which is no {kind}"])
    sys.stdout.write(f"{kind}={asked}\n\n")
    if said is not None:
        sys.stdout.write(f"{said} A preset of {kind}={name}:\n\n")
    component = registry.find(kind, name)
    sys.stdout.write(f"{_prose(component)}\n\n")
    options = list(_options(kind, name, preset))
    if options:
        tables.show(("option", "type", "default", "what it is"), options)
    else:
        sys.stdout.write("It has no options.\n")
    capabilities = getattr(component, "capabilities", None)
    if dataclasses.is_dataclass(capabilities):
        sys.stdout.write("\n")
        tables.show(
            ("capability", "value", "what it is"),
            [(key, _plain(getattr(capabilities, key)), CAPABILITIES[key]) for key in CAPABILITIES],
        )


def _options(kind: str, name: str, preset: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Each option of a component with its type, its default as the YAML has it, and a comment."""
    component, given = registry.find(kind, name), registry.get_kind(kind).given
    said = comments.of_file(kind, f"{name}.yaml")
    values = {**registry.defaults(component, given), **_references(kind, name), **preset}
    for option, annotation in registry.option_types(component, given).items():
        written = registry.as_yaml(values[option])
        yield option, registry.type_name(annotation), written, said.get(option, "")


def _references(kind: str, name: str) -> dict[str, str]:
    """The options that take their value from another section, such as ``${model.heads}``."""
    file = files("attn.conf").joinpath(kind, f"{name}.yaml")
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    section = OmegaConf.to_container(OmegaConf.create(text))
    assert isinstance(section, dict)
    return {str(key): value for key, value in section.items() if "${" in str(value)}


def _prose(component: Callable[..., Any]) -> str:
    """A docstring for those who do not read code: without what a constructor raises."""
    return (inspect.getdoc(component) or "").partition("\n\nRaises:")[0].replace("``", "`")


def _summary(component: Callable[..., Any]) -> str:
    return _prose(component).partition("\n")[0]


def _plain(value: Any) -> str:
    """A value as its reader would write it; sets sorted."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (frozenset, set)):
        return ", ".join(sorted(map(_plain, value)))
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_plain, value))
    return registry.as_yaml(value)
