"""A budget settled by trial: as many tokens as pay and as fit, everything else left as it was."""

import itertools
import re

import pytest
import torch
from builders import build_model
from direct import call
from leftovers import same
from messages import exactly

from attn import memory, probe, runs, snapshot
from attn.batching import Batches
from attn.checkpoint import Checkpoints
from attn.loss import Loss
from attn.optim import adamw
from attn.precision import Precision
from attn.registry import RunError
from attn.session import Session
from attn.trainer import Trainer

ENOUGH = 10**9


class Machine:
    """Trains at a rate that grows to a limit, with so much room; remembers what was tried."""

    def __init__(self, *, room=ENOUGH, half=1000):
        self.room, self.half, self.tried = room, half, []

    def __call__(self, tokens):
        self.tried.append(tokens)
        return None if tokens > self.room else 9000 * tokens / (tokens + self.half)


def test_twice_as_many_are_taken_as_long_as_they_pay():
    machine = Machine(half=1000)
    budget = probe.settle(machine, least=512, whole=ENOUGH)
    assert machine.tried == [512 * 2**doubled for doubled in range(7)]
    assert budget == probe.Budget(16384, "8482 target tokens/s, and 8733 with 32768")


@pytest.mark.parametrize("room", [700, 1024, 5000, 123_456])
def test_of_what_fits_a_margin_is_left(room):
    machine = Machine(room=room, half=ENOUGH)
    budget = probe.settle(machine, least=512, whole=ENOUGH)
    most = int(re.fullmatch(r"a tenth below (\d+), the most that fit into memory", budget.why)[1])
    assert room * (1 - 1 / probe.FINE) <= most <= room
    assert budget.tokens == max(512, int(0.9 * most))


def test_more_than_all_pairs_are_not_tried():
    machine = Machine(half=ENOUGH)
    budget = probe.settle(machine, least=512, whole=1500)
    assert budget == probe.Budget(2048, "all pairs are one batch")
    assert max(machine.tried) == 2048


def test_where_nothing_fits_it_is_told():
    said = (
        "batches.tokens=auto: out of memory with 512 tokens already; try a smaller "
        "batches.max_length or model, or trainer.checkpoint_activations=true"
    )
    with pytest.raises(RunError, match=exactly(said)):
        probe.settle(Machine(room=511), least=512, whole=ENOUGH)


# With a session


@pytest.fixture
def pairs():
    lengths = torch.randint(1, 30, (600,)).tolist()
    return [([4 + n % 5] * n, [5 + n % 3] * (1 + n % 19)) for n in lengths]


def session(dtype="fp32"):
    model = build_model(dropout=0.2).float()
    return Session(
        model=model,
        loss=Loss(),
        optimizer=adamw(parameters=model.parameters(), learning_rate=0.1),
        schedule=lambda step: 1 / step,
        precision=Precision(device="cpu", dtype=dtype),
        epoch=lambda *_: iter(()),
    )


BATCHES = Batches(tokens="auto", max_length=31)


def full_beyond(one, monkeypatch, error, places):
    """A model that has no memory for more places of a batch."""
    forward, sizes = one.model.forward, []

    def limited(source, valid, inputs):
        sizes.append(tuple(inputs.shape))
        if source.numel() > places:
            raise error
        return forward(source, valid, inputs)

    monkeypatch.setattr(one.model, "forward", limited)
    return sizes


NO_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    MemoryError(),
]


