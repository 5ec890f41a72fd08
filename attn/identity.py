"""Whether two configs train the same model: what counts, its hash, and in what two differ."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from attn import checking
from attn.registry import as_yaml
from attn.roles import LISTS, SECTIONS, Roles

Config = Mapping[str, Any]
OF_SWEEPS = {"sweep", "match", "tuned", "fail_fast"}  # sections of no run
# What may differ between two runs of one identity: it does not change the trained model.
APART = OF_SWEEPS | {
    "seed",
    "output",
    "study",
    "plugins",
    "search",
    "validation_search",
    "scoring",
    "dataset",
    "filters",
    "precision",
}
LENGTH_AND_WATCHING = {
    "steps",
    "minutes",
    "log_every",
    "evaluate_every",
    "keep_best",
    "keep_last",
    "samples",
    "metric",
    "patience",
    "max_skipped",
    "compile",
    "checkpoint_activations",
}
OWN = {"trainer": LENGTH_AND_WATCHING, "batches": {"ahead"}}


def of(config: Config, *, data: str, number_format: str, needs_steps: bool) -> str:
    """Eight digits that two runs share if and only if they train the same model but for the seed.

    The content of the data counts, not where it lies; the length of training only where the
    schedule's shape depends on it, so that a longer run continues a shorter one. An option that
    has its default does not count: so a program with more options finds the runs of an older one.
    """
    marks: dict[str, Any] = {"data": data, "format": number_format}
    if needs_steps:
        marks["steps"] = config["trainer"]["steps"]
    text = json.dumps(_spelled([counted(config), marks]), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def of_one(config: Config) -> dict[str, Any]:
    """The config of one run: what is of sweeps left out."""
    return {key: value for key, value in config.items() if key not in OF_SWEEPS}


def _spelled(value: Any) -> Any:
    """The same value with whole numbers as such: 1.0 and 1 are one number."""
    if isinstance(value, Mapping):
        return {key: _spelled(inside) for key, inside in value.items()}
    if isinstance(value, (list, tuple)):
        return [_spelled(inside) for inside in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def counted(config: Config) -> dict[str, Any]:
    """What a config says of the trained model, without what is default or has no place in it."""
    attentions = {*SECTIONS, *LISTS.values()}
    sections = {key: value for key, value in config.items() if key not in APART | attentions}
    sections |= _attentions(config)
    found = {key: _chosen(key, section) for key, section in sections.items()}
    return {key: section for key, section in found.items() if section not in ({}, [], None)}


def _attentions(config: Config) -> dict[str, Any]:
    """The attention of each layer, by role: however it was chosen, and no other."""
    roles = Roles(config)
    return {
        f"{role.value}_attention.{layer}": section
        for role in roles.roles
        for layer, (_, section) in enumerate(roles.layers(role))
    }


def _chosen(key: str, section: Any) -> Any:
    """The options of a section that are not as they would be by themselves."""
    if not isinstance(section, Mapping):
        return section
    name = key.partition(".")[0]
    own, defaults = OWN.get(name, set()), checking.defaults(name, section)
    return {
        option: value
        for option, value in section.items()
        if option not in own and not (option in defaults and defaults[option] == value)
    }


def differences(then: Config, now: Config) -> list[str]:
    """The options that changed between two configs, as ``model.dim=8, now 16``."""
    one, other = (dict(flat(counted(config))) for config in (then, now))
    return [
        f"{key}={_told(then, one, key)}, now {_told(now, other, key)}"
        for key in {**one, **other}
        if one.get(key) != other.get(key)
    ]


def _told(config: Config, flat: Config, key: str) -> str:
    """The value of an option that is not default, else its default as that config has it."""
    if key in flat:
        return as_yaml(flat[key])
    section, _, option = key.rpartition(".")
    whole = {**config, **_attentions(config)}.get(section)
    return as_yaml(whole[option]) if isinstance(whole, Mapping) and option in whole else "absent"


def flat(section: Config, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The options of nested sections, by dotted key."""
    for key, value in section.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
