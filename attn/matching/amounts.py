"""What a config spends, counted before it is trained: parameters, operations, target tokens."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from attn import assemble, cost
from attn.assemble import Material
from attn.batching import Batches
from attn.shapes import shapes_alone

Config = Mapping[str, Any]
READ = ("dataset", "tokenizer", "target_tokenizer", "filters")


class Amounts:
    """Counts what configs spend; the data that several of them read is read once."""

    def __init__(self) -> None:
        self._read: dict[str, Material] = {}

    def material(self, config: Config) -> Material:
        """What a config trains on."""
        key = json.dumps([config.get(section) for section in READ])
        if key not in self._read:
            self._read[key] = assemble.material(config)
        return self._read[key]

    def parameters(self, config: Config) -> float:
        """The parameters of the model, with the vocabularies that the data gives."""
        source, target = self._sizes(config)
        with shapes_alone():
            model = assemble.model(config, source_size=source, target_size=target)
        return float(sum(cost.parameters(model).values()))

    def flops(self, config: Config) -> float:
        """The operations of a step, all its pairs as long as they are on the mean."""
        (source, target), batches = self._sizes(config), assemble.part(config, "batches")
        model = assemble.model(config, source_size=source, target_size=target)
        length = self._length(config, batches)
        one = cost.step_flops(
            model,
            assemble.part(config, "loss"),
            rows=max(1, batches.tokens // length),
            length=length,
            size=min(source, target),
        )
        return float(config["trainer"]["accumulate"] * one)

    def tokens(self, config: Config) -> float:
        """The target tokens of a step, on the mean over an epoch."""
        material, batches = self.material(config), assemble.part(config, "batches")
        mean: float = batches.mean_tokens(material.ids, weights=material.weights)
        return config["trainer"]["accumulate"] * mean

    def _sizes(self, config: Config) -> tuple[int, int]:
        known = self.material(config).vocabularies
        return known.source.size, known.target.size

    def _length(self, config: Config, batches: Batches) -> int:
        """The tokens of the longer side of a pair, its end included, on the mean."""
        pairs = self.material(config).ids
        usable, _ = batches.usable(pairs)
        return round(sum(max(map(len, pairs[i])) + 1 for i in usable) / max(1, len(usable))) or 1


WIDTHS: dict[str, Callable[[Amounts, Config], float]] = {
    "params": Amounts.parameters,
    "flops": Amounts.flops,
}
