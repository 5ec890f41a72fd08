"""Components by name: the signature of a registered class is the schema of its config section.

A *kind* (``attention``, ``tokenizer``, ...) is declared once, with the parameters that code gives
to every component of that kind; all other parameters of a constructor are options of the user.
"""

import copy
import dataclasses
import functools
import importlib
import inspect
import math
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeVar, get_args, get_origin

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from attn.words import suggest as suggest

Component = TypeVar("Component", bound=Callable[..., Any])
LARGEST = 2**63 - 1


class ConfigError(Exception):
    """The input is wrong: every problem found, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(list(problems))
        self.problems = list(problems)

    def __str__(self) -> str:
        """The problems, one a line."""
        return "\n".join(self.problems)


class RunError(Exception):
    """A run cannot go on; the message says why and what helps, to the user who never saw code."""


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


def option_types(component: Callable[..., Any], given: Iterable[str] = ()) -> dict[str, Any]:
    """The options of a component and their annotated types, in the order of its signature."""
    return {
        p.name: p.annotation
        for p in inspect.signature(component, eval_str=True).parameters.values()
        if p.name not in given
    }


def schema(component: Callable[..., Any], given: Iterable[str] = ()) -> DictConfig:
    """The signature as an OmegaConf structured config: names, types and defaults of the options."""
    return copy.deepcopy(_schema(component, frozenset(given)))


@functools.cache
def _schema(component: Callable[..., Any], given: frozenset[str]) -> DictConfig:
    parameters = inspect.signature(component).parameters
    fields: list[tuple[str, Any, Any]] = []
    for name, annotation in option_types(component, given).items():
        default = parameters[name].default
        value = MISSING if default is inspect.Parameter.empty else default
        copied = functools.partial(copy.copy, list(value) if isinstance(value, tuple) else value)
        fields.append((name, annotation, dataclasses.field(default_factory=copied)))
    options = dataclasses.make_dataclass("Options", fields, kw_only=True)
    structured: DictConfig = OmegaConf.structured(options)
    return structured


def defaults(component: Callable[..., Any], given: Iterable[str] = ()) -> dict[str, Any]:
    """The options of a component and their defaults; ``???`` where there is none."""
    return copy.deepcopy(_defaults(component, frozenset(given)))


@functools.cache
def _defaults(component: Callable[..., Any], given: frozenset[str]) -> dict[str, Any]:
    return _plain(schema(component, given))


def _plain(section: Mapping[str, Any]) -> dict[str, Any]:
    """A section as a plain dictionary, its interpolations resolved."""
    if not isinstance(section, DictConfig):
        return dict(section)
    plain = OmegaConf.to_container(section, resolve=True)
    assert isinstance(plain, dict)
    return {str(name): value for name, value in plain.items()}


def type_name(annotation: Any) -> str:
    """A type as it is written in a signature."""
    plain = inspect.isclass(annotation) and get_origin(annotation) is None
    return annotation.__name__ if plain else str(annotation)


def problems(
    component: Callable[..., Any],
    section: Mapping[str, Any],
    *,
    given: Iterable[str] = (),
    key: str = "",
) -> list[str]:
    """Every fault of a section against the signature of a component, one line each."""
    return _accept(component, section, given, key)[1]


def _accept(
    component: Callable[..., Any], section: Mapping[str, Any], given: Iterable[str], key: str
) -> tuple[DictConfig, list[str]]:
    """What the schema takes of a section, and a line for each fault."""
    types, accepted = option_types(component, given), schema(component, given)
    prefix = f"{key}." if key else ""
    found = []
    for option, value in _plain(section).items():
        written = f"{prefix}{option}={as_yaml(value)}"
        if option not in types:
            found.append(f"{written}: unknown option; {suggest(option, types)}")
            continue
        fault = _number_fault(value) or _set(accepted, option, value, types[option])
        if fault:
            found.append(f"{written}: {fault}")
    found += [
        f"{prefix}{option}: needs a value of type {type_name(types[option])}; "
        f"write {prefix}{option}=VALUE"
        for option in types
        if OmegaConf.is_missing(accepted, option)
    ]
    return accepted, found


def _is_one_of_many(value: Any, annotation: Any) -> bool:
    """Whether one plain value stands where a list of them may; it is a list of one."""
    kinds = (annotation, *get_args(annotation))
    return isinstance(value, (str, int, float)) and any(get_origin(k) is list for k in kinds)


def _set(accepted: DictConfig, option: str, value: Any, annotation: Any) -> str | None:
    """Give an option its value; why not, if the value is not of its type."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        if not (number and annotation in {bool, bool | None}):  # omegaconf takes 5 for true
            accepted[option] = [value] if _is_one_of_many(value, annotation) else value
            taken = None if OmegaConf.is_missing(accepted, option) else accepted[option]
            return _number_fault(taken)  # 'nan' is text until it is taken for a number
    except OmegaConfBaseException:
        pass
    return f"not of type {type_name(annotation)}"


def _number_fault(value: Any) -> str | None:
    """What no option can use: infinities, what is not a number, integers of more than 64 bits."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return next(filter(None, map(_number_fault, value)), None)
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number"
    if isinstance(value, int) and abs(value) > LARGEST:
        return "must be within the 64 bits of an integer"
    return None


def as_yaml(value: Any) -> str:
    """A value on one line, as it is written in YAML and on the command line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}: {as_yaml(v)}' for name, v in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(as_yaml, value))}]"
    return str(value) or "''"


def options(
    component: Callable[..., Any],
    section: Mapping[str, Any],
    *,
    given: Iterable[str] = (),
    key: str = "",
) -> dict[str, Any]:
    """A section, checked, converted to the types of the signature, its defaults filled in."""
    accepted, faults = _accept(component, section, given, key)
    if faults:
        raise ConfigError(faults)
    return _plain(accepted)


def build(kind: str, section: Mapping[str, Any], *, key: str = "", **given: Any) -> Any:
    """The component that ``section["name"]`` names, from the user's options and the code's."""
    component = find(kind, section["name"])
    chosen = {option: value for option, value in _plain(section).items() if option != "name"}
    accepted = options(component, chosen, given=get_kind(kind).given, key=key or kind)
    return component(**accepted, **_asked_for(component, given))


def _asked_for(component: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What code gives, without what the signature does not ask for."""
    parameters = inspect.signature(component).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return dict(given)
    return {p.name: given[p.name] for p in parameters if p.name in given}
