"""A problem in the words of the user: the key that was typed, and its value as it was typed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attn import sources
from attn.overrides import Given, printable
from attn.registry import as_yaml

Jobs = Sequence[tuple[tuple[Given, ...], list[str]]]
REFERENCE = re.compile(r"\$\{(\w[\w.]*)\}")


def named(lines: Iterable[str], tree: Any, job: Sequence[Given]) -> list[str]:
    """The lines, each once, about the options that the user set, not those that refer to them.

    ``tree`` is the config with its references as they are, e.g. ``heads: ${model.heads}``.
    """
    typed = {one.key: one for one in job}
    said = (_typed(_owned(line, tree, typed), typed) for line in lines)
    return list(dict.fromkeys(said))


def _owned(line: str, tree: Any, typed: Mapping[str, Given]) -> str:
    """The line, about the option from which the one that it names takes its value."""
    start = re.match(r"\w+(\.\w+)+(?=[=:])", line)
    key = start[0] if start else ""
    section, _, option = key.rpartition(".")
    given_by_code = section and option not in (at(tree, section) or {})
    owner = f"model.{option}" if given_by_code and at(tree, f"model.{option}") else key
    while owner not in typed and (reference := REFERENCE.fullmatch(str(at(tree, owner)))):
        owner = reference[1]
    return owner + line.removeprefix(key)


def _typed(line: str, typed: Mapping[str, Given]) -> str:
    """The line with the value as it was typed, on one line."""
    start = re.match(r"[\w.@]+(?=[=:])", line)
    key = start[0] if start else ""
    if key not in typed:
        place = sources.place_of(key)
        return f"{line} ({place})" if place else line
    one = typed[key]
    value = one.override.value()
    shown = value if isinstance(value, str) else as_yaml(value)
    text = line.removeprefix(f"{one.key}={shown}")
    if text == line or re.match(r"[\w.]", text):  # -3.0 begins with -3
        text = "".join(line.partition(": ")[1:])
    return printable(f"{one.typed}{text}")


def when(line: str, swept: Sequence[Given], by_job: Jobs) -> str:
    """Which values of a sweep bring a problem, as far as its line does not name them already."""
    named = {one for one in swept if one.typed in line}
    others = [one for one in swept if one not in named]
    for need in (set(), *({one} for one in others), set(others)):
        if all(line in lines for job, lines in by_job if need | named <= set(job)):
            with_others = " ".join(one.typed for one in others if one in need)
            return f" (with {with_others})" if need else ""
    return ""


def unreachable(error: OSError, job: Sequence[Given]) -> str:
    """What the system has against a path, told of the argument that names most of it."""
    path = str(error.filename)
    found = {part: one.typed for one in job for part in _paths(one) if _is_in(part, path)}
    typed = found[max(found, key=len)] if found else path
    return f"{typed}: cannot be reached ({error.strerror})"


def _paths(one: Given) -> list[str]:
    value = one.override.value()
    return [str(part) for part in (value, *(value if isinstance(value, list) else ()))]


def _is_in(part: str, path: str) -> bool:
    """Whether a path holds all names of another."""
    names = set(Path(part).parts)
    return bool(names) and names <= set(Path(path).parts)


def at(tree: Any, key: str) -> Any:
    """What stands at a dotted key, in a list at a number; None if nothing does."""
    for part in key.split("."):
        inside = dict(enumerate(tree)) if isinstance(tree, list) else tree
        place = int(part) if isinstance(tree, list) and part.isdecimal() else part
        if not isinstance(inside, Mapping) or place not in inside:
            return None
        tree = inside[place]
    return tree
