"""What is wrong with a config, all of it, before anything of size is made."""

import contextlib
import copy
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from omegaconf import MISSING
from torch import nn

from attn import machine, registry
from attn.assemble import FIXED, SECTIONS, Config, Mixers, model, part, schedule
from attn.contract import OUTSIDE, Attention, Role
from attn.registry import ConfigError
from attn.roles import LISTS, MOST, NONE, Roles, capabilities
from attn.roles import SECTIONS as ATTENTIONS
from attn.shapes import shapes_alone

KINDS = SECTIONS | {f"{role.value}_attention": "attention" for role in Role}
KINDS["attention_elsewhere"] = "attention"
FEW = 2  # numbers up to which stand in many a rule
SIZE = 16  # of a vocabulary, where only the shapes of a model are checked
SEEDS = 2**63  # what torch takes
MANY = 10**9  # steps, of which no schedule complains


def problems(config: Config) -> list[str]:
    """Everything that is wrong with a training config, one line each; makes no tensor of size."""
    parts = list(_part_problems(config))
    if not parts:
        parts = [
            *_every_fault(_fits_batches, config),
            *machine.problems(config),
            *coverage_problems(config),
        ]
    return [*_section_problems(config), *parts]


def model_problems(config: Config) -> list[str]:
    """Everything that keeps a trained model from being built, one line each; makes no tensor."""
    found = [
        *_parts_problems(config, ("tokenizer", "target_tokenizer")),
        *_every_fault(lambda one: part(one, "batches"), config),
        *_part_problems(config),
    ]
    return found or _every_fault(_fits_batches, config)


def step_problems(config: Config, option: str, longest: int) -> list[str]:
    """Everything that keeps a model of a config from steps of training; makes no tensor of size.

    ``option`` is the one that sets the length of the ``longest`` sentence, its end included.
    """
    parts = list(_part_problems(config))
    if not parts:
        parts = [
            *_every_fault(lambda one: _fits(one, option, longest), config),
            *machine.kernel_problems(config),
        ]
    for key in ("loss", "precision"):
        parts += _every_fault(lambda one, key=key: part(one, key), config)  # type: ignore[misc]
    return [*parts, *_every_fault(_optimizer, config)]


def use_problems(search_section: Config | None, precision_section: Config) -> list[str]:
    """Everything wrong with how a trained model is to be used, one line each."""
    precision = _every_fault(lambda one: part(one, "precision"), {"precision": precision_section})
    if not search_section:
        return precision
    config = {"search": search_section}
    return [*_every_fault(lambda one: part(one, "search", "search"), config), *precision]


def coverage_problems(config: Config) -> Iterator[str]:
    """Searches that ask where a model looked, which does not look at its source."""
    layers = Roles(config).layers(Role.CROSS)
    if any(section["name"] != NONE for _, section in layers):
        return
    for key in ("search", "validation_search"):
        section = config.get(key) or {}
        for name, asked in ((key, section), (f"{key}.candidates", section.get("candidates") or {})):
            if beta := asked.get("coverage_penalty"):
                yield f"{name}.coverage_penalty={beta}: this model has no attention to the source"


def seed_problems(config: Config) -> list[str]:
    """Why nothing can be drawn with the seed of a config, if so."""
    if 0 <= config["seed"] < SEEDS:
        return []
    return [f"seed={config['seed']}: must be at least 0 and below 2**63"]


