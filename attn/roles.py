"""Which attention stands in which role and layer of a model."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from attn import entries, registry
from attn.contract import OUTSIDE, Capabilities, PositionKind, Role
from attn.registry import ConfigError
from attn.words import span

Section = Mapping[str, Any]
SECTIONS = ("attention", "attention_elsewhere", *(f"{role.value}_attention" for role in Role))
SELF = (Role.ENCODER, Role.DECODER)  # the roles of self-attention
NONE = "none"  # in place of an attention, where a model can do without
USUAL: Mapping[Role, str | None] = {
    Role.ENCODER: "encoder_layers",
    Role.DECODER: "decoder_layers",
    Role.CROSS: "decoder_layers",
}
STANDS = {
    Role.ENCODER: "self-attention in its encoder",
    Role.DECODER: "self-attention in its decoder",
    Role.CROSS: "attention to the source",
}
MOST = 1000  # layers; a model is built to be checked
NAMED = 4  # attentions in the name of a run's folder
LISTS = {
    Role.ENCODER: "encoder_layers",
    Role.DECODER: "decoder_layers",
    Role.CROSS: "cross_layers",
}


def capabilities(name: str) -> Capabilities:
    """What an attention declares; of kernels nothing, where no option chooses among them."""
    component = registry.find("attention", name)
    declared: Capabilities = component.capabilities  # type: ignore[attr-defined]
    if declared.kernels and "kernel" not in registry.option_types(component):
        return dataclasses.replace(declared, kernels=())
    return declared


def made_names() -> list[str]:
    """The names of all attentions that can stand somewhere: all but ``none``."""
    return [name for name in registry.names("attention") if capabilities(name).roles]


def kind_of(position: str) -> PositionKind:
    """How a position scheme enters the model."""
    kind: PositionKind = registry.find("position", position).kind  # type: ignore[attr-defined]
    return kind


def roles_of(model: Section) -> Mapping[Role, str | None]:
    """The roles of a model, and the option that counts their layers; None: there is but one."""
    declared: Mapping[Role, str | None] = getattr(_model(model), "roles", USUAL)
    return declared


def can_lack(model: Section) -> frozenset[Role]:
    """The roles in which a model can do without attention."""
    declared: frozenset[Role] = getattr(_model(model), "can_lack", frozenset())
    return declared


def _model(section: Section) -> Any:
    """The component of a model; of one that is unknown, nothing, for that is told elsewhere."""
    return registry.get_kind("model").components.get(section.get("name", ""))


class Roles:
    """The sections of a config's attentions by role and layer.

    ``attention`` takes every role that it serves, ``attention_elsewhere`` the others; a role named
    itself (``encoder_attention``, ...) and the lists for single layers come before both.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.roles, self.lacks = roles_of(config["model"]), can_lack(config["model"])

    def layers(self, role: Role) -> list[tuple[str, Section]]:
        """The key and the section of the attention of each layer, from the first on."""
        return [self.section(role, layer) for layer in range(self._count(role))]

    def section(self, role: Role, layer: int) -> tuple[str, Section]:
        """The config key and the section of one layer's attention."""
        named = [(key, one) for key, layers, one in self._entries(role) if layer in layers]
        return named[0] if named else self._role(role)

    def readable(self, role: Role) -> list[tuple[str, Section]]:
        """The key and the section of each attention of a role, as far as they can be read."""
        found = [(key, section) for key, _, section in self._sound(role)]
        if role in self.roles and not self._given(role):
            with contextlib.suppress(ConfigError):
                found = [self._role(role)]
        known = registry.names("attention")
        return [(key, section) for key, section in found if section["name"] in known]

    def label(self) -> str:
        """Who stands there, in a word: the one that serves what it can, else all that do."""
        stand = [one for role in self.roles for one in self.layers(role)]
        if "attention" in dict(stand) or not stand:
            return str(self.config["attention"]["name"])
        names = list(dict.fromkeys(section["name"] for _, section in stand))
        return "_".join([*names[:NAMED], *(["more"] if len(names) > NAMED else [])])

    def summary(self) -> str:
        """Who stands where, in words."""
        said = []
        for role in self.roles:
            names = [section["name"] for _, section in self.layers(role)]
            kinds = names[:1] if len(set(names)) == 1 else names
            said.append(f"{role.value} {' '.join(kinds)}")
        return ", ".join(said)

    def check(self) -> None:
        """Find what cannot be built.

        Raises:
            ConfigError: unknown names and options, roles that an attention cannot serve, layers
                left out or taken twice, an encoder without order; all of it, a line each.
        """
        found = [line for key in SECTIONS for line in self._section_problems(key)]
        for role in Role:
            found += _told(lambda role=role: self._role_problems(role))  # type: ignore[misc]
        found += _told(self._idle)
        found += _told(self._position_problems)
        if found:
            raise ConfigError(list(dict.fromkeys(found)))

    def _section_problems(self, key: str) -> Iterator[str]:
        """What is wrong with a section, whether it stands in a role or not."""
        section = self.config.get(key)
        if section:
            yield from _told(lambda: _fits(key, section))

    def _role(self, role: Role) -> tuple[str, Section]:
        own = f"{role.value}_attention"
        if self.config.get(own):
            return own, self.config[own]
        section = self.config["attention"]
        if self.serves(section["name"], role):
            return "attention", section
        return "attention_elsewhere", self.config["attention_elsewhere"]

    def serves(self, name: str, role: Role) -> bool:
        """Whether an attention can stand in a role of this model."""
        return role in self.lacks if name == NONE else role in capabilities(name).roles

    def _able(self, roles: Iterable[Role]) -> str:
        """The attentions that can stand in one of some roles."""
        names = registry.names("attention")
        return ", ".join(one for one in names if any(self.serves(one, role) for role in roles))

    def _idle(self) -> Iterator[str]:
        """Whether the attention of all roles can take none that the model has."""
        name, model = self.config["attention"]["name"], self.config["model"].get("name")
        named = [role for role in self.roles if self.config.get(f"{role.value}_attention")]
        if len(named) == len(self.roles) or any(self.serves(name, role) for role in self.roles):
            return
        roles = " or ".join(role.value for role in self.roles)
        why = f"cannot serve the {roles} role, and model={model} has no other"
        yield (
            f"attention={name}: "
            f"{f'model={model} cannot do without attention' if name == NONE else why}; "
            f"choose one of {self._able(self.roles)}"
        )

    def _role_problems(self, role: Role) -> Iterator[str]:
        own, chosen = f"{role.value}_attention", self._given(role)
        if role not in self.roles:
            given = [LISTS[role]] if chosen else []
            given += [f"{own}={self.config[own]['name']}"] if self.config.get(own) else []
            model = self.config["model"].get("name")
            yield from (
                f"{one}: model={model} has no {STANDS[role]}; leave it out" for one in given
            )
            return
        if chosen and self.config.get(own):
            yield f"{own}={self.config[own]['name']}: {LISTS[role]} names every layer; drop one"
        for key, entry in chosen:
            yield from entries.faults(key, entry)
        for key, section in self.readable(role):
            name = section["name"]
            yield from _fits(key, section) if chosen else ()  # other sections are checked already
            if key != "attention" and not self.serves(name, role):
                yield (
                    f"{key}={name}: cannot serve the {role.value} role; "
                    f"choose one of {self._able([role])}"
                )
        yield from self._cover_problems(role)

    def _cover_problems(self, role: Role) -> Iterator[str]:
        """Layers that no entry names, or several, or that there are not; a fault each."""
        given = [entries.layers(entry) for _, entry in self._given(role)]
        count = self._count(role)
        if not given or type(count) is not int:  # the model tells that it is no number
            return
        named, those = [layers for layers in given if layers], span(count)
        for layer in range(min(count, MOST)):
            times = sum(layer in layers for layers in named)
            if times > 1 or (not times and all(given)):
                often = f"named {times} times" if times else "not named"
                yield f"{LISTS[role]}: layer {layer} is {often}; name each of {those} once"
        for layers in named:
            if layers[-1] >= count:
                beyond = max(layers[0], count)
                yield f"{LISTS[role]}: layer {beyond} does not exist; choose one of {those}"

    def _count(self, role: Role) -> Any:
        if role not in self.roles:
            return 0
        option = self.roles[role]
        return 1 if option is None else self.config["model"].get(option, 1)

    def _position_problems(self) -> Iterator[str]:
        """Attentions within which the position scheme cannot act, an encoder without order."""
        position = self.config["position"]
        kind = kind_of(position["name"])
        stands = {role: self._self(role) for role in SELF}
        named = [each for role in stands for each in stands[role]]
        taken = frozenset.intersection(
            frozenset(PositionKind) if named else OUTSIDE,
            *(capabilities(name).positions for _, name in named),
        )
        able = [n for n in registry.names("position") if kind_of(n) in taken and n != "none"]
        for key, name in dict.fromkeys(named):
            if kind not in capabilities(name).positions:
                yield (
                    f"position={position['name']}: cannot act within {key}={name}; "
                    f"choose one of {', '.join(able)}"
                )
        if not set(SELF) & set(self.roles) and kind not in OUTSIDE:
            yield (
                f"position={position['name']}: acts within self-attention, and "
                f"model={self.config['model'].get('name')} has none; "
                f"choose one of {', '.join(['none', *able])}"
            )
        if kind is not PositionKind.NONE or position.get("allow_bag_of_words"):
            return
        given, readable = self._given(Role.ENCODER), stands[Role.ENCODER]
        if not readable or 0 < len(readable) < len(given):  # read in order, or nobody knows how
            return
        if not any(capabilities(name).order_aware for _, name in stands[Role.ENCODER]):
            yield (
                f"position={position['name']}: the encoder would see a bag of words; choose one of "
                f"{', '.join(able)}, or set position.allow_bag_of_words=true if that is meant"
            )

    def _self(self, role: Role) -> list[tuple[str, str]]:
        """The key and the name of each attention of a role that can be read."""
        return [(key, section["name"]) for key, section in self.readable(role)]

    def _entries(self, role: Role) -> list[tuple[str, range, Section]]:
        """The key, the layers and the section of each entry for single layers."""
        if found := [line for one in self._given(role) for line in entries.faults(*one)]:
            raise ConfigError(found)
        return self._sound(role)

    def _given(self, role: Role) -> list[tuple[str, Any]]:
        listed = enumerate(self.config.get(LISTS[role]) or [])
        return [(f"{LISTS[role]}.{number}", entry) for number, entry in listed]

    def _sound(self, role: Role) -> list[tuple[str, range, Section]]:
        """The entries that can be read."""
        return [
            (key, entries.layers(entry) or range(0), entries.section(entry, self.config["model"]))
            for key, entry in self._given(role)
            if not list(entries.faults(key, entry))
        ]


def _fits(key: str, section: Section) -> Iterator[str]:
    """The faults of a section against the signature of its attention."""
    component = registry.find("attention", section["name"])
    options = {option: value for option, value in section.items() if option != "name"}
    given = registry.get_kind("attention").given
    yield from registry.problems(component, options, given=given, key=key)


def _told(find: Callable[[], Iterable[str]]) -> list[str]:
    """The problems that are found, those that keep from looking further last."""
    found: list[str] = []
    try:
        found.extend(find())
    except ConfigError as error:
        found += error.problems
    return found
