"""Which options of a study are tuned, as its folder keeps it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attn.files import read_json, update_json
from attn.registry import as_yaml

FILE = "tuned.json"


def problems(tuned: Sequence[Any]) -> list[str]:
    """Why trials cannot differ in these, if so."""
    return [
        f"tuned=[{as_yaml(one)}]: must be the key of a swept option"
        for one in tuned
        if not isinstance(one, str)
    ]


def options(study: Path) -> list[str]:
    """The options that are tuned in a study, by dotted key; none where nothing was kept."""
    return list(dict.fromkeys(one for each in _read(study) for one in each["options"]))


def reported(study: Path, sweep: str) -> bool:
    """Whether the test of what was chosen in a sweep has been reported."""
    return any(one["sweep"] == sweep and one["reported"] for one in _read(study))


def keep(study: Path, sweep: str, tuned: Sequence[str], *, reported: bool = False) -> None:
    """Keep what is tuned in a sweep, named by digits of its own.

    Raises:
        WriteError: it could not be kept.
    """
    entry = {"sweep": sweep, "options": list(tuned), "reported": reported}

    def add(every: dict[str, Any]) -> None:
        others = [one for one in every.get("sweeps", []) if one["sweep"] != sweep]
        every["sweeps"] = [*others, entry]

    update_json(study / FILE, add)


def _read(study: Path) -> list[dict[str, Any]]:
    try:
        found = read_json(study / FILE)["sweeps"]
        return [one for one in found if {"sweep", "options", "reported"} <= set(one)]
    except (OSError, ValueError, RecursionError, TypeError, KeyError):
        return []
