"""Which attention stands in which role and layer of a model."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

from omegaconf import OmegaConf

from attn import registry
from attn.contract import OUTSIDE, Capabilities, PositionKind, Role
from attn.registry import ConfigError

Section = Mapping[str, Any]
SECTIONS = ("attention", "attention_elsewhere", *(f"{role.value}_attention" for role in Role))
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
LISTS = {
    Role.ENCODER: "encoder_layers",
    Role.DECODER: "decoder_layers",
    Role.CROSS: "cross_layers",
}


def capabilities(name: str) -> Capabilities:
    """What an attention declares."""
    declared: Capabilities = registry.find("attention", name).capabilities  # type: ignore[attr-defined]
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
        if all(self._is_counted(role) for role in Role):
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
        if self._serves(section["name"], role):
            return "attention", section
        return "attention_elsewhere", self.config["attention_elsewhere"]

    def _serves(self, name: str, role: Role) -> bool:
        return role in self.lacks if name == NONE else role in capabilities(name).roles

    def _able(self, roles: Iterable[Role]) -> str:
        """The attentions that can stand in one of some roles."""
        names = registry.names("attention")
        return ", ".join(one for one in names if any(self._serves(one, role) for role in roles))

    def _idle(self) -> Iterator[str]:
        """Whether the attention of all roles can take none that the model has."""
        name, model = self.config["attention"]["name"], self.config["model"].get("name")
        named = [role for role in self.roles if self.config.get(f"{role.value}_attention")]
        if len(named) == len(self.roles) or any(self._serves(name, role) for role in self.roles):
            return
        roles = " or ".join(role.value for role in self.roles)
        why = f"cannot serve the {roles} role, and model={model} has no other"
        yield (
            f"attention={name}: "
            f"{f'model={model} cannot do without attention' if name == NONE else why}; "
            f"choose one of {self._able(self.roles)}"
        )

    def _role_problems(self, role: Role) -> Iterator[str]:
        chosen = [(key, section) for key, _, section in self._entries(role)]
        own = f"{role.value}_attention"
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
        for key, section in chosen or [self._role(role)]:
            name = section["name"]
            yield from _fits(key, section) if chosen else ()  # other sections are checked already
            if key != "attention" and not self._serves(name, role):
                yield (
                    f"{key}={name}: cannot serve the {role.value} role; "
                    f"choose one of {self._able([role])}"
                )
        yield from self._cover_problems(role)

    def _cover_problems(self, role: Role) -> Iterator[str]:
        taken = [layer for _, layers, _ in self._entries(role) for layer in layers]
        if not taken or not self._is_counted(role):
            return
        count = self._count(role)
        for layer in sorted(set(taken) | set(range(count))):
            times = taken.count(layer)
            if layer >= count:
                yield f"{LISTS[role]}: layer {layer} does not exist; they are 0-{count - 1}"
            elif times != 1:
                often = f"named {times} times" if times else "not named"
                yield f"{LISTS[role]}: layer {layer} is {often}; name each of 0-{count - 1} once"

    def _is_counted(self, role: Role) -> bool:
        """Whether the layers of a role have a number; the model tells that they have none."""
        return type(self._count(role)) is int

    def _count(self, role: Role) -> Any:
        if role not in self.roles:
            return 0
        option = self.roles[role]
        return 1 if option is None else self.config["model"].get(option, 1)

    def _position_problems(self) -> Iterator[str]:
        """Attentions within which the position scheme cannot act, an encoder without order."""
        position = self.config["position"]
        kind = kind_of(position["name"])
        stands = {role: self._self(role) for role in (Role.ENCODER, Role.DECODER)}
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
        if not named and kind not in OUTSIDE:
            yield (
                f"position={position['name']}: acts within self-attention, and "
                f"model={self.config['model'].get('name')} has none; "
                f"choose one of {', '.join(['none', *able])}"
            )
        if kind is not PositionKind.NONE or position.get("allow_bag_of_words"):
            return
        if not stands[Role.ENCODER]:  # read in order, then
            return
        if not any(capabilities(name).order_aware for _, name in stands[Role.ENCODER]):
            yield (
                f"position={position['name']}: the encoder would see a bag of words; choose one of "
                f"{', '.join(able)}, or set position.allow_bag_of_words=true if that is meant"
            )

    def _self(self, role: Role) -> list[tuple[str, str]]:
        """The key and the name of the attention of each layer of a role."""
        return [(key, section["name"]) for key, section in self.layers(role)]

    def _entries(self, role: Role) -> list[tuple[str, list[int], Section]]:
        entries = [
            (f"{LISTS[role]}.{number}", entry)
            for number, entry in enumerate(self.config.get(LISTS[role]) or [])
        ]
        found = [line for key, entry in entries if (line := _malformed(key, entry))]
        if found:
            raise ConfigError(found)
        return [(key, *self._entry(entry)) for key, entry in entries]

    def _entry(self, entry: Section) -> tuple[list[int], Section]:
        first, _, last = str(entry["layers"]).partition("-")
        options = {option: value for option, value in entry.items() if option != "layers"}
        layers = list(range(int(first), int(last or first) + 1))
        return layers, {**self._yaml(entry["name"]), **options}

    def _yaml(self, name: str) -> dict[str, Any]:
        """The section that ``attention=NAME`` would give, sizes taken from this model."""
        file = files("attn.conf").joinpath("attention", f"{name}.yaml")
        if not file.is_file():
            component = registry.find("attention", name)
            own = registry.defaults(component, registry.get_kind("attention").given)
            shared = {"heads": "${model.heads}", "dropout": "${model.attention_dropout}"}
            section: Any = {**own, **{key: shared[key] for key in own if key in shared}}
        else:
            section = OmegaConf.create(file.read_text(encoding="utf-8"))
        whole = OmegaConf.create({"model": dict(self.config["model"]), "section": section})
        plain = OmegaConf.to_container(whole.section, resolve=True)
        assert isinstance(plain, dict)
        return {str(key): value for key, value in plain.items()}


def _malformed(key: str, entry: Any) -> str | None:
    """Why an entry for single layers cannot be read, if so."""
    if not isinstance(entry, Mapping) or not {"layers", "name"} <= set(entry):
        return f"{key}={registry.as_yaml(entry)}: must look like {{layers: 0-2, name: softmax}}"
    if not re.fullmatch(r"\d+(-\d+)?", str(entry["layers"])):
        return f"{key}.layers={entry['layers']}: must look like 3 or 0-2"
    known = registry.names("attention")
    if entry["name"] not in known:
        return f"{key}.name={entry['name']}: unknown; {registry.suggest(str(entry['name']), known)}"
    return None


def _fits(key: str, section: Section) -> Iterator[str]:
    """The faults of a section against the signature of its attention."""
    component = registry.find("attention", section["name"])
    options = {option: value for option, value in section.items() if option != "name"}
    given = registry.get_kind("attention").given
    yield from registry.problems(component, options, given=given, key=key)


def _told(find: Callable[[], Iterable[str]]) -> list[str]:
    """The problems that are found, or those that keep from looking further."""
    try:
        return list(find())
    except ConfigError as error:
        return error.problems
