"""``attn profile``: what a configuration costs, counted and measured."""

import functools
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch
from omegaconf import DictConfig
from torch import nn

from attn import assemble, checking, cost, runs, stored, tables, timing, vain
from attn.checking import is_count
from attn.precision import Precision, is_out_of_memory
from attn.registry import ConfigError, RunError, as_yaml, suggest
from attn.roles import Roles
from attn.tables import Values
from attn.tokenizers import UNK

PURPOSE = "count and measure what a configuration costs: parameters, operations, memory, speed"
EXAMPLES = """
attn profile model=small attention=linear lengths=[16,64,256]
attn profile -m experiment=demo attention=softmax,average table=flops
attn profile run=outputs/demo table=speed format=csv > speed.csv
"""
MOST = 10**9  # of what is counted; no memory holds more
FEWEST = UNK + 2  # the special tokens, and one to say
OF_A_RUN = ("model", "position", "loss", "optimizer", "target_tokenizer", "experiment")
UNUSED = (
    "dataset", "tokenizer", "schedule", "search", "validation_search", "filters", "batches",
    "scoring", "trainer", "study", "match", "tuned",
)  # fmt: skip
OF_TABLES = {
    "lengths": ("layers", "flops", "speed"),
    "tokens": ("flops", "speed"),
    "repeats": ("speed",),
}


def check(cfg: DictConfig) -> list[str]:
    """All problems: sizes out of their range, a configuration that cannot be built or is short."""
    asked = assemble.plain(cfg)
    found = [*checking.seed_problems(asked), *_size_problems(asked)]
    found += tables.format_problems(str(asked["format"]))
    if asked["table"] not in {None, *TABLES}:
        found.append(f"table={asked['table']}: unknown; {suggest(str(asked['table']), TABLES)}")
    elif asked["format"] == "csv" and asked["table"] is None:
        found.append(f"format=csv: holds one table; add table=NAME, one of {', '.join(TABLES)}")
    if found:
        return found
    try:
        config = _config(asked)
    except ConfigError as error:
        return error.problems
    return checking.step_problems(config, "lengths", max(asked["lengths"]))


def unused(cfg: DictConfig) -> dict[str, str]:
    """Sections in which options would be set in vain, and why."""
    why = dict.fromkeys(UNUSED, "is of no use here; leave it out")
    for key, those in OF_TABLES.items():
        if cfg.table not in {None, *those}:
            why[key] = f"is of {' and '.join(f'table={one}' for one in those)} alone"
    if cfg.run is None:
        return {**vain.unused(assemble.plain(cfg)), **why}
    own = [key for key in cfg if "attention" in str(key) or str(key).endswith("_layers")]
    of_run = [*OF_A_RUN, *map(str, own), "vocabulary"]
    return {**why, **dict.fromkeys(of_run, f"run={cfg.run} has its own; leave it out")}


def run(cfg: DictConfig) -> None:
    """Count and measure, and print the tables."""
    asked = assemble.plain(cfg)
    profile = Profile(_config(asked), asked)
    chosen = [asked["table"]] if asked["table"] else list(TABLES)
    try:
        found = {name: TABLES[name](profile) for name in chosen}
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise RunError(
            f"out of memory, with batches of {asked['tokens']} tokens a side; "
            f"try tokens={max(asked['lengths'])}, or shorter lengths"
        ) from error
    _show(asked["format"], profile, found)


class Profile:
    """A configuration, and what is made of it once, when it is needed."""

    def __init__(self, config: dict[str, Any], asked: Mapping[str, Any]) -> None:
        self.config, self.lengths, self.repeats = config, asked["lengths"], asked["repeats"]
        self.tokens, self.sizes = asked["tokens"], _sizes(config, asked)
        self.precision: Precision = assemble.part(config, "precision")
        self.precision.apply()

    @functools.cached_property
    def model(self) -> nn.Module:
        """The model, its weights random, on the CPU until speed is measured."""
        torch.manual_seed(self.config["seed"])
        source, target = self.sizes
        return assemble.model(self.config, source_size=source, target_size=target)

    def lines(self) -> list[str]:
        """What is profiled, in words."""
        name, position = (self.config[key]["name"] for key in ("model", "position"))
        total, (source, target) = sum(cost.parameters(self.model).values()), self.sizes
        size = f"{source:,}" if source == target else f"{source:,} and {target:,}"
        return [
            f"model {name}: {total:,} parameters, vocabulary {size}, position {position}",
            f"attention {Roles(self.config).summary()}",
        ]


