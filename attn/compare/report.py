"""A comparison as a page of HTML that opens offline: table, curves, costs, sentences."""

import importlib
import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attn import pages
from attn.compare.curves import curves
from attn.compare.lengths import by_length
from attn.compare.sentences import sentences
from attn.compare.spoken import Spoken, alike
from attn.compare.variants import MISSING, Variant
from attn.files import output_problems, write_text

PARTS = ("compare-table", "compare-charts", "compare-curves", "compare-costs", "compare-sentences")
NUMBER = re.compile(r"[<>]?([-+]?\d[\d,]*\.?\d*(e[-+]?\d+)?)")
SPREAD = re.compile(r"± (\d[\d,]*\.?\d*)")

# Header, rows and remarks, as a terminal shows them.
Table = tuple[Sequence[str], Sequence[Sequence[str]], Sequence[str]]


def problems(path: str) -> list[str]:
    """Why no report can be written to a path, if so."""
    found = output_problems("report", Path(path), folder=False)
    if importlib.util.find_spec("plotly") is None:
        found.append(f"report={path}: needs the package plotly; pip install attn[report]")
    return found


def write(
    path: Path,
    title: str,
    *,
    variants: Sequence[Variant],
    split: str,
    table: Table,
) -> None:
    """Write the page of some variants, whose table this is."""
    header, rows, remarks = table
    by_sentence, told = _by_sentence(*alike(variants, split))
    data = {
        "split": split,
        "labels": labels(variants),
        "header": header,
        "options": len(variants[0].options),
        "following": [
            column for column, key in enumerate(variants[0].options) if _follows(key, variants)
        ],
        "cells": [[_cell(text) for text in row] for row in rows],
        "curves": curves(variants),
        **by_sentence,
        "remarks": [*remarks, *told],
        "runs": [_folders(one) for one in variants],
    }
    library = importlib.import_module("plotly.offline").get_plotlyjs()
    text = pages.page(title, name="compare", parts=PARTS, data=data, libraries=[library])
    write_text(path, text)


def labels(variants: Sequence[Variant]) -> list[str]:
    """Labels without what a variant lacks and what follows from its parts, if they stay apart.

    ``attention=window`` alone, where no other window than that of 8 is among the variants.
    """
    told = [key for key in variants[0].options if not _follows(key, variants)]
    brief = [
        " ".join(f"{key}={one.options[key]}" for key in told if one.options[key] != MISSING)
        for one in variants
    ]
    whole = all(brief) and len(set(brief)) == len(brief)
    return brief if whole else [one.label for one in variants]


def _follows(key: str, variants: Sequence[Variant]) -> bool:
    """Whether an option of a part has one value wherever that part is the same."""
    part = key.rpartition(".")[0]
    if part not in variants[0].options:
        return False
    pairs = {(one.options[part], one.options[key]) for one in variants}
    return len(pairs) == len({name for name, _ in pairs})


def _by_sentence(
    same: Sequence[Spoken], others: Sequence[Spoken]
) -> tuple[dict[str, Any], list[str]]:
    """What needs statistics and translations, of runs that were scored alike; remarks on others."""
    data: dict[str, Any] = {"lengths": None, "sentences": None}
    told = [
        f"not by length or sentence, for its reference or signatures: {one.evaluation.folder}"
        for one in others
    ]
    references = next((lines for one in same if (lines := one.evaluation.references())), None)
    if references is None:
        return data, told
    kept = (one.evaluation.sources() for one in same)
    sources = next((lines for lines in kept if lines and len(lines) == len(references)), [])
    data["sentences"], lost = sentences(same, references, sources)
    if sources:
        data["lengths"], more = by_length(same, sources)
        lost = list({id(one): one for one in (*lost, *more)}.values())
    else:
        told.append("sources were not kept: evaluate again to see scores by their length")
    lines = [
        f"sentences are not as they were written, evaluate again: {one.evaluation.folder}"
        for one in lost
    ]
    return data, told + lines


def _cell(text: str) -> tuple[str, float | None, float | None]:
    """A cell with the number that it begins with, and the one behind ``±``, if so."""
    number, spread = NUMBER.match(text), SPREAD.search(text)
    return text, _value(number and number[1]), _value(spread and spread[1])


def _value(text: str | None) -> float | None:
    return None if text is None else float(text.replace(",", ""))


def _folders(variant: Variant) -> list[str]:
    return [f"{one.folder} ({one.state}, {one.best or 'no checkpoint'})" for one in variant.runs]
