"""A page to move through what all heads look at, of one run or of two beside each other."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from attn import pages
from attn.contract import Role
from attn.pictures.sentences import Reading, Side
from attn.roles import NONE, STANDS, Roles, capabilities

STEPS = 10_000  # of which a weight of 1 has so many on the page


@dataclasses.dataclass(frozen=True)
class Shown:
    """A run on the page: its name, where it lies, its config, and how it reads each sentence."""

    name: str
    place: str
    config: Mapping[str, Any]
    readings: Sequence[Reading]


def write(title: str, sentences: Sequence[str], runs: Sequence[Shown]) -> str:
    """The page, of one run or two that read the same sentences, each with a name of its own."""
    data = {
        "steps": STEPS,
        "runs": [_run(one) for one in runs],
        "sentences": [
            {
                "name": name,
                "gold": runs[0].readings[number].gold,
                "texts": runs[0].readings[number].texts,
                "readings": [_reading(one.readings[number]) for one in runs],
            }
            for number, name in enumerate(sentences)
        ],
    }
    heat = resources.files(pages).joinpath("heat.js").read_text(encoding="utf-8")
    return pages.page(title, name="maps", data=data, libraries=[heat])


def missing(config: Mapping[str, Any], reading: Reading) -> Iterator[str]:
    """The attentions that a model has not, or that show no weights, a line each."""
    roles = Roles(config)
    for role in Role:
        if role not in roles.roles:
            yield f"{role.value}: model={config['model']['name']} has no {STANDS[role]}"
        for layer, (key, section) in enumerate(roles.layers(role)):
            if f"{role.value}.{layer}" not in reading.weights:
                has = "is no attention" if section["name"] == NONE else "shows no weights"
                yield f"{role.value}.{layer}: {key}={section['name']} {has}"


def quantised(weights: Float[Tensor, "heads rows columns"]) -> list[int]:
    """Weights in whole steps, row by row, so that the sum of a row is off by half a step at most.

    Each is the difference of rounded sums, and so off by less than a step.
    """
    sums = np.rint(np.cumsum(weights.double().numpy(), -1) * STEPS)
    steps: list[int] = np.diff(sums, prepend=0).astype(int).ravel().tolist()
    return steps


def _run(shown: Shown) -> dict[str, Any]:
    roles = Roles(shown.config)
    return {
        "name": shown.name,
        "place": shown.place,
        "missing": list(missing(shown.config, shown.readings[0])),
        "weights": {
            f"{role.value}.{layer}": capabilities(section["name"]).weights
            for role in roles.roles
            for layer, (_, section) in enumerate(roles.layers(role))
        },
    }


def _reading(reading: Reading) -> dict[str, Any]:
    sides = reading.sides()
    pieces = (reading.source, reading.target, reading.read)
    return {
        "sides": {
            name: {
                "pieces": pieces[number],
                "words": None if sides is None else _side(sides[number]),
            }
            for number, name in enumerate(("source", "said", "read"))
        },
        "maps": {
            name: {"heads": len(one), "values": quantised(one)}
            for name, one in reading.weights.items()
        },
    }


def _side(side: Side) -> list[list[Any]]:
    return [
        [name, part.start, part.stop] for name, part in zip(side.names, side.words, strict=True)
    ]
