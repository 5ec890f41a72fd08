"""Which property holds of which variant, as tables and as JSON."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from attn.registry import as_yaml
from attn.verify.cells import Count
from attn.verify.proofs import PROOFS
from attn.verify.suite import Result

HOLDS, FAILS, NOT_ASKED = "+", "FAIL", ""
OWN = "own"
Table = tuple[list[str], list[list[str]]]


def attentions(results: Sequence[Result]) -> Table:
    """A row an attention and role, a column a property that all must have, and their own."""
    found = [one for one in results if one.proof.kind == "attention"]
    return _table("attention", found, lambda one: (one.case.attention, one.case.role.value))


def positions(results: Sequence[Result]) -> Table:
    """A row a position scheme and role, likewise."""
    found = [one for one in results if one.proof.kind == "position"]
    return _table("position", found, lambda one: (one.case.position, one.case.role.value))


MARKS = "+: holds; FAIL: does not; empty: not asked of it; own: how many proofs of its own hold"


def legend(kind: str, columns: Sequence[str]) -> list[str]:
    """What the columns of a table stand for, and what stands in them."""
    said: dict[str, list[str]] = {}
    for proof in PROOFS:
        if proof.kind == kind and proof.name is None and proof.topic in columns:
            said.setdefault(proof.topic, []).append(proof.says.partition(": ")[2])
    topics = [f"{topic}: {'; '.join(said[topic])}" for topic in sorted(said, key=number)]
    return [*topics, MARKS]


def as_json(results: Iterable[Result], cells: Count, seconds: float) -> str:
    """Everything, one object a proof and case."""
    counted = {"built": cells.built, "refused": cells.refused, "reasons": dict(cells.reasons)}
    wrong = [f"{one.cell}: {one.wrong}" for one in cells.wrong]
    whole = {
        "seconds": round(seconds, 1),
        "cells": {**counted, "wrong": wrong},
        "proofs": [_plain(one) for one in results],
    }
    return f"{json.dumps(whole, indent=1)}\n"


def _plain(one: Result) -> dict[str, Any]:
    return {
        "kind": one.proof.kind,
        "attention": one.case.attention,
        "role": one.case.role.value,
        "position": one.case.position,
        "options": {option: as_yaml(value) for option, value in one.case.options.items()},
        "proof": one.proof.says,
        "own": one.proof.name is not None,
        "holds": one.failed is None,
        "message": one.failed,
        "seconds": round(one.seconds, 4),
    }


def _table(
    kind: str, results: Sequence[Result], row_of: Callable[[Result], tuple[str, str]]
) -> Table:
    topics = sorted({one.proof.topic for one in results if one.proof.name is None}, key=number)
    grid: dict[tuple[str, str], dict[str, list[Result]]] = {}
    for one in results:
        column = OWN if one.proof.name is not None else one.proof.topic
        grid.setdefault(row_of(one), {}).setdefault(column, []).append(one)
    rows = [
        [name, role, *(_mark(cells.get(topic, [])) for topic in topics), _share(cells.get(OWN, []))]
        for (name, role), cells in grid.items()
    ]
    return [kind, "role", *topics, OWN], rows


def _mark(results: Sequence[Result]) -> str:
    if not results:
        return NOT_ASKED
    return FAILS if any(one.failed for one in results) else HOLDS


def _share(results: Sequence[Result]) -> str:
    """How many of the proofs of its own hold."""
    held = sum(one.failed is None for one in results)
    return f"{held}/{len(results)}" if results else NOT_ASKED


def number(topic: str) -> tuple[str, int]:
    """By what topics are put in order."""
    return topic[:1], int(topic[1:]) if topic[1:].isdigit() else 0
