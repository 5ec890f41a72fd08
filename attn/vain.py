"""What is set in vain: an option that is given must act somewhere in the model.

Not in every role and layer that its section serves, but in one. In a sweep, one job is enough. What
a preset or an experiment sets is not given: its parts may be swapped under it.
"""

from attn import registry
from attn.assemble import Config
from attn.checking import defaults
from attn.contract import Role
from attn.entries import reads
from attn.roles import NONE, SECTIONS, Roles, capabilities, kind_of

FOR_ATTENTIONS = ("heads", "attention_dropout")  # options of a model that only these take


def unused(config: Config) -> dict[str, str]:
    """Sections of attentions that no layer takes, options that act nowhere, by key, and why."""
    return {**_unused_sections(config), **_unused_options(config)}


def _unused_sections(config: Config) -> dict[str, str]:
    roles, name = Roles(config), config["attention"]["name"]
    stand = {role: {key for key, _ in roles.layers(role)} for role in roles.roles}
    taken = {key for keys in stand.values() for key in keys}
    why = dict.fromkeys(SECTIONS, "no layer takes it; every one has an attention of its own")
    others = [role.value for role in stand if "attention_elsewhere" in stand[role]]
    if others:
        served = f"{' or '.join(others)} role"
        own = "" if len(others) == len(stand) else "; every other has an attention of its own"
        why["attention"] = f"no layer takes it; attention={name} cannot serve the {served}{own}"
    if "attention" in taken:
        every = all(roles.serves(name, role) for role in stand)
        which = "every role" if every else "every role that has no attention of its own"
        why["attention_elsewhere"] = f"no layer takes it; attention={name} serves {which}"
    return {key: reason for key, reason in why.items() if key not in taken}


def _unused_options(config: Config) -> dict[str, str]:
    """Options of the model and of attentions that act in no layer, by key, and why."""
    roles, kind = Roles(config), kind_of(config["position"]["name"])
    stand = [(role, *one) for role in roles.roles for one in roles.readable(role)]
    found = {
        f"model.{option}": f"no attention takes it ({roles.summary()})"
        for option in FOR_ATTENTIONS
        if config["model"].get(option)  # no dropout is none, whoever takes it
        and not any(reads(section["name"], option) for _, _, section in stand)
    }
    found |= _idle_in_model(config, roles)
    for key, section in {key: section for _, key, section in stand}.items():
        places = [role for role, other, _ in stand if other == key]
        default = defaults("attention", section)
        for only in capabilities(section["name"]).only:
            acts = kind in only.positions and only.roles & {*places}
            if not acts and section.get(only.option) not in (None, default[only.option]):
                found[f"{key}.{only.option}"] = f"acts within {only.where} alone"
    return found


def _idle_in_model(config: Config, roles: Roles) -> dict[str, str]:
    """What the model itself declares to act nowhere."""
    model = config["model"]
    declared = getattr(registry.find("model", model["name"]), "idle", None)
    if declared is None:
        return {}
    attends = any(section["name"] != NONE for _, section in roles.layers(Role.CROSS))
    found: dict[str, str] = declared(model, attends=attends)
    return {f"model.{option}": why for option, why in found.items()}
