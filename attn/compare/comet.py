"""COMET (Rei et al. 2022), by a model of its own package, asked once and kept beside the scores."""

import contextlib
import importlib
import importlib.util
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from attn import results
from attn.compare.evaluation import COMET, COMET_MODEL, Evaluation
from attn.compare.reading import Run
from attn.registry import RunError
from attn.remarks import warn


def problems() -> list[str]:
    """Why the metric cannot be had, if so."""
    if importlib.util.find_spec("comet") is None:
        return ["metrics: COMET needs the package unbabel-comet; pip install attn[comet]"]
    return []


def complete(runs: Sequence[Run], splits: Sequence[str]) -> None:
    """Score what the model has not scored yet, and keep its score of each sentence.

    What has lost its texts stays without, and is told.

    Raises:
        RunError: the model is not at hand, and cannot be fetched.
    """
    every = [run.evaluation(split) for run in runs for split in splits]
    missing = [one for one in every if one is not None and one.statistics(COMET) is None]
    if not missing:
        return
    with _quiet():
        model = _model()
        for one in missing:
            if (texts := _texts(one)) is None:
                lost = "COMET needs sources, translations and references; evaluate again: "
                warn(f"{lost}{one.folder}")
                continue
            found = model.predict(texts, batch_size=16, gpus=int(torch.cuda.is_available()))
            scores = 100 * np.asarray(found.scores, np.float64)
            rows = {COMET: np.stack([scores, np.ones(len(texts))], 1)}
            marks = {key: str(one.entry[key]) for key in ("reference", "translations")}
            results.save_marked(one.folder, one.split, one.title, ".comet", rows, marks)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Nothing is told of what the package's own libraries will change, or offer."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _model() -> Any:
    comet: Any = importlib.import_module("comet")
    try:
        path = comet.download_model(COMET_MODEL)
    except KeyError:  # whatever kept it from coming
        raise RunError(
            f"COMET: its model {COMET_MODEL} could not be fetched from huggingface.co; fetch it "
            "where there is a connection, and copy the folder that HF_HOME names"
        ) from None
    return comet.load_from_checkpoint(path)


def _texts(one: Evaluation) -> list[dict[str, str]] | None:
    sides = [one.sources(), one.translations(), one.references()]
    known = [side for side in sides if side is not None]
    if len(known) < len(sides) or len({len(side) for side in known}) > 1:
        return None
    return [
        dict(zip(("src", "mt", "ref"), lines, strict=True)) for lines in zip(*known, strict=True)
    ]
