"""What an evaluation leaves in the folder of its run: translations, scores, statistics."""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attn import registry
from attn.files import checksum_of, read_json, update_json, write_bytes, write_text, writing
from attn.remarks import warn
from attn.scoring import Groups, Scoring, Statistics
from attn.scoring import marks as marks_of
from attn.translation import Translation

SCORES, SEAL, ATTENTION = "scores.json", "sha256", "attention"


def save(
    run: Path,
    split: str,
    said: Sequence[Translation],
    references: Sequence[str],
    *,
    sources: Sequence[str],
    scoring: Scoring,
    search: Mapping[str, Any],
    checkpoint: Mapping[str, Any],
    groups: Groups | None = None,
    cost: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Score the translations of a split and keep them; what is then in ``scores.json`` of them.

    ``search``, a config section, and ``checkpoint``, with the ``name`` of its folder, tell how they
    came about: scores, translations and statistics are kept by both (``beam size=10 step-500``).
    ``groups`` of sentences have scores of their own, ``{metric: score, "sentences": n}``, kept as
    ``by_length``; ``cost`` is what the translations took, kept as it is.

    Raises:
        ValueError: what cannot be scored; see ``Scoring.sentences``. Nothing is written then.
    """
    texts = [one.text for one in said]
    statistics = scoring.sentences(texts, references)
    marks = marks_of(texts, references)
    scores: dict[str, Any] = {
        **scoring.scores(statistics),
        **marks,
        "checkpoint": dict(checkpoint),
        "search": dict(search),
    }
    if groups:
        scores["by_length"] = scoring.of_groups(statistics, groups)
    if cost:
        scores["cost"] = dict(cost)
    title = _title(search, str(checkpoint["name"]))
    stem = stem_of(split, title)
    pieces = [" ".join(one.pieces) for one in said]
    for name, lines in (
        (f"{stem}.pieces", pieces),
        (f"{stem}.txt", texts),
        (f"{split}.ref", references),
        (f"{split}.src", sources),
    ):
        write_text(run / "translations" / name, _lines(lines))
    write_bytes(run / "sentences" / f"{stem}.npz", _archive({**statistics, **marks}))

    def add(every: dict[str, Any]) -> None:
        found = every.setdefault(split, {})
        before = _unsealed(split, title, found.get(title)) or {}
        if ATTENTION in before and _alike(before, scores):
            scores[ATTENTION] = before[ATTENTION]
        found[title] = _sealed(split, title, scores)

    path = run / SCORES
    if _damage(path):
        aside = path.with_name(f"damaged-{SCORES}")
        with writing(aside):
            path.rename(aside)
        warn(f"{path}: is not as it was written; it is now {aside.name}, and a new one is begun")
    update_json(path, add)
    return scores


def add_attention(
    run: Path, split: str, marks: Mapping[str, Any], attention: Mapping[str, Any]
) -> list[str]:
    """Keep what the heads of a model do beside its scores of a split; the titles of these scores.

    ``marks`` are the ``checkpoint`` and the ``reference`` that they must be of.
    """
    path, titles = run / SCORES, list[str]()

    def add(every: dict[str, Any]) -> None:
        for title, entry in every.get(split, {}).items():
            content = _unsealed(split, title, entry)
            if content is not None and _alike(content, marks):
                every[split][title] = _sealed(split, title, {**content, ATTENTION: attention})
                titles.append(title)

    if path.exists() and not _damage(path):
        update_json(path, add)
    return titles


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two entries are of the same weights and references."""
    return all(
        mine.get(key) is not None and mine.get(key) == theirs.get(key)
        for mine, theirs, key in (
            (one, other, "reference"),
            (one.get("checkpoint", {}), other.get("checkpoint", {}), "sha256"),
        )
    )


def _sealed(split: str, title: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {**content, SEAL: checksum_of([split, title, content])}


def load_scores(run: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """All scores of a run: ``{split: {title: {metric: {score, signature}, ...}}}``.

    What is not as it was written is left out, and told.
    """
    path = run / SCORES
    if why := _damage(path):
        warn(f"{path}: is not as it was written ({why}); scores in it are left out")
        return {}
    every = read_json(path) if path.exists() else {}
    whole: dict[str, dict[str, dict[str, Any]]] = {split: {} for split in every}
    for split, found in every.items():
        for title, entry in found.items():
            if (content := _unsealed(split, title, entry)) is None:
                warn(f"{path}: {split}, {title}: is not as it was written, and left out")
            else:
                whole[split][title] = content
    return whole


def entries(run: Path) -> Iterator[tuple[str, str, dict[str, Any], bool]]:
    """All entries of a run's scores: split, title, content, whether it is as it was written.

    Raises:
        ValueError: the file holds no scores.
    """
    path = run / SCORES
    if why := _damage(path):
        raise ValueError(f"is not as it was written ({why})")
    for split, found in read_json(path).items():
        for title, entry in found.items():
            content = entry if isinstance(entry, dict) else {}
            yield split, title, content, _unsealed(split, title, entry) is not None


def _damage(path: Path) -> str | None:
    """Why a file of scores cannot be read, if so."""
    if not path.exists():
        return None
    try:
        every = read_json(path)
    except (OSError, ValueError, RecursionError) as error:
        return str(error)
    splits = every.values() if isinstance(every, dict) else [None]
    return None if all(isinstance(found, dict) for found in splits) else "it holds no scores"


def _unsealed(split: str, title: str, entry: Any) -> dict[str, Any] | None:
    """An entry as it was written, if it is; those of older programs have no checksum."""
    if not isinstance(entry, dict):
        return None
    content = {key: value for key, value in entry.items() if key != SEAL}
    whole = SEAL not in entry or entry[SEAL] == checksum_of([split, title, content])
    return content if whole else None


def save_marked(
    run: Path, split: str, title: str, part: str, rows: Statistics, marks: Mapping[str, str]
) -> None:
    """Keep more statistics of sentences, that are made later; see ``load_marked``."""
    path = run / "sentences" / f"{stem_of(split, title)}{part}.npz"
    write_bytes(path, _archive({**rows, **marks}))


def load_marked(
    run: Path, split: str, title: str, *, part: str = ""
) -> tuple[Statistics, dict[str, str]]:
    """The statistics of each sentence of a split, and the hashes of the texts that they are of."""
    path = run / "sentences" / f"{stem_of(split, title)}{part}.npz"
    with np.load(path, allow_pickle=False) as archive:
        every = {name: archive[name] for name in archive.files}
    rows = {name: one for name, one in every.items() if one.ndim == 2}
    return rows, {name: str(one) for name, one in every.items() if one.ndim == 0}


def text_path(run: Path, split: str, title: str) -> Path:
    """Where the translations of a split lie."""
    return run / "translations" / f"{stem_of(split, title)}.txt"


def side_path(run: Path, split: str, side: str) -> Path:
    """Where the references (``ref``) or the sources (``src``) of a split lie."""
    return run / "translations" / f"{split}.{side}"


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
