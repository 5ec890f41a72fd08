"""What ``--help`` says, read from the command modules' source and the YAML files as text.

No command is imported for it, and so neither torch nor Hydra.
"""

import ast
import dataclasses
import importlib.util
import pkgutil
import re
import textwrap
from collections.abc import Iterable, Iterator
from importlib.resources import files

import attn
import attn.commands
from attn import flags, shells
from attn.words import suggest

WIDTH = 98
SERIES = 5  # names that begin alike are shown as one from this many on
MORE = """\
attn COMMAND --help shows a command's options and flags; attn list GROUP shows what each name of a
group is, and attn list GROUP NAME its options. -m runs every combination of values with commas;
--cfg job prints the config and runs nothing. --config-dir FOLDER finds YAML files of your own,
FOLDER/GROUP/NAME.yaml, as GROUP=NAME; plugins=[MODULE] imports parts of your own, from the current
folder or Python's path: their options are those of their signatures."""
PICKS = "groups, each with its default name; attn list GROUP NAME shows the options of one"
SWEEP = ("-m", "run every combination of the values that are parted by commas")
SHOW = ("--cfg job", "print the composed config, and run nothing")
SHOWS = (
    ("--cfg job --resolve", "the same, every ${reference} replaced by what it stands for"),
    ("--cfg job -p SECTION", "of it one section, e.g. -p precision"),
    ("--info", "show what the config is composed of, and run nothing"),
    (
        "--config-dir FOLDER",
        "look for YAML files of your own too: FOLDER/GROUP/NAME.yaml is GROUP=NAME",
    ),
)
PARENT = re.compile(r"  - (?P<command>(?!shell\b)[a-z]\w*)(\s+# (?P<comment>.*))?\n")
DEFAULT = re.compile(
    r"  - (?P<group>[\w/]+)(@(?P<package>\w+))?: (?P<choice>\S+)(\s+# (?P<comment>.*))?"
)


@dataclasses.dataclass(frozen=True)
class Command:
    """What a command's module says of itself."""

    name: str
    purpose: str
    examples: tuple[str, ...]


def commands() -> dict[str, Command]:
    """The commands, by name: the modules that say what they are for."""
    modules = sorted(module.name for module in pkgutil.iter_modules(attn.commands.__path__))
    said = {name: _said(name) for name in modules}
    return {
        name: Command(name, words["PURPOSE"], tuple(words["EXAMPLES"].strip().splitlines()))
        for name, words in said.items()
        if "PURPOSE" in words
    }


def groups() -> dict[str, list[str]]:
    """The groups of packaged YAML files, and the names in each."""
    found = {}
    for folder in files("attn.conf").iterdir():
        if folder.is_dir():
            stems = (entry.name.rpartition(".yaml")[0] for entry in folder.iterdir())
            found[folder.name] = sorted(filter(None, stems))
    return {name: found[name] for name in sorted(found) if found[name]}


def places(command: str) -> dict[str, str]:
    """What may be typed for each place of a command's parts, and its full name."""
    defaults = dict(_blocks(_text(command))).get("defaults", "")
    parents = [match["command"] for match in PARENT.finditer(defaults)]
    found = {key: place for parent in parents for key, place in places(parent).items()}
    for match in DEFAULT.finditer(defaults):
        group, package = match["group"], match["package"]
        place = f"{group}@{package}" if package else group
        found |= {place: place, package or group: place}
    return found


def sweeps(command: str) -> bool:
    """Whether a command takes ``-m``."""
    return "mode: RUN" not in dict(_blocks(_text(command))).get("hydra", "")


def _text(command: str) -> str:
    """The YAML file of a command."""
    return files("attn.conf").joinpath(f"{command}.yaml").read_text(encoding="utf-8")


def overview() -> str:
    """The help of the program."""
    rows = [(command.name, command.purpose) for command in commands().values()]
    lines = [
        f"attn {attn.__version__}: {(attn.__doc__ or '').strip()}",
        "",
        "usage: attn COMMAND [KEY=VALUE ...] [-m]",
        "",
        "commands",
        *_columns(sorted([*rows, ("completion", shells.PURPOSE)])),
        "",
        "examples",
        "  attn train experiment=demo",
        "  attn train -m experiment=demo position=sinusoidal,learned seed=1,2,3",
        "  attn translate run=outputs/demo text='The dog sleeps.'",
        "",
        "groups: GROUP=NAME takes a part, GROUP.KEY=VALUE sets an option of it",
        *_columns((name, _listed(stems)) for name, stems in groups().items()),
        "",
        *textwrap.wrap(MORE, WIDTH, break_on_hyphens=False),
    ]
    return "\n".join(lines) + "\n"


