"""What a run trains, on what, and what can be done with it: in lines for people, and in counts."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attn import assemble, corpora
from attn.assemble import Material
from attn.batching import Batches
from attn.filters import NUL, counted, oddities, shared
from attn.roles import Roles
from attn.scoring import fingerprint

Config = Mapping[str, Any]


def lines(
    config: Config, material: Material, counts: Mapping[str, Any], parameters: int
) -> Iterator[str]:
    """The data and what is left out of it, the model, its training, its scoring."""
    yield from _data(config, material, counts)
    yield (
        f"model {config['model']['name']}: {parameters:,} parameters, "
        f"{_vocabulary(config, material)}, position {config['position']['name']}"
    )
    yield f"attention {Roles(config).summary()}"
    rate, step = _peak(config)
    yield (
        f"optimizer {config['optimizer']['name']}, schedule {config['schedule']['name']}: "
        f"the rate is highest at step {step}, {rate:.1e}"
    )
    warmup, steps = config["schedule"].get("warmup", 0), config["trainer"]["steps"]
    if warmup > steps:
        given = f"schedule.warmup={warmup} trainer.steps={steps}"
        yield f"warning: training ends before its warm-up: {given}"
    signature = assemble.scoring(config, material.corpus).metrics["BLEU"].get_signature()
    yield f"dev is scored greedily or as validation_search says, BLEU {signature}"
    precision = assemble.part(config, "precision")
    yield f"device {precision.device}, {precision.format}"


def counts(material: Material, batches: Batches) -> dict[str, Any]:
    """What is counted of the data, as the run keeps it: what is trained on, and what is not."""
    usable, reasons = batches.usable(material.ids)
    train = [material.train[index] for index in usable]
    said = {"empty": "without tokens", "too_long": f"over batches.max_length={batches.max_length}"}
    by_length = {said[why]: count for why, count in reasons.items() if count}
    return {
        "test": corpora.test_split(material.corpus),
        "references": {"dev": fingerprint([pair.target for pair in material.dev])},
        "train": {
            "read": len(material.train) + sum(material.left_out.values()),
            "left_out": {**material.left_out, **by_length},
            "trained_on": len(train),
        },
        "shared_with_train": {
            split: shared(train, one) for split, one in material.held_out.items()
        },
        "odd": oddities(train),
    }


def farewell(run: Path, best: float | None) -> str:
    """The score, where a run lies, and what can be done with it."""
    named, folder = shlex.quote(f"run={run}"), shlex.quote(str(run))
    return (
        f"best dev BLEU {best:.2f}; the run lies in {run}\n"
        f"  score it:   attn evaluate {named} split=test\n"
        f"  use it:     attn translate {named} text='...'\n"
        f"  look at it: tensorboard --logdir {folder}"
    )


def _data(config: Config, material: Material, counts: Mapping[str, Any]) -> Iterator[str]:
    corpus, train = material.corpus, counts["train"]
    yield (
        f"data {config['dataset']['name']} {corpus.source_language}-{corpus.target_language}"
        f"{_columns(config['dataset'])}: "
        f"{train['trained_on']} pairs to train on, {len(material.dev)} to validate on"
    )
    if train["left_out"]:
        yield f"left out of training: {counted(train['left_out'])}"
    odd = {what: count for what, count in counts["odd"].items() if count}
    nul = odd.pop(NUL, 0)
    if odd:
        yield f"among them: {counted(odd)} (filters can leave them out)"
    if nul:
        yield f"warning: {nul} pairs to train on hold NUL characters"
    for split, count in counts["shared_with_train"].items():
        if count:
            yield f"warning: {count} sources of {split} are trained on too"


def _columns(section: Config) -> str:
    """The columns that hold source and target, where they were named."""
    columns = section.get("columns")
    return f" (columns {', '.join(map(str, columns))})" if columns else ""


def _vocabulary(config: Config, material: Material) -> str:
    """The sizes of the vocabularies, and how they were made."""
    known = material.vocabularies
    source = _sized(known.source.size, config["tokenizer"])
    if known.joint:
        return f"vocabulary {source}"
    return f"vocabularies {source} and {_sized(known.target.size, config['target_tokenizer'])}"


def _sized(size: int, section: Config) -> str:
    """A size, how it came about, and what was asked for if the text has too little for it."""
    asked = section.get("size", size)
    return f"{size} ({section['name']}{f' of {asked}' if asked > size else ''})"


def _peak(config: Config) -> tuple[float, int]:
    """The highest learning rate, and the step at which it is reached first."""
    factor = assemble.schedule(config)
    step = max(range(1, config["trainer"]["steps"] + 1), key=factor)
    return config["optimizer"]["learning_rate"] * factor(step), step
