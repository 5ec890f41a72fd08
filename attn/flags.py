"""The few arguments that have dashes, or no key; all others are ``KEY=VALUE``."""

import dataclasses
from collections.abc import Sequence

from attn.words import suggest

SWITCHES = {
    "-h": "help",
    "--help": "help",
    "-m": "multirun",
    "--multirun": "multirun",
    "--resolve": "resolve",
}
VALUED = {
    "--config-dir": "config_dir",
    "-c": "cfg",
    "--cfg": "cfg",
    "-p": "package",
    "--package": "package",
    "-i": "info",
    "--info": "info",
}
KNOWN = ("-m", "--help", "--config-dir", "--cfg", "--resolve", "--package", "--info")
CHOICES = {
    "cfg": ("job", "hydra", "all"),
    "info": ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
}
POSITIONAL = {
    "list": ("kind", "name"),
    "status": ("runs",),
    "significance": ("first", "second"),
}


@dataclasses.dataclass
class Flags:
    """What the arguments with dashes ask for."""

    help: bool = False
    multirun: bool = False
    resolve: bool = False
    config_dir: str | None = None
    cfg: str | None = None
    package: str | None = None
    info: str | None = None

    @property
    def shows(self) -> bool:
        """Whether something is shown and nothing run."""
        return bool(self.cfg or self.info)


def parse(arguments: Sequence[str]) -> tuple[Flags, list[str], list[str]]:
    """The flags, the other arguments as they are, and a line for each flag that cannot stand."""
    flags, others, problems = Flags(), list[str](), list[str]()
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        flag, equals, value = argument.partition("=")
        if flag in SWITCHES:
            setattr(flags, SWITCHES[flag], True)
            problems += [f"{argument}: takes no value; write {flag}"] if equals else []
        elif flag in VALUED:
            name = VALUED[flag]
            if not equals:
                value = _next(name, waiting)
            problems += _value_problems(flags, flag, value)
            setattr(flags, name, value)
        else:
            others.append(argument)
    return flags, others, problems + _conflicts(flags)


def named(command: str, arguments: Sequence[str]) -> list[str]:
    """The arguments, with their keys before the words that a command takes in order."""
    keys = [
        key
        for key in POSITIONAL.get(command, ())
        if not any(one.startswith(f"{key}=") for one in arguments)
    ]
    return [
        f"{keys.pop(0)}={one}" if keys and "=" not in one and one[:1] not in "-+~" else one
        for one in arguments
    ]


def _next(name: str, waiting: list[str]) -> str:
    """The value of a flag that stands behind it; ``--info`` may do without."""
    follows = bool(waiting) and not waiting[0].startswith("-")
    if name == "info" and not (follows and waiting[0] in CHOICES["info"]):
        return "all"
    return waiting.pop(0) if follows else ""


def _value_problems(flags: Flags, flag: str, value: str) -> list[str]:
    name = VALUED[flag]
    earlier = getattr(flags, name)
    if earlier is not None:
        return [f"{flag}={value}: given twice, before it as {flag}={earlier}"]
    if not value:
        return [f"{flag}: needs a value; write {flag}=VALUE"]
    if name in CHOICES and value not in CHOICES[name]:
        return [f"{flag}={value}: unknown; {suggest(value, CHOICES[name])}"]
    return []


def _conflicts(flags: Flags) -> list[str]:
    found = []
    if flags.multirun and flags.shows:
        found.append("-m: --cfg and --info show one config; leave -m out")
    if flags.cfg and flags.info:
        found.append("--info: shows something else than --cfg; leave one of them out")
    if not flags.cfg:
        wanting = {"--resolve": flags.resolve, "--package": flags.package}
        found += [
            f"{flag}: changes what --cfg shows; add --cfg=job" for flag in wanting if wanting[flag]
        ]
    return found