def command_help(name: str) -> str:
    """The help of a command: its purpose, examples, groups, and options with their comments."""
    command = commands()[name]
    blocks = dict(_blocks(_text(name)))
    defaults = blocks.pop("defaults", "")
    picks = [match.groupdict() for match in DEFAULT.finditer(defaults)]
    parents = [match.groupdict() for match in PARENT.finditer(defaults)]
    blocks.pop("hydra", "")
    words = "".join(f" [{key.upper()}" for key in flags.POSITIONAL.get(name, ()))
    words += "]" * words.count("[")
    taken = {pick["package"] or pick["group"] for pick in picks}
    options = "".join(block for key, block in blocks.items() if key not in taken)
    lines = [
        f"attn {name}: {command.purpose}",
        "",
        f"usage: attn {name}{words} [KEY=VALUE ...]{' [-m]' if sweeps(name) else ''}",
        "",
        "examples",
        *(f"  {example}" for example in command.examples),
    ]
    if picks:
        lines += ["", PICKS, *_picks(picks)]
    for parent in parents:
        whose = f"groups and options of attn {parent['command']} too, see its --help"
        lines += ["", *textwrap.wrap(f"{whose}; {parent['comment']}", WIDTH)]
    needed = "; ??? must be given" if "???" in options else ""
    lines += ["", f"options, each with its default{needed}", *_indent(options)]
    lines += ["", "flags", *_columns(_flags(sweeps(name), bool(picks or parents)))]
    return "\n".join(lines) + "\n"


def _flags(sweeps: bool, parts: bool) -> Iterator[tuple[str, str]]:
    yield from [SWEEP] if sweeps else []
    yield SHOW
    yield from SHOWS if parts else []


def _listed(names: Iterable[str]) -> str:
    """Names in a row; those of a long series, as table3_a_h1 is of one, as table3_*."""
    series: dict[str, list[str]] = {}
    for name in names:
        series.setdefault(name.partition("_")[0], []).append(name)
    return " ".join(
        f"{start}_*" if len(alike) >= SERIES else " ".join(alike) for start, alike in series.items()
    )


def unknown_command(word: str, known: Iterable[str]) -> str:
    """What to say of a command that does not exist."""
    return f"{word}: unknown command; {suggest(word, known)}\n"


def _said(module: str) -> dict[str, str]:
    """The PURPOSE and EXAMPLES of a module, without importing it."""
    spec = importlib.util.find_spec(f"attn.commands.{module}")
    assert spec is not None
    assert spec.loader is not None
    source = spec.loader.get_source(spec.name)  # type: ignore[attr-defined]
    return {
        target.id: ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id in {"PURPOSE", "EXAMPLES"}
    }


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """The top-level entries of a YAML file as text, each with the comments before it."""
    key, block, pending = "", "", ""
    for line in text.splitlines(keepends=True):
        start = re.match(r"(\w+):", line)
        if start:
            yield key, block
            key, block, pending = start[1], pending + line, ""
        elif line.startswith("#") or not line.strip():
            pending += line
        else:
            block, pending = block + pending + line, ""
    yield key, block


def _picks(picks: list[dict[str, str | None]]) -> Iterator[str]:
    known = groups()
    rows = []
    for pick in picks:
        group, package = pick["group"] or "", pick["package"]
        key = f"{group}@{package}" if package else group
        names = "" if package else f" ({_listed(known.get(group, []))})"
        rows.append((f"{key}={pick['choice']}", f"{pick['comment'] or ''}{names}"))
    return _columns(rows)


def _columns(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    table = list(rows)
    left = 2 + max((len(name) for name, _ in table), default=0)
    for name, said in table:
        first, *more = textwrap.wrap(said, WIDTH - left) or [""]
        yield f"  {name:<{left}}{first}".rstrip()
        yield from (" " * (left + 2) + line for line in more)


def _indent(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.strip().splitlines()]
