"""Maps of runs as a picture: those of one, or those of two and their difference."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from attn.contract import Role
from attn.pictures import ALL, MEAN, alignments, canvas
from attn.pictures.alignments import Panel, Rows
from attn.pictures.maps import Shown
from attn.pictures.sentences import Looked, Reading
from attn.registry import ConfigError, as_yaml

Which = str | int | None


def write(
    path: Path, shown: Sequence[Shown], *, role: str | None, layer: Which, head: Which
) -> None:
    """Draw the maps of all sentences below each other, of two runs both and their difference.

    ``role``, ``layer`` and ``head`` choose what is drawn; None: all, of two runs the mean.

    Raises:
        ConfigError: there are no such maps, or they cannot be compared.
    """
    default = ALL if len(shown) == 1 else MEAN
    layer, head = (default if one is None else one for one in (layer, head))
    parts: list[tuple[Looked, Rows]] = []
    for readings in zip(*(one.readings for one in shown), strict=True):
        roles = [one for one in readings[0].roles() if role in (None, one.value)]
        for one in roles:
            if len(shown) == 1:
                looked, of = readings[0].looked(one), f"{one.value} " if len(roles) > 1 else ""
                parts.append((looked, alignments.chosen(looked, layer, head, of=of)))
            elif one in readings[1].roles():
                names = [run.name for run in shown]
                parts.append(_apart(names, readings, one, layer, head))
    if not parts:
        raise ConfigError([f"role={as_yaml(role)}: there are no maps of it to be drawn"])
    with canvas.style():
        canvas.save(alignments.draw(*parts), path)


def _apart(
    names: Sequence[str],
    readings: Sequence[Reading],
    role: Role,
    layer: str | int,
    head: str | int,
) -> tuple[Looked, Rows]:
    """A row of the maps of two runs, of whole words, and of what the first has more."""
    every = [reading.of_words(role) for reading in readings]
    known = [one for one in every if one is not None]
    if len(known) < len(every):
        lost = names[every.index(None)]
        raise ConfigError([
            f"other: some words of a sentence are unknown to {lost}, so that no difference can be "
            "drawn"
        ])
    panels = [
        panel
        for name, one in zip(names, known, strict=True)
        for panel in alignments.chosen(one, layer, head, of=f"{name}\n{role.value} ")[0]
    ]
    rows = min(len(panel.matrix) for panel in panels)  # one of them may not have come to an end
    one, two = (panel._replace(matrix=panel.matrix[:rows]) for panel in panels)
    difference = Panel("the first less the second", one.matrix - two.matrix, apart=True)
    looked = dataclasses.replace(known[0], rows=known[0].rows[:rows])
    return looked, [[one, two, difference]]
