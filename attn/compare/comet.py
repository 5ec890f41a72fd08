"""COMET (Rei et al. 2022), by a model of its own package, asked once and kept beside the scores."""

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from attn import results
from attn.compare.evaluation import COMET, COMET_MODEL, Evaluation
from attn.compare.reading import Run
from attn.remarks import warn


def problems() -> list[str]:
    """Why the metric cannot be had, if so."""
    if importlib.util.find_spec("comet") is None:
        return ["metrics: COMET needs the package unbabel-comet; pip install attn[comet]"]
    return []


def complete(runs: Sequence[Run], splits: Sequence[str]) -> None:
    """Score what the model has not scored yet, and keep its score of each sentence.

    What has lost its texts stays without, and is told.
    """
    every = [run.evaluation(split) for run in runs for split in splits]
    missing = [one for one in every if one is not None and one.statistics(COMET) is None]
    if not missing:
        return
    comet: Any = importlib.import_module("comet")
    model = comet.load_from_checkpoint(comet.download_model(COMET_MODEL))
    for one in missing:
        if (texts := _texts(one)) is None:
            warn(f"COMET needs sources, translations and references; evaluate again: {one.folder}")
            continue
        found = model.predict(texts, batch_size=16, gpus=int(torch.cuda.is_available()))
        rows = np.stack([100 * np.asarray(found.scores, np.float64), np.ones(len(texts))], 1)
        marks = {key: str(one.entry[key]) for key in ("reference", "translations")}
        results.save_marked(one.folder, one.split, one.title, ".comet", {COMET: rows}, marks)


def _texts(one: Evaluation) -> list[dict[str, str]] | None:
    sides = [one.sources(), one.translations(), one.references()]
    known = [side for side in sides if side is not None]
    if len(known) < len(sides) or len({len(side) for side in known}) > 1:
        return None
    return [
        dict(zip(("src", "mt", "ref"), lines, strict=True)) for lines in zip(*known, strict=True)
    ]
