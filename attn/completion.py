"""What may stand where a command line is being typed, by Hydra's own completion.

It runs at every press of TAB: nothing here imports torch, and a line that makes no sense has no
answers.
"""

import contextlib
import functools
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.plugins.completion_plugin import CompletionPlugin, DefaultCompletionPlugin
from omegaconf import OmegaConf

from attn import comments, flags, keys, overrides, runs, saved, shells, sources, usage
from attn.naming import at
from attn.registry import ConfigError

FILES = "<files>"  # the shell completes paths better


def answers(line: str) -> list[str]:
    """The words that may stand at the end of a line; one that is finished ends with a space."""
    try:
        found = set(_answers(line))
    except Exception:  # noqa: BLE001 - what can be typed has no end, and TAB must stay silent
        return []
    return sorted(found)


def _answers(line: str) -> Iterator[str]:
    _, *words = shlex.split(line) + ([""] if line[-1:].isspace() else [])
    *earlier, word = words
    if not line.endswith(word):
        return  # it is quoted
    if not earlier:
        known = ["--help", "--version"] if word else []
        yield from _finished([*usage.commands(), "completion", *known], word)
    elif earlier == ["completion"]:
        yield from _finished([*shells.SCRIPTS, *(["--help"] if word else [])], word)
    elif earlier[0] in usage.commands():
        folder = flags.parse(earlier)[0].config_dir
        sources.search_folder(folder and str(Path(folder).expanduser()))
        with hydra.initialize_config_module("attn.conf", version_base="1.3"):
            yield from _Line(earlier[0], earlier[1:], word).answers()


def _starting(known: Iterable[str], word: str) -> Iterator[str]:
    return (one for one in known if one.startswith(word))


def _finished(known: Iterable[str], word: str) -> Iterator[str]:
    return (f"{one} " for one in _starting(known, word))


class _Line:
    """A command line whose last word is being typed."""

    def __init__(self, command: str, earlier: Sequence[str], word: str) -> None:
        self.command, self.word = command, word
        self.flags, arguments, _ = flags.parse(earlier)
        self.given, _ = overrides.parse(flags.named(command, arguments))
        self.pending = flags.VALUED.get(earlier[-1]) if earlier else None
        self.places = usage.places(command)
        self.loader = GlobalHydra.instance().config_loader()

    def answers(self) -> Iterable[str]:
        """All that may stand here."""
        key, equals, value = self.word.partition("=")
        if self.pending:
            return self._flag_values(self.pending, "", self.word)
        if key in flags.VALUED and equals:
            return self._flag_values(flags.VALUED[key], f"{key}=", value)
        if self.word.startswith("-"):
            return self._flags()
        return self._right_of(key, value) if equals else self._keys()

    def _right_of(self, key: str, value: str) -> Iterable[str]:
        """What may stand behind the equals sign of a key."""
        if key in self.places:
            return self._names(key, value)
        if self.command == "list" and key in {"kind", "name"}:
            return _finished([f"{key}={name}" for name in self._listed(key)], self.word)
        if overrides.is_path(key):
            return [FILES]
        return [] if key in {"", *overrides.TEXT} else self._values(key)

    def _flags(self) -> Iterator[str]:
        for flag in _starting(flags.KNOWN, self.word):
            if flag != "-m" or usage.sweeps(self.command):
                yield f"{flag}=" if flag in flags.VALUED else f"{flag} "

    def _flag_values(self, name: str, before: str, value: str) -> Iterable[str]:
        if name == "config_dir":
            return [FILES]
        known = flags.CHOICES.get(name) or [
            key for key in keys.dotted(self._tree) if isinstance(at(self._tree, key), dict)
        ]
        return [f"{before}{answer}" for answer in _finished(known, value)]

    def _keys(self) -> Iterator[str]:
        if self.command == "list":
            keyed = {one.key for one in self.given}
            by_position = next((key for key in ("kind", "name") if key not in keyed), "")
            yield from _finished(self._listed(by_position), self.word)
        elif any(map(overrides.is_path, flags.POSITIONAL.get(self.command, ()))):
            yield FILES
        found = CompletionPlugin._get_matches(OmegaConf.create(self._tree), self.word)
        yield from (key for key in found if not key.endswith(".name="))
        yield from (f"{place}=" for place in _starting(self.places, self.word))

    def _names(self, key: str, value: str) -> Iterable[str]:
        """The names of a part; behind a comma, those that a sweep may go on with."""
        before, comma, last = value.rpartition(",")
        asked = f"{self.places[key].partition('@')[0]}={last}"
        found, _ = DefaultCompletionPlugin(self.loader)._query_config_groups(asked, None, [])
        names = [one.partition("=")[2] for one in found]
        end = "" if self.flags.multirun else " "
        return [
            f"{key}={before}{comma}{name}{end}" for name in names if name not in before.split(",")
        ]

    def _listed(self, key: str) -> Iterable[str]:
        groups = usage.groups()
        if key != "name":
            return groups if key else []
        kind = next((one.override.value() for one in self.given if one.key == "kind"), None)
        return groups.get(str(kind), [])

    def _values(self, key: str) -> Iterator[str]:
        """The present value of an option, as Hydra gives it, and others if it is one of few."""
        present = CompletionPlugin._get_matches(OmegaConf.create(self._tree), f"{key}=")
        known = ["true", "false"] if isinstance(at(self._tree, key), bool) else self._told(key)
        known += self._steps() if key == "checkpoint" else []
        values = {*present, *(f"{key}={value}" for value in known)}
        return _finished((one for one in values if one.isprintable() and " " not in one), self.word)

    def _steps(self) -> list[str]:
        """The steps of which the run that is asked for has checkpoints."""
        path = next((str(one.override.value()) for one in self.given if one.key == "run"), "")
        with contextlib.suppress(ConfigError):
            return [*map(str, saved.steps(runs.find(path) / "checkpoints"))] if path else []
        return []

    def _told(self, key: str) -> list[str]:
        """The values of an option that the comment of its YAML file lists."""
        section, _, option = key.rpartition(".")
        name = (at(self._tree, section) or {}).get("name") if section in self.places else None
        if name is None:
            return comments.choices(comments.of_file(f"{self.command}.yaml").get(key, ""))
        group = self.places[section].partition("@")[0]
        return comments.choices(comments.of_file(group, f"{name}.yaml").get(option, ""))

    @functools.cached_property
    def _tree(self) -> dict[str, Any]:
        """The config of the parts that the line has chosen so far, lists left out."""
        parts = list(self._parts())
        try:
            config = hydra.compose(self.command, parts, return_hydra_config=True)
        except HydraException:
            config = hydra.compose(self.command, return_hydra_config=True)
        tree = OmegaConf.to_container(config)
        assert isinstance(tree, dict)
        if not self.word.startswith("hydra"):
            del tree["hydra"]
        return {str(key): _without_lists(value) for key, value in tree.items()}

    def _parts(self) -> Iterator[str]:
        for one in self.given:
            first = next(one.single(), one)
            place, name = self.places.get(one.key), first.override.value()
            if one.changes and place and isinstance(name, str):
                yield f"{place}={name}"


def _without_lists(value: Any) -> Any:
    """A tree whose lists are null, since an option that takes a list is no section."""
    if isinstance(value, dict):
        return {key: _without_lists(inside) for key, inside in value.items()}
    return None if isinstance(value, list) else value
