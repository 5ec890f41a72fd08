"""Runs as training and evaluation leave them, without either: for pages that show them."""

import base64
import io
import json
import random
import re
import zlib

import numpy as np
from torch import nn

from attn import results, runs
from attn.checkpoint import Checkpoints
from attn.files import update_json, write_bytes, write_text
from attn.scoring import Scoring, fingerprint

SIGNATURES = {
    "BLEU": "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0",
    "chrF": "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0",
    "TER": "nrefs:1|case:mixed|tok:tercom|norm:no|punct:yes|asian:no|version:2.6.0",
}
WORDS = [f"{start}{end}" for start in "bdfgklmnprst" for end in ("a", "eil", "ost", "und", "ier")]


def texts(count, seed, longest=30):
    """Made-up sentences of 1 to ``longest`` words."""
    chance = random.Random(seed)
    return [" ".join(chance.choices(WORDS, k=chance.randint(1, longest))) for _ in range(count)]


def spoilt(lines, share, seed):
    """Sentences in which this share of the words is another."""
    chance = random.Random(seed)
    other = lambda word: chance.choice(WORDS) if chance.random() < share else word  # noqa: E731
    return [" ".join(map(other, line.split(" "))) for line in lines]


def leave(folder, *, attention="softmax", seed=1, dim=8, dev=30.0, steps=(10, 20, 30), **changed):
    """A run of a variant: its config, figures and best checkpoint."""
    run = folder / f"{attention}-{dim}" / f"seed-{seed}"
    config = {
        "seed": seed,
        "model": {"name": "transformer", "dim": dim},
        "attention": {"name": attention},
        "search": {"name": "beam", "size": 5},
        **changed,
    }
    runs.save_config(run, config)
    runs.set_status(run, "finished")
    lines = []
    for number, step in enumerate(steps, 1):
        reached = number / len(steps)
        loss = 4.0 / number + 0.05 * seed
        lines += [
            {"step": step, "group": "train", "loss": loss, "tokens_per_second": 1000.0 + dim},
            {"step": step, "group": "dev", "loss": loss + 0.1, "BLEU": dev * reached}
            | {"minutes": step / 10},
        ]
    write_text(run / "metrics.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    meta = {
        "parameters": 1000 * dim,
        "score": dev,
        "dev": {"BLEU": {"score": dev, "signature": SIGNATURES["BLEU"]}},
    }
    Checkpoints(run / "checkpoints").save(steps[-1], nn.Linear(1, 1), {}, meta)
    return run


def evaluate(run, said, references, sources, *, statistics=None, split="test"):
    """What an evaluation leaves; of statistics that are given, without counting them."""
    counted = statistics or Scoring().sentences(said, references)
    scores = Scoring().scores(counted)
    best = Checkpoints(run / "checkpoints").best().name
    title = f"beam size=5 {best}"
    entry = {
        **{name: {**one, "signature": SIGNATURES[name]} for name, one in scores.items()},
        "reference": fingerprint(references),
        "translations": fingerprint(said),
        "search": {"name": "beam", "size": 5},
        "checkpoint": {"name": best},
    }
    stem = results.stem_of(split, title)
    for name, lines in (
        (f"{stem}.txt", said),
        (f"{split}.ref", references),
        (f"{split}.src", sources),
    ):
        write_text(run / "translations" / name, "".join(f"{line}\n" for line in lines))
    buffer = io.BytesIO()
    marks = {key: entry[key] for key in ("reference", "translations")}
    np.savez_compressed(buffer, **counted, **marks)
    write_bytes(run / "sentences" / f"{stem}.npz", buffer.getvalue())
    update_json(
        run / "scores.json", lambda every: every.setdefault(split, {}).update({title: entry})
    )


def shown_by(page):
    """The data that a page holds."""
    packed = re.search(r'id="packed-data">([^<]*)</script>', page).group(1)
    return json.loads(zlib.decompress(base64.b64decode(packed)))
