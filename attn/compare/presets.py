"""Which part a run chose, by the name that was typed: a component, or a preset of one.

A run keeps all options of its parts, and of a preset only the name of the component: ``recurrent``
of ``model=bahdanau`` and of ``model=luong_general``, which differ in most options. A table names
the preset in their place.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import yaml

from attn.compare.folders import Fast
from attn.identity import flat

NAME = ".name"
REFERENCE = re.compile(r"\$\{([\w.]+)\}")  # to an option of another section
Options = dict[str, Any]  # by dotted key, as ``identity.flat`` has them


def brief(every: Sequence[Options]) -> list[Options]:
    """Options of variants without those that every variant has as its part gives them.

    In the place of the names of components stand those of presets, where this spares columns.
    Options in which a variant differs from its part stay.
    """
    sections = dict.fromkeys(key.removesuffix(NAME) for one in every for key in one if _names(key))
    for section in sections:
        every = _without_given(section, every)
    return list(every)


def _without_given(section: str, every: Sequence[Options]) -> Sequence[Options]:
    """The same of the options of one section."""
    inside = _differing(section, every)
    if not inside:
        return every
    ways = [[one.get(section + NAME) for one in every], [_nearest(section, one) for one in every]]
    plans = [(parts, _left(section, parts, inside, every)) for parts in ways]
    parts, left = min(plans, key=lambda plan: len(plan[1]) + (len(set(plan[0])) > 1))
    return [
        {key: value for key, value in one.items() if key not in inside - left}
        | ({} if part is None else {section + NAME: part})
        for part, one in zip(parts, every, strict=True)
    ]


def _names(key: str) -> bool:
    """Whether a key names the part of a section, as ``model.name`` does."""
    return key.endswith(NAME) and key.count(".") == 1


def _differing(section: str, every: Sequence[Options]) -> set[str]:
    """The options of a section, its name apart, that are not the same in all variants."""
    inside = {key for one in every for key in one if key.startswith(f"{section}.")}
    return {
        key
        for key in inside - {section + NAME}
        if any(one.get(key, ...) != every[0].get(key, ...) for one in every)
    }


def _left(
    section: str, parts: Sequence[Any], inside: set[str], every: Sequence[Options]
) -> set[str]:
    """The options of a section that some variant does not have as its part gives them."""
    return {
        key
        for key in inside
        if not all(
            _gives(section, part, key, options) for part, options in zip(parts, every, strict=True)
        )
    }


def _gives(section: str, part: Any, key: str, options: Options) -> bool:
    given = _presets(section).get(str(part), {}).get(key.removeprefix(f"{section}."), ...)
    if isinstance(given, str) and (reference := REFERENCE.fullmatch(given)):
        given = options.get(reference[1], ...)
    return bool(given == options.get(key, ...))


def _nearest(section: str, options: Options) -> Any:
    """The part of the same component from which a variant differs in the fewest options.

    The component itself, unless a preset is nearer than everything else. Of presets with the same
    options it is the one from which others begin: ``luong_concat`` is ``luong_general`` but for its
    attention, which is told apart.
    """
    component = options.get(section + NAME)
    known = {one: its for one, its in _presets(section).items() if its.get("name") == component}
    every = [key for key in options if key.startswith(f"{section}.") and key != section + NAME]
    unlike = {part: sum(not _gives(section, part, key, options) for key in every) for part in known}
    nearest = [part for part in known if unlike[part] == min(unlike.values())]
    if not nearest or any(known[one] != known[nearest[0]] for one in nearest):
        return component
    return nearest[0]


@functools.cache
def _presets(section: str) -> Mapping[str, Options]:
    """The parts that a section can name: of ``attention`` in ``encoder_attention``, too."""
    kinds = (kind for kind in section.split("_") if files("attn.conf").joinpath(kind).is_dir())
    return _of_kind(next(kinds, section))


@functools.cache
def _of_kind(kind: str) -> dict[str, Options]:
    """All parts of a kind; what begins from another stands behind it."""
    folder = files("attn.conf").joinpath(kind)
    names = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    chains = {one.removesuffix(".yaml"): _chain(kind, one) for one in names if ".yaml" in one}
    ordered = sorted(chains.items(), key=lambda pair: (len(pair[1]), pair[0]))
    return {name: {k: v for part in chain for k, v in part.items()} for name, chain in ordered}


def _chain(kind: str, file: str) -> list[Options]:
    """The options of a file, behind those of the files that it begins from."""
    told = yaml.load(files("attn.conf").joinpath(kind, file).read_text(encoding="utf-8"), Fast)
    bases = [one for one in told.pop("defaults", []) if isinstance(one, str) and one != "_self_"]
    return [*(part for one in bases for part in _chain(kind, f"{one}.yaml")), dict(flat(told))]
