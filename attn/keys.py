"""What is wrong with one ``KEY=VALUE`` that sets an option, seen beside the composed config."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from omegaconf import MISSING, DictConfig, OmegaConf

from attn.naming import at
from attn.overrides import PATHS, Given
from attn.registry import as_yaml

TYPES = (bool, int, float, str, list)
ENTRIES = "not a list; write [{layers: 0-2, name: softmax}, {layers: 3, name: window}]"
SEVERAL = frozenset({"checkpoint"})  # options that take a value, or a list of them
EMPTY = {"match", "study"}  # null by default, whatever an experiment has there
SINGLE = {"split", "metrics", "systems", "bounds"}  # and a value where a list stands by default

# What other programs call an option.
ELSEWHERE = {
    "batch_size": "batches.tokens",  # in tokens, as its name says
    "beam_size": "search.size",
    "d_model": "model.dim",
    "hidden_size": "model.dim",
    "lr": "optimizer.learning_rate",
    "max_steps": "trainer.steps",
    "max_tokens": "batches.tokens",
    "num_heads": "model.heads",
    "vocab_size": "tokenizer.size",
    "warmup_steps": "schedule.warmup",
}


def problem(one: Given, cfg: DictConfig, choices: Mapping[str, Any]) -> str | None:
    """Why an argument cannot stand: its key is unknown, or its value of the wrong type."""
    tree = OmegaConf.to_container(cfg)
    key, value = one.key, one.override.value()
    if one.override.is_delete():
        return None if _is_hydra(key) else "an option is not removed; leave it out for its default"
    found = _unknown(key, tree, choices, adds=not one.changes)
    if found or _is_hydra(key):
        return found or _hydras_part(key, value, choices)
    present = at(tree, key) if one.changes else None
    if one.changes and isinstance(value, dict) and not isinstance(present, dict):
        return f"{key} is an option, it holds no others; write {key}=VALUE"
    if isinstance(value, dict):
        inner = (_unknown(k, tree, choices, adds=not one.changes) for k in dotted(value, f"{key}."))
        return next(filter(None, inner), None)
    if isinstance(present, dict) and present:
        options = ", ".join(f"{key}.{option}" for option in present)
        return f"a section, not an option; its options are {options}"
    return _fault(key, present, value) if one.changes and "." not in key else None


def _hydras_part(key: str, value: Any, choices: Mapping[str, Any]) -> str | None:
    """Why one of Hydra's own parts is not taken so, e.g. ``hydra.launcher=joblib``."""
    group = key.replace(".", "/")
    if group not in choices or isinstance(value, dict):
        return None
    return f"a section, not an option; take a part with {group}=NAME"


def shape_problems(tree: Any, base: Any) -> Iterator[str]:
    """What YAML files put where nothing like it can stand: ``tree`` beside the command's own."""
    for key, usual in base.items():
        value = tree.get(key)
        if isinstance(value, str) and "${" in value:
            continue  # its value is checked where it is used
        written = f"{key}={as_yaml(value)}"
        if isinstance(usual, dict) and not isinstance(value, dict):
            yield f"{written}: must be a section, with options below it"
        elif isinstance(value, dict) and "name" not in value and _is_part(usual):
            yield f"{key}: has no name; write name: NAME into its file"
        elif isinstance(value, dict) and not isinstance(value.get("name", ""), str):
            yield f"{key}.name={as_yaml(value['name'])}: must be a name"
        elif not isinstance(value, dict) and (wrong := _fault(key, usual, value)):
            yield f"{written}: {wrong}"
        elif isinstance(value, dict) and not (usual is None or isinstance(usual, dict)):
            yield f"{written}: an option, it holds no others"


def _is_part(usual: Any) -> bool:
    """Whether what usually stands in a place is a part with a name, or nothing."""
    return usual is None or (isinstance(usual, dict) and "name" in usual)


