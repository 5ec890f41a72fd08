"""How long a step of training takes with each of several configs, measured side by side."""

import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from attn import assemble
from attn.activations import checkpoint_activations
from attn.assemble import Material
from attn.batching import Batch, Batches
from attn.compiling import Compiler
from attn.precision import Precision
from attn.timing import Stopwatch
from attn.trainer import Trainer

Config = Mapping[str, Any]
BATCHES, ROUNDS = 6, 5  # of an epoch, and how often each config has them


def seconds(configs: Sequence[Config], material: Callable[[Config], Material]) -> list[float]:
    """The seconds of a step of each config: the median of rounds in which they take turns.

    So what else the machine does in the meantime slows all of them down.
    """
    contenders = [_Contender(config, material(config)) for config in configs]
    for one in contenders:
        one.seconds()  # warms up
    rounds = [[one.seconds() for one in contenders] for _ in range(ROUNDS)]
    return [statistics.median(some) for some in zip(*rounds, strict=True)]


class _Contender:
    """A model that is trained as its config says, on some batches of its data again and again."""

    def __init__(self, config: Config, material: Material) -> None:
        trainer: Trainer = assemble.part(config, "trainer")
        precision: Precision = assemble.part(config, "precision")
        precision.apply()
        torch.manual_seed(config["seed"])
        known = material.vocabularies
        model = assemble.model(config, source_size=known.source.size, target_size=known.target.size)
        model = model.to(precision.device)
        if trainer.checkpoint_activations:
            checkpoint_activations(model)
        Compiler(trainer.compile, precision.device).apply(model)
        optimizer = assemble.optimizer(config, model)
        self.watch = Stopwatch(model, assemble.part(config, "loss"), optimizer, precision)
        self.accumulate = trainer.accumulate
        self.batches = [one.to(precision.device) for one in _some(config, material)]

    def seconds(self) -> float:
        """How long a step takes, on the mean over the batches."""
        return self.accumulate * self.watch.trained(self.batches) / len(self.batches)


def _some(config: Config, material: Material) -> list[Batch]:
    batches: Batches = assemble.part(config, "batches")
    epoch = batches.epoch(material.ids, seed=1, epoch=1, weights=material.weights)
    return list(itertools.islice(epoch, BATCHES))