def _parameters(profile: Profile) -> Values:
    found = cost.parameters(profile.model)
    found["all"] = sum(found.values())
    return [{"part": part, "parameters": count} for part, count in found.items()]


def _layers(profile: Profile) -> Values:
    most = max(profile.lengths)
    return [
        {
            "part": one.part,
            "kind": one.kind,
            "layers": one.count,
            "complexity": one.growth.time,
            "sequential": one.growth.sequential,
            "path": one.growth.path,
            f"sequential at T = {most}": one.sequential(most),
            f"path at T = {most}": one.path(most),
        }
        for one in cost.layers(profile.model)
    ]


def _flops(profile: Profile) -> Values:
    loss, (source, target) = assemble.part(profile.config, "loss"), profile.sizes
    found = []
    for length in profile.lengths:
        rows = profile.tokens // length
        model = profile.model.cpu()
        sizes = {"source_size": source, "target_size": target}
        one = cost.flops(model, loss, rows=rows, length=length, **sizes)
        found.append({
            "length": length,
            "sentences": rows,
            "FLOPs of a step": one.step,
            "of a source token encoded": one.encode,
            "of a target token decoded": one.decode,
        })
    return found


def _speed(profile: Profile) -> Values:
    model = profile.model.to(profile.precision.device)
    optimizer = assemble.optimizer(profile.config, model)
    loss = assemble.part(profile.config, "loss")
    watch = timing.Stopwatch(model, loss, optimizer, profile.precision)
    size = min(profile.sizes)
    batches = timing.batches(profile.lengths, tokens=profile.tokens, vocabulary=size)
    return [
        {
            "length": one.length,
            "sentences": one.sentences,
            "tokens/s trained": one.training,
            "tokens/s decoded": one.decoding,
            "MiB of a step": one.memory / 2**20,
        }
        for one in watch.speeds(batches, repeats=profile.repeats)
    ]


TABLES: dict[str, Callable[[Profile], Values]] = {
    "parameters": _parameters,
    "layers": _layers,
    "flops": _flops,
    "speed": _speed,
}


def _show(form: str, profile: Profile, found: Mapping[str, Values]) -> None:
    lines = profile.lines()
    if form == "json":
        whole = {"configuration": lines, "tokens": profile.tokens, **found}
        sys.stdout.write(json.dumps(whole, ensure_ascii=False) + "\n")
        return
    if form != "csv":
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        device, number = profile.precision.device, profile.precision.format
        sys.stdout.write(f"batches of {profile.tokens:,} tokens a side, {device}, {number}\n")
    for values in found.values():
        sys.stdout.write("" if form == "csv" else "\n")
        tables.put(form, values)


def _config(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a run, or of the command line."""
    if asked["run"] is None:
        return dict(asked)
    config = stored.config_of(runs.find(str(asked["run"])))
    precision = dict(asked["precision"])
    if precision["dtype"] == "auto":
        precision["dtype"] = config["precision"].get("dtype", "auto")
    return {**config, "precision": precision, "seed": asked["seed"]}


def _sizes(config: Mapping[str, Any], asked: Mapping[str, Any]) -> tuple[int, int]:
    """The vocabularies of both sides."""
    if asked["run"] is None:
        return asked["vocabulary"], asked["vocabulary"]
    known = assemble.vocabularies(config, runs.find(str(asked["run"])))
    return known.source.size, known.target.size


def _size_problems(asked: Mapping[str, Any]) -> list[str]:
    lengths, tokens = asked["lengths"], asked["tokens"]
    found = []
    if not lengths or not all(map(is_count, lengths)):
        found.append(f"lengths={as_yaml(lengths)}: must be whole numbers from 1 on")
    elif 1 <= tokens < max(lengths):
        found.append(f"tokens={tokens}: must be at least the longest of lengths, {max(lengths)}")
    for key, least in (("repeats", 1), ("vocabulary", FEWEST), ("tokens", 1)):
        if asked[key] < least:
            found.append(f"{key}={asked[key]}: must be at least {least}")
        elif asked[key] > MOST:
            found.append(f"{key}={asked[key]}: must be at most {MOST}")
    return found
