"""What an evaluation leaves in the folder of its run: translations, scores, statistics."""

import io
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

    ``search``, a config section, and ``checkpoint`` tell how they came about. Translations and
    statistics are those of the latest evaluation of a split, scores are kept by search (``beam``,
    ``beam size=10``); the fingerprint of the translations tells which belong together.

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
    pieces = [" ".join(one.pieces) for one in said]
    for suffix, lines in (("pieces", pieces), ("txt", texts), ("ref", references)):
        write_text(run / "translations" / f"{split}.{suffix}", _lines(lines))
    write_bytes(run / "sentences" / f"{split}.npz", _archive({**statistics, **marks}))

    def add(every: dict[str, Any]) -> None:
        every.setdefault(split, {})[_title(search)] = scores

    update_json(run / "scores.json", add)
    return scores


def load_scores(run: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """All scores of a run: ``{split: {title of search: {metric: {score, signature}, ...}}}``."""
    path = run / "scores.json"
    scores: dict[str, dict[str, dict[str, Any]]] = read_json(path) if path.exists() else {}
    return scores


def load_sentences(run: Path, split: str) -> Statistics:
    """The statistics of each sentence of a split, as ``Scoring.sentences`` gave them."""
    with np.load(run / "sentences" / f"{split}.npz", allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files if archive[name].ndim == 2}


def _title(search: Mapping[str, Any]) -> str:
    """The name of a search and the options in which it differs from its defaults."""
    defaults = registry.defaults(registry.find("search", search["name"]))
    differing = [
        f"{option}={registry.as_yaml(search[option])}"
        for option, value in defaults.items()
        if search.get(option, value) != value
    ]
    return " ".join([search["name"], *differing])


def _archive(arrays: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
