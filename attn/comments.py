"""What the comments of the packaged YAML files say of options."""

import re
from collections.abc import Iterator
from importlib.resources import files

OPTION = re.compile(r"(?P<indent> *)(?P<key>\w+):(?P<value>[^#]*)(# (?P<comment>.*))?")


def of_file(*path: str) -> dict[str, str]:
    """The comment behind each option of a packaged file, by dotted key; none without the file."""
    file = files("attn.conf").joinpath(*path)
    return dict(_comments(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def choices(comment: str) -> list[str]:
    """The values that a comment parts by bars, as in ``auto | cuda | mps | cpu``."""
    plain = re.sub(r" \([^)]*\)", "", comment.partition(";")[0])
    values = [one.strip() for one in re.sub(r"^[^|]*: |,[^|]*$", "", plain).split("|")]
    return values if len(values) > 1 and all(re.fullmatch(r"\w+", one) for one in values) else []


def _comments(text: str) -> Iterator[tuple[str, str]]:
    section = ""
    for match in map(OPTION.match, text.splitlines()):
        if match is None:
            continue
        if not match["indent"]:
            section = match["key"]
        key = f"{section}.{match['key']}" if match["indent"] else section
        yield key, match["comment"] or ""