@pytest.mark.parametrize(
    ("error", "dtype"),
    [
        (NO_MEMORY[0], "fp16"),
        (NO_MEMORY[1], "fp32"),
        *(pytest.param(error, "fp32", marks=pytest.mark.slow) for error in NO_MEMORY[2:]),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_a_session_is_left_as_it_was(pairs, monkeypatch, error, dtype):
    monkeypatch.setattr(probe, "GAIN", 0.0)  # whatever the clock says
    one = session(dtype)
    weights = {name: weight.clone() for name, weight in one.model.state_dict().items()}
    state = snapshot_of(one)
    full_beyond(one, monkeypatch, error, 3000)
    budget = probe.probed(one, Trainer(), BATCHES, pairs)
    assert 2048 < budget.tokens < 3000
    assert budget.why.endswith(", the most that fit into memory")
    assert same(weights, dict(one.model.state_dict()))
    assert same(state, snapshot_of(one))
    assert not one.model.training
    assert all(weight.grad is None for weight in one.model.parameters())


def snapshot_of(one):
    """A copy of the state, by way of a file's format."""
    state = one.state()
    return {**state, "optimizer": repr(state["optimizer"]), "meter": repr(state["meter"])}


def test_training_after_it_is_as_without(pairs):
    def trained(*, first):
        torch.manual_seed(7)
        one = session()
        if first:
            probe.probed(one, Trainer(), BATCHES, pairs)
        one.model.train()
        batch = BATCHES.batch(pairs, range(17))
        for _ in range(3):
            Trainer().update(one, [batch])
        return dict(one.model.state_dict())

    assert same(trained(first=False), trained(first=True))


def test_the_longest_pairs_are_tried_first(pairs, monkeypatch):
    one = session()
    sizes = full_beyond(one, monkeypatch, MemoryError(), ENOUGH)
    budget = probe.probed(one, Trainer(), BATCHES, pairs)
    longest = max(max(map(len, pair)) for pair in pairs) + 1
    assert sizes[0][0] == probe.FIRST // longest
    assert budget.tokens >= probe.FIRST


def test_on_a_cpu_a_step_takes_its_share_of_what_is_free_at_most(pairs, monkeypatch):
    monkeypatch.setattr(probe, "GAIN", 0.0)
    whole = probe.probed(session(), Trainer(), BATCHES, pairs)
    assert whole.why == "all pairs are one batch"
    monkeypatch.setattr(memory, "free", lambda: 20 * 2**20)
    one = session()
    budget = probe.probed(one, Trainer(), BATCHES, pairs)
    assert probe.FIRST <= budget.tokens < whole.tokens / 2
    assert budget.why.endswith(", the most that fit into memory")

    def taken(tokens):
        batches = BATCHES.settled(tokens)
        batch = batches.batch(pairs, batches.from_longest(pairs)[0])
        Trainer().update(one, [batch])
        with memory.peak(torch.device("cpu"), one.model, []) as found:
            Trainer().update(one, [batch])
        return found[0]

    assert taken(budget.tokens) < probe.SHARE * memory.free() < taken(2 * budget.tokens)


def test_other_errors_pass(pairs, monkeypatch):
    one = session()
    full_beyond(one, monkeypatch, RuntimeError("something else"), 3)
    with pytest.raises(RuntimeError, match=exactly("something else")):
        probe.probed(one, Trainer(), BATCHES, pairs)


def test_the_rate_is_that_of_target_tokens(pairs, monkeypatch):
    clock = itertools.count(0.0)
    monkeypatch.setattr(probe.time, "perf_counter", lambda: next(clock))
    steps = probe._Steps(session(), Trainer(), BATCHES, pairs)
    batches = BATCHES.settled(600)
    groups = batches.from_longest(pairs)
    middle = batches.batch(pairs, groups[len(groups) // 2])
    assert steps(600) == middle.tokens


# In a run

COMMON = (
    "experiment=smoke", "study=probe", "precision.device=cpu", "dataset.train_size=150",
    "dataset.dev_size=7", "batches.tokens=auto", "trainer.log_every=4", "trainer.samples=0",
    "validation_search.max_ratio=1.0", "validation_search.max_extra=3", "trainer.evaluate_every=3",
)  # fmt: skip


@pytest.mark.long
@pytest.mark.usefixtures("unchecked")
def test_a_run_goes_on_with_the_budget_that_it_began_with(tmp_path, monkeypatch, capsys):
    def settled(tokens):
        monkeypatch.setattr(probe, "probed", lambda *_: probe.Budget(tokens, "as a test"))

    def left(output):
        kept = Checkpoints(runs.find(str(output)) / "checkpoints")
        weights, state, meta = snapshot.load(kept.find("last"))
        return weights, state["progress"], meta["budget"]

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    settled(300)
    assert call("train", *COMMON, "trainer.steps=9", output=whole) == (0, "")
    assert call("train", *COMMON, "trainer.steps=3", output=parts) == (0, "")
    settled(700)
    capsys.readouterr()
    assert call("train", *COMMON, "trainer.steps=9", output=parts) == (0, "")
    assert "batches.tokens=auto: 300 (as a test)\n" in capsys.readouterr().out
    one, other = left(whole), left(parts)
    assert same(one[0], other[0])
    for found in (one[1], other[1]):
        found.pop("seconds")
    assert one[1:] == other[1:]
    assert one[2] == {"tokens": 300, "why": "as a test"}


@pytest.mark.long
@pytest.mark.usefixtures("unchecked")
def test_a_run_settles_its_budget_by_itself(tmp_path, capsys):
    assert call("train", *COMMON, "trainer.steps=1", output=tmp_path) == (0, "")
    assert re.search(r"^batches\.tokens=auto: \d+ \(.+\)$", capsys.readouterr().out, re.M)


@pytest.mark.gpu
def test_on_a_gpu_the_budget_is_below_what_its_memory_takes(pairs):
    torch.cuda.set_per_process_memory_fraction(0.05)
    one = session()
    one.precision = Precision(device="cuda", dtype="fp32")
    one.model.to("cuda")
    one.optimizer = adamw(parameters=one.model.parameters())
    try:
        budget = probe.probed(one, Trainer(), BATCHES, pairs * 1000)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert budget.tokens >= probe.FIRST