def is_count(value: Any) -> bool:
    """Whether a value is a whole number from 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _section_problems(config: Config) -> Iterator[str]:
    for key in FIXED:
        yield from _every_fault(lambda one, key=key: part(one, key), config)  # type: ignore[misc]
    yield from _parts_problems(config, SECTIONS)
    steps, dim = config["trainer"].get("steps"), config["model"].get("dim", 1)
    sound = type(steps) is type(dim) is int  # else that is told of by itself
    sizes = {} if sound else {"trainer": {"steps": MANY}, "model": {}}
    yield from _every_fault(schedule, {**config, **sizes})
    yield from _every_fault(_optimizer, config)


def _optimizer(config: Config) -> None:
    part(config, "optimizer", "optimizer", parameters=[nn.Parameter(torch.zeros(1))])


def _parts_problems(config: Config, sections: Iterable[str]) -> Iterator[str]:
    """What is wrong with some sections, but for places that are left empty."""
    for key in sections:
        if config.get(key) is not None:
            yield from _every_fault(
                lambda one, key=key: part(one, key, SECTIONS[key]),  # type: ignore[misc]
                config,
            )


def _part_problems(config: Config) -> Iterator[str]:
    """What is wrong with the parts of the model, seen by themselves."""
    wrong = [
        line
        for key in ("model", "position")
        for line in _trial(lambda key=key: _checked(config, key))  # type: ignore[misc]
    ]
    yield from wrong
    misplaced = _trial(lambda: Roles(config).check())
    yield from misplaced
    if misplaced and not wrong:
        yield from (line for line in mixer_problems(config) if line not in misplaced)
    for option, count in config["model"].items():
        if option.endswith("_layers") and isinstance(count, int) and count > MOST:
            yield f"model.{option}={count}: must be at most {MOST}"


def mixer_problems(config: Config, roles: Iterable[Role] = tuple(Role)) -> list[str]:
    """Everything that keeps the attentions of some roles from standing there; makes no tensor."""
    misplaced = _trial(lambda: Roles(config).check())
    alone = _every_fault(lambda one: _each_alone(one, roles), config)
    return list(dict.fromkeys([*misplaced, *alone]))


def _each_alone(config: Config, roles: Iterable[Role]) -> None:
    """Make the attentions by themselves; where one has no place, in a role that it serves."""
    mixers, dim = Mixers(config), config["model"].get("dim")
    stands = [(role, *one) for role in roles for one in mixers.roles.readable(role)] if dim else []
    with shapes_alone(), contextlib.suppress(RuntimeError):  # of sizes, told elsewhere
        if dim:
            mixers.position(dim)
        for role, key, section in stands:
            if section["name"] == NONE:
                continue
            able = capabilities(section["name"])
            if role not in able.roles:
                mixers.placed(key, section, min(able.roles), dim, within=False)
            else:
                within = role is not Role.CROSS and mixers.kind in able.positions - OUTSIDE
                mixers.placed(key, section, role, dim, within=within)


def _checked(config: Config, key: str) -> None:
    component = registry.find(key, config[key]["name"])
    options = {name: value for name, value in config[key].items() if name != "name"}
    registry.options(component, options, given=registry.get_kind(key).given, key=key)


def _fits_batches(config: Config) -> None:
    """Build a model without tensors, with room for the longest sentence and its end."""
    _fits(config, "batches.max_length", part(config, "batches").max_length, end=1)


def _fits(config: Config, option: str, longest: int, *, end: int = 0) -> None:
    """Build a model without tensors, with room for ``longest`` tokens, as an option has it.

    Tokens that it does not count, at the ``end``, need room too.
    """
    try:
        with shapes_alone():
            built = model(config, source_size=SIZE, target_size=SIZE)
    except RuntimeError as error:
        name, size = _largest(config)
        raise ConfigError([f"{name}={size}: too large for a tensor ({error})"]) from None
    limit = "below" if end else "at most"
    short = {
        f"{option}={longest}: must be {limit} the {room} positions that {which} knows": None
        for which, room in _rooms(config, built)
        if room < longest + end
    }
    if short:
        raise ConfigError(list(short))


def _rooms(config: Config, built: nn.Module) -> Iterator[tuple[str, int]]:
    """What of a model knows only so many positions, and how many."""
    if (room := getattr(built, "room", None)) is not None:
        yield f"position={config['position']['name']}", room
    for role in Role:
        stand = [one for one in built.modules() if isinstance(one, Attention) and one.role is role]
        named = [one for one in Roles(config).layers(role) if one[1]["name"] != NONE]
        for attention, (key, section) in zip(stand, named, strict=True):
            if (room := getattr(attention, "room", None)) is not None:
                yield f"{key}={section['name']}", room


def _largest(config: Config) -> tuple[str, int]:
    """The largest size of a model, and its option."""
    sizes = {
        f"{key}.{option}": size
        for key in ("model", "position", *ATTENTIONS)
        for option, size in (config.get(key) or {}).items()
        if isinstance(size, int)
    }
    return max(sizes.items(), key=lambda size: size[1])


def _every_fault(build: Callable[[Config], Any], config: Config) -> list[str]:
    """All that is built in vain for: a constructor tells one fault, so each is mended in turn.

    An option that was complained of takes its default; what is wrong with that is not the user's,
    nor is a complaint that names it.
    """
    changed = copy.deepcopy(dict(config))
    found: list[str] = []
    mended: dict[str, Any] = {}
    while lines := _trial(lambda: build(changed)):
        options = {line.partition("=")[0] for line in lines}
        if options & set(mended):
            break
        found += [line for line in lines if not _names_default(line, mended)]
        now = {option: _mend(changed, option) for option in options}
        mended |= {option: default for option, default in now.items() if default != MISSING}
        if not options & set(mended):
            break
    return found


def _names_default(line: str, mended: dict[str, Any]) -> bool:
    """Whether a complaint is about what an option was mended to, which nobody gave."""
    reason = line.partition(": ")[2]
    for option, default in mended.items():
        named = f"{option.rpartition('.')[2]}={registry.as_yaml(default)}"
        number = isinstance(default, (int, float)) and default > FEW
        told = f"(?:{re.escape(named)}{f'|{default}' if number else ''})"
        if re.search(rf"(?<![\w.-]){told}(?![\w.])", reason):
            return True
    return False


def _mend(config: dict[str, Any], option: str) -> Any:
    """Give an option its default, in place, and tell it; ``???`` where there is none."""
    key, _, name = option.rpartition(".")
    head, _, number = key.partition(".")
    section: Any = config.get(head)
    if head in LISTS.values() and section and number.isdecimal():
        section, head = section[int(number)], "attention"
    elif number or name == "root":  # what another folder lacks is nobody's fault
        return MISSING
    default = defaults(head, section).get(name, MISSING)
    if default != MISSING:
        section[name] = default
    return default


def newer_options(config: Config) -> list[str]:
    """The options that an older run's config lacks, with the defaults that they take."""
    return [
        f"{key}.{option}={registry.as_yaml(default)}"
        for key, section in {**{key: {} for key in FIXED}, **config}.items()
        for option, default in defaults(key, section).items()
        if option not in section
    ]


def defaults(key: str, section: Any) -> dict[str, Any]:
    """The options of a section and their defaults; none of what is no section, or unknown."""
    if not isinstance(section, dict):
        return {}
    if key in FIXED:
        return registry.defaults(FIXED[key])
    kind = KINDS.get(key, key)
    if kind not in registry.kinds() or section.get("name") not in registry.names(kind):
        return {}
    component = registry.find(kind, section["name"])
    return registry.defaults(component, registry.get_kind(kind).given)


def _trial(build: Callable[[], Any]) -> list[str]:
    try:
        build()
    except ConfigError as error:
        return error.problems
    return []
