"""Speed of ``model=recurrent`` beside a plain ``torch.nn.LSTM`` encoder-decoder, in one run.

Both have LSTMs of the same sizes, Luong's attention with the score ``general`` and his attentional
layer; with input feeding, the plain one steps two ``torch.nn.LSTMCell``. Contenders take turns at
the same batches; medians and ratios are printed as tables. The plain decoder recomputes the whole
prefix for each word.

    .venv/bin/python experiments/speed/recurrent.py --rounds 5
"""

import argparse
import functools
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attn import assemble
from attn.batching import Batch, collate
from attn.loss import Loss
from attn.precision import Precision
from attn.search.greedy import Greedy
from attn.session import Session
from attn.trainer import Trainer

VOCABULARY, PAIRS, LAYERS, DIM, DROPOUT = 8000, 100, 2, 512, 0.2  # as model=recurrent
SENTENCES = 50  # that are decoded


def batches(count: int) -> list[Batch]:
    """The same random batches for all, of 15 to 19 words a side."""
    generator = torch.Generator().manual_seed(0)

    def words() -> list[int]:
        length = int(torch.randint(15, 20, (), generator=generator))
        return torch.randint(4, VOCABULARY, (length,), generator=generator).tolist()

    return [collate([(words(), words()) for _ in range(PAIRS)], range(PAIRS)) for _ in range(count)]