def _unknown(key: str, tree: Any, choices: Mapping[str, Any], *, adds: bool) -> str | None:
    """Why there is no such key; None if there is one, or if a mapping is free to take it."""
    known = list(dotted(tree))
    if key in known:
        return None
    if key.startswith("sweep.") and "sweep" in tree:
        axis = key.partition(".")[2]
        sweeps = f"{axis} is no axis of the experiment; to sweep it, write -m {axis}=A,B"
        return _unknown(axis, tree, choices, adds=adds) or sweeps
    section, _, _ = key.rpartition(".")
    while section and section not in known:
        section, _, _ = section.rpartition(".")
    inside = at(tree, section) if section else tree
    if adds and "." in section and isinstance(inside, dict):
        return None
    if section and inside is not None and not isinstance(inside, dict):
        return f"{section} is an option, it holds no others; write {section}=VALUE"
    if section and inside is None:
        place = next((p for p in choices if (p.rpartition("@")[2]) == section), None)
        hint = f"; choose one beside it, {place}=NAME {key}=VALUE" if place else ""
        return f"{section} is empty{hint}"
    known = [one for one in known if not one.startswith("sweep.")]
    beside = [f"{section}.{option}" for option in inside] if section else [*inside, *choices]
    near = ELSEWHERE.get(key.rpartition(".")[2])
    if near not in known:
        near = _nearest_option(key, beside) if section else _nearest(key, [*known, *choices])
    hint = f"did you mean {near!r}? " if near else ""
    where = f"{section} has no such option" if section else "unknown key"
    return f"{where}; {hint}choose one of {', '.join(_unique(beside, key))}"


def _nearest(key: str, known: Iterable[str]) -> str | None:
    """The known key most like this one: by its last part, else by all its letters."""
    choices = _unique(known, key)
    close = difflib.get_close_matches(key, choices, n=1)
    return _nearest_option(key, choices) or next(iter(close), None)


def _nearest_option(key: str, known: Iterable[str]) -> str | None:
    """The known key whose last part is most like that of this one; of several the shortest."""
    last = key.rpartition(".")[2]
    by_last = {k.rpartition(".")[2]: k for k in sorted(known, key=len, reverse=True)}
    close = [last] if last in by_last else difflib.get_close_matches(last, by_last, n=1)
    return by_last[close[0]] if close else None


def _unique(known: Iterable[str], key: str) -> list[str]:
    """Each key once, Hydra's own left out unless one of them is asked for."""
    return [k for k in dict.fromkeys(known) if _is_hydra(key) or not _is_hydra(k)]


def _is_hydra(key: str) -> bool:
    return key.partition(".")[0].partition("/")[0] == "hydra"


def _fault(key: str, present: Any, value: Any) -> str | None:
    """Why an option cannot have a value; that a path is missing, its command tells."""
    if key.endswith("_layers") and isinstance(present, list) and not isinstance(value, list):
        return ENTRIES
    if value == "" and key in PATHS:
        return "is empty; give a path (the current folder is a dot)"
    several = key in SEVERAL and isinstance(value, list)
    alone = key in SINGLE and isinstance(present, list) and isinstance(value, (str, int))
    if several or alone or (value is None and key in PATHS | EMPTY):
        return None
    return _wrong_type(present, value)


def _wrong_type(present: Any, value: Any) -> str | None:
    """Why a value cannot stand where another one stands by default; null may be anything."""
    expected = next((kind for kind in TYPES if isinstance(present, kind)), None)
    if (present is None or expected is str) and isinstance(value, list):
        return None if present == MISSING else "takes one value, not a list"
    if expected is None or present == MISSING or isinstance(value, expected):
        wrong = expected is int and isinstance(value, bool)
    else:
        number = expected is float and type(value) is int
        wrong = value is None if expected is str else not number
    if not wrong or expected is None:
        return None
    return "not a list; write [A,B]" if expected is list else f"not of type {expected.__name__}"


def dotted(tree: Any, prefix: str = "") -> Iterator[str]:
    """Every dotted key of a nested mapping."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield f"{prefix}{key}"
            yield from dotted(value, f"{prefix}{key}.")
