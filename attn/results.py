"""What an evaluation leaves in the folder of its run: translations, scores, statistics."""

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attn import registry
from attn.files import read_json, update_json, write_bytes, write_text
from attn.scoring import Scoring, Statistics, fingerprint
from attn.translation import Translation


def save(
    run: Path,
    split: str,
    said: Sequence[Translation],
    references: Sequence[str],
    *,
    scoring: Scoring,
    search: Mapping[str, Any],
    checkpoint: Mapping[str, Any],
) -> dict[str, Any]:
    """Score the translations of a split and keep them; what is then in ``scores.json`` of them.

    ``search``, a config section, and ``checkpoint``, with the ``name`` of its folder, tell how they
    came about: scores, translations and statistics are kept by both (``beam size=10 step-500``).

    Raises:
        ValueError: what cannot be scored; see ``Scoring.sentences``. Nothing is written then.
    """
    texts = [one.text for one in said]
    statistics = scoring.sentences(texts, references)
    marks = {"reference": fingerprint(references), "translations": fingerprint(texts)}
    scores: dict[str, Any] = {
        **scoring.scores(statistics),
        **marks,
        "checkpoint": dict(checkpoint),
        "search": dict(search),
    }
    title = _title(search, str(checkpoint["name"]))
    stem = stem_of(split, title)
    pieces = [" ".join(one.pieces) for one in said]
    for name, lines in (
        (f"{stem}.pieces", pieces),
        (f"{stem}.txt", texts),
        (f"{split}.ref", references),
    ):
        write_text(run / "translations" / name, _lines(lines))
    write_bytes(run / "sentences" / f"{stem}.npz", _archive({**statistics, **marks}))

    def add(every: dict[str, Any]) -> None:
        every.setdefault(split, {})[title] = scores

    update_json(run / "scores.json", add)
    return scores


def load_scores(run: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """All scores of a run: ``{split: {title: {metric: {score, signature}, ...}}}``."""
    path = run / "scores.json"
    scores: dict[str, dict[str, dict[str, Any]]] = read_json(path) if path.exists() else {}
    return scores


def load_sentences(run: Path, split: str, title: str) -> Statistics:
    """The statistics of each sentence of a split, as ``Scoring.sentences`` gave them."""
    path = run / "sentences" / f"{stem_of(split, title)}.npz"
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files if archive[name].ndim == 2}


def stem_of(split: str, title: str) -> str:
    """How the files of an evaluation are named: ``test.beam-size-10-step-500``."""
    return f"{split}.{re.sub(r'[^A-Za-z0-9._]+', '-', title)}"


def _title(search: Mapping[str, Any], checkpoint: str) -> str:
    """The name of a search, the options in which it differs from its defaults, the checkpoint."""
    defaults = registry.defaults(registry.find("search", search["name"]))
    differing = [
        f"{option}={registry.as_yaml(search[option])}"
        for option, value in defaults.items()
        if search.get(option, value) != value
    ]
    return " ".join([search["name"], *differing, checkpoint])


def _archive(arrays: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