class Plain(nn.Module):
    """What one writes in an hour with torch's own modules.

    ``packed``: padding is not read; ``fed``: each step gets the last attentional vector.
    """

    def __init__(self, *, packed: bool = False, fed: bool = False) -> None:
        super().__init__()
        self.packed, self.fed = packed, fed
        self.embedding = nn.Embedding(VOCABULARY, DIM)
        common = {"num_layers": LAYERS, "batch_first": True, "dropout": DROPOUT}
        self.encoder = nn.LSTM(DIM, DIM // 2, bidirectional=True, **common)
        self.decoder = nn.LSTM(DIM, DIM, **common) if not fed else self._cells()
        self.score = nn.Linear(DIM, DIM, bias=False)
        self.combine = nn.Linear(2 * DIM, DIM)
        self.dropout = nn.Dropout(DROPOUT)

    def encode(self, source: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Annotations, and what the decoder begins with."""
        x, lengths = self.dropout(self.embedding(source)), (source != 0).sum(1)
        if self.packed:
            some = nn.utils.rnn.pack_padded_sequence(
                x, lengths, batch_first=True, enforce_sorted=False
            )
            y, last = self.encoder(some)
            y, _ = nn.utils.rnn.pad_packed_sequence(y, batch_first=True)
        else:
            y, last = self.encoder(x)
        both = [part.unflatten(0, (LAYERS, 2)).transpose(1, 2).flatten(2) for part in last]
        return y, (both[0].contiguous(), both[1].contiguous())

    def decode(
        self, source: Tensor, memory: Tensor, last: tuple[Tensor, Tensor], inputs: Tensor
    ) -> Tensor:
        """The attentional vectors."""
        words = self.dropout(self.embedding(inputs))
        if self.fed:
            return self.stepped(source, memory, last, words)
        hidden, _ = self.decoder(words, last)
        return self.look(source, memory, hidden)

    def _cells(self) -> nn.ModuleList:
        return nn.ModuleList(nn.LSTMCell(size, DIM) for size in (2 * DIM, DIM))

    def stepped(
        self, source: Tensor, memory: Tensor, last: tuple[Tensor, Tensor], words: Tensor
    ) -> Tensor:
        """The attentional vectors, each fed to the next step."""
        states = list(zip(*last, strict=True))
        said, every = torch.zeros_like(words[:, 0]), []
        for word in words.unbind(1):
            x = torch.cat((word, said), -1)
            for number, cell in enumerate(self.decoder):
                states[number] = cell(x, states[number])
                x = self.dropout(states[number][0]) if number == 0 else states[number][0]
            said = self.look(source, memory, x[:, None])[:, 0]
            every.append(said)
        return torch.stack(every, 1)

    def look(self, source: Tensor, memory: Tensor, hidden: Tensor) -> Tensor:
        """The attentional vectors of some states."""
        scores = self.score(hidden) @ memory.transpose(1, 2)
        scores = scores.masked_fill((source == 0)[:, None], -torch.inf)
        context = scores.softmax(-1) @ memory
        return torch.tanh(self.combine(torch.cat((context, hidden), -1)))

    def forward(self, source: Tensor, inputs: Tensor) -> Tensor:
        """The logits."""
        memory, last = self.encode(source)
        return F.linear(self.decode(source, memory, last, inputs), self.embedding.weight)

    @torch.no_grad()
    def translate(self, source: Tensor, words: int) -> None:
        """So many words of each sentence, the prefix computed anew for each."""
        memory, last = self.encode(source)
        said = source.new_ones(len(source), 1)
        for _ in range(words):
            hidden = self.decode(source, memory, last, said)[:, -1:]
            said = torch.cat((said, F.linear(hidden, self.embedding.weight).argmax(-1)), 1)


def plain_step(**options: bool) -> Callable[[Batch], None]:
    """One step of the plain loop."""
    model = Plain(**options)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.98))

    def step(batch: Batch) -> None:
        logits = model(batch.source, batch.inputs)
        loss = F.cross_entropy(
            logits.flatten(0, 1), batch.labels.flatten(), ignore_index=0, label_smoothing=0.1
        )
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def built(**options: object) -> tuple[nn.Module, dict[str, object]]:
    """The model of ``attn``, and its config."""
    sizes = {"encoder_layers": LAYERS, "decoder_layers": LAYERS, "dim": DIM, "dropout": DROPOUT}
    config = {
        "model": {"name": "recurrent", **sizes, **options},
        "attention": {"name": "general", "heads": 1},
        "position": {"name": "none"},
        "optimizer": {"name": "adam"},
    }
    return assemble.model(config, source_size=VOCABULARY, target_size=VOCABULARY), config


def attn_step(**options: object) -> Callable[[Batch], None]:
    """One step of the trainer."""
    model, config = built(**options)
    session = Session(
        model=model,
        loss=Loss(),
        optimizer=assemble.optimizer(config, model),
        schedule=lambda _: 1.0,
        precision=Precision(device="cpu", dtype="fp32"),
        epoch=lambda *_: iter(()),
    )
    trainer = Trainer(steps=1)
    return lambda batch: trainer.update(session, [batch])


def seconds(do: Callable[[], object]) -> float:
    """How long something takes."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def main() -> None:
    """Train and decode in turn, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    train(
        rounds,
        {
            "plain": plain_step(),
            "plain, packed": plain_step(packed=True),
            "attn": attn_step(),
            "attn, layer-normalised": attn_step(cell="layer_norm_lstm"),
        },
    )
    fed = {"plain, fed": plain_step(fed=True), "attn, fed": attn_step(input_feeding=True)}
    train(rounds, fed)
    decode(rounds)


def train(rounds: int, steps: dict[str, Callable[[Batch], None]]) -> None:
    """Steps in turn; the first of each is not counted."""
    some = batches(rounds + 1)
    times: dict[str, list[float]] = {name: [] for name in steps}
    for batch in some:
        for name, step in steps.items():
            times[name].append(seconds(functools.partial(step, batch)))
    words = sum(int((batch.labels != 0).sum()) for batch in some[1:]) / rounds
    show("target tokens/s", words, {name: taken[1:] for name, taken in times.items()})


def decode(rounds: int) -> None:
    """Greedy translations of as many words as the source has, twice; random weights never end."""
    source = batches(1)[0].source[:SENTENCES]
    plain, ours = Plain().eval(), built()[0].eval()
    limit = source.shape[1]
    greedy = Greedy(max_ratio=0.0, max_extra=2 * limit)
    with torch.no_grad():
        ours.output.weight[2] = 0  # nothing ends
        ours.output.weight[3] = 0
        tries = {
            "plain, prefix recomputed": lambda: plain.translate(source, 2 * limit),
            "attn": lambda: greedy(ours, source, source != 0),
        }
        times: dict[str, list[float]] = {name: [] for name in tries}
        for _ in range(rounds + 1):
            for name, do in tries.items():
                times[name].append(seconds(do))
    show("sentences/s", SENTENCES, {name: taken[1:] for name, taken in times.items()})


def show(unit: str, count: float, times: dict[str, list[float]]) -> None:
    """Print the medians, ranges, and ratios to the first."""
    head = f"| | {unit} (median of {len(next(iter(times.values())))}) | range | ratio |"
    print(f"\n{head}\n|---|---|---|---|")  # noqa: T201
    first = statistics.median(next(iter(times.values())))
    for name, taken in times.items():
        middle = statistics.median(taken)
        extent = f"{count / max(taken):.0f}-{count / min(taken):.0f}"
        print(f"| {name} | {count / middle:.0f} | {extent} | {first / middle:.2f} |")  # noqa: T201


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
