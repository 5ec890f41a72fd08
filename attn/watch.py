"""What happens beside training: figures, validation, sample translations, checkpoints."""

import dataclasses
import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from attn import checkpoint, heads, snapshot
from attn.batching import Batch, Batches, IdPair, collate
from attn.checkpoint import Checkpoints
from attn.contract import Role
from attn.corpora import Pair
from attn.reporting import Report
from attn.scoring import Scoring
from attn.search import Search
from attn.session import Progress, Session
from attn.tokenizers import PAD
from attn.translation import Translator
from attn.words import figure

DRAWN = 40  # tokens a side in a picture of attention


@dataclasses.dataclass(frozen=True)
class Development:
    """The development split, and how it is translated and scored."""

    pairs: Sequence[Pair]
    ids: Sequence[IdPair]
    batches: Batches
    translator: Translator
    search: Search
    scoring: Scoring

    @torch.no_grad()  # not inference_mode: autocast would cast every weight anew at each use
    def loss(self, session: Session) -> float:
        """The plain negative log-likelihood of a reference token, in nats; long pairs are cut."""
        total, tokens = 0.0, 0
        device, most = session.precision.device, self.batches.max_length
        ids = [(source[:most], target[:most]) for source, target in self.ids]
        for group in self.batches.in_order(ids):
            batch = collate([ids[i] for i in group], group).to(device)
            with session.precision.autocast():
                hidden = session.model(batch.source, batch.source_valid, batch.inputs)
                _, plain = session.loss(hidden, session.weight, batch.labels, PAD)
            total, tokens = total + float(plain), tokens + batch.tokens
        return total / tokens


@dataclasses.dataclass
class Watch:
    """Observes a run: reports its steps, validates, and keeps checkpoints."""

    report: Report
    checkpoints: Checkpoints
    development: Development
    meta: Mapping[str, Any]
    samples: int
    session: Session
    metric: str = "BLEU"
    figures: dict[int, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def trained(self, step: int, values: Mapping[str, float]) -> None:
        """Show and keep the means since the last report."""
        self.report.scalars(step, "train", values)
        self.report.progress(step)
        self.report.say(
            f"step {step}  loss {values['loss']:.3f}  "
            f"perplexity {figure(values['perplexity'], 2)}  "
            f"grad {figure(values['gradient_norm'], 2)}  lr {values['learning_rate']:.2e}  "
            f"{values['tokens_per_second']:.0f} tokens/s  padding {values['padding']:.1%}  "
            f"memory {values['memory_gib']:.2f} GiB"
            + (f"  skipped {values['skipped']:.0f}" if values["skipped"] else "")
        )

    def evaluate(self, progress: Progress) -> float:
        """Validate and show samples; the score of the metric chosen, the higher the better."""
        step, dev, model = progress.step, self.development, self.session.model
        model.eval()
        loss = dev.loss(self.session)
        said = dev.translator.translate([pair.source for pair in dev.pairs], dev.search)
        references = [pair.target for pair in dev.pairs]
        scores = dev.scoring.corpus([one.text for one in said], references)
        self._attention(step, model)
        figures = {"loss": loss, "perplexity": math.exp(min(loss, 700.0))}
        figures |= {name: value["score"] for name, value in scores.items()}
        self.report.scalars(step, "dev", {**figures, "minutes": progress.seconds / 60})
        self.report.say(
            f"dev at step {step}  loss {loss:.3f}  "
            f"perplexity {figure(figures['perplexity'], 2)}  "
            f"BLEU {figures['BLEU']:.2f}  chrF {figures['chrF']:.2f}"
        )
        self._samples(step, [one.text for one in said])
        score = figures[self.metric] if self.metric in ("BLEU", "chrF") else -figures[self.metric]
        score = -math.inf if math.isnan(score) else score
        self.figures = {step: {"score": score, "dev": scores, "dev_loss": loss}}
        return score

    def save(self, progress: Progress) -> None:
        """Save, once a step, with what validation found at it."""
        last, found = self.checkpoints.last(), self.figures.get(progress.step, {})
        there = last is not None and checkpoint.step_of(last) == progress.step
        if last is not None and there and not (found and _unscored(last)):
            return
        meta = {**self.meta, "metric": self.metric, **found}
        self.checkpoints.save(progress.step, self.session.model, self.session.state(), meta)

    def _samples(self, step: int, said: Sequence[str]) -> None:
        lines = [
            f"{pair.source} → {text} ({pair.target})"
            for pair, text in zip(self.development.pairs[: self.samples], said, strict=False)
        ]
        self.report.texts(step, "samples", lines)
        for line in lines:
            self.report.say(f"  {line}")

    @torch.no_grad()
    def _attention(self, step: int, model: nn.Module) -> None:
        """The entropy of each head on a few pairs, always the same, and what these heads see."""
        drawable = [pair for pair in self.development.ids if 0 < max(map(len, pair)) <= DRAWN]
        pairs = drawable[: self.samples]
        if not pairs or not hasattr(model, "attend"):
            return
        batch = collate(pairs, range(len(pairs))).to(self.session.precision.device)
        attend: Callable[..., dict[str, torch.Tensor]] = model.attend  # type: ignore[assignment]
        weights = attend(batch.source, batch.source_valid, batch.inputs)
        entropies = {
            f"{name}.head.{number}": head.entropy
            for name, one in heads.of_batch(batch, weights).items()
            for number, head in enumerate(one.heads())
            if not math.isnan(head.entropy)
        }
        if entropies:
            self.report.scalars(step, "entropy", entropies)
        self._maps(step, batch, weights)

    def _maps(self, step: int, batch: Batch, weights: Mapping[str, torch.Tensor]) -> None:
        """All heads of a role as one picture for each pair; the mean of the last layer in words."""
        heatmap = importlib.import_module("attn.heatmap")  # matplotlib, as late as may be
        known = self.development.translator.vocabularies
        for row, (source, target) in enumerate(zip(batch.source, batch.labels, strict=True)):
            spoken = [int((side != PAD).sum()) for side in (target, source)]
            for role in Role:
                every = [one[row] for name, one in weights.items() if name.startswith(role.value)]
                if not every:
                    continue
                rows = spoken[role is Role.ENCODER]
                columns = spoken[role is not Role.DECODER]
                layers = [one[:, :rows, :columns] for one in every]
                self.report.picture(step, f"maps_{row}/{role.value}", heatmap.mosaic(layers))
                if role is Role.CROSS and row == 0:
                    pieces = known.target.pieces(target[:rows].tolist())
                    read = known.source.pieces(source[:columns].tolist())
                    pixels = heatmap.heatmap(layers[-1].mean(0), pieces, read)
                    self.report.picture(step, "cross_attention", pixels)


def _unscored(path: Path) -> bool:
    """Whether a checkpoint was saved when a run was interrupted, and not validated."""
    return snapshot.load_meta(path).get("score") is None
