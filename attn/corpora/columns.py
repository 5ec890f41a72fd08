"""Pairs in the columns of a table: tab-separated, comma-separated, or a JSON object a line."""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from attn.corpora import Pair
from attn.corpora.text import lines, unpacked_name

SURROGATE = re.compile("[\ud800-\udfff]")
LINE_END = re.compile(r"\r?\n")


def is_table(name: str) -> bool:
    """Whether a file of this name, packed or not, is a table."""
    return Path(unpacked_name(name)).suffix in READERS


def pairs(option: str, path: Path, columns: Sequence[str]) -> list[Pair]:
    """The pairs in two columns of a table, named by its first line, or numbered from 1.

    Tabs part columns as they are; commas do as RFC 4180 has it; of JSON, strings are taken. Line
    ends inside a text become spaces.

    Raises:
        ValueError: columns that are not there, lines that cannot be read, an empty table.
    """
    read = READERS[Path(unpacked_name(path.name)).suffix]
    try:
        rows = [[LINE_END.sub(" ", text) for text in row] for row in read(path, columns)]
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None
    if not rows:
        raise ValueError(f"{option}: {path} is empty")
    return [Pair(source, target) for source, target in rows]


def _tabs(path: Path, columns: Sequence[str]) -> Iterator[list[str]]:
    return _picked(path, ((n, line.split("\t")) for n, line in enumerate(lines(path), 1)), columns)


def _commas(path: Path, columns: Sequence[str]) -> Iterator[list[str]]:
    reader = csv.reader((f"{line}\n" for line in lines(path)), strict=True)

    def rows() -> Iterator[tuple[int, list[str]]]:
        try:
            for row in reader:
                yield reader.line_num, row
        except csv.Error as error:
            raise ValueError(f"{path}, line {reader.line_num}: {error}") from None

    return _picked(path, rows(), columns)


def _picked(
    path: Path, rows: Iterator[tuple[int, list[str]]], columns: Sequence[str]
) -> Iterator[list[str]]:
    """The two columns of each row; without numbers the first row holds the names."""
    width = 0  # of the first line
    if all(column.isdecimal() for column in columns):
        places = [int(column) - 1 for column in columns]
    else:
        _, names = next(rows, (0, []))
        missing = [column for column in columns if column not in names]
        if missing and names:
            raise ValueError(
                f"{path} has no column {' and '.join(missing)}; its first line names "
                f"{', '.join(names)}; choose with dataset.columns=[NAME,NAME], or by number"
            )
        places = [names.index(column) for column in columns] if names else []
        width = len(names)
    for number, row in rows:
        width = width or len(row)
        if len(row) > width:
            raise ValueError(
                f"{path}, line {number}: has {len(row)} columns, the first line has {width}"
            )
        if max(places) >= len(row):
            raise ValueError(
                f"{path}, line {number}: has {len(row)} columns, column {max(places) + 1} is needed"
            )
        yield [row[place] for place in places]


def _objects(path: Path, columns: Sequence[str]) -> Iterator[list[str]]:
    for number, line in enumerate(lines(path), 1):
        if line.strip():
            yield [_text(f"{path}, line {number}", line, column) for column in columns]


def _text(where: str, line: str, column: str) -> str:
    try:
        value: Any = json.loads(line)
    except ValueError as error:
        raise ValueError(f"{where}: no JSON ({error})") from None
    held = value if isinstance(value, dict) else {}
    text = held.get(column)
    if isinstance(text, str):
        if not text.isprintable() and SURROGATE.search(text):
            raise ValueError(f"{where}: {column} holds half of a character (a lone surrogate)")
        return text
    if column in held:
        raise ValueError(f"{where}: {column} is no string, but {json.dumps(text)}")
    raise ValueError(f"{where}: has no {column}; it holds {', '.join(held) or 'no columns'}")


READERS = {".tsv": _tabs, ".csv": _commas, ".jsonl": _objects}
