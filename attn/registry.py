"""Components by name: the signature of a registered class is the schema of its config section.

A *kind* (``attention``, ``tokenizer``, ...) is declared once, with the parameters that code gives
to every component of that kind; all other parameters of a constructor are options of the user.
"""

import dataclasses
import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

Component = TypeVar("Component", bound=Callable[..., Any])


class ConfigError(Exception):
    """The input is wrong: every problem found, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


@dataclasses.dataclass(frozen=True)
class Kind:
    """A family of interchangeable components."""

    name: str
    purpose: str
    given: frozenset[str]
    components: dict[str, Callable[..., Any]] = dataclasses.field(default_factory=dict)


_kinds: dict[str, Kind] = {}


def declare(name: str, purpose: str, *, given: Iterable[str] = ()) -> Kind:
    """Declare a kind: what it is for, and the parameters that code, not the user, gives."""
    if name in _kinds:
        raise ValueError(f"kind {name!r} is declared already")
    _kinds[name] = Kind(name, purpose, frozenset(given))
    return _kinds[name]


def register(kind: str, name: str) -> Callable[[Component], Component]:
    """Register the class or function below under a name; a name taken twice raises ValueError."""

    def add(component: Component) -> Component:
        components = get_kind(kind).components
        if name in components:
            taken = components[name]
            raise ValueError(
                f"{kind} {name!r} is registered already, by {taken.__module__}.{taken.__qualname__}"
            )
        components[name] = component
        return component

    return add


def import_modules(package: str, path: Iterable[str]) -> None:
    """Import every module of a component package, so that each registers what it holds."""
    for module in sorted(found.name for found in pkgutil.iter_modules(path)):
        importlib.import_module(f"{package}.{module}")


def kinds() -> list[str]:
    """The declared kinds, in the order of their declaration."""
    return list(_kinds)


def get_kind(kind: str) -> Kind:
    """The declaration of a kind; ValueError if there is none."""
    if kind not in _kinds:
        raise ValueError(f"there is no kind {kind!r}; the kinds are {', '.join(_kinds)}")
    return _kinds[kind]


def names(kind: str) -> list[str]:
    """The names registered under a kind, sorted."""
    return sorted(get_kind(kind).components)


def find(kind: str, name: str) -> Callable[..., Any]:
    """The component registered under a name; ConfigError with suggestions if there is none."""
    components = get_kind(kind).components
    if name not in components:
        raise ConfigError([f"{kind}={name}: unknown; {suggest(name, components)}"])
    return components[name]


def suggest(word: str, known: Iterable[str]) -> str:
    """What may stand instead of a word: the nearest known one first, then all."""
    choices = sorted(known)
    near = difflib.get_close_matches(word, choices, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}choose one of {', '.join(choices)}"


def option_types(component: Callable[..., Any], given: Iterable[str] = ()) -> dict[str, Any]:
    """The options of a component and their annotated types, in the order of its signature."""
    return {
        p.name: p.annotation
        for p in inspect.signature(component, eval_str=True).parameters.values()
        if p.name not in given
    }


def schema(component: Callable[..., Any], given: Iterable[str] = ()) -> DictConfig:
    """The signature as an OmegaConf structured config: names, types and defaults of the options."""
    defaults = inspect.signature(component).parameters
    fields: list[tuple[str, Any, Any]] = []
    for name, annotation in option_types(component, given).items():
        default = defaults[name].default
        value = MISSING if default is inspect.Parameter.empty else default
        if isinstance(value, (list, dict, tuple)):
            kept = list(value) if isinstance(value, tuple) else value
            field = dataclasses.field(default_factory=lambda kept=kept: kept.copy())
        else:
            field = dataclasses.field(default=value)
        fields.append((name, annotation, field))
    made = dataclasses.make_dataclass("Options", fields, kw_only=True)
    structured: DictConfig = OmegaConf.structured(made)
    return structured


def type_name(annotation: Any) -> str:
    """A type as it is written in a signature."""
    return annotation.__name__ if inspect.isclass(annotation) else str(annotation)


def problems(
    component: Callable[..., Any],
    section: Mapping[str, Any],
    *,
    given: Iterable[str] = (),
    key: str = "",
) -> list[str]:
    """Every fault of a section against the signature of a component, one line each."""
    types = option_types(component, given)
    prefix = f"{key}." if key else ""
    found = []
    for option, value in section.items():
        if option not in types:
            found.append(f"{prefix}{option}={value}: unknown option; {suggest(option, types)}")
            continue
        try:
            schema(component, given)[option] = value
        except OmegaConfBaseException:
            found.append(f"{prefix}{option}={value}: not of type {type_name(types[option])}")
    merged = {**OmegaConf.to_container(schema(component, given)), **section}
    found += [
        f"{prefix}{option}: needs a value of type {type_name(types[option])}"
        for option in types
        if merged[option] == MISSING
    ]
    return found


def options(
    component: Callable[..., Any],
    section: Mapping[str, Any],
    *,
    given: Iterable[str] = (),
    key: str = "",
) -> dict[str, Any]:
    """A section, checked, converted to the types of the signature, its defaults filled in."""
    faults = problems(component, section, given=given, key=key)
    if faults:
        raise ConfigError(faults)
    merged = OmegaConf.merge(schema(component, given), dict(section))
    plain = OmegaConf.to_container(merged, resolve=True)
    assert isinstance(plain, dict)
    return {str(name): value for name, value in plain.items()}


def build(kind: str, section: Mapping[str, Any], *, key: str = "", **given: Any) -> Any:
    """The component that ``section["name"]`` names, from the user's options and the code's."""
    component = find(kind, section["name"])
    chosen = {name: value for name, value in section.items() if name != "name"}
    return component(
        **options(component, chosen, given=get_kind(kind).given, key=key or kind), **given
    )
