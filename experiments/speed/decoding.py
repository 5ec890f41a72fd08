"""Decoding speed of ``attn`` beside other toolkits with the same weights, in one alternating run.

Each contender loads the run once, in a process of its own, and then waits to be asked for all
sentences, greedily and with a beam of 5; so neither start-up nor conversion is counted, but
tokenizing is. Medians, ranges, ratios and BLEU are printed as tables, and in how many sentences the
greedy translations differ from ours.

    .venv/bin/python experiments/speed/decoding.py --run outputs/speed --rounds 5
    .venv/bin/python experiments/speed/decoding.py --run outputs/speed --profile

The second prints where the time of one thread goes, by torch's operations.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import peers
import torch

from attn import assemble, runs, splits, stored

CORES = 2
BEAM = 5
Contender = Callable[[Sequence[str], int], list[str]]
CONTENDERS: dict[str, Callable[[str], Contender]] = {
    "OpenNMT-py, 2 threads": peers.OpenNMT,
    "torch.nn.Transformer, prefix recomputed": peers.Plain,
    "CTranslate2, 1 worker x 2 threads": lambda run: peers.CTranslate2(run, 1, 2),
    "CTranslate2, 2 workers x 1 thread": lambda run: peers.CTranslate2(run, 2, 1),
    "attn, precision.workers=1": lambda run: peers.Attn(run, 1),
    "attn": lambda run: peers.Attn(run, "auto"),
}
GREEDY_ALONE = "torch.nn.Transformer, prefix recomputed"
OURS = "attn"


def serve(make: Callable[[str], Contender], run: str) -> None:
    """Load; then, for each line, translate: a list of texts and a size in, texts and seconds out.

    What the contender prints itself goes to the standard error.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    try:
        contender = make(run)
    except ImportError as error:
        answers.write(json.dumps(f"{error}") + "\n")
        return
    answers.write("null\n")
    answers.flush()
    for line in sys.stdin:
        texts, size = json.loads(line)
        began = time.perf_counter()
        said = contender(texts, size)
        answers.write(json.dumps([said, time.perf_counter() - began]) + "\n")
        answers.flush()


class Process:
    """A contender in a process of its own, with as many threads as there are cores to share."""

    def __init__(self, name: str, run: str, folder: Path) -> None:
        paths = [str(folder), os.environ.get("PYTHONPATH", "")]
        given = {"OMP_NUM_THREADS": str(CORES), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--run", run, "--contender", name],
            env={**os.environ, **given},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, texts: Sequence[str], size: int) -> tuple[list[str], float]:
        """The translations and the seconds that they took."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([list(texts), size]) + "\n")
        self.process.stdin.flush()
        said, seconds = self.read()
        return said, seconds

    def read(self) -> Any:
        """What the process answers."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{' '.join(map(str, self.process.args))}: ended, see above")
        return json.loads(line)

    def close(self) -> None:
        """Let it end."""
        self.process.communicate()


def table(title: str, rates: dict[str, list[float]], bleu: dict[str, float]) -> None:
    """Print the rates; ratios are to the first."""
    first = statistics.median(next(iter(rates.values())))
    rounds = len(rates[OURS])
    print(f"\n| {title} | sentences/s (median of {rounds}) | range | ratio | BLEU |")  # noqa: T201
    print("|---|---|---|---|---|")  # noqa: T201
    for name, some in rates.items():
        middle, span = statistics.median(some), f"{min(some):.0f}-{max(some):.0f}"
        print(f"| {name} | {middle:.0f} | {span} | {middle / first:.2f} | {bleu[name]:.1f} |")  # noqa: T201


def measure(processes: dict[str, Process], texts: list[str], rounds: int) -> tuple[Any, Any]:
    """Rates by size and contender, and the last translations; who begins changes by turns."""
    rates: dict[int, dict[str, list[float]]] = {1: {}, BEAM: {}}
    last: dict[int, dict[str, list[str]]] = {1: {}, BEAM: {}}
    names = list(processes)
    for name, size in itertools.product(names, rates):
        if size == 1 or name != GREEDY_ALONE:
            processes[name](texts[:100], size)  # what is done but once is done
            rates[size][name] = []
    for number in range(rounds):
        for size, some in rates.items():
            for name in list(some)[:: -1 if number % 2 else 1]:
                last[size][name], seconds = processes[name](texts, size)
                some[name].append(len(texts) / seconds)
                sys.stderr.write(f"{name}, size {size}: {some[name][-1]:.0f} sentences/s\n")
    return rates, last


def profile(run: str, texts: Sequence[str]) -> None:
    """Print the operations that take the most of a search by one thread."""
    contender = peers.Attn(run, 1)
    torch.set_num_threads(1)
    for size in (1, BEAM):
        contender(texts[:100], size)
        with torch.profiler.profile() as found:
            contender(texts, size)
        table = found.key_averages().table(sort_by="self_cpu_time_total", row_limit=20)
        print(f"beam {size}, {len(texts)} sentences\n{table}")  # noqa: T201


def main() -> None:
    """Start all contenders, let them decode in turn, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True, help="the folder of a run, or one above it")
    parser.add_argument("--root", help="the folder of the dataset, if it is not where it was")
    parser.add_argument("--split", default="test", help="what is decoded")
    parser.add_argument("--sentences", type=int, default=1000, help="how many of them")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", type=Path, default=Path("build/peers"), help="where they are")
    parser.add_argument("--profile", action="store_true", help="of attn alone, by operations")
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.contender:
        serve(CONTENDERS[asked.contender], asked.run)
        return
    config = stored.config_of(runs.find(asked.run))
    if fault := peers.fault(config):
        sys.exit(fault)
    corpus = splits.corpus_of(config, asked.root)
    pairs = assemble.read(corpus, splits.named(corpus, asked.split))[: asked.sentences]
    texts, references = [pair.source for pair in pairs], [pair.target for pair in pairs]
    if asked.profile:
        profile(asked.run, texts)
        return
    started = {name: Process(name, asked.run, asked.peers) for name in CONTENDERS}
    missing = {name: one.read() for name, one in started.items()}
    there = {name: one for name, one in started.items() if missing[name] is None}
    rates, last = measure(there, texts, asked.rounds)
    scoring = assemble.scoring(config, corpus)
    for size, title in ((1, "greedy"), (BEAM, f"beam {BEAM}")):
        bleu = {
            name: scoring.corpus(said, references)["BLEU"]["score"]
            for name, said in last[size].items()
        }
        table(f"{title}, {len(texts)} sentences", rates[size], bleu)
    print()  # noqa: T201
    for name, said in last[1].items():
        differ = sum(one != other for one, other in zip(said, last[1][OURS], strict=True))
        print(f"greedy translations that differ from ours: {differ:4}  {name}")  # noqa: T201
    for name, one in started.items():
        one.close()
        if missing[name] is not None:
            print(f"left out: {name}, for {missing[name]}")  # noqa: T201


if __name__ == "__main__":
    main()
