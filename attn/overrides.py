"""Arguments ``KEY=VALUE`` as Hydra reads them, free text made safe, and the jobs of a sweep."""

import dataclasses
import itertools
import re
from collections.abc import Iterator, Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import (
    ChoiceSweep,
    IntervalSweep,
    Override,
    OverrideType,
    Quote,
    QuotedString,
)
from hydra.errors import HydraException

from attn import flags
from attn.words import suggest

TEXT = frozenset({"text", "prefix"})
PATHS = frozenset({
    *("run", "runs", "input", "prefix_file", "output", "root", "folder", "path", "file", "systems"),
    *("other", "gold", "dev_gold", "first", "second", "reference", "report"),
})
SIDES = frozenset({"source", "target"})  # paths too, but in a section languages: dataset.source
_parser = OverridesParser.create()


@dataclasses.dataclass(frozen=True)
class Given:
    """One argument: as it was typed, as Hydra is to read it, and what Hydra reads."""

    typed: str
    quoted: str
    override: Override = dataclasses.field(compare=False)

    @property
    def key(self) -> str:
        """The key or group, with its package if one is named, without a sign before it."""
        name, package = self.override.key_or_group, self.override.package
        return name if package is None else f"{name}@{package}"

    @property
    def parted(self) -> bool:
        """Whether its values stand beside each other, parted by commas alone."""
        value = self.override.value()
        return isinstance(value, ChoiceSweep) and value.simple_form

    @property
    def section(self) -> str:
        """The part of the config that it sets, or sets something in."""
        return (self.override.package or self.override.key_or_group).partition(".")[0]

    @property
    def changes(self) -> bool:
        """Whether it sets a value, neither adding nor deleting one."""
        return self.override.type is OverrideType.CHANGE

    def single(self) -> Iterator["Given"]:
        """Itself, or one for each value of a sweep; of an interval, its two ends."""
        if not self.override.is_sweep_override():
            yield self
            return
        value = self.override.value()
        if isinstance(value, IntervalSweep):
            values = iter([_number(value.start), _number(value.end)])
        else:
            values = iter(self.override.sweep_string_iterator())
        for chosen in values:
            argument = f"{self.override.get_key_element()}={chosen}"
            yield _given(argument, argument)


def _number(value: float | None) -> str:
    """A number as it was written: whole ones, which Hydra reads as floats, without a fraction."""
    return str(int(value)) if value is not None and float(value).is_integer() else str(value)


def parse(arguments: Sequence[str]) -> tuple[list[Given], list[str]]:
    """The arguments that can be read, and a line for each that cannot."""
    read: list[Given] = []
    problems = []
    for argument in arguments:
        reason = _malformed(argument)
        if reason:
            problems.append(f"{printable(argument)}: {reason}")
            continue
        try:
            given = _read(argument)
        except HydraException:
            key = argument.partition("=")[0]
            problems.append(f"{printable(argument)}: {key!r} is not a key; a key is like model.dim")
            continue
        read.append(given)
    read, twice = once(read)
    return read, problems + twice


def once(given: Sequence[Given]) -> tuple[list[Given], list[str]]:
    """The first argument of each key, and a line for each later one."""
    first: dict[str, Given] = {}
    problems = []
    for one in given:
        earlier = first.setdefault(one.key, one)
        if earlier is not one:
            problems.append(f"{one.typed}: given twice, before it as {earlier.typed}")
    return list(first.values()), problems


def with_key(one: Given, key: str) -> Given:
    """An argument, as it was typed, that Hydra reads with another key."""
    return _given(one.typed, f"{key}={one.quoted.partition('=')[2]}")


def with_value(one: Given, value: str) -> Given:
    """An argument, as it was typed, that Hydra reads with another value."""
    return _given(one.typed, f"{one.quoted.partition('=')[0]}={value}")


def jobs(given: Sequence[Given]) -> Iterator[tuple[Given, ...]]:
    """Every combination of the values of a sweep; one job if nothing is swept."""
    return itertools.product(*(list(one.single()) for one in given))


def literal(value: str) -> str:
    """A value that Hydra takes for exactly this text; ``${...}`` in it stays an interpolation."""
    return QuotedString(value, Quote.single).with_quotes()


def is_path(key: str) -> bool:
    """Whether an option is a path, which may hold what Hydra reads otherwise."""
    return key in SIDES or key.rpartition(".")[2] in PATHS


def _malformed(argument: str) -> str | None:
    key, equals, _ = argument.partition("=")
    if "\0" in argument:
        return "holds a NUL character"
    if argument.startswith("-") and equals:
        return f"unknown flag; options have no dashes: {argument.lstrip('-')}"
    if argument.startswith("-"):
        return f"unknown flag; {suggest(argument, flags.KNOWN)}"
    if not key.strip("+~"):
        return "there is no key before the equals sign"
    if not equals and not argument.startswith("~"):
        return f"is neither GROUP=NAME nor OPTION=VALUE; write {argument}=VALUE"
    return None


def _read(argument: str) -> Given:
    key, _, value = argument.partition("=")
    if key.lstrip("+") in TEXT:
        plain = re.sub(r"(\\*)\$\{", r"\1\1\\${", value)
        return _given(argument, f"{key}={literal(plain)}")
    if is_path(key.lstrip("+")) and not _is_hydra_value(value):
        return _given(argument, f"{key}={literal(value)}")
    try:
        return _given(argument, argument)
    except HydraException:
        return _given(argument, f"{key}={literal(value)}")


def _is_hydra_value(value: str) -> bool:
    """Null, a list, a sweep written out, or a value that is quoted already."""
    return (
        re.fullmatch(r"null|\[.*\]|(choice|glob)\(.*\)|'.*'|\".*\"", value, re.DOTALL) is not None
    )


def _given(typed: str, quoted: str) -> Given:
    return Given(printable(typed), quoted, _parser.parse_override(quoted))


def printable(text: str) -> str:
    """A text on one line, what cannot be seen written as Python writes it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
